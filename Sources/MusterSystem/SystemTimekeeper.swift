import Glibc
public import MusterCore
import Synchronization

/// The clocks of this machine (clock_gettime(2)).
public struct SystemTimekeeper: Timekeeper {
    public init() {}

    public func monotonic() -> Instant { Instant(nanoseconds: Self.read(CLOCK_MONOTONIC)) }
    public func sinceBoot() -> Instant { Instant(nanoseconds: Self.read(CLOCK_BOOTTIME)) }
    public func utcNanoseconds() -> Int64 {
        Self.read(CLOCK_REALTIME) + Self.pretendedStep.load(ordering: .relaxed)
    }

    /// Lets this process alone believe that somebody set the wall clock: calibration tries whether it is noticed, and
    /// must not touch the machine's.
    public static func pretendStep(by duration: Duration) {
        pretendedStep.add(duration.nanoseconds, ordering: .relaxed)
    }

    private static let pretendedStep = Atomic<Int64>(0)

    /// Sleeps on CLOCK_MONOTONIC; returns at once when `instant` has passed.
    public func sleep(until instant: Instant) {
        var time = timespec(instant.nanoseconds)
        while clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nil) == EINTR {}
    }

    public func sleep(for duration: Duration) { sleep(until: monotonic() + duration) }

    private static func read(_ clock: Int32) -> Int64 {
        var time = timespec()
        // Cannot fail for these clocks on any Linux that runs this.
        let result = clock_gettime(clock, &time)
        precondition(result == 0, "clock_gettime failed")
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}

extension timespec {
    /// A time or a length of time in nanoseconds; negative ones become zero.
    init(_ nanoseconds: Int64) {
        let positive = max(0, nanoseconds)
        self.init(tv_sec: Int(positive / 1_000_000_000), tv_nsec: Int(positive % 1_000_000_000))
    }
}
