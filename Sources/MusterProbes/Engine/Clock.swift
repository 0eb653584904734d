import Glibc
import MusterCore

/// CLOCK_MONOTONIC, read directly: in Swift on Linux `ContinuousClock` is CLOCK_BOOTTIME, which goes on while
/// the machine is suspended (clock_gettime(2)).
@inline(__always) func monotonicNow() -> Instant {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Instant(nanoseconds: Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec))
}
