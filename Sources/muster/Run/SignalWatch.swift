import Dispatch
import Foundation
import MusterCore
import MusterDrills

/// Ctrl-C, SIGTERM and a closing terminal ask for an abort; a second one says that the revert goes
/// on, or ends a read-back.
///
/// Uses dispatch sources with the signals ignored: with libdispatch in the process, blocked signals alone are
/// delivered all the same.
final class SignalWatch: @unchecked Sendable {
    private var sources: [any DispatchSourceSignal] = []

    /// - Parameter order: why whoever sent SIGINT did so; nil when nobody said.
    convenience init(
        order: @escaping @Sendable () -> String? = { nil },
        _ report: @escaping @Sendable (_ reason: String) -> Void
    ) {
        let reasons = [
            SIGINT: "Ctrl-C, or muster abort", SIGTERM: "SIGTERM", SIGHUP: "the terminal closed (SIGHUP)",
        ]
        // A game day's drill gets SIGINT from the kernel when the day's process dies: nobody typed anything then.
        let parent = getppid()
        self.init(Array(reasons.keys)) { number in
            if number == SIGINT, let words = order() { return report(words) }
            let isOrphan = number == SIGINT && Self.hasLost(parent)
            report(isOrphan ? "SIGINT, after the process that started it ended" : reasons[number] ?? "")
        }
    }

    /// Whether the process that started this one is gone. The signal comes when the thread ends that started it
    /// (PR_SET_PDEATHSIG), while others of the same process may live for another moment. Only who leads a session was
    /// started in that way; people's own terminals are not waited for.
    private static func hasLost(_ parent: pid_t) -> Bool {
        for _ in 0..<25 where getppid() == parent && getsid(0) == getpid() { usleep(10_000) }
        return getppid() != parent
    }

    /// - Parameter report: called with the number of each that comes, on a thread of dispatch's.
    init(_ signals: [Int32], _ report: @escaping @Sendable (Int32) -> Void) {
        signal(SIGPIPE, SIG_IGN)
        for number in signals {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { report(number) }
            source.resume()
            sources.append(source)
        }
    }
}

/// What Ctrl-C means to everything that `muster run` was asked for: the drill that runs is told, and no other one
/// begins. From the first drill's start to the end of the last, so that none falls between two of them.
final class StopLatch: @unchecked Sendable {
    private let lock = NSLock()
    // Guarded by `lock`.
    private var first: String?
    private var forward: (@Sendable (String) -> Void)?
    /// Counts what was told of signals, one after the other.
    private var turn = 0
    /// What was done so far ended with these.
    private var codes: [Status] = []
    private var watch: SignalWatch?

    /// - Parameter order: as `SignalWatch`.
    init(order: @escaping @Sendable () -> String? = { nil }) {
        watch = SignalWatch(order: order) { [weak self] in self?.take($0) }
    }

    /// Why nothing more is to begin; nil while nobody asked for that.
    var reason: String? { lock.withLock { first } }

    /// - Parameter forward: hears of every signal from now on, and of one that came already.
    func tell(_ forward: (@Sendable (String) -> Void)?) {
        let missed = lock.withLock { () -> String? in
            self.forward = forward
            turn += 1
            return first
        }
        if let missed { forward?(missed) }
    }

    /// Writes what there is to say, for as long as nobody reads it. A signal meanwhile ends the process unless that is
    /// over soon after: nothing is under way that would have to be put back or kept. Whoever was told of signals is not
    /// told any more.
    /// - Parameter status: of what was done last, which nothing that comes later makes better; nil when nothing was.
    func whileNobodyReads(leaveWith status: Status? = nil, _ write: () -> Void) {
        lock.withLock {
            turn += 1
            if let status { codes.append(status) }
            let code = codes.isEmpty ? Status.aborted : Status.worst(codes)
            forward = { [weak self, turn] _ in self?.leaveSoon(turn, code) }
        }
        write()
        tell(nil)
    }

    private func leaveSoon(_ turn: Int, _ status: Status) {
        DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(500)) { [self] in
            // At once: the thread that writes cannot be ended, and what it holds on to is of no use.
            if lock.withLock({ self.turn == turn }) { _exit(status.rawValue) }
        }
    }

    private func take(_ reason: String) {
        let forward = lock.withLock { () -> (@Sendable (String) -> Void)? in
            first = first ?? reason
            return self.forward
        }
        forward?(reason)
    }
}
