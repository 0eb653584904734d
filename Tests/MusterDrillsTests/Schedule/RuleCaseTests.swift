import MusterCore
import MusterDrills
import Testing

/// When rules are due: cases 1 to 16 of the scheduler's table.
@Suite struct RuleCaseTests {
    @Test func case1SkippedTimesAreShiftedToTheEndOfTheGap() throws {
        let found = try times(cron("30 2 * * *"), "Europe/Berlin", after: "2026-03-28T00:00", 3)
        #expect(found == ["03-28T01:30", "03-29T01:00", "03-30T00:30"])
    }

    @Test func case2OrLeftOutWhenTheScheduleSaysSo() throws {
        let found = try times(cron("30 2 * * *"), "Europe/Berlin", after: "2026-03-28T00:00", 2, gap: .skip)
        #expect(found == ["03-28T01:30", "03-30T00:30"])
        let all = Occurrences(
            of: try cron("30 2 * * *"), in: try Zones.named("Europe/Berlin"), gap: .skip,
            after: utc("2026-03-28T00:00"))
        // It is not forgotten: a plan says that it is left out.
        #expect(all.prefix(3).map(\.standing) == [.asWritten, .omitted, .asWritten])
    }

    @Test func case3RepeatedTimesAreDueOnce() throws {
        let found = try times(cron("30 2 * * *"), "Europe/Berlin", after: "2026-10-24T00:00", 3)
        #expect(found == ["10-24T00:30", "10-25T00:30", "10-26T01:30"])
        let all = Occurrences(
            of: try cron("30 2 * * *"), in: try Zones.named("Europe/Berlin"), gap: .shift,
            after: utc("2026-10-24T00:00"))
        #expect(all.prefix(2).map(\.standing) == [.asWritten, .firstPass])
    }

