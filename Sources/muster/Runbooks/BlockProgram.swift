import Foundation
import MusterCore
import MusterSystem

/// Knows what an attempt runs, so that somebody finds it when we are killed.
protocol AttemptWatch {
    /// Beside the step's own environment.
    var environment: [String: String] { get }
    /// Hears which process it is before that runs its first instruction; what it throws keeps it from doing so.
    func begins(_ process: ProcessIdentity) throws
    /// It has ended.
    /// - Parameter isCutOff: whether the run was broken off.
    /// - Returns: why it counts as broken off though it was not by us; nil: it does not.
    func isOver(isCutOff: Bool) -> String?
}

/// One attempt at a block of a runbook: its shell, in a session and process group of its own, which is ended with
/// everything in it when the time is over or somebody breaks the run off.
struct BlockProgram {
    enum End {
        case exited(Int32)
        case signalled(Int32)
        case timedOut
        case cancelled(String)
        case notStarted(String)
    }

    var shell: String
    var body: String
    /// In front of the body.
    var flags = ["-c"]
    var environment: [String: String]
    var directory: String
    /// Keeps standard output apart, whole, as something to be captured.
    var isCapture = false
    /// Whether it is ended when the thread that runs it ends, as when we are killed: for what changes nothing.
    var endsWithUs = false
    var watch: (any AttemptWatch)?

    /// More is no value of a variable: the environment and the arguments of a program share a limit (execve(2)).
    static let largestCapture = 64 << 10
    /// What is told to end has so long to do it in its own way; none: it is killed at once.
    var grace = Duration.seconds(1)
    private static let clock = SystemTimekeeper()

    /// - Parameters:
    ///   - tail: gets what it says.
    ///   - stop: why the run is broken off; asked all the time.
    ///   - tick: called about fifty times a second.
    /// - Returns: how it ended, and of a capture its standard output.
    func run(
        within limit: Duration, tail: inout OutputTail, stop: () -> String?, tick: () -> Void
    ) -> (end: End, captured: [UInt8]) {
        guard let program = Files.program(shell) else {
            return (.notStarted("there is no shell '\(shell)' on this machine"), [])
        }
        guard Files.isDirectory(directory) else {
            return (.notStarted("there is no directory \(directory) to run it in"), [])
        }
        do {
            let errors = try Descriptor.pipe()
            let output = isCapture ? try Descriptor.pipe() : errors
            let child = try start(program, output: output.write, errors: errors.write)
            if let watch, let identity = try processIdentity(of: child.pid) {
                // What cannot be kept is not begun, and neither is what would follow.
                do { try watch.begins(identity) } catch {
                    return (.cancelled("it cannot be kept: \(RunbookText.words(error))"), [])
                }
            }
            try child.release()
            for end in [errors.read, output.read] { try end.setNonblocking() }
            var streams = Streams(errors: errors.read, output: isCapture ? output.read : nil)
            let end = try follow(child, &streams, until: Self.clock.monotonic() + limit, &tail, stop, tick)
            var isCutOff = false
            if case .cancelled = end { isCutOff = true }
            if let reason = watch?.isOver(isCutOff: isCutOff) { return (.cancelled(reason), []) }
            return (end, streams.captured)
        } catch {
            return (.notStarted(describe(error)), [])
        }
    }

    private func start(_ program: String, output: Descriptor, errors: Descriptor) throws -> Child {
        var spawn = Spawn([program] + flags + [body])
        let all = environment.merging(watch?.environment ?? [:]) { _, new in new }
        spawn.environment = all.map { "\($0.key)=\($0.value)" }
        spawn.directory = directory
        spawn.output = .descriptor(output.number)
        spawn.errors = .descriptor(errors.number)
        spawn.newSession = true
        if endsWithUs { spawn.deathSignal = SIGKILL }
        spawn.isGated = watch != nil
        return try spawn.start()
    }

    private struct Streams {
        let errors: Descriptor
        /// nil when it is the same as `errors`.
        let output: Descriptor?
        var captured: [UInt8] = []
        /// Those that nobody can write to any more.
        private var over: Set<Int32> = []

        init(errors: Descriptor, output: Descriptor?) {
            self.errors = errors
            self.output = output
        }

        /// Waits until there is something to read, the process ends, or `deadline`.
        func wait(_ child: Child, until deadline: Instant) throws {
            let open = [errors.number, output?.number].compactMap { $0 }.filter { !over.contains($0) }
            let all = [child.pidfd.descriptor.number] + open
            _ = try waitFor(all.map { Interest($0, .readable) }, until: deadline)
        }

        mutating func drain(_ tail: inout OutputTail) throws {
            // Bounded, so that one that says more than can be read is still ended in time.
            try drain(errors) { tail.add($0) }
            guard let output else { return }
            var captured = captured
            try drain(output) { if captured.count <= BlockProgram.largestCapture { captured += $0 } }
            self.captured = captured
        }

        private mutating func drain(_ end: Descriptor, _ take: ([UInt8]) -> Void) throws {
            for _ in 0..<64 {
                switch try end.read(upTo: 65_536) {
                case .bytes(let bytes): take(bytes)
                case .wouldBlock: return
                case .end:
                    over.insert(end.number)
                    return
                }
            }
        }
    }

    private func follow(
        _ child: Child, _ streams: inout Streams, until end: Instant, _ tail: inout OutputTail,
        _ stop: () -> String?, _ tick: () -> Void
    ) throws -> End {
        while true {
            // At once when it says something: what it says must not wait for us.
            try streams.wait(child, until: Self.clock.monotonic() + .milliseconds(20))
            let status = try child.wait(for: .zero)
            try streams.drain(&tail)
            switch status {
            case .exited(let code)?: return .exited(code)
            case .signalled(let number)?: return .signalled(number)
            case nil: break
            }
            tick()
            let reason = stop()
            guard reason != nil || Self.clock.monotonic() >= end else { continue }
            try terminate(child)
            try streams.drain(&tail)
            return reason.map { .cancelled($0) } ?? .timedOut
        }
    }

    /// Asks the whole group to end, waits for a moment, and ends whatever is left of the session.
    private func terminate(_ child: Child) throws {
        if grace > .zero { _ = kill(-child.pid, SIGTERM) }
        // Without waiting for the child itself: until that is done, nobody else gets the session's number.
        _ = try child.pidfd.waitForEnd(until: Self.clock.monotonic() + grace)
        child.killSession()
        _ = try child.wait(for: .seconds(2))
    }
}
