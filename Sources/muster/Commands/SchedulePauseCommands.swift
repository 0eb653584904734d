import ArgumentParser
import Foundation
import MusterCore
import MusterDocuments
import MusterDrills
import MusterOutcomes
import MusterSystem

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
            try PauseText.check(reason)
            let (_, chosen) = try place.load([name], now: now)
            guard let schedule = chosen.first else { return .usage }
            var pause = Schedule.Pause(since: now, reason: reason, by: RunHeaders.actor)
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
            let words = Decision.Reason.paused(reason: reason, until: pause.until).sentence(in: schedule.zone)
            Terminal.line("'\(name)' is \(words.onOneLine)")
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
            try PauseText.check(reason)
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

/// Pauses for people and programs.
enum PauseText {
    /// - Throws: `Refusal` with exit code 2 when nobody could learn anything from it.
    static func check(_ reason: String) throws {
        guard reason.contains(where: { !$0.isWhitespace }) else {
            throw Refusal(
                .usage, "--reason needs words",
                advice: "say why; it is shown with everything that is suppressed")
        }
    }

    /// `paused: migration, by alice, until 2027-01-31 08:00`; nil for what is not paused at `now`.
    static func words(_ schedule: Schedule, now: Moment) -> String? {
        guard let pause = schedule.pause, pause.until.map({ now < $0 }) ?? true else { return nil }
        return "paused: \(pause.reason), by \(pause.by ?? "the schedules")"
            + (pause.until.map { ", until \(ScheduleText.local($0, schedule.zone))" } ?? "")
    }

    static func show(_ records: [PauseRecord], json: Bool) {
        if json {
            Terminal.line(Value.list(records.map(value)).prettyJSON)
            return
        }
        var table = Table("SINCE (UTC)", "SCHEDULE", "BY", "UNTIL (UTC)", "WHY", "ENDED")
        for record in records {
            let end = record.end.map {
                "\(ScheduleText.local($0.at, .utc)) by \($0.by): \($0.reason)"
            }
            table.add(
                ScheduleText.local(record.pause.since, .utc), record.schedule, record.pause.by ?? "-",
                record.pause.until.map { ScheduleText.local($0, .utc) } ?? "-", record.pause.reason,
                end ?? "-")
        }
        Terminal.line(table.text(width: Terminal.width))
    }

    private static func value(_ record: PauseRecord) -> Value {
        [
            "schedule": .text(record.schedule), "since": .text(record.pause.since.text),
            "until": record.pause.until.map { .text($0.text) } ?? .null,
            "reason": .text(record.pause.reason), "by": record.pause.by.map { .text($0) } ?? .null,
            "ended": record.end.map { .text($0.at.text) } ?? .null,
            "endedBy": record.end.map { .text($0.by) } ?? .null,
            "endedReason": record.end.map { .text($0.reason) } ?? .null,
        ]
    }
}
