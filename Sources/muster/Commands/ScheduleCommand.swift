import ArgumentParser
import Foundation
import MusterCore
import MusterDocuments
import MusterDrills
import MusterOutcomes
import MusterSystem

/// `muster schedule …`: what is due when, and why. Only `tick` starts a drill.
struct ScheduleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schedule",
        abstract: "When drills are due, and why some will not run (drills/schedules.yaml).",
        discussion: """
            Example: muster schedule next -n 20 --why
                     muster schedule ics > drills.ics
            """,
        subcommands: [
            ScheduleNextCommand.self, ScheduleListCommand.self, ScheduleCheckCommand.self,
            ScheduleCalendarCommand.self, ScheduleTickCommand.self, ScheduleHistoryCommand.self,
            SchedulePauseCommand.self, ScheduleResumeCommand.self, ScheduleApproveCommand.self,
            ScheduleRevokeCommand.self, ScheduleApprovalsCommand.self,
            ScheduleRehearseCommand.self,
        ])
}

/// Which schedules.
struct SchedulePlace: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The schedules (default: drills/schedules.yaml of the project).", valueName: "path"),
        completion: .file(extensions: ["yaml"]))
    var file: String?
    @OptionGroup var store: StoreOptions

    var path: String { file ?? ReportFiles.shown(Project.current.schedules) }

    /// The schedules, with the pauses that were ordered.
    /// - Parameter names: of those that are wanted; none: all.
    /// - Throws: `Refusal` with exit code 2.
    func load(_ names: [String] = [], now: Moment) throws -> (schedules: Schedules, chosen: [Schedule]) {
        var schedules = try ScheduleLoader(path: path).load(now: now)
        if let pauses = try store.openIfThere()?.pauses(at: now) {
            for index in schedules.schedules.indices {
                guard let pause = pauses[schedules.schedules[index].name] else { continue }
                schedules.schedules[index].pause = pause
            }
        }
        for name in names where schedules[name] == nil {
            let near = nearestWord(to: name, among: schedules.schedules.map(\.name))
            throw Refusal(
                .usage, "there is no schedule '\(name)'" + (near.map { ", did you mean '\($0)'?" } ?? ""),
                advice: "run `muster schedule list`")
        }
        let chosen =
            names.isEmpty ? schedules.schedules : schedules.schedules.filter { names.contains($0.name) }
        return (schedules, chosen)
    }
}

/// Which schedules, as of when.
struct ScheduleOptions: ParsableArguments {
    @OptionGroup var place: SchedulePlace
    @Option(
        help: ArgumentHelp(
            "As if it were then: a time in UTC, such as 2027-03-27T00:00 (default: now).", valueName: "time"))
    var from: String?

    var path: String { place.path }

    /// - Throws: `Refusal` with exit code 2.
    func now() throws -> Moment {
        guard let from else { return Moment(utcNanoseconds: SystemTimekeeper().utcNanoseconds()) }
        let bare = from.hasSuffix("Z") ? String(from.dropLast()) : from
        let day = CivilDate(bare).map { LocalTime(day: $0.daysSinceEpoch, secondOfDay: 0) }
        guard let local = LocalTime(bare) ?? day else {
            throw Refusal(.usage, "--from \(from): not a time", advice: "such as --from 2027-03-27T00:00")
        }
        return Moment(seconds: local.seconds)
    }

    func load(_ names: [String] = []) throws -> (schedules: Schedules, chosen: [Schedule], now: Moment) {
        let now = try now()
        let (schedules, chosen) = try place.load(names, now: now)
        return (schedules, chosen, now)
    }
}

struct ScheduleNextCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "next", abstract: "What is due next, in the zone's clocks and in UTC.",
        discussion: "Example: muster schedule next -n 20 --why sessions-weekly")

    @Argument(help: "Only these schedules.") var names: [String] = []
    @Option(name: [.customShort("n"), .long], help: "How many, from 1 to 10000.") var count = 10
    @Flag(help: "Say why each runs when it does, or does not.") var why = false
    @OptionGroup var options: ScheduleOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        try carryOut {
            guard (1...10_000).contains(count) else {
                throw Refusal(.usage, "--count \(count): not allowed", advice: "from 1 to 10000")
            }
            let (schedules, chosen, now) = try options.load(names)
            let planned = SchedulePlan.earliest(count, of: chosen, calendar: schedules.calendar, after: now)
            let named = Set(planned.map(\.schedule))
            let zones = Dictionary(
                chosen.lazy.filter { named.contains($0.name) }.map { ($0.name, $0.zone) },
                uniquingKeysWith: { first, _ in first })
            let approvals = try StandingApprovals(chosen, options.place.store, now: now)
            if output.json {
                let values = planned.map { item in
                    item.value(in: zones[item.schedule] ?? .utc, approval: approvals.words(item.key))
                }
                Terminal.line(Value.list(values).prettyJSON)
            } else if planned.isEmpty {
                Terminal.line("Nothing is due any more.")
            } else {
                show(planned, zones, approvals)
            }
            return .pass
        }
    }

    private func show(
        _ planned: [PlannedOccurrence], _ zones: [String: ZoneRules], _ approvals: StandingApprovals
    ) {
        var table =
            why
            ? Table("LOCAL TIME", "ZONE", "UTC", "SCHEDULE", "WHAT", "WHY")
            : Table("LOCAL TIME", "ZONE", "UTC", "SCHEDULE", "WHAT")
        for item in planned {
            let zone = zones[item.schedule] ?? .utc
            var cells = [
                ScheduleText.local(item.due, zone), zone.name, ScheduleText.local(item.due, .utc) + "Z",
                item.schedule, item.decision.fate.rawValue,
            ]
            if why {
                let approval = item.decision.fate == .run ? approvals.words(item.key) : nil
                cells.append(
                    [item.words(in: zone), approval ?? ""].filter { !$0.isEmpty }.joined(separator: "; "))
            }
            table.rows.append(cells)
        }
        Terminal.line(table.text(width: Terminal.width))
    }
}

