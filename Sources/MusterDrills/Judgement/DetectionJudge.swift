import MusterCore

/// Holds when expected alerts fired against the objective for detection: D − F (MEASUREMENT, section 1), where D lies
/// between the last look that did not show the alert and the first that did. Absence is censored, never a figure.
struct DetectionJudge {
    /// What became of one expected alert.
    struct Finding {
        var name: String
        /// D, of the first that counts; nil when none did.
        var noticed: Bracket?
        /// It certainly was not heard of before this, of time after the fault.
        var notBefore: Duration
        /// Why one that fired, or fires, does not count.
        var discounted: String?
        /// How often it began to fire after the fault.
        var count = 0
        /// Whether it was heard to be over after it had fired.
        var isOver = false
    }

    let drill: Drill
    let findings: [Finding]
    private let fault: Bracket
    private let invalid: String?
    /// How long the alerts were listened to after the fault without a gap.
    private let watched: Duration
    private let gap: String?

    /// An alert may have begun so long before the fault by its own clock, which may be another machine's, and still count.
    static let clockError = Duration.seconds(2)

    init(_ drill: Drill, _ facts: RunFacts, _ events: [Event]) {
        self.drill = drill
        fault = facts.strikes.first?.injected ?? Bracket(Instant(nanoseconds: 0), Instant(nanoseconds: 0))
        let reader = DetectionReader(drill, facts, events)
        findings = drill.alerts.map(reader.finding)
        invalid = facts.invalid ?? facts.suspicion(of: "", until: reader.until)
        watched = findings.map(\.notBefore).min() ?? .zero
        gap = reader.gap
    }

    /// D: when the first expected alert fired.
    var noticed: Bracket? {
        let all = findings.compactMap(\.noticed)
        guard let lower = all.map(\.lower).min(), let upper = all.map(\.upper).min() else { return nil }
        return Bracket(lower, upper)
    }

    /// Time to detect: by the first of the expected alerts. One that was not heard of may have fired where nobody
    /// listened, so that the lower bound is no later than that.
    var interval: Interval? {
        guard !drill.alerts.isEmpty else { return nil }
        let least = findings.map { finding in
            finding.noticed.map { min(finding.notBefore, $0.lower - fault.upper) } ?? finding.notBefore
        }
        let lower = max(.zero, least.min() ?? .zero)
        return Interval(lower: lower, upper: noticed.map { max(lower, $0.upper - fault.lower) })
    }

    /// For each alert that was noticed.
    var measurements: [Measurement] {
        let own = findings.compactMap { finding in
            finding.noticed.map { noticed in
                Measurement(
                    name: "time-to-detect", subject: finding.name,
                    interval: Interval(
                        lower: max(.zero, min(finding.notBefore, noticed.lower - fault.upper)),
                        upper: noticed.upper - fault.lower))
            }
        }
        guard let interval, noticed != nil else { return own }
        return [Measurement(name: "time-to-detect", subject: "", interval: interval)] + own
    }

    /// The name of the first one that fired.
    private var first: String? {
        findings.filter { $0.noticed != nil }.min {
            ($0.noticed?.upper ?? fault.upper) < ($1.noticed?.upper ?? fault.upper)
        }?.name
    }

    private var names: String { drill.alerts.map { "'\($0.name)'" }.joined(separator: ", ") }

    /// The result for the declared objective; nil when none was declared.
    func objective() -> ObjectiveResult? {
        guard let limit = drill.objectives.detect else { return nil }
        let (result, reason) = judge(limit)
        var measured = "not measured"
        if let interval, invalid == nil {
            measured =
                first.map { "\(interval.forPeople), by '\($0)'" }
                ?? "nobody noticed in \(interval.lower.forPeople)"
        }
        return ObjectiveResult(
            name: "detect", objective: "\(limit.forPeople) from fault", measured: measured,
            interval: invalid == nil ? interval : nil, result: result, reason: reason)
    }

    private func judge(_ limit: Duration) -> (ObjectiveResult.Result, String) {
        if let invalid { return (.inconclusive, invalid) }
        guard let interval else { return (.inconclusive, "the drill expects no alert") }
        guard let first else { return (absent(interval, limit)) }
        let result = ObjectiveResult.Result(interval, within: limit)
        let words = "noticed \(interval.inWords) by the alert '\(first)'"
        return switch result {
        case .met: (.met, "\(words), within the \(limit.forPeople) allowed")
        case .missed: (.missed, "\(words), not within the \(limit.forPeople) allowed")
        case .inconclusive:
            (
                .inconclusive,
                "\(words): these bounds lie on both sides of the \(limit.forPeople) allowed"
                    + (gap.map { "; \($0)" } ?? "")
            )
        }
    }

    private func absent(_ interval: Interval, _ limit: Duration) -> (ObjectiveResult.Result, String) {
        if let why = findings.compactMap(\.discounted).first { return (.inconclusive, why) }
        if interval.lower > limit {
            return (
                .missed,
                "nobody noticed: \(drill.alerts.count == 1 ? "the expected alert \(names) did not fire" : "none of the expected alerts \(names) fired") "
                    + "in \(interval.lower.forPeople) after the fault; \(limit.forPeople) were allowed"
            )
        }
        return (
            .inconclusive,
            "no expected alert fired, but alerts were listened to for only \(interval.lower.forPeople) after the fault; "
                + "\(limit.forPeople) are needed" + (gap.map { ": \($0)" } ?? "")
        )
    }

    /// What a reader must know beside the objective.
    var warnings: [String] {
        var lines: [String] = []
        let isJudged = drill.objectives.detect != nil
        if !drill.alerts.isEmpty, noticed == nil, invalid == nil, !isJudged,
            findings.allSatisfy({ $0.discounted == nil })
        {
            lines.append(
                "nobody noticed: no expected alert (\(names)) fired in the \(watched.forPeople) that they were listened for"
            )
        }
        for finding in findings {
            if let why = finding.discounted, !isJudged || noticed != nil { lines.append(why) }
            if finding.noticed == nil, finding.discounted == nil, noticed != nil {
                lines.append(
                    "the expected alert '\(finding.name)' did not fire in the \(finding.notBefore.forPeople) after the fault "
                        + "that it was listened for")
            }
            if finding.count > 1 {
                lines.append("the alert '\(finding.name)' flapped: it began to fire \(finding.count) times")
            }
        }
        return lines
    }
}
