public import MusterCore

/// Figures that are known between bounds prove different things by different ends.
extension Sequence<Interval> {
    /// Whether every one certainly is at most `limit`: decided by the upper ends. What was not seen to end proves
    /// nothing of the kind.
    public func proveAtMost(_ limit: Duration) -> Bool {
        allSatisfy { interval in interval.upper.map { $0 <= limit } ?? false }
    }

    /// Whether every one certainly is more than `limit`: decided by the lower ends.
    public func proveMore(than limit: Duration) -> Bool { allSatisfy { $0.lower > limit } }

    /// The bounds of the figure of this rank, counted from 1: the lower ends in order give its lower end, the upper
    /// ends in order its upper one.
    /// - Parameter rank: between 1 and the number of figures.
    public func ranked(_ rank: Int) -> Interval {
        let lower = map(\.lowerNanoseconds).sorted()[rank - 1]
        let upper = map { $0.upperNanoseconds ?? .max }.sorted()[rank - 1]
        return Interval(lower: .nanoseconds(lower), upper: upper == .max ? nil : .nanoseconds(upper))
    }
}
