public import MusterCore

/// An occurrence with what the calendar makes of it.
public struct PlannedOccurrence: Hashable, Sendable {
    /// What was done to the time that the rule says.
    public enum Adjustment: Hashable, Sendable {
        /// Its local time is skipped by the clocks.
        case shifted
        /// Its local time is shown twice.
        case firstOfTwo
        case secondOfTwo
        /// In front of a holiday.
        case movedBefore(String)
        case jitter(Duration)
    }

    public var schedule: String
    public var occurrence: Occurrence
    /// When it starts: moved, shifted, and with its jitter.
    public var due: Moment
    /// When it is over at the latest.
    public var ends: Moment
    public var decision: Decision
    public var adjustments: [Adjustment] = []

    public var key: OccurrenceKey {
        OccurrenceKey(schedule: schedule, nominal: occurrence.nominal, fold: occurrence.fold)
    }
}

extension PlannedOccurrence.Adjustment {
    /// A few words for `--why`.
    /// - Parameter nominal: the local time that the rule says.
    public func words(nominal: LocalTime) -> String {
        let time = TimeOfDay(second: nominal.secondOfDay).text
        return switch self {
        case .shifted: "the clocks skip \(time)"
        case .firstOfTwo: "the clocks show \(time) twice; this is the first"
        case .secondOfTwo: "the clocks show \(time) twice; this is the second"
        case .movedBefore(let name):
            "moved from \(Weekday(ofDay: nominal.day).short) \(nominal.date.text), a holiday: \(name)"
        case .jitter(let jitter): "put off by \(jitter.forPeople) (jitter)"
        }
    }
}

/// The occurrences of a schedule in the order in which they start, each with its fate and the reason for it. Pure:
/// the same schedule, calendar and moment give the same plan on every machine.
public struct SchedulePlan: Sequence, IteratorProtocol, Sendable {
    private let planner: SchedulePlanner
    private let after: Moment
    private var source: Occurrences
    /// Found and not handed out: something before them may still come.
    private var waiting: [PlannedOccurrence] = []
    /// Nothing that is still to come starts before; nil when nothing is.
    private var horizon: Moment?

    /// - Parameter after: only what starts later.
    public init(of schedule: Schedule, calendar: ScheduleCalendar, after: Moment) {
        planner = SchedulePlanner(schedule: schedule, calendar: calendar)
        self.after = after
        source = Occurrences(
            of: schedule.rule, in: schedule.zone, gap: schedule.gap, after: after - schedule.jitter)
        horizon = after
    }

    public mutating func next() -> PlannedOccurrence? {
        while let limit = horizon, waiting.first.map({ $0.due > limit }) ?? true {
            guard let occurrence = source.next() else {
                horizon = nil
                break
            }
            let planned = planner.plan(occurrence)
            if planned.due > after {
                let place = waiting.firstIndex { $0.due > planned.due } ?? waiting.endIndex
                waiting.insert(planned, at: place)
            }
            horizon = planner.earliest(after: occurrence)
        }
        return waiting.isEmpty ? nil : waiting.removeFirst()
    }
}

/// Decides about one occurrence by what is known beforehand.
public struct SchedulePlanner: Sendable {
    private let schedule: Schedule
    private let calendar: ScheduleCalendar
    /// How far an occurrence is moved to get in front of a holiday.
    private static let mostDaysBefore: Int64 = 14

    public init(schedule: Schedule, calendar: ScheduleCalendar) {
        self.schedule = schedule
        self.calendar = calendar
    }

    /// Before this, no later occurrence of the rule starts.
    func earliest(after occurrence: Occurrence) -> Moment {
        schedule.onHoliday == .previous
            ? Moment(seconds: occurrence.due.seconds - (Self.mostDaysBefore + 1) * 86_400) : occurrence.due
    }

    /// - Returns: it, with when it starts, and whether. Reasons that hold at once are named in this order: skipped by
    ///   the clocks, holiday, window, blackout, pause.
    public func plan(_ occurrence: Occurrence) -> PlannedOccurrence {
        var plan = PlannedOccurrence(
            schedule: schedule.name, occurrence: occurrence, due: occurrence.due, ends: occurrence.due,
            decision: Decision(.run, .due))
        switch occurrence.standing {
        case .asWritten: break
        case .shifted: plan.adjustments.append(.shifted)
        case .firstPass: plan.adjustments.append(.firstOfTwo)
        case .secondPass: plan.adjustments.append(.secondOfTwo)
        case .omitted: plan.decision = Decision(.suppressed, .gap)
        }
        if plan.decision.fate == .run { considerHoliday(&plan) }
        if plan.decision.fate == .run { considerWindow(&plan) }
        plan.ends = plan.due + schedule.longest
        if plan.decision.fate == .run, let reason = refusal(at: plan.due) {
            plan.decision = Decision(.suppressed, reason)
        }
        return plan
    }

