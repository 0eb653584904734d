import Glibc
import MusterCore
import MusterSystem

/// Has hands mend everything that is open, and replaces them when they die or hang: what a warden and
/// `muster undo` do. What hung is tried last by the next hands.
struct MendingRun {
    let executable: Descriptor
    let state: String
    /// How long one fact may take (SAFETY 3), and a little more.
    var factLimit: Duration = .seconds(32)

    /// Tries again with back-off while anything is open and time is left.
    /// - Parameter forgivesFailures: also tries again when hands cannot work at all: for whoever is the last that
    ///   would, and has nobody to tell.
    /// - Throws: what the hands said when they cannot work, or that none of them lived long enough to say what is
    ///   open: that nothing is open must have been seen, never concluded from silence.
    func untilClosed(within limit: Duration, forgivesFailures: Bool = false) throws -> UndoReply {
        let clock = SystemTimekeeper()
        let deadline = clock.monotonic() + limit
        var pause = Duration.milliseconds(100)
        var deferred: [InjectionID] = []
        while true {
            var failure = GuardFailure(
                .host, "the hands died or hung before they could say what is open",
                advice: "run `muster undo` again; see `muster doctor`")
            var reply: UndoReply?
            do {
                let (found, hung) = try once(deferred)
                if let hung { deferred = deferred.filter { $0 != hung } + [hung] }
                reply = found
            } catch {
                guard forgivesFailures else { throw error }
                failure = GuardFailure(error)
            }
            let now = clock.monotonic()
            if let reply, reply.open == 0 || reply.isHopeless || now + pause >= deadline { return reply }
            if now >= deadline {
                guard let reply else { throw failure }
                return reply
            }
            clock.sleep(for: pause)
            pause = min(pause * 2, .seconds(5))
        }
    }

    /// One try.
    /// - Returns: what was done, or what the hands were doing when they died or had to be killed.
    func once(_ deferred: [InjectionID] = []) throws -> (UndoReply?, hung: InjectionID?) {
        let clock = SystemTimekeeper()
        let hands = try HandsLink(executable: executable, state: state, deferred: deferred)
        defer { hands.kill() }
        var current: InjectionID?
        var deadline = clock.monotonic() + factLimit
        while clock.monotonic() < deadline {
            try waitFor(
                [Interest(hands.descriptor, .readable)], until: min(deadline, clock.monotonic() + .seconds(1))
            )
            if hands.isStopped { return (nil, current) }
            guard let messages = try hands.receive() else { return (nil, current) }
            for message in messages {
                switch message {
                case .standing: break
                case .progress(let id, _): current = id
                case .mended(let reply): return (reply, nil)
                case .failed(let failure): throw failure
                case .forward, .done: break
                }
                deadline = clock.monotonic() + factLimit
            }
        }
        return (nil, current)
    }
}
