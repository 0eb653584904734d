import ArgumentParser
import Foundation
import MusterCore
import MusterDocuments
import MusterDrills
import MusterOutcomes
import MusterSystem

struct ScheduleTickCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tick",
        abstract: "Settles what has come due and runs what may run, then ends; for a timer, once a minute.",
        discussion: """
            Example: muster schedule tick

            Ends with the exit code of the drill that it ran, or 0 when none was due. Two of them at once run nothing
            twice. What it finds when a schedule is new, it leaves alone: a schedule begins with what comes.
            """)

    @OptionGroup var place: SchedulePlace

    func run() throws {
        try carryOut {
            let project = Project.current
            let now = Moment(utcNanoseconds: SystemTimekeeper().utcNanoseconds())
            let due = DueRuns(
                schedules: try ScheduleLoader(path: place.path).load(now: now),
                store: try place.store.open(project, access: .readWrite), project: project)
            let answer = try due.look()
            if let jump = answer.jump {
                Terminal.line(
                    "the clock was set by \(jump.forPeople) since the last look: nothing is started for it")
            }
            for item in answer.settled { Terminal.line(item.line) }
            for (name, count) in answer.missedInBulk.sorted(by: { $0.key < $1.key }) {
                Terminal.line("\(name): \(count) earlier ones were missed as well")
            }
            var codes: [Status] = [.pass]
            for item in answer.toRun {
                Terminal.line(item.line)
                codes.append(Status(rawValue: try due.run(item)) ?? .internalError)
            }
            return Status.worst(codes)
        }
    }
}

struct ScheduleHistoryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history", abstract: "What became of what was due, newest first, and why.",
        discussion: "Example: muster schedule history --limit 50")

    @Option(help: "How many.") var limit = 20
    @Flag(help: "What happened to daemons instead: starts, stops, edits that they found, and clocks.")
    var daemons = false
    @Flag(help: "Who paused and resumed what instead, and why.") var pauses = false
    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        try carryOut {
            let project = Project.current
            let store = try store.openIfThere(project)
            if daemons {
                show(try store?.schedulerNotes(limit: limit) ?? [])
                return .pass
            }
            if pauses {
                PauseText.show(try store?.pauseRecords(limit: limit) ?? [], json: output.json)
                return .pass
            }
            let records = try store?.occurrences(limit: limit) ?? []
            if output.json {
                Terminal.line(Value.list(records.map(\.value)).prettyJSON)
                return .pass
            }
            var table = Table("DUE (UTC)", "SCHEDULE", "WHAT", "EXIT", "WHY")
            for record in records {
                table.add(
                    ScheduleText.local(record.due, .utc), record.key.schedule, record.fate.rawValue,
                    record.exitCode.map { "\($0)" }
                        ?? (record.fate == .run && record.finished == nil ? "…" : "-"),
                    record.words)
            }
            Terminal.line(table.text(width: Terminal.width))
            return .pass
        }
    }
}

extension ScheduleHistoryCommand {
    private func show(_ notes: [SchedulerNote]) {
        if output.json {
            let values = notes.map { note -> Value in
                [
                    "at": .text(note.at.text), "kind": .text(note.kind.rawValue),
                    "why": .text(note.sentence), "pid": .int(Int64(note.pid)),
                ]
            }
            Terminal.line(Value.list(values).prettyJSON)
            return
        }
        var table = Table("AT (UTC)", "PID", "WHAT", "WHY")
        for note in notes {
            let first = note.sentence.split(separator: "\n").first.map(String.init) ?? ""
            table.add(ScheduleText.local(note.at, .utc), "\(note.pid)", note.kind.rawValue, first)
        }
        Terminal.line(table.text(width: Terminal.width))
    }
}

extension OccurrenceRecord {
    var value: Value {
        [
            "schedule": .text(key.schedule), "key": .text(key.text), "nominal": .text(key.nominal.text),
            "fold": .int(Int64(key.fold)), "zone": .text(zone), "drill": .text(drill), "due": .text(due.text),
            "fate": .text(fate.rawValue), "reason": .text(reason), "why": .text(sentence),
            "exitCode": exitCode.map { .int(Int64($0)) } ?? .null,
            "finished": finished.map { .text($0.text) } ?? .null,
            "outcome": outcome.map { .int(Int64($0)) } ?? .null, "ending": ending.map { .text($0) } ?? .null,
        ]
    }
}
