/// A point on one host's monotonic clock, in integer nanoseconds.
///
/// Instants of two hosts, or of one host across a reboot, must never be compared: the clock starts
/// anew at each boot (clock_gettime(2), CLOCK_MONOTONIC). `Event` therefore carries the boot id.
public struct Instant: Hashable, Comparable, Sendable, Codable {
    /// Nanoseconds since an arbitrary start, usually boot.
    public var nanoseconds: Int64

    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    public init(from decoder: any Decoder) throws {
        nanoseconds = try decoder.singleValueContainer().decode(Int64.self)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(nanoseconds)
    }

    public static func < (lhs: Self, rhs: Self) -> Bool { lhs.nanoseconds < rhs.nanoseconds }

    public static func + (lhs: Self, rhs: Duration) -> Self {
        Self(nanoseconds: lhs.nanoseconds + rhs.nanoseconds)
    }

    public static func - (lhs: Self, rhs: Duration) -> Self {
        Self(nanoseconds: lhs.nanoseconds - rhs.nanoseconds)
    }

    public static func - (lhs: Self, rhs: Self) -> Duration {
        .nanoseconds(lhs.nanoseconds - rhs.nanoseconds)
    }
}

/// Two instants between which something certainly happened.
public struct Bracket: Hashable, Sendable, Codable {
    /// The last instant at which it had not happened yet.
    public var lower: Instant
    /// The first instant at which it had happened.
    public var upper: Instant

    public init(_ lower: Instant, _ upper: Instant) {
        precondition(lower <= upper, "a bracket's ends are in order")
        self.lower = lower
        self.upper = upper
    }

    public var width: Duration { upper - lower }
}

/// A measured length of time: never one number, always the bounds that the evidence allows.
public struct Interval: Hashable, Sendable, Codable {
    /// The least that the evidence allows, in nanoseconds.
    public var lowerNanoseconds: Int64
    /// The most that the evidence allows, in nanoseconds; nil when observation ended before the end was
    /// seen (right-censored), so that nothing bounds it from above.
    public var upperNanoseconds: Int64?

    public init(lower: Duration, upper: Duration?) {
        lowerNanoseconds = lower.nanoseconds
        upperNanoseconds = upper?.nanoseconds
    }

    public var lower: Duration { .nanoseconds(lowerNanoseconds) }
    public var upper: Duration? { upperNanoseconds.map { .nanoseconds($0) } }
    public var isCensored: Bool { upperNanoseconds == nil }
    public var width: Duration? { upper.map { $0 - lower } }
}

extension Duration {
    /// The whole nanoseconds of this duration, truncated towards zero and clamped to what 64 bits hold.
    public var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        if overflow { return seconds < 0 ? .min : .max }
        let (sum, overflowed) = scaled.addingReportingOverflow(attoseconds / 1_000_000_000)
        return overflowed ? (seconds < 0 ? .min : .max) : sum
    }

    /// Seconds as a floating-point number, for display and arithmetic that needs no exactness.
    public var inSeconds: Double { Double(nanoseconds) / 1e9 }
}

/// Where time comes from. Everything that measures, waits or expires asks a timekeeper, so that tests can
/// move time by hand.
public protocol Timekeeper: Sendable {
    /// CLOCK_MONOTONIC: for measuring. Stands still while the machine is suspended.
    func monotonic() -> Instant
    /// CLOCK_BOOTTIME: for leases and deadlines. Goes on while the machine is suspended.
    func sinceBoot() -> Instant
    /// Wall clock in nanoseconds since 1970 UTC: for display and schedules only, never for measuring.
    func utcNanoseconds() -> Int64
}
