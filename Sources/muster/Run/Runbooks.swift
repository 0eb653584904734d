import Foundation
import MusterCore
import MusterDocuments
import MusterGuard
import MusterSystem

extension DrillSession {
    func runRunbook(_ index: Int, _ step: RunbookStep) {
        let (succeeded, text) = execute(step)
        events.record(
            .runbookFinished, step.path,
            succeeded ? "runbook \(step.path) finished" : "runbook \(step.path): \(text)",
            detail: ["ok": .bool(succeeded)])
        inbox.post(
            .input(
                .runbookFinished(
                    index, succeeded: succeeded, text: succeeded ? "" : "runbook \(step.path): \(text)")))
    }

    private func execute(_ step: RunbookStep) -> (Bool, String) {
        let begun = clock.monotonic()
        do {
            let path = try prepared.runbookPath(step.path)
            let runbook = try Runbooks.read(path)
            let variables = try Runbooks.variables(of: runbook, given: step.variables)
            writer.record(
                RunbookRecord(
                    path: step.path, fileHash: runbook.fileHash, execHash: runbook.execHash,
                    text: runbook.source))
            events.record(
                .runbookStarted, step.path, "runbook \(step.path) (\(runbook.title)) begins",
                bracket: Bracket(begun, clock.monotonic()))
            var environment = ProcessInfo.processInfo.environment
            environment.merge(variables.values) { _, new in new }
            environment["PATH"] = Files.besideUs + ":" + (environment["PATH"] ?? "/usr/bin:/bin")
            environment["MUSTER_RUN_ID"] = prepared.runID
            let site = GuardSite(executable: "", stateDirectory: client.hello.stateDirectory)
            environment[FixtureSockets.variable] = FixtureSockets.write(
                fixtures.mapValues { site.supervisorSocket(of: $0) })
            return RunbookExecution(
                runbook, environment: environment, directory: prepared.project.root, events: events,
                secrets: prepared.secrets.union(variables.secrets), isCancelled: { [self] in isCancelled }
            ).run()
        } catch {
            return (false, words(error))
        }
    }
}

/// Runbooks on disk, and the variables that their steps find in their environment.
enum Runbooks {
    static func read(_ path: String) throws -> Runbook {
        let text = try Files.text(path)
        do {
            let title = ((path as NSString).lastPathComponent as NSString).deletingPathExtension
            return try RunbookReader.read(text, fallbackTitle: title) { SHA256.hex(of: $0.utf8) }
        } catch let problems as FormProblems {
            throw Refusal(
                .usage,
                "\(path) cannot be run\n" + ProblemText.render(problems.problems, path: path, source: text),
                advice: "mend the lines above; `muster lint \(path)` checks again")
        }
    }

    /// - Throws: `Refusal` for a variable that the runbook does not know, and for one that it wants and is not given.
    static func checkNames(of runbook: Runbook, given: [String: String]) throws {
        let known = runbook.variables.map(\.name)
        for name in given.keys.sorted() where !known.contains(name) {
            let near = nearestWord(to: name, among: known).map { "; did you mean '\($0)'?" } ?? ""
            throw Refusal(
                .usage, "the runbook has no variable '\(name)'\(near)", advice: "see its front matter")
        }
        for variable in runbook.variables
        where variable.isRequired && variable.secret == nil && variable.defaultValue == nil
            && given[variable.name] == nil
        {
            throw Refusal(
                .usage, "the runbook's variable '\(variable.name)' has no value",
                advice: "give it in the drill: vars: { \(variable.name): … }")
        }
    }

    static func variables(of runbook: Runbook, given: [String: String]) throws -> (
        values: [String: String], secrets: Set<String>
    ) {
        try checkNames(of: runbook, given: given)
        var values: [String: String] = [:]
        var secrets: Set<String> = []
        for variable in runbook.variables {
            if let source = variable.secret {
                let value = try secret(source, variable.name)
                values[variable.name] = value
                secrets.insert(value)
            } else if let value = given[variable.name] ?? variable.defaultValue {
                if let pattern = variable.pattern,
                    value.range(of: "^(?:\(pattern))$", options: .regularExpression) == nil
                {
                    throw Refusal(
                        .usage, "the runbook's variable '\(variable.name)' is '\(value)'",
                        advice: "it must match \(pattern)")
                }
                values[variable.name] = value
            }
        }
        return (values, secrets)
    }

    private static func secret(_ source: String, _ name: String) throws -> String {
        let parts = source.split(separator: ":", maxSplits: 1).map(String.init)
        if parts.count == 2, parts[0] == "env", let value = ProcessInfo.processInfo.environment[parts[1]] {
            return value
        }
        if parts.count == 2, parts[0] == "file" {
            let text = try Files.text(parts[1])
            return text.hasSuffix("\n") ? String(text.dropLast()) : text
        }
        throw Refusal(
            .usage, "the runbook's secret '\(name)' cannot be read from \(source)",
            advice: "set it before the run")
    }
}

extension PreparedDrill {
    /// Every runbook that a step names can be read and knows the variables that it is given: found out before
    /// anything is started, not in the middle of an outage.
    func checkRunbooks() throws {
        for step in Self.runbooks(drill.steps + drill.after) {
            let runbook = try Runbooks.read(runbookPath(step.path))
            try Runbooks.checkNames(of: runbook, given: step.variables)
        }
    }

    private static func runbooks(_ steps: [Step]) -> [RunbookStep] {
        steps.flatMap { step -> [RunbookStep] in
            switch step.action {
            case .runbook(let runbook): [runbook]
            case .parallel(let steps): runbooks(steps)
            case .inject, .wait, .lift: []
            }
        }
    }

    /// A runbook as named by the drill: in the project's `runbooks/`, beside the drill, or by its path.
    func runbookPath(_ named: String) throws -> String {
        let places = [
            project.runbooks + "/" + named, (path as NSString).deletingLastPathComponent + "/" + named, named,
        ]
        guard let found = places.first(where: Files.exists) else {
            throw Refusal(
                .usage, "the runbook '\(named)' was not found",
                advice: "looked for " + places.map(ReportFiles.shown).joined(separator: ", "))
        }
        return found
    }
}
