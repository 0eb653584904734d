import ArgumentParser
import Foundation
import MusterCore
import MusterDocuments
import MusterDrills
import MusterOutcomes
import MusterSystem

/// Which occurrence somebody speaks about, and who speaks.
struct OccurrenceOptions: ParsableArguments {
    @Argument(help: "The schedule.") var name: String
    @Argument(
        help:
            "The occurrence: the local time that its rule says, such as 2027-01-31T10:00, as `next --json` has it."
    )
    var occurrence: String?
    @Flag(help: "The next one that is to run, or waits.") var next = false
    @Option(name: .customLong("as"), help: "Who says so; one of `approvers`, where the schedule names them.")
    var approver: String

    /// - Throws: `Refusal` with exit code 2.
    func check() throws {
        guard approver.contains(where: { !$0.isWhitespace }) else {
            throw Refusal(.usage, "--as needs a name", advice: "such as --as alice")
        }
        if (occurrence == nil) != next {
            throw Refusal(
                .usage,
                next ? "an occurrence and --next say two things" : "which occurrence of '\(name)' is meant?",
                advice: "--next, or one that `muster schedule next \(name)` shows")
        }
    }

    /// The name that was typed: a key, or its local time with `+` behind it for the second pass of a repeated hour.
    func key() throws -> OccurrenceKey? {
        guard let occurrence else { return nil }
        var text = occurrence
        if text.hasPrefix(name + "@") { text = String(text.dropFirst(name.count + 1)) }
        let fold = text.hasSuffix("+") ? 1 : 0
        guard let nominal = LocalTime(fold == 1 ? String(text.dropLast()) : text) else {
            throw Refusal(
                .usage, "'\(occurrence)' is no occurrence",
                advice:
                    "a local time such as 2027-01-31T10:00; `muster schedule next \(name) --json` shows them")
        }
        return OccurrenceKey(schedule: name, nominal: nominal, fold: fold)
    }
}

struct ScheduleApproveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "approve",
        abstract: "Says yes to one occurrence of a schedule that has approval: required.",
        discussion: """
            Example: muster schedule approve postgres-monthly --next --as alice --ticket CHG-17 --expires 48h

            The yes is bound to this occurrence, to what the drill executes as its files are now, and to what that would
            touch on this host. An edit voids it.
            """)

    @OptionGroup var which: OccurrenceOptions
    @Option(help: "The change or ticket under which it is allowed.") var ticket: String?
    @Option(
        help: "For how long the yes counts, such as 48h; it has to reach beyond the time at which it is due.")
    var expires: String?
    @OptionGroup var place: SchedulePlace
    @OptionGroup var state: StateOptions

    func run() throws {
        try carryOut {
            try which.check()
            let now = Moment(utcNanoseconds: SystemTimekeeper().utcNanoseconds())
            let (schedules, chosen) = try place.load([which.name], now: now)
            guard let schedule = chosen.first else { return .usage }
            try check(schedule)
            let store = try place.store.open(access: .readWrite)
            let planned = try find(schedule, schedules.calendar, store, now)
            var approval = Approval(
                subject: try ApprovalSubject(project: .current, state: state).of(schedule),
                by: which.approver, ticket: ticket, at: now)
            approval.expires = try expiry(planned, schedule, now)
            try store.approve(planned.key, approval, actor: RunHeaders.actor)
            let until = approval.expires.map { ", until \(ScheduleText.local($0, schedule.zone))" } ?? ""
            Terminal.line(
                "\(schedule.name) on \(ScheduleText.local(planned.due, schedule.zone)) \(schedule.zone.name) is approved by "
                    + "\(approval.author)\(until)")
            Terminal.line(
                "  bound to what the drill executes, \(approval.subject.execHash.prefix(12)), and to what it would touch here, \(approval.subject.planHash.prefix(12))"
            )
            return .pass
        }
    }

    private func check(_ schedule: Schedule) throws {
        guard schedule.needsApproval else {
            throw Refusal(
                .usage, "'\(schedule.name)' needs no approval",
                advice: "it runs when it is due; approval: required changes that")
        }
        guard schedule.mayApprove(which.approver) else {
            throw Refusal(
                .refused, "\(which.approver) may not approve '\(schedule.name)'",
                advice: "approvers are " + schedule.approvers.joined(separator: ", "))
        }
    }

    /// One that is to come and will run, or one that is due and waits.
    private func find(
        _ schedule: Schedule, _ calendar: ScheduleCalendar, _ store: OutcomeStore, _ now: Moment
    ) throws -> PlannedOccurrence {
        let planner = SchedulePlanner(schedule: schedule, calendar: calendar)
        let waiting = try store.occurrences(limit: 1000).filter {
            $0.key.schedule == schedule.name && $0.fate == .queued
        }
        guard let key = try which.key() else {
            if let first = waiting.last, let planned = planner.plan(first.key) { return planned }
            if let next = ScheduleText.nextRun(of: schedule, calendar, after: now).run { return next }
            throw Refusal(
                .refused, "'\(schedule.name)' has no run to come",
                advice: "`muster schedule next --why` says why")
        }
        guard let planned = planner.plan(key) else {
            throw Refusal(
                .usage, "'\(schedule.name)' has no occurrence \(key.nominal.text)",
                advice: "`muster schedule next \(schedule.name)` shows them")
        }
        if waiting.contains(where: { $0.key == key }) { return planned }
        guard planned.due > now else {
            throw Refusal(
                .refused, "that one is over", advice: "`muster schedule history` says what became of it")
        }
        guard planned.decision.fate == .run else {
            throw Refusal(
                .refused, "that one will not run: \(planned.decision.reason.sentence(in: schedule.zone))",
                advice: "choose another one")
        }
        return planned
    }

    private func expiry(_ planned: PlannedOccurrence, _ schedule: Schedule, _ now: Moment) throws -> Moment? {
        guard let expires else { return nil }
        guard let length = Duration(units: expires), length >= .seconds(1), length <= .seconds(366 * 86_400)
        else {
            throw Refusal(
                .usage, "--expires \(expires): not a length of time", advice: "such as --expires 48h")
        }
        let end = now + length
        guard end > planned.due else {
            throw Refusal(
                .usage,
                "--expires \(expires) ends before it is due, \(ScheduleText.local(planned.due, schedule.zone))",
                advice: "a longer one")
        }
        return end
    }
}

