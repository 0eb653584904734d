public import MusterCore

/// When a schedule is due, before any calendar of holidays or freezes is asked.
public enum ScheduleRule: Hashable, Sendable {
    case cron(CronRule)
    /// - Parameter at: the time of day.
    case recurrence(Recurrence, at: TimeOfDay)
    /// Once, at a local time.
    case once(LocalTime)
    /// Every so many seconds from a point in time on; the clocks of the zone play no part.
    case every(Int64, from: Moment)

    /// How far ahead an occurrence is looked for, in days: what is not due within a hundred years never is.
    /// (29 February on a given weekday comes after at most 40 years.)
    public static let horizon: Int64 = 36_525

    /// The rule in a few words, as it was written.
    public var text: String {
        switch self {
        case .cron(let cron): cron.text
        case .recurrence(let rule, let time): "\(rule.text) at \(time.text)"
        case .once(let local): "once, \(local.date.text) \(TimeOfDay(second: local.secondOfDay).text)"
        case .every(let seconds, _): "every \(Duration.seconds(seconds).unitsText)"
        }
    }
}

/// What a skipped hour does to an occurrence in it.
public enum GapPolicy: String, FormWord {
    /// It is due at the end of the gap.
    case shift
    /// It is left out that day.
    case skip
    /// A schedule that ever falls into a gap is an error.
    case failLint = "fail-lint"
}

/// One time at which a rule is due.
public struct Occurrence: Hashable, Sendable {
    /// What the zone's clocks did to it.
    public enum Standing: Hashable, Sendable {
        case asWritten
        /// Its local time was skipped; it is due at the end of the gap, with all others in that gap.
        case shifted
        /// Its local time was skipped, and the schedule wants it left out.
        case omitted
        /// Its local time is shown twice; this is the first pass.
        case firstPass
        /// This is the second pass, which only rules of elapsed time have.
        case secondPass
    }

    /// The local time that the rule says, whether or not the clocks showed it.
    public var nominal: LocalTime
    public var standing: Standing
    /// When it is due; for one that is left out, when it would have been.
    public var due: Moment

    /// 1 for the second pass of a repeated hour, else 0 (as Python's PEP 495 has it).
    public var fold: Int { standing == .secondPass ? 1 : 0 }
}

/// Occurrences of a rule in a zone, in the order in which they are due, without an end of its own but that of the
/// rule or of the horizon.
///
/// Times of day are taken as local times and looked up in the zone: a skipped one is treated as the policy says, a
/// repeated one is due in the first pass only. Several that are shifted to the same instant are one: the first.
/// Rules of elapsed time are walked through in UTC, so that both passes count and a gap holds nothing.
public struct Occurrences: Sequence, IteratorProtocol, Sendable {
    private let zone: ZoneRules
    private let gap: GapPolicy
    private let after: Moment
    private let last: Int64
    private var source: Source
    private var lastDue: Moment?

    private enum Source {
        /// The next local time that may be one.
        case cron(CronRule, from: LocalTime)
        /// The last instant that was looked at.
        case elapsed(CronRule, after: Moment)
        case recurrence(RecurrenceDays, at: TimeOfDay, until: Moment?)
        case once(LocalTime?)
        case every(Int64, next: Moment)
    }

    /// - Parameter after: only later ones.
    public init(of rule: ScheduleRule, in zone: ZoneRules, gap: GapPolicy, after: Moment) {
        self.zone = zone
        self.gap = gap
        self.after = after
        let local = zone.local(at: after)
        last = local.day + ScheduleRule.horizon
        switch rule {
        case .cron(let cron) where cron.isElapsed: source = .elapsed(cron, after: after)
        case .cron(let cron): source = .cron(cron, from: local)
        case .recurrence(let rule, let time):
            var until: Moment?
            if case .moment(let moment) = rule.until { until = moment }
            // A repeated day would begin before what the clocks show now.
            source = .recurrence(
                RecurrenceDays(rule, from: local.day - 1, until: last), at: time, until: until)
        case .once(let time): source = .once(time)
        case .every(let seconds, let start):
            let passed = flooredDivision((after - start).components.seconds, by: seconds).quotient + 1
            source = .every(seconds, next: Moment(seconds: start.seconds + Swift.max(0, passed) * seconds))
        }
    }

    public mutating func next() -> Occurrence? {
        switch source {
        case .elapsed(let cron, let moment): return elapsed(cron, moment)
        case .every(let seconds, let moment):
            source = .every(seconds, next: Moment(seconds: moment.seconds + seconds))
            return passed(moment)
        case .cron, .recurrence, .once:
            while let local = nextLocal() {
                let found = occurrence(local)
                // What was shifted to the same instant is the same run.
                if found.due <= after || found.due == lastDue && found.standing != .omitted { continue }
                if case .recurrence(_, _, let until?) = source, found.due > until { return nil }
                if found.standing != .omitted { lastDue = found.due }
                return found
            }
            return nil
        }
    }

    private mutating func nextLocal() -> LocalTime? {
        switch source {
        case .cron(let cron, let from):
            guard let local = cron.next(from: from, until: last) else { return nil }
            source = .cron(cron, from: LocalTime(seconds: local.seconds + 60))
            return local
        case .recurrence(var days, let time, let until):
            defer { source = .recurrence(days, at: time, until: until) }
            return days.next().map { LocalTime(day: $0, secondOfDay: time.second) }
        case .once(let local):
            source = .once(nil)
            return local
        case .elapsed, .every: return nil
        }
    }

    private func occurrence(_ local: LocalTime) -> Occurrence {
        switch zone.meaning(of: local) {
        case .once(let moment): Occurrence(nominal: local, standing: .asWritten, due: moment)
        case .twice(let first, _): Occurrence(nominal: local, standing: .firstPass, due: first)
        case .gap(let end): Occurrence(nominal: local, standing: gap == .skip ? .omitted : .shifted, due: end)
        }
    }

    /// Between two changes of the clocks local time is UTC with an offset, and nothing is skipped or repeated.
    private mutating func elapsed(_ cron: CronRule, _ last: Moment) -> Occurrence? {
        // The first instant that may be one, which is also the first of its stretch once a change is passed.
        var from = Moment(seconds: last.seconds + 1)
        while true {
            let offset = zone.offset(at: from)
            let change = zone.change(after: from)
            let local = cron.next(from: LocalTime(seconds: from.seconds + offset), until: self.last)
            let found = local.map { Moment(seconds: $0.seconds - offset) }
            if let found, change.map({ found < $0 }) ?? true {
                source = .elapsed(cron, after: found)
                return passed(found)
            }
            guard let change, LocalTime(seconds: change.seconds).day <= self.last else { return nil }
            from = change
        }
    }

    /// A moment that was found in UTC, by what the clocks show then.
    private func passed(_ moment: Moment) -> Occurrence {
        let local = zone.local(at: moment)
        return switch zone.meaning(of: local) {
        case .twice(let first, _) where first == moment:
            Occurrence(nominal: local, standing: .firstPass, due: moment)
        case .twice: Occurrence(nominal: local, standing: .secondPass, due: moment)
        case .once, .gap: Occurrence(nominal: local, standing: .asWritten, due: moment)
        }
    }
}