struct ScheduleListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "The schedules, and when each runs next.",
        discussion: "Example: muster schedule list")

    @OptionGroup var options: ScheduleOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        try carryOut {
            let (schedules, chosen, now) = try options.load()
            let rows = chosen.map { schedule in
                (schedule, ScheduleText.nextRun(of: schedule, schedules.calendar, after: now))
            }
            if output.json {
                Terminal.line(Value.list(rows.map { $0.value(next: $1, now: now) }).prettyJSON)
                return .pass
            }
            var table = Table("SCHEDULE", "DRILL", "DUE", "ZONE", "NEXT RUN", "")
            for (schedule, next) in rows {
                let run = next.run.map { ScheduleText.local($0.due, schedule.zone) } ?? "-"
                table.add(
                    schedule.name, schedule.drill, schedule.rule.text, schedule.zone.name, run,
                    [
                        PauseText.words(schedule, now: now),
                        next.before > 0 ? "after \(next.before) that will not run" : nil,
                    ].compactMap { $0 }.joined(separator: "; "))
            }
            Terminal.line(table.text(width: Terminal.width))
            return .pass
        }
    }
}

struct ScheduleCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract:
            "Whether the schedules can be used: zones, rules, windows, holidays and the drills they name.",
        discussion: "Example: muster schedule check")

    @OptionGroup var options: ScheduleOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        try carryOut {
            let text = try Files.text(options.path, atMost: Schedules.largest)
            let found = ScheduleLoader(path: options.path).examine(text, now: try options.now())
            let result = Linter.Result(
                path: options.path, source: text, errors: found.errors, warnings: found.warnings)
            if output.json {
                Terminal.line(result.value.prettyJSON)
            } else {
                Terminal.write(result.text)
                let count =
                    found.schedules.map { Observing.count($0.schedules.count, "schedule") + ": " } ?? ""
                Terminal.line(
                    count + Observing.count(found.errors.count, "error") + ", "
                        + Observing.count(found.warnings.count, "warning"))
            }
            return found.errors.isEmpty ? .pass : .usage
        }
    }
}

struct ScheduleCalendarCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ics", abstract: "The plan as an iCalendar file, for calendars that subscribe to it.",
        discussion: """
            Example: muster schedule ics > public/drills.ics
                     muster schedule ics --blind > public/game-days.ics
            """)

    @Flag(help: "Say \"Game day\" and nothing else: for those who shall not know what comes.") var blind =
        false
    @Option(help: "How many days ahead, from 1 to 3660.") var days = 365
    @OptionGroup var options: ScheduleOptions

    /// For how long what was called off stays in it, so that calendars that ask rarely learn of it.
    private static let cancelledFor = Duration.seconds(30 * 86_400)

    func run() throws {
        try carryOut {
            guard (1...3660).contains(days) else {
                throw Refusal(.usage, "--days \(days): not allowed", advice: "from 1 to 3660")
            }
            let (schedules, chosen, now) = try options.load()
            let end = now + .seconds(Int64(days) * 86_400)
            let approvals = try StandingApprovals(chosen, options.place.store, now: now)
            let edited = max(
                ScheduleLoader(path: options.path).lastEdit(of: schedules),
                try approvals.lastWord() ?? Moment(seconds: 0))
            // Counted from 2026 on, so that it stays far below the 31 bits of an INTEGER (RFC 5545, 3.3.8).
            let feed = CalendarFeed(
                isBlind: blind, stamp: now, sequence: max(0, edited.seconds - 1_767_225_600))
            let items = chosen.map { schedule in
                (schedule, Self.items(schedule, schedules.calendar, approvals, now, until: end))
            }
            Terminal.write(feed.bytes(items))
            return .pass
        }
    }

    private static func items(
        _ schedule: Schedule, _ calendar: ScheduleCalendar, _ approvals: StandingApprovals, _ now: Moment,
        until end: Moment
    ) -> [CalendarFeed.Item] {
        var items: [CalendarFeed.Item] = []
        for planned in SchedulePlan(of: schedule, calendar: calendar, after: now - cancelledFor) {
            if planned.due > end { break }
            // Whether something ran is not known here; that it was called off is.
            if planned.due <= now, planned.decision.fate == .run { continue }
            items.append(.init(planned, isTentative: approvals.isWanted(planned.key)))
        }
        return items
    }
}
