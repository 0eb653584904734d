import CLinux
import Glibc
import MusterCore

/// Dispositions and masks of signals (signal(7)). A blocked mask belongs to a thread and is inherited by the
/// threads that it starts: block before anything else runs.
public enum Signals {
    public static func ignore(_ signals: Int32...) throws(SystemError) {
        for signal in signals { try call("ignore signal \(signal)") { csystem_signal_ignore(signal) } }
    }

    public static func restoreDefault(_ signals: Int32...) throws(SystemError) {
        for signal in signals { try call("reset signal \(signal)") { csystem_signal_default(signal) } }
    }

    /// Blocks signals in the calling thread.
    public static func block(_ signals: [Int32]) throws(SystemError) {
        try call("block signals") { csystem_signals_block(signals, Int32(signals.count), 1) }
    }

    public static func unblock(_ signals: [Int32]) throws(SystemError) {
        try call("unblock signals") { csystem_signals_block(signals, Int32(signals.count), 0) }
    }

    /// Waits for one of the signals, which must be blocked (sigtimedwait(2)).
    /// - Returns: its number; nil when the time passed or another signal came in between.
    public static func wait(_ signals: [Int32], atMost duration: Duration) throws(SystemError) -> Int32? {
        let number = try call("wait for signals") {
            csystem_signal_wait(signals, Int32(signals.count), duration.nanoseconds)
        }
        return number == 0 ? nil : number
    }
}

/// Blocked signals as a descriptor that can be polled (signalfd(2)); non-blocking, close-on-exec.
public final class SignalDescriptor: Sendable {
    public let descriptor: Descriptor

    /// - Parameter signals: to be blocked by the caller.
    public init(_ signals: [Int32]) throws(SystemError) {
        descriptor = Descriptor(
            adopting: try call("signalfd") { csystem_signalfd(signals, Int32(signals.count)) })
    }

    /// The next pending signal; nil when there is none.
    public func next() throws(SystemError) -> Int32? {
        let number = try call("read signalfd") { csystem_signalfd_read(descriptor.number) }
        return number == 0 ? nil : number
    }
}

/// Properties of this process (prctl(2)).
public enum ThisProcess {
    /// Makes orphans below us our children instead of init's (PR_SET_CHILD_SUBREAPER).
    public static func becomeSubreaper() throws(SystemError) {
        try call("become a subreaper") { csystem_set_subreaper(1) }
    }

    /// Asks for a signal when the thread that started us ends (PR_SET_PDEATHSIG). Check the parent afterwards: it
    /// may have ended before.
    public static func setDeathSignal(_ signal: Int32) throws(SystemError) {
        try call("set the parent-death signal") { csystem_set_death_signal(signal) }
    }

    public static var pid: Int32 { getpid() }
    public static var effectiveUserID: UInt32 { geteuid() }

    /// Our own executable, open: after a rebuild its path runs other code, this does not.
    public static func openExecutable() throws(SystemError) -> Descriptor {
        try Descriptor(opening: "/proc/self/exe", O_RDONLY)
    }
}
