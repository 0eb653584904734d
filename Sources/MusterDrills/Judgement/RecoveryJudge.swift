public import MusterCore

/// Holds what the ruling signals saw against the recovery time objective (MEASUREMENT, section 6).
struct RecoveryJudge {
    let drill: Drill
    let facts: RunFacts
    let signals: [RulingSignal]
    let detection: DetectionJudge

    /// The worst of all ruling signals; nil when none saw an outage.
    var rta: Interval? { signals.map { $0.worst(\.rta) }.reduce(nil) { .worst($0, $1) } }
    /// The same from the start of the runbook.
    var rtaDeclared: Interval? { facts.declared.flatMap(time) }
    /// The same from when the first expected alert fired.
    var rtaDetected: Interval? { detection.noticed.flatMap(time) }

    private func time(since origin: Bracket) -> Interval? {
        signals.map { $0.worst { $0.time(since: origin) } }.reduce(nil) { .worst($0, $1) }
    }

    /// What several probes saw, each as an endpoint of its own; nil with fewer than two, or where none was down.
    var partial: PartialOutage? {
        let probes = signals.filter(\.isProbe)
        guard probes.count > 1, probes.contains(where: \.sawOutage) else { return nil }
        return PartialOutage(
            times: probes.map { $0.worst(\.rta) },
            down: probes.map { $0.worst(\.figures.total) ?? Interval(lower: .zero, upper: .zero) })
    }

    var status: RecoveryStatus {
        if facts.invalid != nil || blind != nil { return .invalid }
        if suspicion != nil { return .instrumentSuspect }
        let worst = RecoveryStatus.worst(signals.map(\.status))
        return worst == .noOutage && lookedAway != nil ? .instrumentSuspect : worst
    }

    /// Why that no outage was seen is no finding: a signal was not looked at for longer than a recovery may take, or
    /// where nothing says how long that is, for longer than a stability window may go without samples. nil when all
    /// were looked at, or an outage was seen.
    var lookedAway: String? {
        guard rta == nil else { return nil }
        let rto = drill.objectives.rto
        let found = signals.lookedAway(
            longerThan: { rto ?? $0.rule.allowedGap(every: $0.every) },
            until: { recovery in
                rto.map { recovery.rule.fault.upper + $0 + drill.recovered.stable } ?? recovery.rule.until
            })
        return found.map { "no outage seen, but \($0.words) one of \($0.allowed.forPeople)" }
    }

    /// The result for the declared objective; nil when none was declared.
    func objective() -> ObjectiveResult? {
        guard let rto = drill.objectives.rto else { return nil }
        let interval =
            switch drill.objectives.rtoFrom {
            case .fault: rtaWithBudget ?? rta
            case .declared: rtaDeclared
            case .detected: rtaDetected
            }
        let (result, reason) = judge(rto, interval)
        return ObjectiveResult(
            name: "rto", objective: "\(rto.forPeople) from \(drill.objectives.rtoFrom.rawValue)",
            measured: rta == nil
                ? noOutage
                : interval?.forPeople ?? "not measured",
            interval: interval, result: result, reason: reason)
    }

    /// What could have been missed is said with it.
    private var noOutage: String {
        let gaps = signals.flatMap { signal in
            signal.recoveries.map { $0.largestGap(from: $0.rule.fault.lower, to: $0.rule.until) }
        }
        guard let largest = gaps.max() else { return "not measured" }
        return "no outage seen of \(largest.forPeople) or more"
    }

    private func judge(_ rto: Duration, _ interval: Interval?) -> (ObjectiveResult.Result, String) {
        if let invalid = facts.invalid ?? blind ?? suspicion { return (.inconclusive, invalid) }
        guard rta != nil else { return neverDown(rto) }
        guard let interval else {
            return (
                .inconclusive,
                drill.objectives.rtoFrom == .detected
                    ? "no expected alert fired, so that no time runs from the detection"
                    : "no runbook was started, so that no time runs from the declaration"
            )
        }
        if let unseeing = unseeing(rto) { return (.inconclusive, unseeing) }
        let result = ObjectiveResult.Result(interval, within: rto)
        if isScripted, let budget = drill.objectives.detectBudget {
            return (
                result,
                Self.reason(result, interval, rto)
                    + " (with the \(budget.forPeople) that detection may take instead of the time until the drill "
                    + "itself started the runbook)"
            )
        }
        if result == .met, isScripted {
            return (
                .inconclusive,
                "detection not exercised: the drill itself started the runbook; \(recovered(interval)) "
                    + "(use `from: declared` to judge the runbook alone)"
            )
        }
        return (result, Self.reason(result, interval, rto))
    }

