import Foundation
import MusterCore
import MusterDrills
import Testing

/// Zones as they lie on this machine (Debian: tzdata).
enum Zones {
    static func named(_ name: String) throws -> ZoneRules {
        if name == "UTC" { return .utc }
        let data = try Data(contentsOf: URL(filePath: "/usr/share/zoneinfo/\(name)"))
        return try ZoneFile.read(Array(data), name: name)
    }
}

/// `2026-03-29T01:00` or `2026-03-29T01:00Z`, in UTC.
func utc(_ text: String) -> Moment {
    guard let local = LocalTime(text.hasSuffix("Z") ? String(text.dropLast()) : text) else {
        preconditionFailure("\(text) is no time")
    }
    return Moment(seconds: local.seconds)
}

/// `03-28T01:30`, as the tables of cases are written.
func short(_ moment: Moment) -> String { String(moment.text.dropFirst(5).dropLast(4)) }

/// The first `count` times at which a rule is due.
func times(
    _ rule: ScheduleRule, _ zone: String, after start: String, _ count: Int, gap: GapPolicy = .shift
) throws -> [String] {
    let all = Occurrences(of: rule, in: try Zones.named(zone), gap: gap, after: utc(start))
    // One more than is wanted may have been left out for a gap.
    return all.prefix(count + 1).filter { $0.standing != .omitted }.prefix(count).map { short($0.due) }
}

func cron(_ text: String, _ match: CronRule.DayMatch? = nil) throws -> ScheduleRule {
    .cron(try CronRule(text, dayMatch: match))
}

func recurrence(_ text: String, from day: String, at time: String = "10:00") throws -> ScheduleRule {
    let start = try #require(CivilDate(day)).daysSinceEpoch
    return .recurrence(try Recurrence(text, start: start), at: try #require(TimeOfDay(time)))
}
