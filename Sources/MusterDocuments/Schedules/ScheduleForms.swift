import MusterCore
import MusterDrills

/// `drills/schedules.yaml` as a whole.
struct SchedulesForm: Formed {
    var format = 1
    var timezone = ""
    var holidays = HolidaysForm()
    var blackouts = Named<BlackoutForm>()
    var maxConcurrent = 1
    var onStop = Schedule.Interruption.abort
    var schedules = Named<ScheduleForm>()

    static let form = Form(
        "schedules", "When drills are due, and when none may start.", blank: SchedulesForm(),
        fields: [
            Field(required: "format", \.format, "The version of this format.", in: { $0 == 1 ? nil : "1" }),
            Field(
                required: "timezone", \.timezone,
                "The zone of all times here, as IANA spells it: Europe/Berlin. Never an abbreviation."),
            Field(
                "holidays", \.holidays, default: HolidaysForm(),
                "Days on which schedules do what onHoliday says."),
            Field(
                "blackouts", \.blackouts, default: Named(), "Stretches in which no schedule starts anything."),
            Field(
                "maxConcurrent", \.maxConcurrent, default: 1,
                "How many scheduled drills may run at the same time.",
                in: { (1...64).contains($0) ? nil : "from 1 to 64" }),
            Field(
                "onStop", \.onStop, default: .abort,
                "abort or finish: what becomes of what runs when `muster serve` is stopped."),
            Field(required: "schedules", \.schedules, "The schedules."),
        ])
}

/// An entry of `schedules:`.
struct ScheduleForm: Formed {
    enum Approval: String, FormWord { case none, required }

    var drill = ""
    var vars: [String: String] = [:]
    var timezone: String?
    var cron: String?
    var dayMatch: CronRule.DayMatch?
    var rrule: String?
    var start: CivilDate?
    var at: TimeOfDay?
    var once: LocalTime?
    var every: Duration?
    var gap = GapPolicy.shift
    var window: WindowForm?
    var onHoliday = Schedule.OnHoliday.skip
    var jitter = Duration.zero
    var catchUp = Schedule.CatchUp.none
    var startDeadline = Duration.seconds(1800)
    var priority = 0
    var onFreeze = Schedule.Interruption.abort
    var approval = Approval.none
    var approvers: [String] = []
    var pause: PauseForm?

    static let form = Form(
        "schedule", "A drill that is due again and again, or once.", blank: ScheduleForm(),
        fields: when + how,
        check: { form in
            let rules = [
                ("cron", form.cron != nil), ("rrule", form.rrule != nil), ("once", form.once != nil),
                ("every", form.every != nil),
            ].filter(\.1).map(\.0)
            guard rules.count == 1 else {
                throw FormProblem(
                    rules.isEmpty
                        ? "nothing says when it is due"
                        : "\(rules.joined(separator: " and ")) say when it is due",
                    at: nil, path: rules.last ?? "", expected: "one of cron, rrule, once, every")
            }
            if form.rrule != nil, form.start == nil || form.at == nil {
                throw FormProblem(
                    "an rrule needs the day from which it counts, and the time of day", at: nil,
                    path: "rrule",
                    expected: "start: 2027-01-01 and at: 10:00 beside it")
            }
            if form.rrule == nil, form.start != nil || form.at != nil {
                throw FormProblem(
                    "'start' and 'at' belong to an rrule", at: nil, path: form.start == nil ? "at" : "start",
                    expected: "the time inside of \(rules[0])")
            }
            if form.cron == nil, form.dayMatch != nil {
                throw FormProblem("'dayMatch' belongs to cron", at: nil, path: "dayMatch", expected: "cron")
            }
            if form.approval == .none, !form.approvers.isEmpty {
                throw FormProblem(
                    "nobody has to approve it", at: nil, path: "approvers",
                    expected: "approval: required beside it")
            }
        })

    private static let when: [Field<ScheduleForm>] = [
        Field(required: "drill", \.drill, "The drill's file, from the project's folder on."),
        Field("vars", \.vars, default: [:], "Values for the drill's variables."),
        Field("timezone", \.timezone, "Another zone than the file's."),
        Field("cron", \.cron, "Five fields: minute, hour, day of the month, month, day of the week."),
        Field("dayMatch", \.dayMatch, "any or all: how two restricted day fields of cron go together."),
        Field("rrule", \.rrule, "A rule of iCalendar, such as FREQ=MONTHLY;BYDAY=-1FR; with start and at."),
        Field("start", \.start, "The first day that an rrule counts from."),
        Field("at", \.at, "The time of day of an rrule."),
        Field("once", \.once, "One local time, such as 2027-03-31T02:30."),
        Field(
            "every", \.every, "A length of time, counted from 1970 UTC on; whole seconds.",
            in: { $0 >= .seconds(10) && $0.components.attoseconds == 0 ? nil : "whole seconds, at least 10s" }
        ),
        Field(
            "gap", \.gap, default: .shift,
            "A time that the clocks skip: shift to the end of the gap, skip it, or fail-lint."),
    ]

