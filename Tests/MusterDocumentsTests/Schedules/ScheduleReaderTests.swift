import Foundation
import MusterCore
import MusterDocuments
import MusterDrills
import Testing

/// Reading `drills/schedules.yaml`: what it means, and what is wrong with it, by line.
@Suite struct ScheduleReaderTests {
    static let now = Moment(seconds: 1_795_737_600)  // 2026-11-27T00:00:00Z

    static func resources(_ files: [String: [UInt8]] = [:], longest: Duration = .seconds(600))
        -> ScheduleResources
    {
        ScheduleResources(
            zone: { name in
                guard let data = FileManager.default.contents(atPath: "/usr/share/zoneinfo/\(name)") else {
                    throw FormProblem("there is no zone '\(name)'", at: nil, expected: "a zone of IANA")
                }
                return try ZoneFile.read(Array(data), name: name)
            },
            zoneNames: { ["Europe/Berlin", "Europe/London", "America/New_York", "Australia/Lord_Howe"] },
            file: { path in
                guard let bytes = files[path] else {
                    throw FormProblem("there is no file '\(path)'", at: nil)
                }
                return bytes
            },
            drill: { path, variables in
                if path == "drills/none.yaml" { throw FormProblem("there is no drill '\(path)'", at: nil) }
                return .init(
                    longest: Duration(units: variables["longest"] ?? "") ?? longest,
                    locks: [LockPath("local")])
            })
    }

    static func examine(_ text: String, _ files: [String: [UInt8]] = [:]) -> Schedules.Examination {
        Schedules.examine(text, now: now, resources: resources(files))
    }

    private func wrong(_ schedule: String, head: String = "timezone: Europe/Berlin") -> [String] {
        let text = "format: 1\n\(head)\nschedules:\n  a: { drill: drills/a.yaml, \(schedule) }\n"
        let found = Self.examine(text)
        #expect((found.schedules == nil) == !found.errors.isEmpty)
        return found.errors.map {
            "\($0.place?.line ?? 0): \($0.message) | \($0.expected ?? "") | \($0.nearest ?? "")"
        } + found.warnings.map { "warning: \($0.message)" }
    }

