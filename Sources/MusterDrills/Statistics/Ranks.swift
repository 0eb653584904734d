import MusterCore

/// Bounds on quantiles by rank: they hold for every distribution, because only the order of the figures is used.
public enum Ranks {
    /// The least rank r for which the r-th smallest of `count` figures is an upper bound of the quantile; nil when
    /// not even the greatest is.
    ///
    /// r figures below the quantile are certain enough once P(Bin(count, quantile) ≤ r − 1) reaches the confidence.
    /// - Parameter quantile: 0.5 for the median.
    public static func upperBound(
        ofQuantile quantile: Double, count: Int, confidence: Double = 0.95
    ) -> Int? {
        guard count > 0 else { return nil }
        return (1...count).first {
            Binomial.probability(ofAtMost: $0 - 1, in: count, chance: quantile) >= confidence
        }
    }

    /// The ranks of the two figures between which the median lies, and how surely.
    public struct MedianInterval: Hashable, Sendable {
        public var lower: Int
        public var upper: Int
        /// At least the confidence asked for; figures are discrete.
        public var coverage: Double
    }

    /// The narrowest symmetric pair of ranks around the median; nil for too few figures.
    public static func medianInterval(count: Int, confidence: Double = 0.95) -> MedianInterval? {
        guard count > 1 else { return nil }
        let pairs = (1...(count / 2)).map { rank in
            MedianInterval(
                lower: rank, upper: count + 1 - rank,
                coverage: 1 - 2 * Binomial.probability(ofAtMost: rank - 1, in: count, chance: 0.5))
        }
        return pairs.last { $0.coverage >= confidence }
    }

    /// The highest quantile that the greatest of `count` figures bounds: 74 % for ten of them.
    public static func quantileBelowGreatest(count: Int, confidence: Double = 0.95) -> Double {
        // That is the rate that so many successes without a failure prove.
        SuccessRate(count, of: count).lowerBound(confidence: confidence)
    }
}
