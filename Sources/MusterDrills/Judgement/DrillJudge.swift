import MusterCore

/// The judgement of a drill: a pure function of its history, so that it can be repeated, tested exactly and
/// argued about. What it reads from the events stands at `RunFacts`.
public enum DrillJudge {
    /// Raised whenever an unchanged history could be judged differently.
    public static let version = 5

    public static func judge(_ drill: Drill, _ history: History) -> Judgement {
        let facts = RunFacts(drill, history.events)
        guard !facts.strikes.isEmpty else { return nothingInjected(drill, facts, history) }
        let signals = rulingSignals(drill, facts, history)
        let detection = DetectionJudge(drill, facts, history.events)
        let recovery = RecoveryJudge(drill: drill, facts: facts, signals: signals, detection: detection)
        let data = DataJudge(drill, facts, history.ledgers)
        let windows = WindowJudge(
            drill: drill, facts: facts, signals: signals, invalid: facts.invalid ?? recovery.blind)
        let restore = RestoreJudge(drill, facts, history.events, history.ledgers)
        let datasets = DatasetJudge(
            facts: facts, findings: history.datasets, declared: drill.datasets.map(\.name))
        // What was wrong with a backup explains the rest, and comes first.
        let objectives =
            [restore?.objective(), recovery.objective(), detection.objective()].compactMap(\.self)
            + windows.objectives() + data.objectives() + [datasets.objective()].compactMap(\.self)
        let (verdict, reason) = conclude(drill, facts, recovery, objectives)
        let predictions = Predictions(drill: drill, recovery: recovery, data: data).results
        let remarks = Remarks(
            drill: drill, facts: facts, recovery: recovery, detection: detection, data: data,
            predictions: predictions)
        return Judgement(
            verdict: verdict, reason: reason, objectives: objectives,
            measurements: measurements(recovery) + detection.measurements + (restore?.measurements() ?? [])
                + data.measurements(),
            ledgers: data.findings, datasets: history.datasets, status: recovery.status,
            predictions: predictions,
            warnings: remarks.warnings + (restore?.warnings(drill.objectives) ?? []),
            scope: remarks.scope)
    }

    private static func nothingInjected(_ drill: Drill, _ facts: RunFacts, _ history: History) -> Judgement {
        let verdict: Verdict
        let reason: String
        let why = facts.failures.last.map { ": \($0.text)" } ?? ""
        if let refused = history.events.first(where: { $0.kind == .restoreRefused }) {
            verdict = .error
            reason = "Refused, and nothing was injected: \(refused.text)"
        } else if let abort = facts.abort {
            verdict = .inconclusive
            reason = "Inconclusive: the run was aborted before anything was injected: \(abort.text)"
        } else if !facts.isSteady, facts.areFixturesReady {
            verdict = .inconclusive
            reason = "Inconclusive: no steady state was reached, so nothing was injected\(why)"
        } else {
            verdict = .error
            reason = "Error: the run could not be carried out; nothing was injected\(why)"
        }
        return Judgement(
            verdict: verdict, reason: reason, status: .invalid, warnings: drill.warnings,
            scope: ["nothing was injected, so nothing was tested"])
    }

    private static func rulingSignals(
        _ drill: Drill, _ facts: RunFacts, _ history: History
    ) -> [RulingSignal] {
        let ruling = history.signals.filter { drill.ruling.contains($0.name) }
        let ends = ruling.compactMap(\.samples.lastFinished)
        let blackouts = Blackouts(history.events)
        let until = facts.observedUntil ?? ends.max() ?? facts.strikes[0].injected.upper
        return drill.ruling.compactMap { name in
            let own = ruling.filter { $0.name == name }
            return own.isEmpty ? nil : RulingSignal(name, own, drill, facts, until: until, blackouts)
        }
    }

