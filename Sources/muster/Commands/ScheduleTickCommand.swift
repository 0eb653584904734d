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
    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        try carryOut {
            let project = Project.current
            let isThere = Files.exists(project.outcomesPath(store.outcomes))
            if daemons {
                show(isThere ? try store.open(project).schedulerNotes(limit: limit) : [])
                return .pass
            }
            let records = isThere ? try store.open(project).occurrences(limit: limit) : []
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
                    record.sentence)
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
        ]
    }
}

struct SchedulePauseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "Stops a schedule, until it is resumed or until a time.",
        discussion:
            "Example: muster schedule pause sessions-weekly --reason migration --until 2027-01-31T08:00")

    @Argument(help: "The schedule.") var name: String
    @Option(help: "Why; it is shown with everything that is suppressed.") var reason: String
    @Option(help: "When it goes on by itself: a local time of its zone.") var until: String?
    @OptionGroup var place: SchedulePlace

    func run() throws {
        try carryOut {
            let now = Moment(utcNanoseconds: SystemTimekeeper().utcNanoseconds())
            let (_, chosen) = try place.load([name], now: now)
            guard let schedule = chosen.first else { return .usage }
            var pause = Schedule.Pause(since: now, reason: reason)
            if let until {
                guard let local = LocalTime(until) else {
                    throw Refusal(
                        .usage, "--until \(until): not a local time", advice: "such as 2027-01-31T08:00")
                }
                pause.until = schedule.zone.moment(of: local)
                guard let end = pause.until, end > now else {
                    throw Refusal(.usage, "--until \(until) is over already", advice: "a later time")
                }
            }
            try place.store.open(access: .readWrite).pause(name, pause, by: RunHeaders.actor)
            Terminal.line(
                "'\(name)' is "
                    + Decision.Reason.paused(reason: reason, until: pause.until).sentence(in: schedule.zone))
            return .pass
        }
    }
}

struct ScheduleResumeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Ends a pause.",
        discussion: "Example: muster schedule resume sessions-weekly --reason \"the migration is over\"")

    @Argument(help: "The schedule.") var name: String
    @Option(help: "Why.") var reason: String
    @OptionGroup var place: SchedulePlace

    func run() throws {
        try carryOut {
            let now = Moment(utcNanoseconds: SystemTimekeeper().utcNanoseconds())
            let (schedules, _) = try place.load([name], now: now)
            let wasPaused = try place.store.open(access: .readWrite).resume(
                name, at: now, reason: reason, by: RunHeaders.actor)
            if wasPaused {
                Terminal.line("'\(name)' goes on")
            } else if schedules[name]?.pause?.since == Moment(seconds: .min) {
                throw Refusal(
                    .refused, "'\(name)' is paused in \(place.path)", advice: "take `pause:` out there")
            } else {
                Terminal.line("'\(name)' was not paused")
            }
            return .pass
        }
    }
}
