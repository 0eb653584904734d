import Foundation
import MusterCore
import MusterDocuments
import MusterDrills
import MusterGuard
import MusterProbes
import MusterSystem

extension DrillSession {
    func runRunbook(_ index: Int, _ step: RunbookStep) {
        let problem = step.restore.map { restore(step, $0) } ?? carryOut(step)
        inbox.post(
            .input(.runbookFinished(index, succeeded: problem.isEmpty, text: problem)))
    }

    /// - Returns: why it failed; empty when it did not.
    private func carryOut(_ step: RunbookStep) -> String {
        let (state, text) = follow(step)
        return finish(step, state, text)
    }

    private func finish(_ step: RunbookStep, _ state: RunbookResult.State, _ text: String) -> String {
        let succeeded = state == .succeeded
        events.record(
            .runbookFinished, step.path,
            succeeded ? "runbook \(step.path) finished" : "runbook \(step.path): \(text)",
            detail: ["ok": .bool(succeeded), "state": .text(state.rawValue)])
        return succeeded ? "" : "runbook \(step.path): \(text)"
    }

    private func restore(_ step: RunbookStep, _ plan: RestorePlan) -> String {
        let watch: RestoreWatch
        do throws(RestoreRefusal) {
            watch = try RestoreWatch(
                plan, directory: prepared.ledgerDirectory, isCancelled: { [self] in isCancelled },
                note: { recordSource($0, of: step, "before") })
        } catch {
            events.record(.restoreRefused, step.path, error.description)
            return finish(step, .failed, error.description)
        }
        // Its end is on record before the source is read again, so that this is none of its time.
        let problem = carryOut(step)
        let end = watch.end(note: { recordSource($0, of: step, "after") })
        events.record(.restoreOver, step.path, "the restore into \(plan.into) is over", detail: end)
        return problem
    }

    private func follow(_ step: RunbookStep) -> (RunbookResult.State, String) {
        let begun = clock.monotonic()
        do {
            let path = try prepared.runbookPath(step.path)
            let runbook = try Runbooks.read(path)
            let directory = Runbooks.directory(of: path)
            let variables = try RunbookVariables(of: runbook, given: step.variables, directory: directory)
            let secrets = prepared.secrets.union(variables.secrets)
            writer.record(
                RunbookRecord(
                    path: step.path, fileHash: runbook.fileHash, execHash: runbook.execHash,
                    text: Redaction(secrets).text(runbook.source)))
            events.record(
                .runbookStarted, step.path, "runbook \(step.path) (\(runbook.title)) begins",
                bracket: Bracket(begun, clock.monotonic()))
            let site = GuardSite(executable: "", stateDirectory: client.hello.stateDirectory)
            var environment = prepared.temporary.merging(
                Runbooks.environment(variables, run: prepared.runID)
            ) { temporary, _ in temporary }
            environment[FixtureSockets.variable] = FixtureSockets.write(
                fixtures.mapValues { site.supervisorSocket(of: $0) })
            let terminal =
                view.canAsk
                ? TerminalAsker(roles: [], showsText: true, show: { [inbox] in inbox.post(.question($0)) })
                : nil
            let asker =
                view.canAsk || prepared.isAnsweredElsewhere
                ? SharedAsker(
                    desk: desk, run: prepared.runID, runbook: step.path, terminal: terminal,
                    redaction: Redaction(secrets)) : nil
            let result = RunbookExecution(
                keeper: DrilledRunbook(
                    events: events, runbook: runbook,
                    current: { [self] in note(step: $0, of: step.path) },
                    attempt: { [self] in
                        GuardedAttempt(
                            client: client, id: try newID(), run: prepared.runID, step: $0, runbook: step.path
                        )
                    }), asker: asker,
                environment: environment,
                directory: directory, secrets: secrets,
                stop: { [self] in isCancelled ? "the drill was broken off" : nil }
            ).run(RunbookMachine(runbook, seed: UInt64.random(in: 0 ... .max)))
            return (result.state, result.reason)
        } catch {
            return (.failed, words(error))
        }
    }
}

/// The turns of a runbook as events of a drill.
final class DrilledRunbook: RunbookKeeper {
    let events: RunEvents
    let runbook: Runbook
    /// Hears which step is under way; nil: none.
    let current: (String?) -> Void
    /// Makes an attempt that the guard will know of.
    let attempt: (RunbookItem) throws -> GuardedAttempt
    /// That of the `wait` which is under way.
    private var looks: GuardedAttempt?

    init(
        events: RunEvents, runbook: Runbook, current: @escaping (String?) -> Void,
        attempt: @escaping (RunbookItem) throws -> GuardedAttempt
    ) {
        self.events = events
        self.runbook = runbook
        self.current = current
        self.attempt = attempt
    }

