import MusterCore
import MusterDrills

/// What can be told of a schedule before it is ever due.
struct ScheduleLint {
    struct Finding {
        /// The key that it is about.
        var key: String
        var message: String
        var expected: String
        var isError = true
    }

    let schedule: Schedule
    let calendar: ScheduleCalendar
    let now: Moment
    /// How far ahead gaps and windows are tried.
    private static let years: Int64 = 10
    private static let most = 1000

    /// - Returns: the worst first; what makes no sense after another finding is left out.
    func findings() -> [Finding] {
        if schedule.onHoliday == .previous, !hasDays {
            return [
                Finding(
                    key: "onHoliday", message: "a schedule of elapsed time has no day that could move",
                    expected: "skip or run")
            ]
        }
        if let end = neverDue() { return [end] }
        return [gap(), window()].compactMap { $0 }
    }

    private var key: String {
        switch schedule.rule {
        case .cron: "cron"
        case .recurrence: "rrule"
        case .once: "once"
        case .every: "every"
        }
    }

    private var hasDays: Bool {
        switch schedule.rule {
        case .cron(let cron): !cron.isElapsed
        case .recurrence, .once: true
        case .every: false
        }
    }

    private func first(after moment: Moment) -> Occurrence? {
        var all = Occurrences(of: schedule.rule, in: schedule.zone, gap: schedule.gap, after: moment)
        while let found = all.next() {
            if found.standing != .omitted { return found }
        }
        return nil
    }

    private func neverDue() -> Finding? {
        guard first(after: now) == nil else { return nil }
        var begin = now
        switch schedule.rule {
        case .recurrence(let rule, _): begin = Moment(seconds: (rule.start - 2) * 86_400)
        case .once(let local): begin = Moment(seconds: local.seconds - 172_800)
        case .cron, .every: break
        }
        guard first(after: min(begin, now)) != nil else {
            if case .once(let local) = schedule.rule {
                return Finding(
                    key: key,
                    message:
                        "it is never due: the clocks of \(schedule.zone.name) skip \(local.text), and gap is skip",
                    expected: "another time, or gap: shift")
            }
            return Finding(
                key: key, message: "it is never due: no such day comes within a hundred years",
                expected: "days that the calendar has")
        }
        return Finding(
            key: key, message: "it is over: nothing is due any more", expected: "a later end, or no schedule",
            isError: false)
    }

    /// `gap: fail-lint` wants no occurrence in any gap of the next ten years.
    private func gap() -> Finding? {
        guard schedule.gap == .failLint else { return nil }
        let end = now + .seconds(Self.years * 366 * 86_400)
        var change = now
        while let next = schedule.zone.change(after: change), next < end {
            change = next
            if let found = first(after: Moment(seconds: change.seconds - 1)), found.due == change,
                found.standing == .shifted
            {
                return Finding(
                    key: "gap", message: "the clocks skip \(found.nominal.text) in \(schedule.zone.name)",
                    expected: "a time outside of the hours in which clocks are changed")
            }
        }
        return nil
    }

    private func window() -> Finding? {
        guard let window = schedule.window else { return nil }
        let length = window.to.second - window.from.second
        let usual = Duration.seconds(length > 0 ? length : length + 86_400)
        if usual < schedule.longest {
            return Finding(
                key: "window",
                message:
                    "its window is \(usual.forPeople) long, and the drill can take \(schedule.longest.forPeople)",
                expected: "a longer window, or a drill whose abort.after is shorter")
        }
        let (reasons, tried) = refusals()
        guard let example = reasons.first else { return nil }
        let when =
            "\(schedule.zone.local(at: example.moment).text): \(example.reason.sentence(in: schedule.zone))"
        if reasons.count == tried {
            return Finding(
                key: "window", message: "it can never run; \(when)",
                expected: "a time early enough in a window that is open then")
        }
        if let short = reasons.first(where: { $0.reason != .outsideWindow }) {
            let day = schedule.zone.local(at: short.moment).text
            return Finding(
                key: "window", message: "not every time: \(day): \(short.reason.sentence(in: schedule.zone))",
                expected: "an earlier time, or that it is suppressed then", isError: false)
        }
        return nil
    }

    /// What of a year the window refuses, and how many occurrences were tried. Two at the same time of the same day of
    /// the week differ only where the clocks change between them and what they are held against: all others are
    /// decided once.
    private func refusals() -> (refused: [(moment: Moment, reason: Decision.Reason)], tried: Int) {
        var plain = schedule
        // It never moves anything out of its window, and is dear to work out.
        plain.jitter = .zero
        let planner = SchedulePlanner(schedule: plain, calendar: ScheduleCalendar())
        let end = now + .seconds(366 * 86_400)
        var known: [LocalTime: Decision.Reason] = [:]
        var refused: [(moment: Moment, reason: Decision.Reason)] = []
        var tried = 0
        var clocks = Stretch(of: schedule.zone)
        for occurrence in Occurrences(of: plain.rule, in: plain.zone, gap: plain.gap, after: now)
            .prefix(Self.most)
        {
            if occurrence.due > end, tried > 0 { break }
            tried += 1
            let nominal = occurrence.nominal
            let week = LocalTime(day: nominal.day % 7, secondOfDay: nominal.secondOfDay)
            let isUsual = clocks.isQuiet(around: occurrence.due)
            let reason = (isUsual ? known[week] : nil) ?? planner.plan(occurrence).decision.reason
            if isUsual { known[week] = reason }
            switch reason {
            case .outsideWindow, .windowTooShort: refused.append((occurrence.due, reason))
            default: break
            }
        }
        return (refused, tried)
    }

    /// A stretch of time between two changes of a zone's clocks, which moves on with what is asked.
    private struct Stretch {
        private let zone: ZoneRules
        private var quiet: Range<Moment>?
        /// A window opens a day before at the earliest, and is shut a day later.
        private static let margin = Duration.seconds(3 * 86_400)

        init(of zone: ZoneRules) { self.zone = zone }

        /// Whether no clock changes in days before and behind it.
        mutating func isQuiet(around moment: Moment) -> Bool {
            let (begin, end) = (moment - Self.margin, moment + Self.margin)
            if let quiet, quiet.contains(begin) { return quiet.contains(end) }
            quiet = begin..<(zone.change(after: begin) ?? Moment(seconds: .max))
            return quiet?.contains(end) ?? false
        }
    }
}
