import MusterCore
import MusterDrills

/// Plans for people and programs.
enum ScheduleText {
    /// `Sun 2026-03-29 03:00`, with seconds only where there are any.
    static func local(_ moment: Moment, _ zone: ZoneRules) -> String {
        let local = zone.local(at: moment)
        return
            "\(Weekday(ofDay: local.day).short) \(local.date.text) \(TimeOfDay(second: local.secondOfDay).text)"
    }

    /// The next occurrence that runs, and how many before it will not.
    struct Next {
        var run: PlannedOccurrence?
        var before = 0
    }

    /// - Returns: none when not one of the next thousand runs.
    static func nextRun(of schedule: Schedule, _ calendar: ScheduleCalendar, after now: Moment) -> Next {
        var next = Next()
        for planned in SchedulePlan(of: schedule, calendar: calendar, after: now).prefix(1000) {
            if planned.decision.fate == .run {
                next.run = planned
                break
            }
            next.before += 1
        }
        return next
    }
}

extension PlannedOccurrence {
    /// Why it runs when it does, or does not.
    func words(in zone: ZoneRules) -> String {
        let reason = decision.reason == .due ? [] : [decision.reason.sentence(in: zone)]
        return (reason + adjustments.map { $0.words(nominal: occurrence.nominal) }).joined(separator: "; ")
    }

    /// - Parameter approval: what is said of its approval; nil: nobody has to approve it.
    func value(in zone: ZoneRules, approval: String? = nil) -> Value {
        [
            "schedule": .text(schedule), "key": .text(key.text), "nominal": .text(occurrence.nominal.text),
            "fold": .int(Int64(occurrence.fold)), "zone": .text(zone.name),
            "local": .text(zone.local(at: due).text), "due": .text(due.text), "ends": .text(ends.text),
            "fate": .text(decision.fate.rawValue), "reason": .text(decision.reason.word),
            "why": .text(words(in: zone)), "approval": approval.map { .text($0) } ?? .null,
        ]
    }
}

extension Schedule {
    func value(next: ScheduleText.Next) -> Value {
        [
            "name": .text(name), "drill": .text(drill), "variables": .map(variables.mapValues { .text($0) }),
            "zone": .text(zone.name), "rule": .text(rule.text), "priority": .int(Int64(priority)),
            "needsApproval": .bool(needsApproval), "longestNanoseconds": .int(longest.nanoseconds),
            "nextRun": next.run?.value(in: zone) ?? .null, "notRunningBefore": .int(Int64(next.before)),
        ]
    }
}
