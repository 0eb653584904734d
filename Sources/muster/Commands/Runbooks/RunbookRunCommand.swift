import ArgumentParser
import Foundation
import MusterCore
import MusterDrills
import MusterOutcomes
import MusterSystem

/// Who carries a runbook out, and what they said beforehand.
struct RunbookPeople: ParsableArguments {
    @Option(
        name: .customLong("as"),
        help: ArgumentHelp("Who answers for people (default: whoever is logged in).", valueName: "name"))
    var actor: String?
    @Option(help: ArgumentHelp("A role that this person has; may be given several times.", valueName: "role"))
    var role: [String] = []
    @Option(
        help: ArgumentHelp(
            "Answers a manual step: yes, no, or the evidence that it asks for. Nothing else ever says yes.",
            valueName: "step=answer"))
    var answer: [String] = []

    var name: String { actor ?? RunHeaders.actor }

    /// - Parameters:
    ///   - over: steps that need no answer any more.
    ///   - show: draws a question.
    /// - Throws: `Refusal` when an answer is none, or a step could not be answered.
    func asker(
        for runbook: Runbook, besides over: Set<String> = [], isJSON: Bool,
        show: @escaping ([String]?) -> Void
    ) throws -> GivenAnswers {
        var answers: [String: String] = [:]
        for text in answer {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(
                String.init)
            guard parts.count == 2, !parts[0].isEmpty, answers.updateValue(parts[1], forKey: parts[0]) == nil
            else {
                throw Refusal(
                    .usage, "--answer \(text): not an answer",
                    advice: "write --answer STEP=yes, once for each step")
            }
        }
        let terminal = TerminalAsker(roles: Set(role), actor: name, showsText: false, show: show)
        let asker = GivenAnswers(
            answers: answers, actor: name, roles: Set(role),
            other: TerminalInput.isAvailable && !isJSON ? terminal : nil)
        if let problem = asker.problem(with: runbook, besides: over) {
            throw Refusal(
                .refused, problem,
                advice: "run it in a terminal, or give --answer STEP=… (and --role, where one is wanted)")
        }
        return asker
    }
}

struct RunbookRunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Carries a runbook out, step by step, and keeps what came of each.",
        discussion: """
            Example: muster runbook run host-busy.md
                     muster runbook run redis-unreachable.md --var port=6379 --var server=6379 --dry-run

            Ctrl-C ends the step that runs and stops; `muster runbook resume` goes on.

            Exit codes: 0 it was carried out, 1 it took longer than its objective, 2 usage,
            5 it failed or was stopped, so that the recovery is incomplete, 7 refused, 70 internal error.
            """)

    @Argument(
        help: "The runbook, by its path or its name in runbooks/.", completion: .file(extensions: ["md"]))
    var runbook: String
    @Option(
        name: .customLong("var"),
        help: ArgumentHelp("Sets a variable of the runbook.", valueName: "name=value"))
    var variables: [String] = []
    @Flag(help: "Print what would be done, and do nothing.") var dryRun = false
    @Flag(help: "With --dry-run: carry out the checks, which change nothing.") var probe = false
    @OptionGroup var people: RunbookPeople
    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        try carryOut {
            let file = try ProjectRunbook(runbook)
            guard !file.runbook.steps.isEmpty else {
                throw Refusal(
                    .usage, "\(runbook) has no step", advice: "give a block a kind; `muster runbook check`")
            }
            let given = try VariableArguments.read(variables)
            if dryRun {
                let resolved = try RunbookVariables(
                    of: file.runbook, given: given, directory: file.directory, readsSecrets: probe)
                let dry = RunbookDryRun(
                    file: file, variables: resolved, probes: probe, isSilent: output.json)
                return output.json ? dry.json() : dry.show()
            }
            try FixtureBlocks.check(file)
            if probe {
                throw Refusal(
                    .usage, "--probe means nothing without --dry-run",
                    advice: "add --dry-run, or leave it out")
            }
            let resolved = try RunbookVariables(of: file.runbook, given: given, directory: file.directory)
            let run = RunbookRun(
                id: ULID.make(), runbook: file.runbook, path: file.key,
                variables: resolved.values.filter { name, _ in !resolved.traces.contains { $0.name == name }
                },
                secrets: resolved.traces, host: HostNames.read().host, bootID: try bootID(),
                actor: people.name,
                toolVersion: toolVersion, startedAtUTC: SystemTimekeeper().utcNanoseconds())
            let session = RunbookSession(file: file, variables: resolved, people: people, json: output.json)
            // Before anything is kept: what cannot be answered is refused.
            let asker = try people.asker(for: file.runbook, isJSON: output.json, show: session.ask)
            let store = try store.open(file.project, access: .readWrite)
            let earlier = try store.runbookRuns(of: file.key, limit: 50)
            let last = earlier.first(where: \.isComparable)
            if !output.json, let newest = earlier.first { noteOpen(newest) }
            var kept = run
            kept.text = Redaction(resolved.secrets).text(run.text)
            let number = try store.begin(kept)
            return try session.carryOut(
                RunbookMachine(file.runbook, seed: .random(in: 0 ... .max)), asker,
                RunbookStore(store: store, run: run.id),
                .init(number: number, startedAtUTC: run.startedAtUTC, last: last), changed: [])
        }
    }

    /// Whoever begins anew should know of one that is under way, or was left in the middle.
    private func noteOpen(_ run: RecordedRunbookRun) {
        if run.isRunning {
            Terminal.note("note: run #\(run.number) of it is being carried out, by \(run.run.actor)")
        } else if run.result == nil || run.result?.state == .cancelled {
            Terminal.note(
                "note: run #\(run.number) of it was left in the middle; `muster runbook resume \(run.number)` goes on with it"
            )
        }
    }
}
