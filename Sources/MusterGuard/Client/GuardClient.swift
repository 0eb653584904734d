import Glibc
public import MusterCore
import MusterSystem
import Synchronization

/// An answer, with the instants between which the guard did the work.
public struct Timed<Answer: Sendable>: Sendable {
    public var answer: Answer
    /// CLOCK_MONOTONIC of this host: just before the request was sent, just after the answer was read.
    public var bracket: Bracket
    /// CLOCK_MONOTONIC of the guard's host around the work; comparable with ours only when the boot ids match.
    public var guardBracket: Bracket
}

/// The engine's end of a guard. Every method may be called from any thread, and waits for the answer; a thread
/// of its own reads, another renews the lease every quarter of it.
public final class GuardClient: Sendable {
    /// Called once, on a thread of the client's, when the guard is lost: an end without goodbye, a line that is
    /// not of the protocol, or renewals not acknowledged for half a lease. What is open is unknown from then on
    /// (SAFETY 15); the guard or its warden puts it back by itself.
    public typealias LossHandler = @Sendable (GuardFailure) -> Void
    /// Called on the reading thread for what the guard says unasked.
    public typealias EventHandler = @Sendable (GuardEvent) -> Void

    public let hello: Hello
    let shared: ClientState

    /// Waits for the guard's hello.
    /// - Parameters:
    ///   - input: what the guard writes; a copy is taken, the caller may close its own.
    ///   - output: what the guard reads; likewise.
    ///   - nonce: the one on the guard's command line.
    ///   - isAlive: whether the engine's own work goes on; while it does not, the lease is not renewed, so that
    ///     an engine whose control loop hangs is as good as dead.
    ///   - renewing: false leaves renewals to the caller, for tests.
    /// - Throws: `GuardFailure`: the guard's own refusal (`locked`, …), or `lost` with the banner that came
    ///   instead of a hello within `helloWithin`.
    public init(
        reading input: Int32, writing output: Int32, nonce: String, helloWithin: Duration = .seconds(10),
        renewing: Bool = true, isAlive: @escaping @Sendable () -> Bool = { true },
        onEvent: @escaping EventHandler = { _ in },
        onLoss: @escaping LossHandler = { _ in }
    ) throws {
        let input = try Descriptor.duplicate(input)
        let output = try Descriptor.duplicate(output)
        try output.setNonblocking()
        let (hello, reader) = try Self.discover(input, nonce, helloWithin)
        self.hello = hello
        shared = ClientState(
            input: input, output: output, lease: .nanoseconds(hello.lease), onEvent: onEvent, onLoss: onLoss)
        guard hello.protocol == Hello.current else {
            throw GuardFailure(
                .unsupported, "the guard speaks protocol \(hello.protocol), this engine \(Hello.current)",
                advice: "install the same version of Muster on both sides")
        }
        let shared = shared
        try startThread(name: "guard-reader") { shared.readLoop(reader) }
        if renewing { try startThread(name: "guard-renewer") { shared.renewLoop(while: isAlive) } }
    }

    deinit { shared.end() }

    /// Whether the guard was lost, and how.
    public var loss: GuardFailure? { shared.state.withLock { $0.loss } }

    // MARK: Requests

    /// What would be touched; changes nothing.
    public func plan(_ wish: InjectionWish) throws -> PlanReply {
        try ask(.plan(wish), PlanReply.self, .seconds(60)).answer
    }

    /// - Parameter deadline: how long the fault may take; a guard whose hands take longer ends them.
    /// - Returns: the journal's row. The bracket holds the instant of the injection.
    public func inject(_ wish: InjectionWish, deadline: Duration = .seconds(60)) throws -> Timed<Injection> {
        try ask(.inject(wish), Injection.self, deadline)
    }

    public func effect(_ id: InjectionID) throws -> Timed<Effect> {
        try ask(.effect(id), Effect.self, .seconds(30))
    }

    /// - Parameters:
    ///   - ids: nil undoes everything that is open.
    ///   - recovered: those of `mending: byRecovery` whose recovery the drill has proven.
    public func undo(_ ids: [InjectionID]?, recovered: [InjectionID] = [], deadline: Duration = .seconds(180))
        throws
        -> Timed<UndoReply>
    {
        try ask(.undo(ids, recovered: recovered), UndoReply.self, deadline)
    }

    /// Has the injection of a runbook's step closed that ended by itself; what it left running stays.
    /// - Returns: false when it was not open any more: somebody undid it, and so ended the step.
    public func ended(_ step: InjectionID) throws -> Bool {
        try ask(.ended(step), Bool.self, .seconds(60)).answer
    }

    public func list() throws -> [Injection] { try ask(.list, [Injection].self, .seconds(30)).answer }

    /// Reads every open fact again; changes nothing.
    public func check() throws -> [UndoReport] { try ask(.check, [UndoReport].self, .seconds(60)).answer }

    public func supervisor(_ id: InjectionID, _ request: SupervisorRequest) throws -> Timed<SupervisorStatus>
    {
        try ask(.supervisor(id, request), SupervisorStatus.self, .seconds(75))
    }

    /// Renews the lease; the client does so by itself.
    /// - Returns: what is left of the lease.
    @discardableResult
    public func renew() throws -> Duration {
        .nanoseconds(try ask(.renew, RenewReply.self, .seconds(5)).answer.left)
    }

    /// Has everything undone; answered at once, an `undone` event follows.
    public func abort(reason: String) throws {
        _ = try ask(.abort(reason: reason), RenewReply.self, .seconds(5))
    }

    /// Ends the session: the guard undoes what is open, reports, and ends. Not a loss.
    public func bye(deadline: Duration = .seconds(180)) throws -> UndoReply {
        shared.state.withLock { $0.saidBye = true }
        let reply = try ask(.bye, UndoReply.self, deadline).answer
        shared.end()
        return reply
    }

    /// Sends a request as it is, for tests and later versions.
    func ask<Answer: Codable & Sendable>(
        _ command: GuardCommand, _ type: Answer.Type, _ deadline: Duration
    ) throws -> Timed<Answer> {
        try shared.ask(command, type, deadline)
    }

    private static func discover(_ input: Descriptor, _ nonce: String, _ limit: Duration) throws -> (
        Hello, LineReader
    ) {
        let clock = SystemTimekeeper()
        let deadline = clock.monotonic() + limit
        var finder = HelloFinder(nonce: nonce)
        while true {
            guard try !waitFor([Interest(input.number, .readable)], until: deadline)[0].isEmpty else {
                throw silent("said nothing that a guard would within \(limit.forPeople)", finder)
            }
            let read = try? input.read(upTo: 65536)
            if case .wouldBlock? = read { continue }
            guard case .bytes(let bytes)? = read else { throw silent("ended before it said hello", finder) }
            switch try finder.take(bytes) {
            case .hello(let hello): return (hello, finder.reader)
            case .refused(let failure): throw failure
            case nil: continue
            }
        }
    }

    private static func silent(_ how: String, _ finder: HelloFinder) -> GuardFailure {
        let banner = finder.bannerText
        return GuardFailure(
            .lost, "the guard's command \(how)" + (banner.isEmpty ? "" : "; it said: \(banner)"),
            advice: "run the command by hand and see what it prints")
    }
}
