import MusterCore
import MusterDrills
import MusterSystem

/// What a runbook would do, without doing it.
struct RunbookDryRun {
    let file: ProjectRunbook
    let variables: RunbookVariables
    /// Whether checks are carried out.
    let probes: Bool

    func show() -> Status {
        let runbook = file.runbook
        Terminal.line(Terminal.styled("\(runbook.title)  DRY RUN · \(file.key)", .bold))
        for variable in runbook.variables {
            let value = variable.secret.map { "a secret, from " + ($0.hasPrefix("cmd:") ? "a command" : $0) }
            Terminal.line("  $\(variable.name) = \(value ?? variables.values[variable.name] ?? "(not set)")")
        }
        var failed: [String] = []
        for (index, item) in runbook.steps.enumerated() {
            Terminal.line()
            show(item, "\(index + 1)/\(runbook.steps.count) ")
            if probes, item.kind == .check, !probe(item) { failed.append(item.name) }
        }
        for item in runbook.rollbacks {
            Terminal.line()
            show(item, "")
        }
        Terminal.line()
        bounds(runbook)
        if !failed.isEmpty {
            Terminal.labelled("checks", "failed now: " + failed.joined(separator: ", "), indent: 9, .red)
            return .inconclusive
        }
        return .pass
    }

    private func show(_ item: RunbookItem, _ place: String) {
        var words = [item.kind.rawValue, "at most \(item.timeout.forPeople)"]
        if item.kind == .wait { words.append("every \(item.interval.forPeople), \(item.stable) in a row") }
        if item.retry.count > 0 { words.append("up to \(item.retry.count + 1) attempts") }
        if item.isMutating, item.isIdempotent { words.append("may be done twice") }
        if let role = item.role { words.append("by the role \(role)") }
        if let expected = item.expected { words.append("expected to take \(expected.forPeople)") }
        if let ask = item.ask { words.append("asks for \(ask)") }
        if let into = item.into { words.append("into $\(into)" + (item.isSecret ? ", a secret" : "")) }
        switch item.onFailure {
        case .abort: break
        case .proceed: words.append("goes on when it fails")
        case .step(let name): words.append("when it fails, '\(name)' is next")
        }
        if case .block(let name)? = item.rollback { words.append("undone by '\(name)'") }
        if item.isEnd { words.append("the last when it succeeds") }
        Terminal.line("\(place)\(Terminal.styled(item.name, .bold)) (\(words.joined(separator: ", ")))")
        for line in RunbookText.visible(item.body).split(separator: "\n") { Terminal.line("    \(line)") }
    }

    private func bounds(_ runbook: Runbook) {
        let sum = runbook.steps.reduce(Duration.zero) { $0 + $1.timeout }
        var text = "at most \(sum.forPeople): the sum of what each step may take"
        let back = runbook.steps.contains { if case .step = $0.onFailure { true } else { false } }
        if back { text += "; steps that are led back to count again" }
        Terminal.labelled("time", text)
        let undo = runbook.rollbacks.reduce(Duration.zero) { $0 + $1.timeout }
        if undo > .zero { Terminal.labelled("undo", "at most \(undo.forPeople) more when it is given up") }
        if let rto = runbook.rto {
            Terminal.labelled(
                "objective", rto.forPeople + (sum > rto ? ", less than the steps may take" : ""), indent: 10)
        }
    }

    private func probe(_ item: RunbookItem) -> Bool {
        let clock = SystemTimekeeper()
        var runbook = file.runbook
        runbook.steps = [item]
        runbook.rollbacks = []
        let execution = RunbookExecution(
            keeper: NothingKept(), asker: nil, environment: Runbooks.environment(variables, run: ULID.make()),
            directory: file.directory, secrets: variables.secrets, stop: { nil })
        let begun = clock.monotonic()
        let result = execution.run(RunbookMachine(runbook, seed: 0))
        guard let turn = result.turns.first else { return false }
        let sentence = RunbookText.sentence(turn, Bracket(begun, clock.monotonic()))
        Terminal.line("    → \(RunbookText.visible(sentence))")
        return result.state == .succeeded
    }

    private struct NothingKept: RunbookKeeper {
        var grace: Duration { .seconds(1) }
        var keepsProcesses: Bool { false }
        func save(_ turns: [RunbookTurn]) {}
        func note(_ process: ProcessIdentity, ofTurn turn: Int) {}
        func show(_ turn: RunbookTurn, _ item: RunbookItem) {}
        func show(_ turn: RunbookTurn, after time: Bracket) {}
        func show(_ failed: RunbookTurn.FailedAttempt, of turn: RunbookTurn, again pause: Duration) {}
        func tick() {}
    }
}
