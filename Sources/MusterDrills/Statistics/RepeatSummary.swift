public import MusterCore

/// What a group of repeats proves, and how surely. A pure function of what was recorded.
public struct RepeatSummary: Sendable {
    /// Of all bounds, one-sided.
    public static let confidence = 0.95

    /// How often one objective was met. What is inconclusive was not met, as far as is proven.
    public struct ObjectiveRate: Hashable, Sendable {
        /// `verdict` for all objectives together.
        public var name: String
        public var objective: String
        public var met: Int
        public var missed: Int
        public var inconclusive: Int

        public var count: Int { met + missed + inconclusive }
        public var atLeast: Double {
            SuccessRate(met, of: count).lowerBound(confidence: RepeatSummary.confidence)
        }
        public var atMost: Double {
            SuccessRate(met + inconclusive, of: count).upperBound(confidence: RepeatSummary.confidence)
        }
    }

    /// How often a prediction held.
    public struct PredictionRate: Hashable, Sendable {
        public var name: String
        public var predicted: String
        public var within: Int
        public var outside: Int
        /// It could not be told, also where a run was not judged.
        public var unknown: Int
        public var count: Int { within + outside + unknown }
    }

    /// Lost or corrupt acknowledged writes, over the runs of which that is known.
    public struct Losses: Hashable, Sendable {
        public var least: Int
        public var most: Int
        public var knownRuns: Int
        public var unknownRuns: Int
    }

    public enum Comparison: Hashable, Sendable {
        case changed(group: String, [String])
        case compared(group: String, RegressionRule.Finding)
    }

    public let group: RepeatGroup
    public let verdicts: ObjectiveRate
    public let errors: Int
    /// Runs that were not judged: interrupted, or still going.
    public let unjudged: Int
    public let aborted: Int
    public let objectives: [ObjectiveRate]
    public let recovery: RecoveryFigures
    /// nil when no run followed any writes.
    public let losses: Losses?
    public let predictions: [PredictionRate]
    /// Over the members in their order; nil when there are fewer than five, or one is not bounded.
    public let trend: MannKendall?
    /// With the group before; nil when there is none.
    public let comparison: Comparison?

    /// - Parameter earlier: the group of the same drill before this one.
    public init(_ group: RepeatGroup, after earlier: RepeatGroup? = nil) {
        self.group = group
        let members = group.members
        let judgements = members.map { $0.closing?.judgement }
        func count(_ verdict: Verdict) -> Int { judgements.count { $0?.verdict == verdict } }
        unjudged = judgements.count { $0 == nil }
        errors = count(.error)
        verdicts = ObjectiveRate(
            name: "verdict", objective: "", met: count(.pass), missed: count(.fail),
            inconclusive: count(.inconclusive) + errors + unjudged)
        aborted = members.count { ($0.closing?.ending ?? .completed) != .completed }
        objectives = Self.objectives(judgements)
        recovery = RecoveryFigures(members)
        losses = Self.losses(members)
        predictions = Self.predictions(judgements)
        let times = members.map(\.recovery)
        let middles = times.compactMap { time in
            time.upper.map { ($0 + time.lower).inSeconds / 2 }
        }
        trend = members.count >= 5 && middles.count == members.count ? MannKendall(middles) : nil
        comparison = earlier.map { earlier in
            let changes = group.changes(since: earlier)
            if !changes.isEmpty { return .changed(group: earlier.id, changes) }
            return .compared(
                group: earlier.id, RegressionRule.compare(earlier.members.map(\.recovery), times))
        }
    }

    /// Every objective that any run was judged by; a run that was not is inconclusive.
    private static func objectives(_ judgements: [Judgement?]) -> [ObjectiveRate] {
        var rates: [ObjectiveRate] = []
        for result in judgements.flatMap({ $0?.objectives ?? [] })
        where !rates.contains(where: { $0.name == result.name }) {
            let results = judgements.map { judgement in
                judgement?.objectives.first { $0.name == result.name }?.result ?? .inconclusive
            }
            rates.append(
                ObjectiveRate(
                    name: result.name, objective: result.objective, met: results.count { $0 == .met },
                    missed: results.count { $0 == .missed },
                    inconclusive: results.count { $0 == .inconclusive }))
        }
        return rates
    }