    /// Nothing may be done any more once a drill is broken off and everything is put back.
    var grace: Duration { .zero }
    func watch(_ item: RunbookItem, ofTurn turn: Int) throws -> (any AttemptWatch)? {
        if let looks { return looks }
        let made = try attempt(item)
        if item.kind == .wait { looks = made }
        return made
    }
    /// A drill that dies is not resumed: its guard puts everything back.
    func save(_ turns: [RunbookTurn]) {}
    func tick() {}

    func show(_ turn: RunbookTurn, _ item: RunbookItem) {
        current(turn.name)
        guard item.kind == .manual else { return }
        events.record(
            .note, turn.name,
            "'\(turn.name)' waits for a person" + (item.role.map { " in the role \($0)" } ?? ""))
    }

    func show(_ failed: RunbookTurn.FailedAttempt, of turn: RunbookTurn, again pause: Duration) {
        events.record(.note, turn.name, "'\(turn.name)': \(failed.words); again in \(pause.forPeople)")
    }

    func show(_ turn: RunbookTurn, after time: Bracket) {
        current(nil)
        looks?.close()
        looks = nil
        var detail: [String: Value] = [
            "kind": .text(turn.kind.rawValue), "ok": .bool(turn.state == .succeeded),
            "state": .text(turn.state.rawValue), "heading": .text(turn.heading),
            "attempts": .int(Int64(turn.attempts)), "output": .text(turn.output),
            "nanoseconds": .int(time.width.nanoseconds), "machineNanoseconds": .int(turn.machine.nanoseconds),
            "humanWaitNanoseconds": .int(turn.humanWait.nanoseconds),
            "humanWorkNanoseconds": .int(turn.humanWork.nanoseconds),
        ]
        if let code = turn.exitCode { detail["exitCode"] = .int(Int64(code)) }
        if let evidence = turn.evidence { detail["evidence"] = .text(evidence) }
        let item = runbook.item(named: turn.name)
        if let stage = item?.stage { detail["stage"] = .text(stage.rawValue) }
        if let into = item?.into, let value = turn.value {
            detail["into"] = .text(into)
            detail["value"] = .text(value)
        }
        events.record(
            .runbookStep, turn.name, RunbookText.sentence(turn, time), bracket: time,
            actor: turn.actor ?? "muster", detail: .map(detail))
    }
}

extension PreparedDrill {
    /// Every runbook that a step names can be read and knows the variables that it is given: found out before
    /// anything is started, not in the middle of an outage.
    /// - Parameter mustAnswer: whether a step for people could not be answered.
    func checkRunbooks(mustAnswer: Bool) throws {
        for step in runbookSteps {
            let runbook = try Runbooks.read(runbookPath(step.path))
            try RunbookVariables.checkNames(of: runbook, given: step.variables)
            if step.restore != nil, !runbook.steps.contains(where: { $0.stage == .restore }) {
                throw Refusal(
                    .usage,
                    "the runbook \(step.path) restores nothing: no step of it has \"stage\":\"restore\"",
                    advice: "say with \"stage\" what its steps are for: fetch, restore, replay, verify")
            }
            // Not in the middle of an outage either.
            if mustAnswer, let open = runbook.steps.first(where: { $0.kind == .manual }) {
                throw Refusal(
                    .refused,
                    "the runbook \(step.path) needs a person for '\(open.name)', and nobody can be asked",
                    advice: "run the drill in a terminal, or with --answers-elsewhere and answer by "
                        + "`muster attach --as NAME` or `muster confirm`")
            }
        }
    }

    /// Steps that run a runbook.
    var runbookSteps: [RunbookStep] { Self.runbooks(drill.steps + drill.after) }

    static func runbooks(_ steps: [Step]) -> [RunbookStep] {
        steps.flatMap { step -> [RunbookStep] in
            switch step.action {
            case .runbook(let runbook): [runbook]
            case .parallel(let steps): runbooks(steps)
            case .inject, .wait, .lift, .alert: []
            }
        }
    }

    /// A runbook as named by the drill: in the project's `runbooks/`, beside the drill, or by its path.
    func runbookPath(_ named: String) throws -> String { try project.runbook(named, ofDrill: path) }
}

extension Project {
    /// A runbook as a drill names it: in the project's `runbooks/`, beside the drill, or by its path.
    /// - Throws: `Refusal` when there is none.
    func runbook(_ named: String, ofDrill path: String) throws -> String {
        let places = [
            runbooks + "/" + named, (path as NSString).deletingLastPathComponent + "/" + named, named,
        ]
        guard let found = places.first(where: Files.exists) else {
            throw Refusal(
                .usage, "the runbook '\(named)' was not found",
                advice: "looked for " + places.map(ReportFiles.shown).joined(separator: ", "))
        }
        return found
    }
}
