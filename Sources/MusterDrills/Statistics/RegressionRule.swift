public import MusterCore

/// When a recovery time counts as having got worse since an earlier group of repeats. All three must hold, so that
/// it cries rarely and means it: chance is an unlikely reason, the change matters, and nothing else was changed.
public enum RegressionRule {
    /// Chance must be less likely a reason than this.
    public static let level = 0.01

    public enum Finding: Hashable, Sendable {
        /// It got slower.
        /// - shift: in nanoseconds; infinite when most now are not seen to recover.
        case slower(shift: Double, p: Double)
        /// Nothing that counts: p is too great, or the shift no more than `needed` nanoseconds.
        case notProven(shift: Double, needed: Double, p: Double)
        /// Groups of these sizes could never raise an alarm.
        case tooFew(leastP: Double)
    }

    /// - Parameters:
    ///   - earlier: recovery times of the earlier group, and `present` those now. Of the bounds of each the middle
    ///     is compared; what was not seen to end is longer than all others.
    public static func compare(_ earlier: [Interval], _ present: [Interval]) -> Finding {
        let leastP = MannWhitney.leastP(earlier.count, present.count)
        guard leastP < level else { return .tooFew(leastP: leastP) }
        let before = earlier.map(middle)
        let test = MannWhitney(before, present.map(middle))
        // A shift that the bounds themselves could hide is none.
        let widths = (earlier + present).compactMap { $0.width.map { Double($0.nanoseconds) } }
        let needed = max(0.1 * median(before), 2 * (widths.isEmpty ? 0 : median(widths)))
        let isSlower = test.p < level && test.shift > needed
        return isSlower
            ? .slower(shift: test.shift, p: test.p)
            : .notProven(shift: test.shift, needed: needed, p: test.p)
    }

    private static func middle(_ interval: Interval) -> Double {
        guard let upper = interval.upperNanoseconds else { return .infinity }
        return Double(interval.lowerNanoseconds) / 2 + Double(upper) / 2
    }
}
