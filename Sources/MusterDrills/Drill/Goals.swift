public import MusterCore

/// A share that must be answered in a window.
public struct AvailabilityGoal: Hashable, Sendable {
    public var min: Percentage
    public var window: Duration
    public init(min: Percentage, window: Duration) {
        self.min = min
        self.window = window
    }
}

/// A quantile of the latency since samples were due, over a window that starts at the fault. What was not answered
/// took for ever.
public struct LatencyGoal: Hashable, Sendable {
    public var quantile: Percentage
    public var max: Duration
    public var window: Duration
    public init(
        quantile: Percentage = Percentage(millionths: 990_000), max: Duration, window: Duration
    ) {
        self.quantile = quantile
        self.max = max
        self.window = window
    }
}
