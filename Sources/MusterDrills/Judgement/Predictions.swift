import MusterCore

/// What became of one figure that the drill's owner predicted. It decides no objective: outside the prediction,
/// whoever made it is wrong about the system, or the system has changed, and both should be known.
public struct PredictionResult: Hashable, Sendable {
    public enum Result: String, Sendable, Codable, CaseIterable {
        /// All that the bounds allow lies within it.
        case within
        /// Nothing that the bounds allow lies within it.
        case outside
        /// The bounds lie on both sides of an end, or nothing was measured that counts.
        case unknown
    }

    /// `outage` or `lost`.
    public var name: String
    /// As declared, for people: `100 ms to 2 s`, `none`, `0`.
    public var predicted: String
    /// As measured, for people.
    public var measured: String
    public var result: Result

    public init(name: String, predicted: String, measured: String, result: Result) {
        self.name = name
        self.predicted = predicted
        self.measured = measured
        self.result = result
    }

    /// The words by which reality outside a prediction is known everywhere.
    public static let flag = "model wrong or system changed"

    /// `an outage of 100 ms to 2 s was predicted; it lasted 3.1 s to 3.2 s`.
    public var sentence: String {
        switch (name, predicted) {
        case ("outage", "none"): "no outage was predicted; \(measured)"
        case ("outage", _): "an outage of \(predicted) was predicted; \(measured)"
        default: "\(predicted) lost writes were predicted; \(measured)"
        }
    }
}

/// Holds a drill's predictions against what was measured.
struct Predictions {
    let drill: Drill
    let recovery: RecoveryJudge
    let data: DataJudge

    var results: [PredictionResult] { [outage, lost].compactMap(\.self) }

    private var outage: PredictionResult? {
        guard let predicted = drill.predict.outage else { return nil }
        let words =
            switch predicted {
            case .none: "none"
            case .between(let low, let high): "\(low.forPeople) to \(high.forPeople)"
            }
        let (measured, result) = outage(predicted)
        return PredictionResult(name: "outage", predicted: words, measured: measured, result: result)
    }

    private func outage(_ predicted: Prediction.Outage) -> (String, PredictionResult.Result) {
        switch recovery.status {
        case .invalid: return ("the test did not hold", .unknown)
        case .instrumentSuspect: return ("the instrument is suspect", .unknown)
        case .noOutage, .recovered, .recoveredFlapped, .degraded, .notRecovered: break
        }
        guard let rta = recovery.rta else { return unseen(predicted) }
        let words = "it lasted \(rta.forPeople)"
        guard case .between(let low, let high) = predicted else { return (words, .outside) }
        if rta.lower > high { return (words, .outside) }
        guard let upper = rta.upper else { return (words, .unknown) }
        if upper < low { return (words, .outside) }
        return (words, rta.lower >= low && upper <= high ? .within : .unknown)
    }

    /// No outage was seen. One that was shorter than the time between two looks may have been there.
    private func unseen(_ predicted: Prediction.Outage) -> (String, PredictionResult.Result) {
        guard case .between(let low, _) = predicted else {
            // Whether it was watched closely and long enough is the objective's question.
            let isUnsure = recovery.objective().map { $0.result != .met } ?? false
            return ("none was seen", isUnsure ? .unknown : .within)
        }
        if low == .zero { return ("none was seen", .within) }
        let gaps = recovery.signals.flatMap(\.recoveries).map {
            $0.largestGap(from: $0.rule.fault.lower, to: $0.rule.until)
        }
        // Any one signal that looked often enough would have seen it.
        guard let gap = gaps.min(), gap < low else {
            return ("none was seen, and a short one could have been missed", .unknown)
        }
        return ("none was seen", .outside)
    }

    private var lost: PredictionResult? {
        guard let predicted = drill.predict.lost else { return nil }
        let result: PredictionResult.Result
        var measured = "there were \(data.lost)"
        if data.isConclusive {
            result = predicted.contains(data.lost) ? .within : .outside
        } else if data.proven > predicted.upperBound {
            measured = "there were at least \(data.proven)"
            result = .outside
        } else {
            measured = "how many there were is not known"
            result = .unknown
        }
        let words =
            predicted.count == 1
            ? "\(predicted.lowerBound)" : "\(predicted.lowerBound) to \(predicted.upperBound)"
        return PredictionResult(name: "lost", predicted: words, measured: measured, result: result)
    }
}
