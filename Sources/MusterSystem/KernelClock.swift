import CLinux
import Glibc

/// What the kernel knows of its own clock.
public enum KernelClock {
    /// The largest error that the kernel counts with (adjtimex(2), `maxerror`), which grows while nobody keeps the
    /// clock; nil when it is marked as unsynchronised (`STA_UNSYNC`).
    public static func estimatedError() -> Duration? {
        var microseconds: Int64 = 0
        return csystem_clock_error(&microseconds) == 0 ? .microseconds(microseconds) : nil
    }
}
