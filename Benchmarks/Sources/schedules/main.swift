import Glibc
import MusterCore
import MusterDocuments
import MusterDrills

// Times the calendar: what is due next, and a year as an iCalendar file.
// Usage: schedules COUNT FEED; prints, one a line: nanoseconds to find the next occurrence of COUNT schedules, nanoseconds
// to plan and write a year of FEED schedules, its events, and its bytes; nanoseconds to find the blackouts of a file of FEED
// schedules. Zones are read before anything is timed.

func monotonic() -> Int64 {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
}

func bytes(of path: String) -> [UInt8] {
    guard let file = fopen(path, "r") else { return [] }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    let count = fread(&bytes, 1, bytes.count, file)
    return Array(bytes.prefix(count))
}

let names = [
    "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kolkata",
    "Africa/Cairo",
    "Pacific/Apia", "Europe/Dublin", "Asia/Tehran", "America/St_Johns",
]
let zones = try names.map { try ZoneFile.read(bytes(of: "/usr/share/zoneinfo/" + $0), name: $0) }
let now = Moment(seconds: 1_795_737_600)
let today = now.seconds / 86_400
let calendar = ScheduleCalendar(
    holidays: Dictionary(uniqueKeysWithValues: (0..<20).map { (today + $0 * 17, "holiday") }),
    blackouts: [Blackout(name: "b", reason: "r", span: now + .seconds(1_500_000)..<now + .seconds(3_200_000))]
)

/// Weekly and monthly drills of all kinds of rules, all different.
func schedule(_ index: Int, daily: Bool) throws -> Schedule {
    let minute = index % 60
    let hour = index / 60 % 24
    let rule: ScheduleRule =
        switch daily ? 4 : index % 4 {
        case 0: .cron(try CronRule("\(minute) \(hour) * * \(index % 7)"))
        case 1: .cron(try CronRule("\(minute) \(hour) \(index % 28 + 1) * *"))
        case 2:
            .recurrence(
                try Recurrence("FREQ=MONTHLY;BYDAY=-1FR", start: today - 400),
                at: TimeOfDay(second: Int64(hour * 3600)))
        case 3:
            .recurrence(
                try Recurrence("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,TH", start: today - 400),
                at: TimeOfDay(second: Int64(hour * 3600)))
        default: .cron(try CronRule("\(minute) \(hour) * * *"))
        }
    var schedule = Schedule(
        name: "s\(index)", drill: "drills/a.yaml", zone: zones[index % zones.count], rule: rule)
    schedule.jitter = .seconds(900)
    schedule.longest = .seconds(600)
    if index % 3 == 0 { schedule.onHoliday = .previous }
    return schedule
}

let arguments = CommandLine.arguments.dropFirst().compactMap { Int($0) }
let count = arguments.first ?? 100_000
let many = try (0..<count).map { try schedule($0, daily: false) }
var begin = monotonic()
var next = 0
for schedule in many {
    var plan = SchedulePlan(of: schedule, calendar: calendar, after: now)
    if plan.next() != nil { next += 1 }
}
print(monotonic() - begin)
precondition(next == count, "each of them is due again")

let feed = CalendarFeed(isBlind: false, stamp: now, sequence: 1)
let some = try (0..<(arguments.last ?? 1000)).map {
    try schedule($0, daily: CommandLine.arguments.contains("daily"))
}
let end = now + .seconds(365 * 86_400)
begin = monotonic()
var events = 0
let written = feed.bytes(
    some.map { schedule in
        var items: [CalendarFeed.Item] = []
        for planned in SchedulePlan(of: schedule, calendar: calendar, after: now) {
            if planned.due > end { break }
            items.append(.init(planned, isTentative: false))
        }
        events += items.count
        return (schedule, items)
    })
print(monotonic() - begin)
print(events)
print(written.count)

let file =
    "format: 1\ntimezone: Europe/Berlin\nblackouts: { b: { from: 2026-12-15, to: 2027-01-03, reason: r } }\n"
    + "schedules:\n"
    + some.map { schedule in
        """
          \(schedule.name):
            drill: drills/redis-kill.yaml
            vars: { persistence: aof-always }
            cron: 30 22 * * tue
            window: { from: 22:00, to: 06:00, days: [tue] }
            jitter: 15m
            catchUp: latest
            startDeadline: 2h

        """
    }.joined()
begin = monotonic()
let found = try Schedules.blackouts(of: file) { _ in zones[0] }
print(monotonic() - begin)
precondition(found.blackouts.count == 1, "it is found")