struct ScheduleRevokeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "Takes an approval back.",
        discussion:
            "Example: muster schedule revoke postgres-monthly 2027-01-29T10:00 --as alice --reason \"not this week\""
    )

    @OptionGroup var which: OccurrenceOptions
    @Option(help: "Why.") var reason: String
    @OptionGroup var place: SchedulePlace

    func run() throws {
        try carryOut {
            try which.check()
            let now = Moment(utcNanoseconds: SystemTimekeeper().utcNanoseconds())
            let store = try place.store.open(access: .readWrite)
            let standing = try store.standingApprovals().keys.filter { $0.schedule == which.name }
            let wanted = try which.key() ?? standing.min { $0.nominal < $1.nominal }
            guard let key = wanted, standing.contains(key) else {
                throw Refusal(
                    .usage, "no approval of it stands", advice: "`muster schedule approvals` lists them")
            }
            _ = try store.revoke(key, at: now, by: which.approver, reason: reason)
            Terminal.line("\(key.text) is approved no more")
            return .pass
        }
    }
}

struct ScheduleApprovalsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "approvals", abstract: "Who approved what, newest first, and whether it still counts.",
        discussion: "Example: muster schedule approvals")

    @Option(help: "How many.") var limit = 20
    @OptionGroup var place: SchedulePlace
    @OptionGroup var output: OutputOptions

    func run() throws {
        try carryOut {
            let now = Moment(utcNanoseconds: SystemTimekeeper().utcNanoseconds())
            let (schedules, _) = try place.load(now: now)
            let standing = try StandingApprovals(schedules.schedules, place.store, now: now)
            let records = try standing.records(limit: limit)
            if output.json {
                Terminal.line(Value.list(records.map { standing.value($0) }).prettyJSON)
                return .pass
            }
            var table = Table("OCCURRENCE", "BY", "TICKET", "GIVEN (UTC)", "STANDS")
            for record in records {
                table.add(
                    record.key.text, record.approval.by, record.approval.ticket ?? "-",
                    ScheduleText.local(record.approval.at, .utc), standing.words(record))
            }
            Terminal.line(table.text(width: Terminal.width))
            return .pass
        }
    }
}