    /// Fail, then inconclusive, then pass.
    private static func conclude(
        _ drill: Drill, _ facts: RunFacts, _ recovery: RecoveryJudge, _ objectives: [ObjectiveResult]
    ) -> (Verdict, String) {
        let missed = objectives.filter { $0.result == .missed }
        if !missed.isEmpty {
            return (.fail, "Failed: \(cause(drill, facts, recovery, missed))\(sentences(missed))")
        }
        let open = objectives.filter { $0.result == .inconclusive }
        if !open.isEmpty {
            return (.inconclusive, "Inconclusive: \(cause(drill, facts, recovery, open))\(sentences(open))")
        }
        if objectives.isEmpty {
            return (.inconclusive, "Inconclusive: the drill declares no objective")
        }
        // Objectives on data alone do not excuse a service that stayed down.
        if let invalid = facts.invalid { return (.inconclusive, "Inconclusive: \(invalid)") }
        if let name = facts.neverInjected.first {
            return (.inconclusive, "Inconclusive: the fault '\(name)' was never injected")
        }
        if let lookedAway = recovery.lookedAway { return (.inconclusive, "Inconclusive: \(lookedAway)") }
        if recovery.status == .notRecovered {
            return (.inconclusive, "Inconclusive: the system was not seen to recover")
        }
        return (.pass, "Passed: \(sentences(objectives))")
    }

    /// Why nothing recovered, where a step failed that was to bring it back: it explains the rest, and comes first.
    private static func cause(
        _ drill: Drill, _ facts: RunFacts, _ recovery: RecoveryJudge, _ results: [ObjectiveResult]
    ) -> String {
        guard recovery.status == .notRecovered, let failure = facts.failures.first,
            !results.contains(where: { $0.reason.contains(failure.text) }),
            // How a restore failed is told by its own objective, after what it did to the backup.
            !(results.contains { $0.name == "restore" }
                && drill.restores.contains { $0.path == failure.subject })
        else { return "" }
        return failure.text + "; "
    }

    /// Reasons without repetition, each with its objective where there are several.
    private static func sentences(_ results: [ObjectiveResult]) -> String {
        var seen: Set<String> = []
        return results.filter { seen.insert($0.reason).inserted }.map(\.reason).joined(separator: "; ")
    }

    private static func measurements(_ recovery: RecoveryJudge) -> [Measurement] {
        var all: [Measurement] = []
        func add(_ name: String, _ subject: String, _ interval: Interval?) {
            guard let interval else { return }
            all.append(Measurement(name: name, subject: subject, interval: interval))
        }
        add("rta", "", recovery.rta)
        add("rta-declared", "", recovery.rtaDeclared)
        add("rta-detected", "", recovery.rtaDetected)
        if let partial = recovery.partial {
            add("rta-first", "", partial.first)
            add("rta-half", "", partial.time(share: 0.5))
            add("outage-equivalent", "", partial.equivalent)
        }
        for signal in recovery.signals {
            add("rta", signal.name, signal.worst(\.rta))
            add("downtime", signal.name, signal.worst(\.downtime))
            add("latent", signal.name, signal.worst(\.latent))
            add("first-success", signal.name, signal.worst(\.timeToFirstSuccess))
            add("time-to-stable", signal.name, signal.worst(\.timeToStable))
            add("time-to-performance", signal.name, signal.timeToPerformance)
            add("down-total", signal.name, signal.worst(\.figures.total))
            add("down-longest", signal.name, signal.worstFlap(\.seenLongest))
            add("down-span", signal.name, signal.worstFlap(\.span))
            add("slow-total", signal.name, signal.slowTotal)
        }
        return all
    }

    /// The kind of durability that the faults of `drill` can prove anything about: `process`, `disk` or `none`.
    /// Unknown faults prove no more than the loss of a process.
    public static func durabilityScope(of drill: Drill) -> String {
        // What a backup brings back onto another place did not need the disk that it had been on.
        if !drill.restores.isEmpty { return "disk" }
        let names = RunFacts.injections(drill.steps).map(\.faultName)
        if names.contains(where: { $0.hasPrefix("file-") || $0 == "directory-loss" }) { return "disk" }
        let harmless = ["net-", "cpu-", "proxy-", "http-", "tls-", "process-pause", "disk-fill"]
        let isHarmless = { (name: String) in harmless.contains { name.hasPrefix($0) } }
        return !names.isEmpty && names.allSatisfy(isHarmless) ? "none" : "process"
    }
}
