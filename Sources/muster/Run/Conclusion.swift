import MusterCore
import MusterDrills
import MusterSystem

/// What a session leaves behind.
struct SessionResult {
    var runner: DrillRunner
    var events: [Event]
    var signals: [Signal]
    var ledgers: [Ledger]
    var datasets: [DatasetFindings]
    var injections: [InjectionRecord]
    var residue: [String]
}

/// What a run's verdict, ending and exit code are made of.
enum Conclusion {
    static func make(
        _ drill: Drill, _ result: SessionResult, hiding redaction: Redaction, now clock: SystemTimekeeper
    ) -> RunClosing {
        let ledgers = result.ledgers.map { ledger in
            var ledger = ledger
            ledger.readBack?.hide(redaction)
            ledger.violations = ledger.violations.map(redaction.text)
            return ledger
        }
        let history = History(
            events: result.events, signals: result.signals, ledgers: ledgers,
            datasets: result.datasets.map { $0.hiding(redaction) })
        let judgement = DrillJudge.judge(drill, history)
        let runner = result.runner
        var residue = result.residue.map(redaction.text)
        for record in result.injections where record.state != .closed && record.state != .forgotten {
            if !residue.contains(where: { $0.contains("'\(record.name)'") }) {
                residue.append("'\(record.name)' (\(record.fault)) is not known to be closed")
            }
        }
        if residue.isEmpty, !runner.isUndoSettled {
            residue.append("the system is not steady after the undo")
        }
        let ending: Ending = runner.abortReason == nil && runner.failure == nil ? .completed : .aborted
        var code = Status.of(judgement.verdict, ending, hasResidue: !residue.isEmpty)
        // Nothing was broken and nothing is left: the drill could not be carried out on this host.
        if judgement.verdict == .error, runner.firstInjection == nil, residue.isEmpty { code = .refused }
        return RunClosing(
            ending: ending, judgement: judgement, exitCode: code.rawValue, residue: residue,
            finishedAt: clock.monotonic(), finishedAtUTC: clock.utcNanoseconds())
    }
}

extension ReadBack {
    /// What a store or a program said while it was read back ends up in the judgement's reasons.
    fileprivate mutating func hide(_ redaction: Redaction) {
        problems = problems.map(redaction.text)
        violations = violations.map(redaction.text)
        hints = hints.map(redaction.text)
        for index in replicas.indices {
            replicas[index].name = redaction.text(replicas[index].name)
            replicas[index].problems = replicas[index].problems.map(redaction.text)
        }
    }
}

extension DatasetFindings {
    /// What a server said while it was read ends up in the judgement's reasons.
    fileprivate func hiding(_ redaction: Redaction) -> DatasetFindings {
        var findings = self
        findings.problems = problems.map(redaction.text)
        findings.notes = notes.map(redaction.text)
        return findings
    }
}
