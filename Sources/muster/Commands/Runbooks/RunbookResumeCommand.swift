import ArgumentParser
import Foundation
import MusterCore
import MusterDrills
import MusterOutcomes
import MusterSystem

struct RunbookResumeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Goes on with a run of a runbook that was stopped, or whose process died.",
        discussion: """
            It goes on with the first step that is not over, with the same variables. Secrets are read anew. A step in
            whose midst the run ended is done again when that does no harm; otherwise look whether it had its effect,
            and say so with --assume.

            Example: muster runbook resume
                     muster runbook resume 7 --assume done
            """)

    /// As `RunbookMachine.Assumption`.
    enum Assumption: String, ExpressibleByArgument, CaseIterable {
        case done, redo
    }

    @Argument(
        help: ArgumentHelp("The run's number or id (default: the newest that is not over).", valueName: "run")
    )
    var named: String?
    @Option(help: "Of a step whose outcome is not known: it is done, or it is to be done again.")
    var assume: Assumption?
    @Flag(help: "Go on although the file was changed since.") var acceptChange = false
    @OptionGroup var people: RunbookPeople
    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        try carryOut {
            let project = Project.current
            // Looked at first, so that none is made where there is nothing to resume.
            _ = try find(in: store.open(project))
            let opened = try store.open(project, access: .readWrite)
            let recorded = try find(in: opened)
            let path =
                recorded.run.path.hasPrefix("/") ? recorded.run.path : project.root + "/" + recorded.run.path
            let file = try ProjectRunbook(path)
            let isChanged = file.runbook.fileHash != recorded.run.fileHash
            if isChanged, !acceptChange {
                throw Refusal(
                    .refused, "\(recorded.run.path) was changed since run #\(recorded.number) began",
                    advice: "look at what changed; to go on with the file as it is now, add --accept-change")
            }
            try checkLeftovers(recorded)
            let variables = try RunbookVariables(
                of: file.runbook, given: recorded.run.variables, directory: file.directory)
            noteChangedSecrets(recorded, variables)
            let (machine, changed) = try machine(for: file, recorded)
            let session = RunbookSession(file: file, variables: variables, people: people, json: output.json)
            let over = Set(recorded.turns.filter { $0.state == .succeeded }.map(\.name))
            let asker = try people.asker(
                for: file.runbook, besides: over, isJSON: output.json, show: session.ask)
            var now = file.runbook
            now.source = Redaction(variables.secrets).text(now.source)
            guard try opened.takeOver(recorded.run.id, changedTo: isChanged ? now : nil) else {
                throw Refusal(
                    .refused, "run #\(recorded.number) is carried out by another process",
                    advice: "wait for it, or look at it: muster runbook show \(recorded.number)")
            }
            let known = RunbookSession.Known(
                number: recorded.number, startedAtUTC: recorded.run.startedAtUTC, isResumed: true,
                last: try opened.runbookRuns(of: file.key, limit: 50).first(where: \.isComparable))
            return try session.carryOut(
                machine, asker, RunbookStore(store: opened, run: recorded.run.id), known, changed: changed)
        }
    }

    private func find(in store: OutcomeStore) throws -> RecordedRunbookRun {
        let found =
            if let named {
                try store.runbookRun(named)
            } else {
                try store.runbookRuns().first {
                    !$0.isRunning && ($0.result == nil || $0.result?.state == .cancelled)
                }
            }
        guard let found else {
            throw Refusal(
                .usage,
                named.map { "there is no run '\($0)' of a runbook" }
                    ?? "no run of a runbook waits to be resumed",
                advice: "`muster runbook show` lists the runs")
        }
        if found.isRunning {
            throw Refusal(
                .refused, "run #\(found.number) is being carried out",
                advice: "wait for it, or look at it: muster runbook show \(found.number)")
        }
        if let result = found.result, result.state != .cancelled {
            throw Refusal(
                .usage, "run #\(found.number) is over: it \(result.state.rawValue)",
                advice: "begin a new one: muster runbook run \(found.run.path)")
        }
        return found
    }

    /// What the dead run had started may still be at it.
    private func checkLeftovers(_ recorded: RecordedRunbookRun) throws {
        guard let turn = recorded.turns.last, !turn.state.isOver,
            let process = recorded.processes[turn.number],
            Sessions.isAlive(process)
        else { return }
        throw Refusal(
            .refused, "step '\(turn.name)' of run #\(recorded.number) still runs, as process \(process.pid)",
            advice: "wait until it has ended, or end it: kill -TERM -- -\(process.pid)")
    }

    private func noteChangedSecrets(_ recorded: RecordedRunbookRun, _ variables: RunbookVariables) {
        for trace in recorded.run.secrets {
            guard let value = variables.values[trace.name],
                RunbookSecret.hash(value, trace.salt) != trace.hash
            else { continue }
            Terminal.note("note: the secret '\(trace.name)' has another value than when the run began")
        }
    }

    private func machine(
        for file: ProjectRunbook, _ recorded: RecordedRunbookRun
    ) throws -> (RunbookMachine, [RunbookTurn]) {
        do {
            return try RunbookMachine.resuming(
                file.runbook, turns: recorded.turns,
                assuming: assume.flatMap { RunbookMachine.Assumption(rawValue: $0.rawValue) },
                by: people.name,
                seed: .random(in: 0 ... .max))
        } catch .unknownOutcome(let step) {
            throw Refusal(
                .refused,
                "run #\(recorded.number) ended in the midst of '\(step)', which must not be done twice",
                advice: "look whether it had its effect; then add --assume done, or --assume redo")
        } catch .stepIsGone(let step) {
            throw Refusal(
                .refused, "the file has no step '\(step)' any more, which the run carried out",
                advice: "begin a new run: muster runbook run \(recorded.run.path)")
        } catch .nothingToAssume {
            throw Refusal(
                .usage,
                "--assume: run #\(recorded.number) did not end in the midst of a step that must not be done twice",
                advice: "leave it out")
        }
    }
}

/// Sessions that a process once began.
enum Sessions {
    /// Whether anything in the session is left that this process led, itself or what it started.
    static func isAlive(_ leader: ProcessIdentity) -> Bool {
        guard (try? bootID()) == leader.bootID else { return false }
        // While one of its processes lives, nobody else gets the session's number.
        if let stat = (try? ProcessStat.read(leader.pid)) ?? nil, stat.startTicks != leader.startTicks {
            return false
        }
        return ((try? processNumbers()) ?? []).contains { pid in
            guard let stat = (try? ProcessStat.read(pid)) ?? nil else { return false }
            return stat.session == leader.pid && !stat.isZombie
        }
    }
}
