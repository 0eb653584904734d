import ArgumentParser
import MusterCore
import MusterDrills
import MusterOutcomes

struct RunbookShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Runs of runbooks, newest first; or one, step by step.",
        discussion: """
            Example: muster runbook show
                     muster runbook show 7
            """)

    @Argument(help: ArgumentHelp("The run's number or id.", valueName: "run")) var named: String?
    @Option(help: "How many are listed.") var limit = 20
    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        try carryOut {
            let opened = try store.open()
            guard let named else {
                let runs = try opened.runbookRuns(limit: limit)
                if output.json {
                    Terminal.line(Value.list(runs.map(Self.value)).prettyJSON)
                } else {
                    list(runs)
                }
                return .pass
            }
            guard let found = try opened.runbookRun(named) else {
                throw Refusal(
                    .usage, "there is no run '\(named)' of a runbook",
                    advice: "`muster runbook show` lists the runs")
            }
            if output.json { Terminal.line(Self.value(found).prettyJSON) } else { show(found) }
            return .pass
        }
    }

    private func list(_ runs: [RecordedRunbookRun]) {
        var table = Table("N", "WHEN (UTC)", "RUNBOOK", "STATE", "TOOK", "BY", "WHY")
        for run in runs {
            table.add(
                "\(run.number)", String(utcText(nanoseconds: run.run.startedAtUTC).prefix(16)), run.run.path,
                Self.state(run) + (run.resumptions > 0 ? ", resumed" : ""), Self.took(run).forPeople,
                run.run.actor,
                RunbookText.visible(run.result?.reason ?? ""))
        }
        Terminal.line(table.text(width: Terminal.width))
    }

    private func show(_ run: RecordedRunbookRun) {
        Terminal.line(Terminal.styled("\(run.run.title)  run #\(run.number) · \(run.run.path)", .bold))
        Terminal.labelled(
            "state", Self.state(run) + (run.result.map { $0.reason.isEmpty ? "" : ": \($0.reason)" } ?? ""))
        Terminal.labelled("begun", utcText(nanoseconds: run.run.startedAtUTC) + " by \(run.run.actor)")
        Terminal.labelled(
            "time", RunbookText.total(Self.result(run), elapsed: run.resumptions > 0 ? run.elapsed : nil))
        if run.resumptions > 0 {
            Terminal.labelled(
                "resumed",
                Observing.count(run.resumptions, "time") + (run.isChanged ? ", with a changed file" : ""))
        }
        for (name, value) in run.run.variables.sorted(by: { $0.key < $1.key }) {
            Terminal.labelled("variable", "\(name) = \(value)")
        }
        for secret in run.run.secrets { Terminal.labelled("secret", "\(secret.name), from \(secret.source)") }
        Terminal.line()
        Terminal.line(RunbookRunText.table(run.turns).text(width: Terminal.width))
    }

    private static func state(_ run: RecordedRunbookRun) -> String {
        run.result?.state.rawValue ?? (run.isRunning ? "running" : "interrupted")
    }

    /// Of a resumed run, with the time that it was dead.
    private static func took(_ run: RecordedRunbookRun) -> Duration {
        let total = result(run).total
        return run.resumptions > 0 ? run.elapsed ?? total : total
    }

    private static func result(_ run: RecordedRunbookRun) -> RunbookResult {
        run.result ?? RunbookResult(state: .cancelled, reason: "", turns: run.turns)
    }

    private static func value(_ run: RecordedRunbookRun) -> Value {
        let value = RunbookRunText.value(
            result(run), number: run.number, id: run.run.id, elapsed: run.elapsed,
            isResumed: run.resumptions > 0)
        var map = value.asMap ?? [:]
        map["state"] = .text(state(run))
        map["path"] = .text(run.run.path)
        map["startedAt"] = .text(utcText(nanoseconds: run.run.startedAtUTC))
        map["finishedAt"] = run.finishedAtUTC.map { .text(utcText(nanoseconds: $0)) } ?? .null
        map["execHash"] = .text(run.run.execHash)
        map["fileHash"] = .text(run.run.fileHash)
        map["variables"] = .map(run.run.variables.mapValues { .text($0) })
        map["secrets"] = .list(run.run.secrets.map { ["name": .text($0.name), "source": .text($0.source)] })
        map["resumptions"] = .int(Int64(run.resumptions))
        map["changed"] = .bool(run.isChanged)
        return .map(map)
    }
}
