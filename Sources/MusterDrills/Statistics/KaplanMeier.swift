import MusterCore

/// The share that has not recovered yet as time goes on, where some were not seen to recover: those count for as
/// long as they were watched, and are neither dropped nor averaged (Kaplan and Meier, JASA 53, 1958).
///
/// It takes for granted that watching did not end because a recovery was near or far.
public struct KaplanMeier: Hashable, Sendable {
    public struct Observation: Hashable, Sendable {
        public var time: Double
        /// Whether observation ended then without a recovery.
        public var isCensored: Bool
        public init(_ time: Double, censored: Bool = false) {
            self.time = time
            isCensored = censored
        }
    }

    /// The curve falls at a time at which something recovered.
    public struct Step: Hashable, Sendable {
        public var time: Double
        /// How many were still watched and down just before.
        public var atRisk: Int
        public var events: Int
        /// The share still down from here on.
        public var survival: Double
        /// Greenwood's standard error of it; 0 once nothing is left.
        public var standardError: Double
    }

    public let steps: [Step]

    public init(_ observations: [Observation]) {
        // Who was watched until a time at which others recovered was still at risk then.
        let sorted = observations.sorted {
            ($0.time, $0.isCensored ? 1 : 0) < ($1.time, $1.isCensored ? 1 : 0)
        }
        var steps: [Step] = []
        var survival = 1.0
        var variance = 0.0
        var index = 0
        while index < sorted.count {
            let time = sorted[index].time
            let same = sorted[index...].prefix { $0.time == time }
            let events = same.count { !$0.isCensored }
            let atRisk = sorted.count - index
            index += same.count
            guard events > 0 else { continue }
            survival *= Double(atRisk - events) / Double(atRisk)
            variance += atRisk > events ? Double(events) / (Double(atRisk) * Double(atRisk - events)) : 0
            steps.append(
                Step(
                    time: time, atRisk: atRisk, events: events, survival: survival,
                    standardError: survival * variance.squareRoot()))
        }
        self.steps = steps
    }

    /// The share still down at `time`.
    public func survival(at time: Double) -> Double { steps.last { $0.time <= time }?.survival ?? 1 }

    /// The time by which this share has recovered; nil when the curve never falls so far, because too many were
    /// not seen to recover.
    public func quantile(_ share: Double) -> Double? {
        // The products of the curve are not exact: 0.5 may be a hair more.
        steps.first { $0.survival <= 1 - share + 1e-12 }?.time
    }

    public var median: Double? { quantile(0.5) }

    /// The mean time down within the first `limit`: the area below the curve.
    public func restrictedMean(until limit: Double) -> Double {
        var area = 0.0
        var (time, survival) = (0.0, 1.0)
        for step in steps where step.time < limit {
            area += (step.time - time) * survival
            (time, survival) = (step.time, step.survival)
        }
        return area + (limit - time) * survival
    }
}
