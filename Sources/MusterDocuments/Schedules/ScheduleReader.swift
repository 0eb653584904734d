public import MusterCore
public import MusterDrills

/// What reading `drills/schedules.yaml` needs from outside.
public struct ScheduleResources: Sendable {
    /// What the schedules have to know of a drill.
    public struct DrillFacts: Sendable {
        /// The longest that it can take.
        public var longest: Duration
        /// What it breaks.
        public var locks: [LockPath]

        public init(longest: Duration, locks: [LockPath]) {
            self.longest = longest
            self.locks = locks
        }
    }

    /// The rules of a zone. Throws `FormProblem` without a place.
    public var zone: @Sendable (String) throws -> ZoneRules
    /// Names of all zones, for the nearest one.
    public var zoneNames: @Sendable () -> [String]
    /// The bytes of a file beside the schedules, at most one more than `HolidayFiles.largest`. Throws `FormProblem`
    /// without a place.
    public var file: @Sendable (String) throws -> [UInt8]
    /// A drill by path and variables. Throws `FormProblem` without a place.
    public var drill: @Sendable (String, [String: String]) throws -> DrillFacts

    public init(
        zone: @escaping @Sendable (String) throws -> ZoneRules,
        zoneNames: @escaping @Sendable () -> [String],
        file: @escaping @Sendable (String) throws -> [UInt8],
        drill: @escaping @Sendable (String, [String: String]) throws -> DrillFacts
    ) {
        self.zone = zone
        self.zoneNames = zoneNames
        self.file = file
        self.drill = drill
    }
}

/// What `drills/schedules.yaml` says.
public struct Schedules: Sendable {
    /// In the order of the file.
    public var schedules: [Schedule]
    public var calendar: ScheduleCalendar
    /// The file's zone.
    public var zone: ZoneRules
    /// How many scheduled drills may run at the same time.
    public var maxConcurrent: Int
    /// What becomes of what runs when the daemon is stopped.
    public var onStop = Schedule.Interruption.abort

    /// The schedule of that name.
    public subscript(name: String) -> Schedule? { schedules.first { $0.name == name } }

    /// What reading it brought to light.
    public struct Examination: Sendable {
        /// nil when there are errors.
        public var schedules: Schedules?
        /// Why it cannot be used, in the order of the file.
        public var errors: [FormProblem] = []
        public var warnings: [FormProblem] = []
    }

    /// Reads and checks a file.
    /// - Parameter now: from when on rules are tried.
    public static func examine(_ text: String, now: Moment, resources: ScheduleResources) -> Examination {
        var reader = ScheduleReader(now: now, resources: resources)
        do {
            let tree = try YamlText.tree(of: text)
            let form = try SchedulesForm(node: tree)
            let schedules = reader.build(form, tree)
            var examination = Examination(
                errors: reader.problems.inOrder, warnings: reader.warnings.inOrder)
            if reader.problems.isEmpty { examination.schedules = schedules }
            return examination
        } catch {
            let problems = (error as? FormProblems)?.problems ?? [FormProblem("\(error)", at: nil)]
            return Examination(errors: problems.inOrder)
        }
    }
}

/// From the form to schedules, with everything that only the whole can tell.
struct ScheduleReader {
    let now: Moment
    let resources: ScheduleResources
    private(set) var problems: [FormProblem] = []
    var warnings: [FormProblem] = []
    private var zones: [String: ZoneRules] = [:]

    init(now: Moment, resources: ScheduleResources) {
        self.now = now
        self.resources = resources
    }

    mutating func build(_ form: SchedulesForm, _ tree: FormNode) -> Schedules {
        let zone = self.zone(form.timezone, at: tree["timezone"]) ?? .utc
        var calendar = Self.calendar(form.blackouts, zone)
        calendar.holidays = holidays(form.holidays, tree["holidays"], zone)
        let schedules = form.schedules.entries.compactMap { entry in
            self.schedule(entry.name, entry.item, tree["schedules"]?[entry.name], zone, calendar)
        }
        if form.maxConcurrent > 1 {
            warnings.append(
                FormProblem(
                    "maxConcurrent changes nothing: a host runs one drill at a time",
                    at: tree["maxConcurrent"]?.place,
                    expected: "1, or schedules of their own on another host"))
        }
        return Schedules(
            schedules: schedules, calendar: calendar, zone: zone, maxConcurrent: form.maxConcurrent,
            onStop: form.onStop)
    }

