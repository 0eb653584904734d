import MusterCore

/// Holds what became of a backup that was restored against what a backup is for: it is there, it is whole, it is as young
/// as it should be, it brings back what was in it up to where it was told to, and it is still there afterwards.
struct RestoreJudge {
    let facts: RunFacts
    let restore: RestoreFacts
    let ledgers: [Ledger]
    private let clock: WallClock?

    /// - Returns: nil where the drill restores nothing.
    init?(_ drill: Drill, _ facts: RunFacts, _ events: [Event], _ ledgers: [Ledger]) {
        guard let restore = RestoreFacts(drill, events) else { return nil }
        self.facts = facts
        self.restore = restore
        self.ledgers = ledgers
        clock = WallClock(events)
    }

    func objective() -> ObjectiveResult {
        let (result, reason) = judge()
        let wanted =
            restore.plan.maxAge.map { "a whole backup, at most \($0.forPeople) old" } ?? "a whole backup"
        return ObjectiveResult(
            name: "restore", objective: wanted, measured: measured, interval: nil, result: result,
            reason: reason)
    }

    private var measured: String {
        if restore.refusal != nil { return "refused" }
        guard let took = restore.took else { return "not restored" }
        return (restore.failure == nil ? "restored in " : "failed after ") + took.forPeople
            + (age.map { ", the backup \($0.forPeople) old" } ?? "")
    }

    private func judge() -> (ObjectiveResult.Result, String) {
        // A backup that is harmed is the worst of all news, whatever else went wrong.
        if let touched, touched.0 == .missed {
            return (.missed, touched.1 + (failed.map { "; and \($0)" } ?? ""))
        }
        if let refusal = restore.refusal { return (.missed, refusal) }
        if let invalid = facts.invalid { return (.inconclusive, invalid) }
        guard restore.hasBegun else {
            return (.inconclusive, "no backup was restored: the run ended before it")
        }
        if let failed {
            if let abort = facts.abort { return (.inconclusive, "the run was broken off: \(abort.text)") }
            return (.missed, failed + (touched.map { "; \($0.1)" } ?? ""))
        }
        guard restore.isOver else { return (.inconclusive, "the restore did not come to its end") }
        let verdicts = [emptiness, touched, fromTheFuture, tooOld, point].compactMap(\.self)
        if let missed = verdicts.first(where: { $0.0 == .missed }) { return missed }
        if let open = verdicts.first { return open }
        return (.met, success)
    }

    private var success: String {
        let which = restore.backup.map { " \($0)" } ?? ""
        let how = age.map { " from a backup\(which) that was taken \($0.forPeople) before the fault" } ?? ""
        return "restored\(how), and the backup is as it was"
    }

    /// Why it could not be restored; nil when it could.
    private var failed: String? {
        restore.failure.map { failure in
            let stage = failure.stage.map { " (stage \($0))" } ?? ""
            return "the backup could not be restored\(stage): \(failure.text)"
        }
    }

    private var emptiness: (ObjectiveResult.Result, String)? {
        guard let restored = restore.restored else {
            return (.inconclusive, "what was restored into \(restore.plan.into) could not be looked at")
        }
        return restored > 0
            ? nil : (.missed, "the backup is empty: nothing was restored into \(restore.plan.into)")
    }

    private var touched: (ObjectiveResult.Result, String)? {
        if let changed = restore.sourceChanged, !changed.isEmpty {
            return (.missed, "the restore touched the backup that it restored from: \(changed)")
        }
        if let problem = restore.sourceProblem {
            return (.inconclusive, "whether the backup is as it was is not known: \(problem)")
        }
        return nil
    }

    // MARK: How old it was

    /// When the backup was taken, by its own account.
    private var taken: Bracket? {
        guard let clock, let utc = restore.taken.flatMap(utcNanoseconds(of:)) else { return nil }
        return clock.bracket(of: utc)
    }

    /// Faults that the restore may have been for.
    private var faults: [Bracket] {
        guard let began = restore.began else { return [] }
        return facts.strikes.map(\.injected).filter { $0.lower <= began }
    }

    /// When the first fault after the backup struck, minus when it was taken.
    private var age: Duration? {
        guard let taken, let fault = faults.first(where: { taken.lower <= $0.upper }) else { return nil }
        return max(.zero, fault.lower - taken.lower)
    }

    /// How long after the last fault it was taken, at least; nil where it was not.
    private var ahead: Duration? {
        guard let taken, let fault = faults.last, taken.lower > fault.upper else { return nil }
        return taken.lower - fault.upper
    }