    @Test func aWholeFile() throws {
        let text = try FixtureFiles.text("schedules.yaml")
        let found = Self.examine(
            text,
            [
                "holidays.txt": Array(
                    "2026-12-24 Christmas Eve\n# none\n\n2026-12-25   Christmas  # day\n".utf8)
            ])
        let schedules = try #require(found.schedules, "\(found.errors)")
        #expect(
            found.warnings.map(\.message) == [
                "maxConcurrent changes nothing: a host runs one drill at a time"
            ])
        #expect(
            schedules.schedules.map(\.name) == ["sessions-weekly", "quarterly", "sydney", "audit", "soak"])
        #expect(
            schedules.zone.name == "Europe/Berlin" && schedules["sydney"]?.zone.name == "Australia/Sydney")
        #expect(
            schedules.maxConcurrent == 2
                && schedules.calendar.holidays.values.sorted() == [
                    "Christmas", "Christmas Eve", "New Year",
                ])
        let weekly = try #require(schedules["sessions-weekly"])
        #expect(weekly.jitter == .seconds(900) && weekly.catchUp == .latest && weekly.priority == 5)
        #expect(weekly.needsApproval && weekly.onFreeze == .finish && weekly.longest == .seconds(600))
        #expect(weekly.variables == ["persistence": "aof-always"] && weekly.startDeadline == .seconds(7200))
        #expect(weekly.window?.days == [.tuesday] && weekly.window?.from.text == "22:00")
        let freeze = try #require(schedules.calendar.blackouts.first)
        #expect(freeze.span.lowerBound.text == "2026-12-14T23:00:00Z")
        // Its last day is part of it.
        #expect(freeze.span.upperBound.text == "2027-01-03T23:00:00Z" && freeze.reason == "change freeze")
        func next(_ name: String) throws -> String {
            var plan = SchedulePlan(
                of: try #require(schedules[name]), calendar: schedules.calendar, after: Self.now)
            let first = plan.next()
            let planned = try #require(first)
            return planned.due.text + " " + planned.decision.fate.rawValue
        }
        #expect(try next("quarterly") == "2027-01-12T09:00:00Z RUN")
        #expect(try next("sydney") == "2026-11-30T15:30:00Z RUN")
        #expect(try next("audit") == "2027-03-01T08:00:00Z SUPPRESSED")
        #expect(try next("soak") == "2026-11-27T06:00:00Z RUN")
    }

    @Test(arguments: [
        ("CET", "'CET' is an abbreviation, not a zone | Europe/Berlin"), ("est", "America/New_York"),
        ("IST", "Asia/Kolkata, Asia/Jerusalem or Europe/Dublin"), ("Berlin", "did | Europe/Berlin"),
        ("europe/berlin", "no zone | Europe/Berlin"), ("Europe/Berlim", "no zone | Europe/Berlin"),
        ("+02:00", "wrong for half a year"), ("Etc/GMT-1", "wrong for half a year"),
        ("../../etc/passwd", "a place"),
        ("posix/Europe/Berlin", "a place"), ("", "a place"), ("Europe/", "a place"),
    ])
    func zonesThatAreNone(_ name: String, _ words: String) {
        let found = wrong("cron: \"0 0 * * *\"", head: "timezone: \"\(name)\"").joined()
        #expect(found.hasPrefix("2: "), "\(found)")
        let last = words.split(separator: "|").last.map { $0.drop { $0 == " " } } ?? ""
        #expect(found.contains(last), "\(found)")
    }

    @Test func everySchedulePastNeverAndImpossible() {
        #expect(wrong("cron: \"0 0 30 2 *\"")[0].hasPrefix("4: it is never due"))
        #expect(
            wrong("rrule: FREQ=YEARLY;BYMONTH=4;BYMONTHDAY=31, start: 2026-01-01, at: 10:00")[0].contains(
                "never due"))
        let none = "which the calendar does not have | a"
        #expect(wrong("once: 2026-02-30T10:00")[0].contains("\(none) local time"))
        #expect(
            wrong("rrule: FREQ=DAILY, start: 2026-02-29, at: 10:00")[0].contains(
                "\(none) day"))
        let skipped = wrong("once: 2027-03-28T02:30, gap: skip")[0]
        #expect(
            skipped.contains(
                "the clocks of Europe/Berlin skip 2027-03-28T02:30:00, and gap is skip | another time"),
            "\(skipped)")
        #expect(wrong("once: 2025-01-01T10:00") == ["warning: it is over: nothing is due any more"])
        #expect(
            wrong("rrule: FREQ=DAILY;COUNT=3, start: 2020-01-01, at: 10:00") == [
                "warning: it is over: nothing is due any more"
            ])
        #expect(wrong("cron: \"0 0 29 2 *\"") == [])
    }

    @Test func gapsCanBeErrors() {
        #expect(
            wrong("cron: \"30 2 * * *\", gap: fail-lint")[0].hasPrefix(
                "4: the clocks skip 2027-03-28T02:30:00 in Europe/Berlin"))
        #expect(wrong("cron: \"30 3 * * *\", gap: fail-lint") == [])
        #expect(wrong("cron: \"30 2 * * *\", gap: fail-lint, timezone: Africa/Johannesburg") == [])
    }

    @Test func oneRuleAndWhatBelongsToIt() {
        #expect(wrong("priority: 1")[0].contains("nothing says when it is due"))
        #expect(wrong("cron: \"0 0 * * *\", every: 1h")[0].contains("cron and every say when"))
        #expect(wrong("rrule: FREQ=DAILY")[0].contains("start: 2027-01-01 and at: 10:00"))
        #expect(wrong("cron: \"0 0 * * *\", at: 10:00")[0].contains("belong to an rrule"))
        #expect(wrong("every: 1h, dayMatch: any")[0].contains("belongs to cron"))
        #expect(wrong("every: 1500ms")[0].contains("whole seconds"))
        #expect(wrong("cron: \"0 9 13 * 5\"")[0].contains("dayMatch: any"))
        #expect(wrong("cron: \"*/5 * * * *\", onHoliday: previous")[0].contains("no day that could move"))
        #expect(wrong("cron: \"0 0 * * *\", startDeadline: 0s")[0].contains("from 1m to 7d"))
        #expect(wrong("cron: \"0 0 * * *\", catchUp: all")[0].contains("'all' is not known here"))
        #expect(wrong("crno: \"0 0 * * *\"")[0].contains("| cron"))
        #expect(wrong("cron: \"0 0 * * *\", drill: drills/b.yaml")[0].contains("drill"))
    }

    @Test func windowsMustHoldTheDrill() {
        let window = "window: { from: 22:00, to: 06:00 }"
        #expect(wrong("cron: \"0 22 * * *\", \(window), vars: { longest: 9h }")[0].contains("can take 9h 0m"))
        // Only the night in which the clocks are put forward is too short.
        let short = wrong("cron: \"0 22 * * *\", \(window), vars: { longest: 7h30m }")
        #expect(short.count == 1 && short[0].contains("warning: not every time: 2027-03-27T22:00:00"))
        #expect(
            wrong("cron: \"0 12 * * *\", \(window)")[0].contains(
                "it can never run; 2026-11-27T12:00:00: outside"))
        #expect(wrong("cron: \"55 5 * * *\", \(window)")[0].contains("open for 5m 0s more"))
        #expect(wrong("cron: \"0 23 * * *\", \(window)") == [])
        // What holds on one day of the week says nothing about the others, and jitter nothing about any.
        let monday = "window: { from: 22:00, to: 06:00, days: [mon] }, jitter: 30m"
        #expect(wrong("cron: \"0 23 * * *\", \(monday)") == [])
        #expect(
            wrong("cron: \"0 23 * * fri\", \(monday)")[0].contains("it can never run; 2026-11-27T23:00:00"))
        #expect(
            wrong("cron: \"0 3,23 * * *\", \(monday), vars: { longest: 4h }") == [
                "warning: not every time: 2026-12-01T03:00:00: the drill can take 4h 0m, and its window of 8h 0m is "
                    + "open for 3h 0m more"
            ])
    }

    /// From midnight to midnight is a day; from nine to nine says nothing.
    @Test func windowsThatCloseWhenTheyOpen() {
        #expect(
            wrong("cron: \"0 9 * * *\", window: { from: 09:00, to: 09:00 }")[0].contains(
                "it closes when it opens"))
        #expect(wrong("cron: \"0 9 * * *\", window: { from: 00:00, to: 00:00 }") == [])
    }

    /// Inside of braces a comma ends a value.
    @Test func whatACommaCutOffIsSaid() {
        let cut = wrong("cron: 0 3 31 4,6 *")
        #expect(
            cut.contains {
                $0.contains("unknown key '6 *'") && $0.contains("quotes around text with a comma")
            })
        #expect(wrong("cron: \"0 3 30 4,6 *\"") == [])
        #expect(!wrong("cron: \"0 3 * * *\", crno:").joined().contains("comma"))
    }

    @Test func reasonsHaveWords() {
        #expect(wrong("every: 1h, pause: { reason: \" \" }")[0].contains("a reason"))
        #expect(wrong("every: 1h, pause: { reason: \"\" }") != [])
        #expect(wrong("every: 1h, pause: { reason: r }") == [])
        let head = "timezone: UTC\nblackouts: { a: { from: 2027-01-02, to: 2027-01-03, reason: \" \" } }"
        #expect(wrong("every: 1h", head: head)[0].contains("a reason"))
    }

    /// A file of many schedules is read whole, and one that is too large is not.
    @Test func manySchedulesAreRead() throws {
        let line = "drill: drills/a.yaml, every: 1h, vars: { pad: \(String(repeating: "x", count: 400)) } }\n"
        let many = (0..<3000).map { "  s\($0): { \(line)" }.joined()
        let text = "format: 1\ntimezone: UTC\nschedules:\n" + many
        #expect(text.utf8.count > YamlText.largest)
        let found = Self.examine(text)
        #expect(found.schedules?.schedules.count == 3000, "\(found.errors.prefix(1))")
        #expect(found.schedules?.schedules.last?.name == "s2999")
        let large = text + "# " + String(repeating: "x", count: Schedules.largest)
        #expect(Self.examine(large).errors.first?.expected == "at most 64 MiB")
    }

    @Test func drillsMustBeThere() {
        let text =
            "format: 1\ntimezone: UTC\nschedules:\n  a:\n    drill: drills/none.yaml\n    cron: 0 0 * * *\n"
        let found = Self.examine(text)
        #expect(found.errors.map(\.message) == ["there is no drill 'drills/none.yaml'"])
        #expect(found.errors.first?.place == Place(line: 5, column: 12))
    }

    @Test func blackoutsEndAfterTheyBegin() {
        let head = "timezone: UTC\nblackouts: { a: { from: 2027-01-02, to: 2027-01-01, reason: r } }"
        #expect(wrong("every: 1h", head: head)[0].contains("3: it is over before it begins"))
        let day = "timezone: UTC\nblackouts: { a: { from: 2027-01-02, to: 2027-02-30, reason: r } }"
        #expect(wrong("every: 1h", head: day)[0].contains("the calendar does not have"))
        let same = "timezone: UTC\nblackouts: { a: { from: 2027-01-02, to: 2027-01-02, reason: r } }"
        #expect(wrong("every: 1h", head: same) == [])
    }

    @Test func theSchemaAcceptsWhatTheReaderDoes() throws {
        let text = try FixtureFiles.text("schedules.yaml")
        #expect(try SchemaTests.complaint(about: text, schema: DrillSchema.schedules) == "")
        let bad = text.replacing("catchUp: latest", with: "catchUp: all")
        #expect(try SchemaTests.complaint(about: bad, schema: DrillSchema.schedules).hasPrefix("["))
    }
}