    static func calendar(_ form: Named<BlackoutForm>, _ zone: ZoneRules) -> ScheduleCalendar {
        ScheduleCalendar(
            blackouts: form.entries.map { entry in
                let span = zone.moment(of: entry.item.from.start)..<zone.moment(of: entry.item.to.end)
                return Blackout(name: entry.name, reason: entry.item.reason, span: span)
            })
    }

    /// Adds a problem that does not know its place.
    private mutating func gather<T>(_ node: FormNode?, _ body: () throws -> T) -> T? {
        do {
            return try body()
        } catch var problem as FormProblem {
            problem.place = problem.place ?? node?.place
            problems.append(problem)
        } catch let problem as HolidayFiles.Problem {
            problems.append(problem.formProblem(node?.text ?? "the file", at: node?.place))
        } catch {
            problems.append(FormProblem("\(error)", at: node?.place))
        }
        return nil
    }

    private mutating func zone(_ name: String, at node: FormNode?) -> ZoneRules? {
        if let known = zones[name] { return known }
        let resources = resources
        let zone = gather(node) {
            try ZoneNames.rules(name, known: resources.zoneNames(), read: resources.zone)
        }
        zones[name] = zone
        return zone
    }

    private mutating func holidays(_ form: HolidaysForm, _ node: FormNode?, _ zone: ZoneRules) -> [Int64:
        String]
    {
        var days: [Int64: String] = [:]
        for entry in node?["days"]?.entries ?? [] {
            guard let date = CivilDate(entry.key) else {
                problems.append(
                    FormProblem(
                        "'\(entry.key)' is no day that the calendar has", at: entry.keyPlace,
                        expected: "2026-12-25"))
                continue
            }
            days[date.daysSinceEpoch] = form.days[entry.key]
        }
        let resources = resources
        let today = zone.local(at: now).day
        let listed = form.file.flatMap { path in
            gather(node?["file"]) { try HolidayFiles.list(resources.file(path)) }
        }
        let published = form.ics.flatMap { path in
            gather(node?["ics"]) { try HolidayFiles.calendar(resources.file(path), today: today) }
        }
        for more in [listed, published] { days.merge(more ?? [:]) { first, _ in first } }
        return days
    }

    private mutating func schedule(
        _ name: String, _ form: ScheduleForm, _ node: FormNode?, _ standard: ZoneRules,
        _ calendar: ScheduleCalendar
    ) -> Schedule? {
        let resources = resources
        let zone = form.timezone == nil ? standard : self.zone(form.timezone ?? "", at: node?["timezone"])
        let rule = self.rule(form, node)
        let facts = gather(node?["drill"]) { try resources.drill(form.drill, form.vars) }
        guard let zone, let rule else { return nil }
        var schedule = Schedule(name: name, drill: form.drill, zone: zone, rule: rule)
        schedule.variables = form.vars
        schedule.gap = form.gap
        schedule.window = form.window.map { ScheduleWindow(from: $0.from, to: $0.to, days: Set($0.days)) }
        schedule.onHoliday = form.onHoliday
        schedule.jitter = form.jitter
        schedule.catchUp = form.catchUp
        schedule.startDeadline = form.startDeadline
        schedule.priority = form.priority
        schedule.onFreeze = form.onFreeze
        schedule.needsApproval = form.approval == .required
        schedule.approvers = form.approvers
        schedule.longest = facts?.longest ?? .zero
        schedule.locks = facts?.locks ?? []
        schedule.pause = form.pause.map { pause in
            Schedule.Pause(
                since: Moment(seconds: .min), until: pause.until.map { zone.moment(of: $0) },
                reason: pause.reason)
        }
        let lint = ScheduleLint(schedule: schedule, calendar: calendar, now: now)
        for finding in lint.findings() {
            let problem = FormProblem(
                finding.message, at: (node?[finding.key] ?? node)?.place, expected: finding.expected)
            if finding.isError { problems.append(problem) } else { warnings.append(problem) }
        }
        return schedule
    }

    private mutating func rule(_ form: ScheduleForm, _ node: FormNode?) -> ScheduleRule? {
        if let text = form.cron {
            return gather(node?["cron"]) { .cron(try CronRule(text, dayMatch: form.dayMatch)) }
        }
        if let text = form.rrule, let start = form.start, let at = form.at {
            return gather(node?["rrule"]) {
                .recurrence(try Recurrence(text, start: start.daysSinceEpoch), at: at)
            }
        }
        if let once = form.once { return .once(once) }
        return form.every.map { .every($0.components.seconds, from: Moment(seconds: 0)) }
    }
}
