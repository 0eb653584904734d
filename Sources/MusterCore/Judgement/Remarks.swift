/// What a reader must know beside the verdict: warnings, and what the run did not test.
struct Remarks {
    let drill: Drill
    let facts: RunFacts
    let recovery: RecoveryJudge
    let data: DataJudge

    var warnings: [String] {
        var seen: Set<String> = []
        let all = drill.warnings + measuring + predictions + course
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
        if let rto = drill.objectives.rto, let width = recovery.rta?.width, width * 10 > rto {
            lines.append(
                "coarse measurement: the bounds are \(width.forPeople) apart, more than a tenth of the "
                    + "\(rto.forPeople) allowed")
        }
        return lines
    }

    private var predictions: [String] {
        let flag = "model wrong or system changed"
        var lines: [String] = []
        switch (drill.predict.outage, recovery.rta) {
        case (.none?, let rta?): lines.append("\(flag): no outage was predicted; it lasted \(rta.forPeople)")
        case (.between(let low, let high), let rta):
            let range = "\(low.forPeople) to \(high.forPeople)"
            guard let rta else {
                if recovery.status == .noOutage {
                    lines.append("\(flag): an outage of \(range) was predicted; none was seen")
                }
                break
            }
            let isBelow = rta.upper.map { $0 < low } ?? false
            if isBelow || rta.lower > high {
                lines.append("\(flag): an outage of \(range) was predicted; it lasted \(rta.forPeople)")
            }
        case (nil, _), (.none?, nil): break
        }
        if let lost = drill.predict.lost, data.isConclusive, !lost.contains(data.lost) {
            lines.append(
                "\(flag): \(lost.lowerBound) to \(lost.upperBound) lost writes were predicted; "
                    + "there were \(data.lost)")
        }
        return lines
    }

    private var course: [String] {
        var lines: [String] = []
        for ledger in data.ledgers {
            lines += (ledger.readBack?.hints ?? []).map { "the store of '\(ledger.workload)': \($0)" }
        }
        for signal in recovery.signals {
            let flaps = signal.recoveries.filter { $0.status == .recoveredFlapped }.map(\.figures.count).max()
            if let flaps { lines.append("'\(signal.name)' went down \(flaps) times before it was stable") }
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
        if facts.isScripted {
            lines.append("the drill started the runbook: whether anybody would have noticed was not tested")
        } else {
            lines.append("whether an alert would have told anybody was not tested")
        }
        lines.append("one run: another phase of the system's own timers may give other figures")
        return lines
    }

    /// Section 6, rule 2: the page cache survives a process.
    private var durability: [String] {
        switch DrillJudge.durabilityScope(of: drill) {
        case "process":
            [
                "a process kill proves process durability, not host or disk: the page cache outlived the process"
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
