import MusterCore

/// What some drills say about the share of all drills like them that would succeed. The unit is the drill, not
/// the write: a million writes in one drill met the fault once.
public struct SuccessRate: Hashable, Sendable {
    public let successes: Int
    public let trials: Int

    public init(_ successes: Int, of trials: Int) {
        precondition(0 <= successes && successes <= trials, "no more successes than trials")
        self.successes = successes
        self.trials = trials
    }

    /// The least rate that is not refuted: one-sided lower bound of Clopper and Pearson (Biometrika 26, 1934). It
    /// covers at least as often as it says, for any number of trials; 0 when nothing succeeded.
    public func lowerBound(confidence: Double = 0.95) -> Double {
        guard successes > 0 else { return 0 }
        // Where P(X ≥ successes) rises to what is left of the confidence.
        return bisection(of: 1 - confidence) { rate in
            1 - Binomial.probability(ofAtMost: successes - 1, in: trials, chance: rate)
        }
    }

    /// The greatest rate that is not refuted; 1 when nothing failed.
    public func upperBound(confidence: Double = 0.95) -> Double {
        1 - SuccessRate(trials - successes, of: trials).lowerBound(confidence: confidence)
    }

    /// Two-sided score interval of Wilson (JASA 22, 1927): narrower than Clopper and Pearson's, and right on
    /// average only.
    /// - Parameter deviations: of the normal distribution; 1.96 for 95 %.
    public func wilson(deviations: Double = 1.959_963_984_540_054) -> ClosedRange<Double> {
        guard trials > 0 else { return 0...1 }
        let count = Double(trials)
        let rate = Double(successes) / count
        let square = deviations * deviations
        let centre = rate + square / (2 * count)
        let spread = deviations * (rate * (1 - rate) / count + square / (4 * count * count)).squareRoot()
        let scale = 1 + square / count
        return max(0, (centre - spread) / scale)...min(1, (centre + spread) / scale)
    }

    /// The failure rate that `trials` without a single failure still allow, about 3 divided by their number.
    public static func failureBound(withoutFailureIn trials: Int, confidence: Double = 0.95) -> Double {
        SuccessRate(0, of: trials).upperBound(confidence: confidence)
    }

    /// How many drills must be run so that "the `quantile` quantile lies below the limit" is proven by all of them
    /// (or by all but `allowed`) staying below it.
    /// - Parameters:
    ///   - quantile: above 0 and below 1, such as 0.95.
    ///   - allowed: how many may lie above the limit.
    public static func drillsNeeded(
        toProve quantile: Double, confidence: Double = 0.95, allowing allowed: Int = 0
    ) -> Int {
        precondition(0 < quantile && quantile < 1 && 0 < confidence && confidence < 1 && allowed >= 0)
        func proves(_ drills: Int) -> Bool {
            Binomial.probability(ofAtMost: allowed, in: drills, chance: 1 - quantile) <= 1 - confidence
        }
        var enough = allowed + 1
        while !proves(enough) { enough *= 2 }
        var few = enough / 2
        while enough - few > 1 {
            let middle = (few + enough) / 2
            if proves(middle) { enough = middle } else { few = middle }
        }
        return enough
    }
}