    private static func predictions(_ judgements: [Judgement?]) -> [PredictionRate] {
        var rates: [PredictionRate] = []
        for prediction in judgements.flatMap({ $0?.predictions ?? [] })
        where !rates.contains(where: { $0.name == prediction.name }) {
            let results = judgements.map { judgement in
                judgement?.predictions.first { $0.name == prediction.name }?.result ?? .unknown
            }
            rates.append(
                PredictionRate(
                    name: prediction.name, predicted: prediction.predicted,
                    within: results.count { $0 == .within }, outside: results.count { $0 == .outside },
                    unknown: results.count { $0 == .unknown }))
        }
        return rates
    }

    private static func losses(_ members: [RepeatGroup.Member]) -> Losses? {
        let known = members.compactMap(\.lost)
        guard members.contains(where: { $0.closing?.judgement.ledgers.isEmpty == false }) else { return nil }
        return Losses(
            least: known.min() ?? 0, most: known.max() ?? 0, knownRuns: known.count,
            unknownRuns: members.count - known.count)
    }
}

/// The recovery times of a group: their order statistics, and the bounds that these give for other runs.
public struct RecoveryFigures: Hashable, Sendable {
    public let count: Int
    /// Runs in which nothing was seen to go down; they count as zero.
    public let withoutOutage: Int
    /// Runs that were down when observation ended.
    public let notSeenToRecover: Int
    /// Runs whose figures prove nothing; they could be of any length.
    public let unproven: Int
    /// Of these runs: the middle one, of an even number the lower of the two.
    public let median: Interval
    public let shortest: Interval
    public let longest: Interval
    /// At the confidence of the summary, the median of all such runs is no longer; nil when nothing bounds it.
    public let medianAtMost: Duration?
    /// Two-sided, and how surely; nil for too few.
    public let medianBetween: Interval?
    public let coverage: Double?
    /// The share of all such runs that take no longer than the longest of these.
    public let shareWithinLongest: Double
    /// Where some were not seen to recover: what can be said by counting them for as long as they were watched.
    public let curve: KaplanMeier?

    init(_ members: [RepeatGroup.Member]) {
        let times = members.map(\.recovery)
        let confidence = RepeatSummary.confidence
        count = times.count
        withoutOutage = members.count { $0.closing?.judgement.status == .noOutage }
        unproven = members.count { !$0.isProven }
        notSeenToRecover = times.count { $0.isCensored } - unproven
        median = times.ranked((count + 1) / 2)
        shortest = times.ranked(1)
        longest = times.ranked(count)
        medianAtMost = Ranks.upperBound(ofQuantile: 0.5, count: count, confidence: confidence)
            .flatMap { times.ranked($0).upper }
        let pair = Ranks.medianInterval(count: count, confidence: confidence)
        medianBetween = pair.map { pair in
            Interval(lower: times.ranked(pair.lower).lower, upper: times.ranked(pair.upper).upper)
        }
        coverage = pair?.coverage
        shareWithinLongest = Ranks.quantileBelowGreatest(count: count, confidence: confidence)
        // The upper ends: a curve that is never better than the truth.
        curve =
            notSeenToRecover + unproven == 0
            ? nil
            : KaplanMeier(
                times.map { time in
                    KaplanMeier.Observation(
                        (time.upper ?? time.lower).inSeconds, censored: time.isCensored)
                })
    }

    /// Until when the curve says anything: the longest that any run was watched.
    public var watched: Duration { max(longest.lower, longest.upper ?? .zero) }
    public var hadOutage: Bool { withoutOutage < count }
}