    /// What was lost cannot be in it: its age is not what it says, and may be any.
    private var fromTheFuture: (ObjectiveResult.Result, String)? {
        guard let ahead, let taken = restore.taken else { return nil }
        return (
            .inconclusive,
            "the backup was taken after the fault: a clock or a time zone is wrong (it says \(date(of: taken)), "
                + "\(ahead.forPeople) after the fault)"
        )
    }

    private var tooOld: (ObjectiveResult.Result, String)? {
        guard ahead == nil, let most = restore.plan.maxAge else { return nil }
        guard let taken = restore.taken else {
            return (
                .inconclusive,
                "how old the backup is was not said: no step of the runbook captures \(RestoreVariable.taken)"
            )
        }
        guard let age else {
            return (.inconclusive, "'\(taken)' is no time from which the age of the backup could be told")
        }
        return age <= most
            ? nil
            : (
                .missed,
                "the backup is stale: it was taken \(age.forPeople) before the fault (\(date(of: taken))), and "
                    + "\(most.forPeople) are allowed"
            )
    }

    /// A runbook may capture seconds since 1970, which nobody reads.
    private func date(of moment: String) -> String {
        utcNanoseconds(of: moment).map { Moment(utcNanoseconds: $0).text } ?? moment
    }

    // MARK: Up to where

    private var point: (ObjectiveResult.Result, String)? {
        guard let target = restore.target else { return nil }
        guard let clock, let utc = utcNanoseconds(of: target), let began = restore.began
        else {
            return (.inconclusive, "'\(target)' is no time up to which something could be recovered")
        }
        // What was deleted or written over says nothing by its absence.
        let kept = ledgers.filter { $0.plan.mode != .register && $0.plan.deletes.millionths == 0 }
        let whole = kept.filter { $0.readBack?.isComplete == true }
        let found = whole.map {
            (words: words($0), point: RecoveryPoint($0, target: clock.bracket(of: utc), restore: began))
        }
        if let (words, point) = found.first(where: { $0.point.missing > 0 }) {
            return (
                .missed,
                "the recovery stopped short of \(target): \(point.missing) writes\(words) acknowledged before it "
                    + "are missing"
            )
        }
        if let (words, point) = found.first(where: { $0.point.beyond > 0 }) {
            return (
                .missed,
                "the recovery went beyond \(target): \(point.beyond) writes\(words) sent after it are there"
            )
        }
        guard !kept.isEmpty, whole.count == kept.count else {
            return (.inconclusive, "no write shows where the recovery stopped: nothing was read back whole")
        }
        let hasBefore = found.contains(where: \.point.hasBefore)
        guard hasBefore, found.contains(where: \.point.hasAfter) else {
            return (
                .inconclusive,
                "no write \(hasBefore ? "between \(target) and the restore" : "before \(target)") shows where "
                    + "the recovery stopped"
            )
        }
        return nil
    }

    private func words(_ ledger: Ledger) -> String { ledgers.count > 1 ? " of '\(ledger.workload)'" : "" }

    // MARK: What it took

    /// The time of each stage, and of the steps between them.
    func measurements() -> [Measurement] {
        func one(_ name: String, _ time: Duration) -> Measurement {
            Measurement(name: name, subject: "", interval: Interval(lower: time, upper: time))
        }
        guard let took = restore.took, restore.refusal == nil else { return [] }
        let stages = RestoreStage.allCases.compactMap { stage in
            restore.stages[stage].map { one("restore-\(stage.rawValue)", $0) }
        }
        let staged = restore.stages.values.reduce(.zero, +)
        return stages + [one("restore-other", max(.zero, took - staged)), one("restore-total", took)]
            + (age.map { [one("backup-age", $0)] } ?? [])
            + (restore.sourceRead.map { [one("source-read", $0.took)] } ?? [])
    }

    /// What the instrument itself added to a recovery time, where that is much of it.
    func warnings(_ objectives: Objectives) -> [String] {
        guard let rto = objectives.rto, let read = restore.sourceRead, read.took * 10 > rto else { return [] }
        let isFromRunbook =
            objectives.rtoFrom == .declared || objectives.rtoFrom == .fault && objectives.detectBudget != nil
        if isFromRunbook, let declared = facts.declared, declared.lower >= read.ended { return [] }
        return [
            "the recovery time holds \(read.took.forPeople) in which Muster itself read the backup before the restore "
                + "began, more than a tenth of the \(rto.forPeople) allowed"
        ]
    }
}