    /// - Returns: the occurrence of that name as it is planned now; nil when the rule has it no more.
    public func plan(_ key: OccurrenceKey) -> PlannedOccurrence? {
        let from = Moment(seconds: key.nominal.seconds - 2 * 86_400)
        for occurrence in Occurrences(of: schedule.rule, in: schedule.zone, gap: schedule.gap, after: from) {
            if occurrence.nominal == key.nominal, occurrence.fold == key.fold { return plan(occurrence) }
            if occurrence.nominal.seconds > key.nominal.seconds + 2 * 86_400 { return nil }
        }
        return nil
    }

    /// - Returns: the blackout or the pause that keeps this schedule from starting at `moment`; nil when there is
    ///   none.
    func refusal(at moment: Moment) -> Decision.Reason? {
        if let blackout = calendar.blackout(at: moment) {
            return .blackout(name: blackout.name, reason: blackout.reason, until: blackout.span.upperBound)
        }
        if let pause = schedule.pause, moment >= pause.since, pause.until.map({ moment < $0 }) ?? true {
            return .paused(reason: pause.reason, until: pause.until)
        }
        return nil
    }

    /// - Returns: why the drill may not start at `moment` as far as the window goes; nil when it may.
    func windowRefusal(at moment: Moment) -> Decision.Reason? {
        guard let window = schedule.window else { return nil }
        guard let span = window.span(at: moment, in: schedule.zone) else { return .outsideWindow }
        let left = span.upperBound - moment
        return left < schedule.longest
            ? .windowTooShort(window: span.upperBound - span.lowerBound, left: left, needed: schedule.longest)
            : nil
    }

    private func considerHoliday(_ plan: inout PlannedOccurrence) {
        let nominal = plan.occurrence.nominal
        guard schedule.onHoliday != .run, let name = calendar.holidays[nominal.day] else { return }
        guard schedule.onHoliday == .previous else {
            plan.decision = Decision(.suppressed, .holiday(name))
            return
        }
        let free = (1...Self.mostDaysBefore).lazy.map { nominal.day - $0 }.filter {
            calendar.holidays[$0] == nil
        }
        .map { schedule.zone.moment(of: LocalTime(day: $0, secondOfDay: nominal.secondOfDay)) }
        .first { schedule.window?.span(at: $0, in: schedule.zone) != nil || schedule.window == nil }
        guard let free else {
            plan.decision = Decision(.suppressed, .noDayBefore(name))
            return
        }
        plan.due = free
        plan.adjustments = [.movedBefore(name)]
        let before = Moment(seconds: plan.due.seconds - 1)
        var others = Occurrences(of: schedule.rule, in: schedule.zone, gap: schedule.gap, after: before)
        if let other = others.next(), other.due < plan.occurrence.due {
            plan.decision = Decision(.suppressed, .moveMeetsAnother(name))
        }
    }

    private func considerWindow(_ plan: inout PlannedOccurrence) {
        if let reason = windowRefusal(at: plan.due) {
            plan.decision = Decision(.suppressed, reason)
            return
        }
        var most = schedule.jitter
        if let span = schedule.window?.span(at: plan.due, in: schedule.zone) {
            // Jitter never pushes a drill out of its window.
            most = min(most, span.upperBound - plan.due - schedule.longest)
        }
        let seconds = UInt64(max(0, most.components.seconds))
        guard seconds > 0 else { return }
        let jitter = Duration.seconds(Int64(plan.key.seed % (seconds + 1)))
        guard jitter > .zero else { return }
        plan.due = plan.due + jitter
        plan.adjustments.append(.jitter(jitter))
    }
}

extension SchedulePlan {
    /// What starts next of many schedules, in the order in which it does.
    /// - Parameter count: how many at the most; from 1 on.
    public static func earliest(
        _ count: Int, of schedules: [Schedule], calendar: ScheduleCalendar, after: Moment
    ) -> [PlannedOccurrence] {
        func isEarlier(_ one: PlannedOccurrence, _ other: PlannedOccurrence) -> Bool {
            (one.due, one.schedule) < (other.due, other.schedule)
        }
        func plan(_ index: Int) -> SchedulePlan {
            SchedulePlan(of: schedules[index], calendar: calendar, after: after)
        }
        // Few of many plans are needed beyond the first: those are made again, and none is kept.
        var found = schedules.indices.compactMap { index in
            var plan = plan(index)
            return plan.next().map { (index, $0) }
        }.sorted { isEarlier($0.1, $1.1) }
        // With the first of each there are `count` up to this one: what is later is not among them.
        let last = found.count < count ? nil : found[count - 1].1.due
        found = Array(found.prefix(count))
        var all = found.map(\.1)
        for (index, _) in found {
            for next in plan(index).dropFirst().prefix(Swift.max(1, count - 1)) {
                if let last, next.due > last { break }
                all.append(next)
            }
        }
        return Array(all.sorted(by: isEarlier).prefix(count))
    }
}