    /// Whoever asks between the two passes gets the next day.
    @Test func case3BetweenThePasses() throws {
        let found = try times(cron("30 2 * * *"), "Europe/Berlin", after: "2026-10-25T00:45", 1)
        #expect(found == ["10-26T01:30"])
        #expect(
            try times(cron("30 2 * * *"), "Europe/Berlin", after: "2026-10-25T01:10", 1) == ["10-26T01:30"])
    }

    @Test func case4EveryHourIsTimeThatPasses() throws {
        let found = try times(cron("30 * * * *"), "Europe/Berlin", after: "2026-10-24T23:00", 4)
        #expect(found == ["10-24T23:30", "10-25T00:30", "10-25T01:30", "10-25T02:30"])
        let all = Occurrences(
            of: try cron("30 * * * *"), in: try Zones.named("Europe/Berlin"), gap: .shift,
            after: utc("2026-10-24T23:00"))
        #expect(all.prefix(4).map(\.fold) == [0, 0, 1, 0])
    }

    @Test func case5WhatIsShiftedToOneInstantIsOneRun() throws {
        let found = try times(cron("0,30 2 * * *"), "Europe/Berlin", after: "2026-03-28T12:00", 2)
        #expect(found == ["03-29T01:00", "03-30T00:00"])
        // Also with what the rule has there by itself.
        let both = try times(cron("0 2,3 * * *"), "Europe/Berlin", after: "2026-03-28T12:00", 2)
        #expect(both == ["03-29T01:00", "03-30T00:00"])
    }

    @Test func case6AWildcardSkipsTheGap() throws {
        let found = try times(cron("*/30 1-3 * * *"), "Europe/Berlin", after: "2026-03-28T12:00", 4)
        #expect(found == ["03-29T00:00", "03-29T00:30", "03-29T01:00", "03-29T01:30"])
    }

    @Test func case7And8LordHoweMovesByHalfAnHour() throws {
        let gap = try times(cron("15 2 * * *"), "Australia/Lord_Howe", after: "2026-10-02T12:00", 3)
        #expect(gap == ["10-02T15:45", "10-03T15:30", "10-04T15:15"])
        let overlap = try times(cron("45 1 * * *"), "Australia/Lord_Howe", after: "2026-04-04T12:00", 2)
        #expect(overlap == ["04-04T14:45", "04-05T15:15"])
    }

    @Test func case9AGapAtMidnight() throws {
        let found = try times(cron("30 0 * * *"), "America/Sao_Paulo", after: "2018-11-03T12:00", 2)
        #expect(found == ["11-04T03:00", "11-05T02:30"])
    }

    @Test func case10LeapDays() throws {
        func years(after start: String, _ count: Int) throws -> [String] {
            Occurrences(of: try cron("0 10 29 2 *"), in: .utc, gap: .shift, after: utc(start)).prefix(count)
                .map(
                    \.due.text)
        }
        #expect(
            try years(after: "2026-01-01T00:00", 2) == ["2028-02-29T10:00:00Z", "2032-02-29T10:00:00Z"])
        // 2100 is no leap year.
        #expect(
            try years(after: "2093-01-01T00:00", 2) == ["2096-02-29T10:00:00Z", "2104-02-29T10:00:00Z"])
    }

    @Test func case11TheLastFriday() throws {
        let rule = try recurrence("FREQ=MONTHLY;BYDAY=-1FR", from: "2026-01-01")
        #expect(
            try times(rule, "Europe/Berlin", after: "2026-01-01T00:00", 5)
                == ["01-30T09:00", "02-27T09:00", "03-27T09:00", "04-24T08:00", "05-29T08:00"])
    }

    @Test func case12TheLastWorkingDay() throws {
        let rule = try recurrence("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", from: "2026-01-01")
        #expect(
            try times(rule, "UTC", after: "2026-01-01T00:00", 4)
                == ["01-30T10:00", "02-27T10:00", "03-31T10:00", "04-30T10:00"])
    }

    @Test func case13TheLastDayAndThe31st() throws {
        let thirtyFirst = try recurrence("FREQ=MONTHLY;BYMONTHDAY=31", from: "2026-01-01")
        #expect(
            try times(thirtyFirst, "UTC", after: "2026-01-01T00:00", 4)
                == ["01-31T10:00", "03-31T10:00", "05-31T10:00", "07-31T10:00"])
        let last = try recurrence("FREQ=MONTHLY;BYMONTHDAY=-1", from: "2026-01-01")
        #expect(
            try times(last, "UTC", after: "2026-01-01T00:00", 4)
                == ["01-31T10:00", "02-28T10:00", "03-31T10:00", "04-30T10:00"])
    }

    @Test func case14TheSecondTuesdayOfAQuarter() throws {
        let rule = try recurrence("FREQ=MONTHLY;INTERVAL=3;BYDAY=2TU", from: "2026-01-01")
        #expect(
            try times(rule, "Europe/Berlin", after: "2026-01-01T00:00", 4)
                == ["01-13T09:00", "04-14T08:00", "07-14T08:00", "10-13T08:00"])
    }

    @Test func case15TwoDayFieldsWantAWord() throws {
        #expect(throws: FormProblem.self) { try CronRule("0 9 13 * 5") }
        #expect(
            try times(cron("0 9 13 * 5", .any), "UTC", after: "2026-01-01T00:00", 4)
                == ["01-02T09:00", "01-09T09:00", "01-13T09:00", "01-16T09:00"])
        #expect(
            try times(cron("0 9 13 * 5", .all), "UTC", after: "2026-01-01T00:00", 3)
                == ["02-13T09:00", "03-13T09:00", "11-13T09:00"])
        #expect(throws: FormProblem.self) { try CronRule("0 9 13 * *", dayMatch: .any) }
    }

    @Test func case16EverySecondWeek() throws {
        let rule = try recurrence("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU", from: "2026-01-01")
        #expect(
            try times(rule, "UTC", after: "2026-01-01T00:00", 3)
                == ["01-13T10:00", "01-27T10:00", "02-10T10:00"])
    }
}