    private static let how: [Field<ScheduleForm>] = [
        Field("window", \.window, "The hours in which it may run; the drill's longest duration must fit."),
        Field(
            "onHoliday", \.onHoliday, default: .skip,
            "skip, run, or previous: the last day before that is none."),
        Field(
            "jitter", \.jitter, default: .zero,
            "The most by which it is put off; the same for ever for one occurrence.",
            in: {
                $0 <= .seconds(86_400) && $0.components.attoseconds == 0 ? nil : "whole seconds, at most 24h"
            }),
        Field(
            "catchUp", \.catchUp, default: .none,
            "latest: when nobody looked, the latest occurrence runs late, within startDeadline."),
        Field(
            "startDeadline", \.startDeadline, default: .seconds(1800),
            "For how long it may wait for a lock, an approval or somebody to look.",
            in: { $0 >= .seconds(60) && $0 <= .seconds(7 * 86_400) ? nil : "from 1m to 7d" }),
        Field("priority", \.priority, default: 0, "Who goes first where two want the same; the higher."),
        Field(
            "onFreeze", \.onFreeze, default: .abort, "abort or finish: when a blackout begins while it runs."),
        Field("approval", \.approval, default: .none, "required: each occurrence waits for somebody's yes."),
        Field(
            "approvers", \.approvers, default: [], "Who may say yes; none named: anybody.",
            in: { $0.contains { $0.allSatisfy(\.isWhitespace) } ? "names" : nil }),
        Field("pause", \.pause, "It starts nothing: { reason: …, until: 2027-01-31T08:00 }."),
    ]
}

/// `window: { from: 22:00, to: 06:00, days: [mon, tue] }`.
struct WindowForm: Formed {
    var from = TimeOfDay(second: 0)
    var to = TimeOfDay(second: 0)
    var days: [Weekday] = Weekday.allCases

    static let form = Form(
        "window", "Hours of the zone's clocks; an end that is not after the beginning is on the next day.",
        blank: WindowForm(),
        fields: [
            Field(required: "from", \.from, "When it opens, such as 22:00."),
            Field(required: "to", \.to, "When all must be over, such as 06:00."),
            Field(
                "days", \.days, default: Weekday.allCases, "The days on which it opens.",
                in: { $0.isEmpty ? "at least one day" : nil }),
        ])
}

/// `{ from: 2026-12-15, to: 2027-01-03, reason: change freeze }`.
struct BlackoutForm: Formed {
    var from = DayOrTime.day(CivilDate(year: 1970, month: 1, day: 1))
    var to = DayOrTime.day(CivilDate(year: 1970, month: 1, day: 1))
    var reason = ""

    static let form = Form(
        "blackout", "A stretch of time in which no schedule starts anything.", blank: BlackoutForm(),
        fields: [
            Field(required: "from", \.from, "Its first day, or its first local time."),
            Field(required: "to", \.to, "Its last day, or the local time at which it is over."),
            Field(required: "reason", \.reason, "Why; it is shown with everything that is suppressed."),
        ],
        check: {
            if $0.to.end <= $0.from.start {
                throw FormProblem(
                    "it is over before it begins", at: nil, path: "to", expected: "a later 'to'")
            }
        })
}

/// `{ reason: …, until: … }`.
struct PauseForm: Formed {
    var reason = ""
    var until: LocalTime?

    static let form = Form(
        "pause", "A stop.", blank: PauseForm(),
        fields: [
            Field(required: "reason", \.reason, "Why."),
            Field("until", \.until, "When it goes on by itself."),
        ])
}

/// `holidays:`, from all of these together.
struct HolidaysForm: Formed {
    var days: [String: String] = [:]
    var file: String?
    var ics: String?

    static let form = Form(
        "holidays", "Where holidays are listed.", blank: HolidaysForm(),
        fields: [
            Field("days", \.days, default: [:], "Here: { 2026-12-25: Christmas }."),
            Field("file", \.file, "A text file, a day and its name a line; beside this file."),
            Field(
                "ics", \.ics,
                "An iCalendar file with whole days, such as public offices publish; beside this file."),
        ])
}

/// `2026-12-15`, or `2026-12-15T18:00`.
enum DayOrTime: FormValue {
    case day(CivilDate)
    case time(LocalTime)

    static var shape: Shape { .text }
    var value: Value {
        switch self {
        case .day(let date): date.value
        case .time(let time): time.value
        }
    }

    init(node: FormNode) throws {
        if let text = node.text, let time = LocalTime(text) {
            self = .time(time)
        } else if let text = node.text, let date = CivilDate(text) {
            self = .day(date)
        } else {
            throw FormProblem(
                "found \(node.inWords), which the calendar does not have", at: node.place,
                expected: "a day, such as 2026-12-15, or a local time, 2026-12-15T18:00")
        }
    }

    /// The first local time of it.
    var start: LocalTime {
        switch self {
        case .day(let date): LocalTime(day: date.daysSinceEpoch, secondOfDay: 0)
        case .time(let time): time
        }
    }

    /// The first local time behind it: a day that is an end is still part.
    var end: LocalTime {
        switch self {
        case .day(let date): LocalTime(day: date.daysSinceEpoch + 1, secondOfDay: 0)
        case .time(let time): time
        }
    }
}
