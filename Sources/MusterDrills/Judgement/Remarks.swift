public import MusterCore

/// What a reader must know beside the verdict: warnings, and what the run did not test.
struct Remarks {
    let drill: Drill
    let facts: RunFacts
    let recovery: RecoveryJudge
    let detection: DetectionJudge
    let data: DataJudge
    let predictions: [PredictionResult]

    var warnings: [String] {
        var seen: Set<String> = []
        let all = drill.warnings + measuring + surprises + detection.warnings + course
        return all.filter { seen.insert($0).inserted }
    }

    private var measuring: [String] {
        var lines: [String] = []
        let stable = drill.recovered.stable
        if stable < .seconds(30), !drill.warnings.contains(where: { $0.hasPrefix("weak stability") }) {
            lines.append("weak stability: recovered means good for \(stable.forPeople), not for 30 s")
        }
        if !drill.workloads.contains(where: { drill.ruling.contains($0.name) }) {
            lines.append("no write among the ruling signals: that reads work does not prove that writes do")
        }
        // With an objective for it, the verdict says it.
        if !drill.objectives.strictIntegrity {
            for finding in data.findings {
                lines += finding.violationsInWords.map { "damage in '\(finding.workload)': \($0)" }
            }
        }
        if let rto = drill.objectives.rto, let width = recovery.rta?.width, width * 10 > rto {
            lines.append(
                "coarse measurement: the bounds are \(width.forPeople) apart, more than a tenth of the "
                    + "\(rto.forPeople) allowed")
        }
        return lines + troubles
    }

    /// What was wrong with the instrument after the fault, where the figures account for it.
    private var troubles: [String] {
        guard let fault = facts.strikes.first?.injected.lower else { return [] }
        let since = facts.troubles.filter { ($0.bracket?.upper ?? $0.at) >= fault }
        func stretches(_ trouble: String) -> String? {
            let own = since.filter { $0.detail["trouble"]?.asText == trouble }.compactMap(\.bracket)
            guard let longest = own.map(\.width).max() else { return nil }
            return own.count == 1
                ? "for \(longest.forPeople)" : "in \(own.count) stretches of up to \(longest.forPeople)"
        }
        let late = stretches(InstrumentTrouble.late).map {
            "after the fault the instrument was late \($0): the host is busy, or the process stood still; bounds "
                + "are wider for it"
        }
        let canary = stretches(InstrumentTrouble.canary).map {
            "after the fault the instrument could not reach its own server \($0): what it saw then counts for nothing"
        }
        return [late, canary].compactMap { $0 }
    }

    private var surprises: [String] {
        predictions.filter { $0.result == .outside }.map { "\(PredictionResult.flag): \($0.sentence)" }
    }

    private var course: [String] {
        var lines: [String] = []
        for ledger in data.ledgers {
            lines += (ledger.readBack?.hints ?? []).map { "the store of '\(ledger.workload)': \($0)" }
        }
        for signal in recovery.signals {
            let flaps = signal.recoveries.filter { $0.status == .recoveredFlapped }.map(\.figures.count).max()
            if let flaps { lines.append("'\(signal.name)' went down \(flaps) times before it was stable") }
            if signal.status == .degraded {
                lines.append(
                    "degraded: '\(signal.name)' came back, but latency or throughput did not come back to what "
                        + "they had been before the fault while it was observed")
            }
            if signal.recoveries.contains(where: \.wentDownAgain) {
                lines.append("'\(signal.name)' went down again after it had been stable")
            }
        }
        if facts.strikes.count > 1 {
            lines.append("several faults: the worst recovery counts; loss is dated from the first")
        }
        lines += facts.failures.map { "a step failed: \($0.text)" }
        if let event = facts.notSteadyAgain {
            lines.append("the steady state did not come back after the undo: \(event.text)")
        }
        return lines
    }

    var scope: [String] {
        var lines = durability
        if data.findings.isEmpty { lines.append("no write was followed: nothing is known about lost data") }
        lines += data.findings.compactMap { findings in
            findings.sample.map {
                "the ledger of '\(findings.workload)' was sampled, and its store not searched for foreign entries: "
                    + $0.sentence
            }
        }
        lines += data.ledgers.filter { $0.readBack?.cannotList == true }.map {
            "the store of '\($0.workload)' cannot list its keys: foreign entries, and duplicates under other keys, "
                + "were not looked for"
        }
        if let spent = errorBudget { lines.append(spent) }
        if !drill.alerts.isEmpty {
            lines.append("alerts were listened to; whether one would have reached a person was not tested")
        } else if facts.isScripted {
            lines.append("the drill started the runbook: whether anybody would have noticed was not tested")
        } else {
            lines.append("whether an alert would have told anybody was not tested")
        }
        lines.append("one run: another phase of the system's own timers may give other figures")
        return lines
    }

    /// What the outage would have cost of what the service may be down at all.
    private var errorBudget: String? {
        guard let goal = drill.objectives.serviceLevel else { return nil }
        let downs = recovery.signals.map { $0.worst(\.figures.total) ?? Interval(lower: .zero, upper: .zero) }
        guard let outage = recovery.partial?.equivalent ?? downs.reduce(nil, { .worst($0, $1) }),
            let (least, most) = goal.spent(by: outage)
        else { return nil }
        let share = { (share: Double) in Percentage(millionths: Int64(share * 1e6)).forPeople }
        let spent =
            most.map { share(least) == share($0) ? share(least) : "\(share(least)) to \(share($0))" }
            ?? "at least \(share(least))"
        return
            "in production this outage would spend \(spent) of the error budget of \(goal.budget.forPeople) "
            + "(\(goal.min.forPeople) over \(goal.window.forPeople))"
    }

    /// Section 6, rule 2: the page cache survives a process.
    private var durability: [String] {
        switch DrillJudge.durabilityScope(of: drill) {
        case "process":
            [
                "a process kill proves process durability, not host or disk: the page cache outlived the process"
            ]
        case "disk" where !drill.restores.isEmpty:
            [
                "a restore here proves nothing about a host that has to be made first, or a repository that is far away"
            ]
        case "disk": ["a fault on one disk's data proves nothing about the loss of its host"]
        default: ["no process, host or disk was lost: durability was not tested"]
        }
    }
}

extension Interval {
    /// `1.23 s to 1.241 s`, `at least 3 s`, or one figure where the bounds look alike.
    public var forPeople: String {
        guard let upper else { return "at least \(lower.forPeople)" }
        let (low, high) = (lower.forPeople, upper.forPeople)
        return low == high ? low : "\(low) to \(high)"
    }

    /// `in 1.23 s to 1.241 s`, `in no less than 3 s`.
    var inWords: String { isCensored ? "in no less than \(lower.forPeople)" : "in \(forPeople)" }
}
