import CLinux
public import MusterCore

/// A timer on the wall clock that can be polled (timerfd_create(2), CLOCK_REALTIME). It is also ready when somebody sets
/// the clock: what was far off may be due now, and the other way round.
public final class WallTimer: Sendable {
    public enum Ring: Hashable, Sendable {
        case due
        /// The clock was set (TFD_TIMER_CANCEL_ON_SET); the timer has to be set again.
        case clockWasSet
    }

    public let descriptor: Descriptor

    public init() throws(SystemError) {
        descriptor = Descriptor(adopting: try call("make a timer") { csystem_wall_timer_new() })
    }

    /// Sets it. A moment that has passed rings at once.
    public func set(_ moment: Moment) throws(SystemError) {
        // Zero would stop it.
        let at = max(1, moment.utcNanoseconds)
        try call("set a timer") { csystem_wall_timer_set(descriptor.number, at) }
    }

    /// Why it is ready; nil when it is not.
    public func take() throws(SystemError) -> Ring? {
        switch try call("read a timer", { csystem_wall_timer_read(descriptor.number) }) {
        case 1: .due
        case 2: .clockWasSet
        default: nil
        }
    }
}
