import MusterCore
import MusterDrills
import Testing

/// What rules are refused, with which advice.
@Suite struct RuleTextTests {
    private func problem(_ body: () throws -> some Sendable) -> String {
        do {
            _ = try body()
            return ""
        } catch let problem as FormProblem {
            return problem.message + " | " + (problem.expected ?? "")
        } catch {
            return "\(error)"
        }
    }

    @Test(arguments: [
        ("", "0 fields"), ("* * * *", "4 fields"), ("0 0 2 * * *", "6 fields"), ("@daily", "\"0 0 * * *\""),
        ("@every 20s", "every: 20m"), ("60 * * * *", "'60' is no minute"), ("* 24 * * *", "'24' is no hour"),
        ("* * 0 * *", "'0' is no day of the month"), ("* * * 13 *", "'13' is no month"),
        ("* * * foo *", "jan to dec"), ("* * * * 8", "sun to sat"), ("5/10 * * * *", "'5/10' is no minute"),
        ("*/0 * * * *", "'*/0'"), ("*/60 * * * *", "'*/60'"), ("*/2/3 * * * *", "'*/2/3'"),
        ("50-10 * * * *", "goes round"), ("1, * * * *", "'' is no minute"), ("-1 * * * *", "'-1'"),
        ("0 10 L * *", "BYDAY=-1FR"), ("0 10 * * 5#2", "BYDAY=-1FR"), ("0 10 * * fri-mon", "goes round"),
        ("0x1 * * * *", "'0x1'"), ("٣ * * * *", "is no minute"),
    ])
    func cronThatIsRefused(_ text: String, _ words: String) {
        let found = problem { try CronRule(text) }
        #expect(found.contains(words), "\(found)")
    }

    @Test func cronThatIsRead() throws {
        #expect(
            try times(cron("5-20/15,40 0 1 JAN,Jul *"), "UTC", after: "2026-01-01T00:00", 4)
                == ["01-01T00:05", "01-01T00:20", "01-01T00:40", "07-01T00:05"])
        #expect(
            try times(cron("0 0 * * 7"), "UTC", after: "2026-01-01T00:00", 2) == [
                "01-04T00:00", "01-11T00:00",
            ])
        #expect(
            try times(cron("0 0 * * fri-7"), "UTC", after: "2026-01-01T00:00", 4)
                == ["01-02T00:00", "01-03T00:00", "01-04T00:00", "01-09T00:00"])
        // Dates that do not exist: never.
        #expect(try times(cron("0 0 30 2 *"), "UTC", after: "2026-01-01T00:00", 1) == [])
        #expect(try times(cron("0 0 31 2,4,6,9,11 *"), "UTC", after: "2026-01-01T00:00", 1) == [])
    }

    @Test(arguments: [
        ("", "no part of a rule"), ("FREQ", "no part of a rule"), ("BYDAY=MO", "no FREQ"),
        ("FREQ=HOURLY", "every: 6h"), ("FREQ=DAILY;FREQ=DAILY", "given twice"),
        ("FREQ=DAILY;INTERVAL=0", "from 1 to"),
        ("FREQ=DAILY;BYHOUR=10", "at: 10:00"), ("FREQ=DAILY;BYWEEKNO=10", "is not understood"),
        ("FREQ=DAILY;COUNT=2;UNTIL=20260101", "one of them"), ("FREQ=WEEKLY;BYMONTHDAY=1", "FREQ=MONTHLY"),
        ("FREQ=WEEKLY;BYDAY=1MO", "FREQ=MONTHLY or FREQ=YEARLY"), ("FREQ=MONTHLY;BYDAY=6MO", "from -5 to 5"),
        ("FREQ=MONTHLY;BYDAY=0MO", "0"), ("FREQ=MONTHLY;BYDAY=XX", "MO, TU"),
        ("FREQ=MONTHLY;BYDAY=", "no day"),
        ("FREQ=MONTHLY;BYMONTHDAY=32", "from -31 to 31"), ("FREQ=MONTHLY;BYMONTHDAY=0", "another than 0"),
        ("FREQ=MONTHLY;BYSETPOS=1", "chooses among"), ("FREQ=DAILY;UNTIL=20260230", "UNTIL=20261231"),
        ("FREQ=DAILY;UNTIL=20260101T100000", "in UTC"), ("FREQ=DAILY;BYMONTH=13", "from 1 to 12"),
        ("FREQ=YEARLY;BYMONTHDAY=1", "FREQ=MONTHLY"),
        ("FREQ=WEEKLY;BYDAY=MO;BYSETPOS=1", "of a month or a year"),
    ])
    func recurrencesThatAreRefused(_ text: String, _ words: String) {
        let found = problem { try Recurrence(text, start: 0) }
        #expect(found.contains(words), "\(found)")
    }

    @Test func recurrencesThatEnd() throws {
        let three = try recurrence("FREQ=DAILY;COUNT=3", from: "2026-03-28", at: "02:30")
        // Counted from the start, whoever asks when; a skipped hour changes nothing.
        #expect(
            try times(three, "Europe/Berlin", after: "2026-03-28T12:00", 9) == ["03-29T01:00", "03-30T00:30"])
        #expect(try times(three, "Europe/Berlin", after: "2026-04-28T12:00", 9) == [])
        let day = try recurrence("FREQ=DAILY;UNTIL=20260102", from: "2026-01-01")
        #expect(try times(day, "UTC", after: "2025-01-01T00:00", 9) == ["01-01T10:00", "01-02T10:00"])
        let moment = try recurrence("FREQ=DAILY;UNTIL=20260102T090000Z", from: "2026-01-01")
        #expect(
            try times(moment, "Europe/Berlin", after: "2025-01-01T00:00", 9) == [
                "01-01T09:00", "01-02T09:00",
            ])
        #expect(try times(moment, "UTC", after: "2025-01-01T00:00", 9) == ["01-01T10:00"])
        let never = try recurrence("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", from: "2026-01-01")
        #expect(try times(never, "UTC", after: "2026-01-01T00:00", 1) == [])
        // The start is an occurrence only when the rule says so (2026-01-01 is a Thursday).
        let friday = try recurrence("FREQ=WEEKLY;BYDAY=FR", from: "2026-01-01")
        #expect(try times(friday, "UTC", after: "2025-01-01T00:00", 1) == ["01-02T10:00"])
    }

    @Test func onceIsOnce() throws {
        let rule = ScheduleRule.once(LocalTime(2026, 3, 29, 2, 30))
        #expect(try times(rule, "Europe/Berlin", after: "2026-01-01T00:00", 5) == ["03-29T01:00"])
        #expect(try times(rule, "Europe/Berlin", after: "2026-03-29T01:00", 5) == [])
    }

    @Test func timesAndDatesAreReal() {
        for text in [
            "2026-02-30T10:00", "2026-13-01T10:00", "2026-01-01", "2026-01-01T24:00", "2026-1-1T10:00",
            "2026-01-01T10:60", "2026-01-01T10", "+026-01-01T10:00",
        ] {
            #expect(LocalTime(text) == nil, "\(text)")
        }
        #expect(LocalTime("2028-02-29 10:00") == LocalTime(2028, 2, 29, 10))
        #expect(Moment(utcNanoseconds: -1).text == "1969-12-31T23:59:59Z")
    }
}
