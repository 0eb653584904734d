import ArgumentParser
import MusterCore
import MusterDrills
import MusterOutcomes

struct OutcomesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "outcomes",
        abstract: "The history of runs, newest first; or one group of repeats, and what it proves.",
        discussion: """
            Example: muster outcomes --limit 5
                     muster outcomes --group 12
            """)

    @Option(help: "How many.") var limit = 20
    @Option(
        help: ArgumentHelp(
            "Only this group of repeats, by its id or the number of any of its runs.", valueName: "group"))
    var group: String?
    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        try carryOut {
            if let group { return try show(GroupFinder.find(group, in: store.open())) }
            let rows = try store.open().summaries(limit: limit)
            if output.json {
                Terminal.line(Value.list(rows.map(\.value)).prettyJSON)
                return .pass
            }
            var table = Table("N", "WHEN (UTC)", "DRILL", "VERDICT", "ENDED", "WHY")
            for row in rows {
                table.add(
                    "\(row.number)", String(utcText(nanoseconds: row.startedAtUTC).prefix(16)), row.drill,
                    row.verdict?.rawValue.uppercased() ?? "-",
                    row.isRunning ? "running" : row.ending.rawValue,
                    row.reason)
            }
            Terminal.line(table.text(width: Terminal.width))
            return .pass
        }
    }

    private func show(_ summary: RepeatSummary) -> Status {
        if output.json {
            Terminal.line(summary.value.prettyJSON)
        } else {
            Terminal.line(RepeatText.table(summary.group).text(width: Terminal.width))
            Terminal.line()
            RepeatText.show(summary)
        }
        return .pass
    }
}

struct ShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "One outcome: verdict, objectives, ledger, events.", discussion: "Example: muster show 3")

    @Argument(help: "The outcome's number (default: the newest).") var number: Int?
    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        try carryOut {
            let opened = try store.open()
            let outcome = try OutcomeFinder.find(number, in: opened, withSamples: false)
            let isRunning = try opened.summary(outcome.number)?.isRunning ?? false
            if output.json {
                Terminal.line(OutcomeText.value(outcome, isRunning: isRunning).prettyJSON)
            } else {
                OutcomeText.show(outcome, isRunning: isRunning)
            }
            return .pass
        }
    }
}

enum OutcomeFinder {
    static func find(_ number: Int?, in store: OutcomeStore, withSamples: Bool) throws -> Outcome {
        guard let wanted = try number ?? store.summaries(limit: 1).first?.number else {
            throw Refusal(
                .usage, "there is no outcome yet", advice: "run a drill: muster run drills/first-drill.yaml")
        }
        guard let outcome = try store.outcome(wanted, withSamples: withSamples) else {
            throw Refusal(
                .usage, "there is no outcome \(wanted)", advice: "run `muster outcomes` for the list")
        }
        return outcome
    }
}

extension OutcomeSummary {
    var value: Value {
        [
            "number": .int(Int64(number)), "id": .text(id), "drill": .text(drill),
            "service": service.map { .text($0) } ?? .null, "environment": .text(environment.rawValue),
            "failureMode": failureMode.map { .text($0) } ?? .null, "durabilityScope": .text(durabilityScope),
            "startedAt": .text(utcText(nanoseconds: startedAtUTC)),
            "finishedAt": finishedAtUTC.map { .text(utcText(nanoseconds: $0)) } ?? .null,
            "ending": isRunning ? "running" : .text(ending.rawValue),
            "verdict": verdict.map { .text($0.rawValue) } ?? .null, "reason": .text(reason),
            "exitCode": exitCode.map { .int(Int64($0)) } ?? .null,
            "objectives": .list(objectives.map(\.value)),
        ]
    }
}

extension ObjectiveResult {
    var value: Value {
        [
            "name": .text(name), "objective": .text(objective), "measured": .text(measured),
            "lowerNanoseconds": interval.map { .int($0.lowerNanoseconds) } ?? .null,
            "upperNanoseconds": interval?.upperNanoseconds.map { .int($0) } ?? .null,
            "result": .text(result.rawValue), "reason": .text(reason),
        ]
    }
}