    private static func reason(
        _ result: ObjectiveResult.Result, _ interval: Interval, _ rto: Duration
    ) -> String {
        switch (result, interval.upper) {
        case (.met, _): "recovered \(interval.inWords), within the \(rto.forPeople) allowed"
        case (.missed, nil):
            "not recovered after \(interval.lower.forPeople); \(rto.forPeople) were allowed"
        case (.missed, _): "recovered \(interval.inWords), not within the \(rto.forPeople) allowed"
        case (.inconclusive, nil):
            "not seen to recover and stay up for a whole stability window "
                + "before observation ended"
        case (.inconclusive, _):
            "recovered \(interval.inWords): these bounds lie on both sides of the \(rto.forPeople) allowed"
        }
    }

    /// From the fault, where the drill itself started the runbook: what detection may take stands in for the time that
    /// nobody needed to notice it (MEASUREMENT, section 6, rule 5).
    private var rtaWithBudget: Interval? {
        guard let budget = drill.objectives.detectBudget, isScripted else { return nil }
        return rtaDeclared.map {
            Interval(lower: $0.lower + budget, upper: $0.upper.map { $0 + budget })
        }
    }

    private func recovered(_ interval: Interval) -> String { "recovered \(interval.inWords)" }

    private var isScripted: Bool {
        guard facts.isScripted, drill.objectives.rtoFrom == .fault, let declared = facts.declared else {
            return false
        }
        // It was started once an alert had said so, as a person would have.
        if let noticed = detection.noticed, noticed.upper <= declared.upper { return false }
        // A system that came up before the runbook began has recovered by itself.
        return signals.contains { signal in
            signal.recoveries.contains { ($0.sustained?.upper ?? signal.until) > declared.lower }
                && signal.sawOutage
        }
    }

    /// What was asked to decide and could not see.
    var blind: String? {
        if let name = drill.ruling.first(where: { name in
            !(signals.first { $0.name == name }?.hasEvidence ?? false)
        }) {
            return "there is no sample of '\(name)' from after the fault"
        }
        if signals.isEmpty { return "the drill has neither a probe nor a workload" }
        for strike in facts.strikes where strike.recovery == .after {
            guard let lifted = strike.lifted else { return "the fault '\(strike.name)' was never lifted" }
            if let abort = facts.abort, lifted.lower >= abort.at {
                return "the run was aborted before the fault '\(strike.name)' was lifted"
            }
        }
        return nil
    }

    /// Section 6, rule 6: lateness of the instrument widens the bounds; too much of it judges nothing.
    private var suspicion: String? {
        for signal in signals {
            if let event = facts.suspicion(of: signal.name, until: signal.until) {
                return "the instrument is suspect: \(event)"
            }
            guard let rto = drill.objectives.rto else { continue }
            let lateness = signal.recoveries.map(\.lateness).max() ?? .zero
            if lateness * 10 > rto {
                return "the instrument is suspect: '\(signal.name)' was \(lateness.forPeople) late when the "
                    + "system came back, more than a tenth of the \(rto.forPeople) allowed"
            }
        }
        return nil
    }

    /// A signal that saw nothing while others did must have been able to.
    private func unseeing(_ rto: Duration) -> String? {
        signals.filter { !$0.sawOutage }
            .lookedAway(longerThan: { _ in rto }, until: { $0.rule.fault.upper + rto })
            .map { "\($0.words) an outage" }
    }

    /// Section 6, rule 3.
    private func neverDown(_ rto: Duration) -> (ObjectiveResult.Result, String) {
        let window = rto + drill.recovered.stable
        for signal in signals {
            for recovery in signal.recoveries {
                let end = recovery.rule.fault.upper + window
                if recovery.rule.until < end {
                    let seen = recovery.rule.until - recovery.rule.fault.upper
                    return (
                        .inconclusive,
                        "no outage seen, but '\(signal.name)' was watched for only \(seen.forPeople) after "
                            + "the fault; \(window.forPeople) are needed"
                    )
                }
            }
        }
        if let lookedAway { return (.inconclusive, lookedAway) }
        guard drill.predict.outage == Prediction.Outage.none else {
            return (
                .inconclusive,
                "no outage seen: the probe may not depend on the target "
                    + "(declare `predict: { outage: none }` if none is expected)"
            )
        }
        return (.met, "never down, as predicted")
    }
}

extension ObjectiveResult.Result {
    /// Met only if even the upper bound meets it, missed only if even the lower bound misses it.
    public init(_ interval: Interval, within limit: Duration) {
        if let upper = interval.upper, upper <= limit {
            self = .met
        } else {
            self = interval.lower > limit ? .missed : .inconclusive
        }
    }
}
