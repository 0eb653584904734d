public import MusterCore

/// How long the engine may be silent. Counts CLOCK_BOOTTIME: a machine that slept does not come back to a
/// fault that nobody watches.
public struct Lease: Hashable, Sendable {
    public let duration: Duration
    private var renewedAt: Instant

    public init(_ duration: Duration, at now: Instant) {
        precondition(duration > .zero, "a lease lasts some time")
        self.duration = duration
        renewedAt = now
    }

    /// - Parameter now: CLOCK_BOOTTIME. An earlier instant than the last one changes nothing.
    public mutating func renew(at now: Instant) { renewedAt = max(renewedAt, now) }
    public var end: Instant { renewedAt + duration }
    public func hasLapsed(at now: Instant) -> Bool { now >= end }
    /// What is left, never negative.
    public func left(at now: Instant) -> Duration { max(.zero, end - now) }
}
