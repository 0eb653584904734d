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
        if let refusal = restore.refusal { return (.missed, refusal) }
        if let invalid = facts.invalid { return (.inconclusive, invalid) }
        guard restore.hasBegun else {
            return (.inconclusive, "no backup was restored: the run ended before it")
        }
        if let failure = restore.failure {
            if let abort = facts.abort { return (.inconclusive, "the run was broken off: \(abort.text)") }
            let stage = failure.stage.map { " (stage \($0))" } ?? ""
            return (.missed, "the backup could not be restored\(stage): \(failure.text)")
        }
        guard restore.isOver else { return (.inconclusive, "the restore did not come to its end") }
        let verdicts = [emptiness, touched, tooOld, point].compactMap(\.self)
        if let missed = verdicts.first(where: { $0.0 == .missed }) { return missed }
        if let open = verdicts.first { return open }
        return (.met, success)
    }

    private var success: String {
        let which = restore.backup.map { " \($0)" } ?? ""
        let how = age.map { " from a backup\(which) that was taken \($0.forPeople) before the fault" } ?? ""
        return "restored\(how), and the backup is as it was"
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

    /// When the fault struck, minus when the backup was taken.
    private var age: Duration? {
        guard let clock, let fault = facts.strikes.first?.injected,
            let taken = restore.taken.flatMap(utcNanoseconds(of:))
        else { return nil }
        return max(.zero, fault.lower - clock.bracket(of: taken).lower)
    }

    private var tooOld: (ObjectiveResult.Result, String)? {
        guard let most = restore.plan.maxAge else { return nil }
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
        guard let ledger = ledgers.first, ledger.readBack?.isComplete == true else {
            return (.inconclusive, "no write shows where the recovery stopped: nothing was read back whole")
        }
        let found = RecoveryPoint(ledger, target: clock.bracket(of: utc), restore: began)
        if found.missing > 0 {
            return (
                .missed,
                "the recovery stopped short of \(target): \(found.missing) writes acknowledged before it are missing"
            )
        }
        if found.beyond > 0 {
            return (
                .missed, "the recovery went beyond \(target): \(found.beyond) writes sent after it are there"
            )
        }
        guard found.hasBefore, found.hasAfter else {
            return (
                .inconclusive,
                "no write \(found.hasBefore ? "between \(target) and the restore" : "before \(target)") shows where "
                    + "the recovery stopped"
            )
        }
        return nil
    }

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
    }
}
