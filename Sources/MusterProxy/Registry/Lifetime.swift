import Glibc

/// A deadline on a toxic or a proxy: it takes itself away when that has passed.
struct Lifetime: Hashable, Sendable {
    /// Milliseconds, as asked.
    var asked: Int64
    /// On the registry's clock.
    var end: Duration

    /// What may be asked: a millisecond to a year.
    static let permitted: ClosedRange<Int64> = 1...31_536_000_000

    init(_ milliseconds: Int64, from now: Duration) {
        asked = milliseconds
        end = now + .milliseconds(milliseconds)
    }

    /// Milliseconds that are left, rounded up; 0 when it has passed.
    func left(at now: Duration) -> Int64 {
        guard end > now else { return 0 }
        let (seconds, attoseconds) = (end - now).components
        return seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
    }
}

/// CLOCK_BOOTTIME: monotonic, and goes on while the machine sleeps, so that a deadline that passed in a suspend
/// has passed (clock_gettime(2)).
public func bootTime() -> Duration {
    var time = timespec()
    clock_gettime(CLOCK_BOOTTIME, &time)
    return .seconds(Int64(time.tv_sec)) + .nanoseconds(Int64(time.tv_nsec))
}
