import CLinux
import Glibc
public import MusterCore

/// A reference to one process, whoever gets its number later (pidfd_open(2)).
public final class PidDescriptor: Sendable {
    public let descriptor: Descriptor

    public init(adopting number: Int32) { descriptor = Descriptor(adopting: number) }

    /// - Throws: `SystemError` ESRCH when there is no such process.
    public init(of pid: Int32) throws(SystemError) {
        descriptor = Descriptor(
            adopting: try call("open process \(pid)") { csystem_pidfd_open(pid) })
    }

    /// The process of that identity; nil when it is gone or another one has its number.
    /// - Throws: `SystemError`, but not because it is gone.
    public static func of(_ identity: ProcessIdentity) throws(SystemError) -> PidDescriptor? {
        guard try bootID() == identity.bootID else { return nil }
        do throws(SystemError) {
            let found = try PidDescriptor(of: identity.pid)
            // Read after opening: if the number was reused in between, the ticks differ.
            guard let stat = try ProcessStat.read(identity.pid), stat.startTicks == identity.startTicks else {
                return nil
            }
            return found
        } catch  where error.code == ESRCH || error.code == EINVAL {
            return nil
        }
    }

    /// Sends a signal.
    /// - Returns: false when the process has ended.
    @discardableResult
    public func send(_ signal: Int32) throws(SystemError) -> Bool {
        do throws(SystemError) {
            try call("send signal \(signal)") { csystem_pidfd_send_signal(descriptor.number, signal) }
            return true
        } catch  where error.code == ESRCH {
            return false
        }
    }

    /// Waits until the process has ended, also one that is not our child.
    /// - Parameter deadline: on CLOCK_MONOTONIC; nil waits for ever.
    /// - Returns: false when the deadline passed first.
    public func waitForEnd(until deadline: Instant?) throws(SystemError) -> Bool {
        try waitFor([Interest(descriptor.number, .readable)], until: deadline)[0].contains(.readable)
    }

    /// Whether the process has ended (a zombie has).
    public func hasEnded() throws(SystemError) -> Bool { try waitForEnd(until: Instant(nanoseconds: 0)) }

    /// How our child ended (waitid(2), P_PIDFD); nil while it runs.
    /// - Throws: `SystemError` ECHILD when it is not our child or was waited for already.
    public func reap() throws(SystemError) -> ExitStatus? {
        var code: Int32 = 0
        var status: Int32 = 0
        try call("wait for a child") { csystem_pidfd_wait(descriptor.number, &code, &status) }
        switch code {
        case 0: return nil
        case Int32(CLD_EXITED): return .exited(status)
        default: return .signalled(status)
        }
    }

    func wait(until deadline: Instant?) throws(SystemError) -> ExitStatus? {
        guard try waitForEnd(until: deadline) else { return nil }
        return try reap()
    }
}
