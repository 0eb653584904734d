import MusterCore

/// What a probe, or a workload with all its writers, saw of every fault of a run.
struct RulingSignal {
    var name: String
    /// One for each writer; a probe has one.
    var signals: [Signal]
    var isProbe: Bool { signals.allSatisfy { $0.writer == nil } }
    /// One for each writer and each fault.
    var recoveries: [Recovery] = []
    /// The end of observation, or where it was cut off.
    var until: Instant
    var baseline: Baseline
    /// P, after the last fault.
    var performance = Performance.unknown
    let blackouts: Blackouts

    /// - Parameter until: the end of all observation.
    init(
        _ name: String, _ signals: [Signal], _ drill: Drill, _ facts: RunFacts, until: Instant,
        _ blackouts: Blackouts
    ) {
        self.name = name
        self.signals = signals
        self.until = until
        self.blackouts = blackouts
        baseline = Baseline(
            of: signals, from: facts.steadySince ?? Instant(nanoseconds: .min),
            until: facts.strikes[0].injected.lower, blackouts)
        // A declared limit has made its samples slow already.
        let isLimited = drill.probes.contains { $0.name == name && $0.setting.slow != nil }
        for (index, strike) in facts.strikes.enumerated() {
            var rule = RecoveryRule(
                fault: strike.injected, lifted: strike.recovery == .after ? strike.lifted : nil,
                stable: drill.recovered.stable,
                tolerance: Double(1_000_000 - drill.steady.success.millionths) / 1e6, until: until,
                slow: isLimited ? nil : baseline.slow, blackouts: blackouts)
            if strike.recovery == .despite, let lifted = strike.lifted, lifted.lower < rule.until {
                rule.until = lifted.lower
                rule.ending = .lifted
            }
            if let undone = facts.undoBegan, undone < rule.until {
                rule.until = undone
                rule.ending = .abortUndone
            }
            self.until = min(self.until, rule.until)
            let next = index + 1 < facts.strikes.count ? facts.strikes[index + 1].injected.lower : nil
            let own = signals.map { Self.recovery(of: $0, by: rule, before: next) }
            recoveries += own
            if next == nil, let last = own.compactMap(\.sustained).max(by: { $0.upper < $1.upper }),
                !own.contains(where: { $0.status == .notRecovered })
            {
                performance = Performance(
                    of: signals, after: last, baseline: baseline, window: rule.stable, until: rule.until,
                    blackouts)
            }
        }
    }

    /// A fault is answered before the next one strikes, or else until the end.
    private static func recovery(of signal: Signal, by rule: RecoveryRule, before next: Instant?) -> Recovery
    {
        guard let next, next < rule.until else { return Recovery(of: signal, by: rule) }
        var alone = rule
        alone.until = next
        alone.ending = .lifted
        let recovery = Recovery(of: signal, by: alone)
        if recovery.status == .recovered || recovery.status == .recoveredFlapped { return recovery }
        let whole = Recovery(of: signal, by: rule)
        // An outage that only the next fault brought is not this one's, provided that somebody looked in between:
        // of faults that strike together, each answers for what followed.
        let sawThatItHeld = recovery.status == .noOutage && recovery.hasEvidence
        return sawThatItHeld && whole.status != .noOutage ? recovery : whole
    }

    var hasEvidence: Bool { !recoveries.isEmpty && recoveries.allSatisfy(\.hasEvidence) }
    var sawOutage: Bool { recoveries.contains { $0.status != .noOutage } }

    /// The worst of all writers; nil without an outage.
    func worst(_ figure: (Recovery) -> Interval?) -> Interval? {
        recoveries.filter { $0.status != .noOutage }.compactMap(figure).reduce(nil) { .worst($0, $1) }
    }

    /// A figure of those that went down more than once; nil where none did.
    func worstFlap(_ figure: (OutageFigures) -> Duration) -> Interval? {
        recoveries.map(\.figures).filter { $0.count > 1 }.map(figure).max().map {
            Interval(lower: $0, upper: $0)
        }
    }

    /// The SLO-down timeline, where it says more than the hard-down one.
    var slowTotal: Interval? {
        recoveries.filter { $0.slow != $0.hard }.map(\.slowFigures.total).reduce(nil) { .worst($0, $1) }
    }

    /// P − F.
    var timeToPerformance: Interval? { recoveries.last.flatMap { performance.time(since: $0.rule.origin) } }

    var status: RecoveryStatus {
        let worst = RecoveryStatus.worst(recoveries.map(\.status))
        guard case .notReached = performance, worst == .recovered || worst == .recoveredFlapped else {
            return worst
        }
        return .degraded
    }
}

extension RecoveryStatus {
    /// The worst of several, from which a drill is judged.
    static func worst(_ all: [RecoveryStatus]) -> RecoveryStatus {
        let order: [RecoveryStatus] = [
            .invalid, .notRecovered, .instrumentSuspect, .degraded, .recoveredFlapped, .recovered,
        ]
        return order.first { all.contains($0) } ?? .noOutage
    }
}
