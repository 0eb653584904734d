import Foundation
import MusterCore
import MusterDrills
import MusterSystem

/// What the steps of a runbook find in their environment.
struct RunbookVariables {
    /// Secrets among them.
    var values: [String: String] = [:]
    var secrets: Set<String> = []
    /// What is kept of the secrets.
    var traces: [RunbookRun.SecretTrace] = []

    /// - Throws: `Refusal` for a variable that the runbook does not know, and for one that it wants and is not given.
    static func checkNames(of runbook: Runbook, given: [String: String]) throws {
        let known = runbook.variables.map(\.name)
        for name in given.keys.sorted() {
            guard let variable = runbook.variables.first(where: { $0.name == name }) else {
                let near = nearestWord(to: name, among: known).map { "; did you mean '\($0)'?" } ?? ""
                throw Refusal(
                    .usage, "the runbook has no variable '\(name)'\(near)", advice: "see its front matter")
            }
            if variable.secret != nil {
                throw Refusal(
                    .usage,
                    "the runbook's variable '\(name)' is a secret, and is not given on a command line",
                    advice: "set what its front matter names")
            }
        }
        for variable in runbook.variables
        where variable.isRequired && variable.secret == nil && variable.defaultValue == nil
            && given[variable.name] == nil
        {
            throw Refusal(
                .usage, "the runbook's variable '\(variable.name)' has no value",
                advice: "give it: --var \(variable.name)=…, or in a drill vars: { \(variable.name): … }")
        }
    }

    /// - Parameters:
    ///   - directory: the runbook's own, for secrets in files.
    ///   - readsSecrets: whether their values are wanted; without it they are only known to exist.
    /// - Throws: `Refusal`.
    init(of runbook: Runbook, given: [String: String], directory: String, readsSecrets: Bool = true) throws {
        try Self.checkNames(of: runbook, given: given)
        for variable in runbook.variables {
            if let source = variable.secret {
                let secret = RunbookSecret(name: variable.name, source: source, directory: directory)
                guard readsSecrets else {
                    try secret.checkPresence()
                    continue
                }
                let value = try secret.value()
                values[variable.name] = value
                secrets.insert(value)
                traces.append(secret.trace(of: value))
            } else if let value = given[variable.name] ?? variable.defaultValue {
                try Self.check(value, variable)
                values[variable.name] = value
            }
        }
        let redaction = Redaction(secrets)
        for (name, value) in values
        where !traces.contains(where: { $0.name == name }) && redaction.text(value) != value {
            throw Refusal(
                .usage, "the runbook's variable '\(name)' holds the value of a secret, which would be kept",
                advice: "let the step put the two together")
        }
    }

    private static func check(_ value: String, _ variable: Runbook.Variable) throws {
        if holdsPasswordInURL(value) {
            throw Refusal(
                .usage,
                "the runbook's variable '\(variable.name)' holds a URL with a password, which would be kept",
                advice: "make it a secret in the front matter: { secret: \"env:NAME\" }")
        }
        if value.utf8.contains(0) {
            throw Refusal(
                .usage, "the runbook's variable '\(variable.name)' holds a NUL", advice: "give text")
        }
        if let pattern = variable.pattern, !matches(value, pattern) {
            throw Refusal(
                .usage, "the runbook's variable '\(variable.name)' is '\(value)'",
                advice: "it must match \(pattern)")
        }
    }

    /// Whether the whole value matches. One that ends with a newline does not: `$` alone would let it.
    static func matches(_ value: String, _ pattern: String) -> Bool {
        guard let found = value.range(of: "^(?:\(pattern))$", options: .regularExpression) else {
            return false
        }
        return found == value.startIndex..<value.endIndex
    }
}

/// Where a secret comes from.
struct RunbookSecret {
    var name: String
    /// `env:NAME`, `file:PATH` or `cmd:COMMAND`.
    var source: String
    var directory: String

    private static let patience = Duration.seconds(30)

    private var parts: (kind: String, rest: String) {
        let parts = source.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(
            String.init)
        return (parts[0], parts.count > 1 ? parts[1] : "")
    }

    private var path: String {
        parts.rest.hasPrefix("/") ? parts.rest : (directory as NSString).appendingPathComponent(parts.rest)
    }

    private func refusal(_ why: String) -> Refusal {
        // The command of `cmd:` may hold what must not be shown.
        let from = parts.kind == "cmd" ? "its command" : source
        return Refusal(
            .usage, "the runbook's secret '\(name)' cannot be had from \(from): \(why)",
            advice: "set it before the run")
    }

    /// Whether it is there, without looking at its value; a command is not run for that.
    func checkPresence() throws {
        switch parts.kind {
        case "env":
            if ProcessInfo.processInfo.environment[parts.rest] == nil { throw refusal("it is not set") }
        case "file": if !Files.exists(path) { throw refusal("there is no such file") }
        default: break
        }
    }

    func value() throws -> String {
        let value: String
        switch parts.kind {
        case "env":
            guard let found = ProcessInfo.processInfo.environment[parts.rest] else {
                throw refusal("it is not set")
            }
            value = found
        case "file":
            do { value = try Files.text(path) } catch let refused as Refusal {
                throw refusal(refused.message)
            }
        default: value = try said()
        }
        let trimmed = String(value.reversed().drop { $0 == "\n" }.reversed())
        if trimmed.isEmpty { throw refusal("it is empty") }
        if trimmed.utf8.contains(0) { throw refusal("it holds a NUL") }
        return trimmed
    }

    private func said() throws -> String {
        var program = BlockProgram(
            shell: "sh", body: parts.rest, environment: ProcessInfo.processInfo.environment,
            directory: directory)
        program.isCapture = true
        program.endsWithUs = true
        var tail = OutputTail(Redaction([]), limit: 4096)
        let (end, captured) = program.run(within: Self.patience, tail: &tail, stop: { nil }, tick: {})
        switch end {
        case .exited(0): break
        // What it said may be half of the secret, and is not repeated.
        case .exited(let code): throw refusal("it ended with exit code \(code)")
        case .timedOut: throw refusal("it did not end within \(Self.patience.forPeople)")
        case .notStarted(let why): throw refusal(why)
        case .signalled, .cancelled: throw refusal("it was ended")
        }
        guard let text = String(validating: captured, as: UTF8.self) else {
            throw refusal("it printed no text")
        }
        return text
    }

    /// What is kept: enough to tell later whether it is the same.
    func trace(of value: String) -> RunbookRun.SecretTrace {
        let salt = ULID.make()
        return RunbookRun.SecretTrace(
            name: name, source: parts.kind == "cmd" ? "cmd" : source, salt: salt, hash: Self.hash(value, salt)
        )
    }

    static func hash(_ value: String, _ salt: String) -> String { SHA256.hex(of: Array((salt + value).utf8)) }
}
