import MusterCore
import MusterDrills
import MusterSystem

/// What a runbook would do, without doing it.
struct RunbookDryRun {
    let file: ProjectRunbook
    let variables: RunbookVariables
    /// Whether checks are carried out.
    let probes: Bool
    /// Whether nothing is printed on the way.
    let isSilent: Bool

    /// The same as data.
    func json() -> Status {
        let runbook = file.runbook
        var failed: [String] = []
        let steps = runbook.steps.map { item -> Value in
            var map = Self.value(item)
            if probes, item.kind == .check {
                let isGood = probe(item)
                map["probe"] = .text(isGood ? "succeeded" : "failed")
                if !isGood { failed.append(item.name) }
            }
            return .map(map)
        }
        let secrets = Set(runbook.variables.filter { $0.secret != nil }.map(\.name))
        let sum = runbook.steps.reduce(Duration.zero) { $0 + $1.timeout }
        let value: Value = [
            "path": .text(file.key), "title": .text(runbook.title), "dryRun": true,
            "execHash": .text(runbook.execHash),
            "variables": .map(variables.values.filter { !secrets.contains($0.key) }.mapValues { .text($0) }),
            "secrets": .list(
                runbook.variables.compactMap { variable in
                    variable.secret.map {
                        ["name": .text(variable.name), "source": .text($0.hasPrefix("cmd:") ? "cmd" : $0)]
                    }
                }),
            "steps": .list(steps), "rollbacks": .list(runbook.rollbacks.map { .map(Self.value($0)) }),
            "atMostNanoseconds": .int(sum.nanoseconds),
            "objectiveNanoseconds": runbook.rto.map { .int($0.nanoseconds) } ?? .null,
            "failedChecks": .list(failed.map { .text($0) }),
        ]
        Terminal.line(value.prettyJSON)
        return failed.isEmpty ? .pass : .inconclusive
    }

    private static func value(_ item: RunbookItem) -> [String: Value] {
        [
            "name": .text(item.name), "kind": .text(item.kind.rawValue), "body": .text(item.body),
            "shell": .text(item.shell), "timeoutNanoseconds": .int(item.timeout.nanoseconds),
            "retries": .int(Int64(item.retry.count)), "onFailure": item.onFailure.value,
            "rollback": item.rollback?.value ?? .null, "idempotent": .bool(item.isIdempotent),
        ]
    }

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
        if item.retry.count > 0 { words.append(Self.attempts(item.retry)) }
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

    private static func attempts(_ retry: RunbookItem.Retry) -> String {
        var text = "up to \(retry.count + 1) attempts, \(retry.delay.forPeople) apart"
        if retry.backoff > 1 { text += " and ever more, up to \(retry.longest.forPeople)" }
        if retry.codes.isEmpty { return text }
        return text + ", after exit code " + retry.codes.map(String.init).joined(separator: " or ")
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
        if !isSilent { Terminal.line("    → \(RunbookText.visible(sentence))") }
        return result.state == .succeeded
    }

    private struct NothingKept: RunbookKeeper {
        var grace: Duration { .seconds(1) }
        func save(_ turns: [RunbookTurn]) {}
        func watch(_ item: RunbookItem, ofTurn turn: Int) -> (any AttemptWatch)? { nil }
        func show(_ turn: RunbookTurn, _ item: RunbookItem) {}
        func show(_ turn: RunbookTurn, after time: Bracket) {}
        func show(_ failed: RunbookTurn.FailedAttempt, of turn: RunbookTurn, again pause: Duration) {}
        func tick() {}
    }
}
