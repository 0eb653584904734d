import MusterCore
import MusterDrills
import Testing

/// What the calendar makes of occurrences, beyond the table of cases.
@Suite struct PlanTests {
    private func plan(
        _ schedule: Schedule, _ calendar: ScheduleCalendar = ScheduleCalendar(), after: String, _ count: Int
    ) -> [PlannedOccurrence] {
        Array(SchedulePlan(of: schedule, calendar: calendar, after: utc(after)).prefix(count))
    }

    @Test func jitterIsTheSameForEverAndStaysInTheWindow() throws {
        let schedule = try PolicyCaseTests.schedule {
            $0.jitter = .seconds(3600)
            $0.longest = .seconds(600)
            $0.window = ScheduleWindow(
                from: TimeOfDay(second: 10 * 3600), to: TimeOfDay(second: 10 * 3600 + 1800))
        }
        let days = plan(schedule, after: "2026-01-01T00:00", 60)
        let offsets = days.map { $0.due - $0.occurrence.due }
        // 30 minutes of window less 10 of drill: at most 20 of jitter.
        #expect(offsets.allSatisfy { (.zero)...(.seconds(1200)) ~= $0 } && Set(offsets).count > 40)
        #expect(days.allSatisfy { $0.decision.fate == .run && $0.ends - $0.due == .seconds(600) })
        #expect(plan(schedule, after: "2026-01-20T12:00", 1) == [days[20]])
        // Written down once: other versions and machines must find the same.
        #expect(days.prefix(3).map { short($0.due) } == ["01-01T10:13", "01-02T10:05", "01-03T10:09"])
    }

    @Test func aPutOffOccurrenceIsFoundWhileItIsPutOff() throws {
        let schedule = try PolicyCaseTests.schedule { $0.jitter = .seconds(3600) }
        let first = try #require(plan(schedule, after: "2026-01-01T00:00", 1).first)
        let between = first.due - .seconds(1)
        try #require(between >= first.occurrence.due)
        var again = SchedulePlan(of: schedule, calendar: ScheduleCalendar(), after: between)
        #expect(again.next() == first)
        var later = SchedulePlan(of: schedule, calendar: ScheduleCalendar(), after: first.due)
        let next = later.next()
        #expect(next?.occurrence.due == utc("2026-01-02T10:00"))
    }

    @Test func movesInFrontOfHolidaysComeInOrderAndNeverMeet() throws {
        func days(_ list: String...) throws -> [Int64: String] {
            Dictionary(
                uniqueKeysWithValues: try list.map { (try #require(CivilDate($0)).daysSinceEpoch, "holiday") }
            )
        }
        var schedule = try PolicyCaseTests.schedule("0 10 * * 5,6") { $0.onHoliday = .previous }
        let both = ScheduleCalendar(holidays: try days("2026-12-25", "2026-12-26"))
        let found = plan(schedule, both, after: "2026-12-20T00:00", 3)
        #expect(found.map { short($0.due) } == ["12-24T10:00", "12-24T10:00", "01-01T10:00"])
        #expect(found.map(\.decision.fate) == [.run, .suppressed, .run])
        #expect(found[1].decision.reason.word == "move-meets-another")
        // Every day: the day before has one of its own.
        schedule.rule = try cron("0 10 * * *")
        let daily = plan(schedule, both, after: "2026-12-23T12:00", 4)
        #expect(daily.map(\.decision.fate).filter { $0 == .run }.count == 2)
        #expect(daily.map { short($0.due) } == ["12-24T10:00", "12-24T10:00", "12-24T10:00", "12-27T10:00"])
        // A fortnight of holidays leaves no day.
        schedule.rule = try cron("0 10 20 * *")
        let long = (6...20).map { "2026-12-" + ($0 < 10 ? "0" : "") + "\($0)" }
        let all = Dictionary(
            uniqueKeysWithValues: try long.map { (try #require(CivilDate($0)).daysSinceEpoch, "holiday") })
        let none = plan(schedule, ScheduleCalendar(holidays: all), after: "2026-12-01T00:00", 1)
        #expect(none[0].decision.reason == .noDayBefore("holiday"))
    }

    @Test func pausesEndByThemselves() throws {
        let schedule = try PolicyCaseTests.schedule {
            $0.pause = .init(
                since: utc("2026-06-02T00:00"), until: utc("2026-06-04T10:00"), reason: "migration")
        }
        let found = plan(schedule, after: "2026-06-01T00:00", 4)
        #expect(found.map(\.decision.fate) == [.run, .suppressed, .suppressed, .run])
        #expect(
            found[1].decision.reason.sentence(in: .utc) == "paused until 2026-06-04 10:00: migration")
    }

    @Test func windowsOpenOnTheirDays() throws {
        let schedule = try PolicyCaseTests.schedule("0 2 * * *") {
            $0.window = ScheduleWindow(
                from: TimeOfDay(second: 22 * 3600), to: TimeOfDay(second: 6 * 3600), days: [.friday])
        }
        // 2026-01-02 is a Friday: its window is open at two o'clock on Saturday.
        let found = plan(schedule, after: "2026-01-02T00:00", 3)
        #expect(found.map(\.decision.fate) == [.suppressed, .run, .suppressed])
        #expect(found[0].decision.reason == .outsideWindow)
    }

    @Test func aBlackoutThatBeginsWhileSomethingWaitsSuppressesIt() throws {
        let schedule = try PolicyCaseTests.schedule()
        let planned = plan(schedule, after: "2026-06-01T00:00", 1)
            .map { $0.decided(.queued, .locked(by: "other", on: "local")) }
        let freeze = Blackout(name: "f", reason: "r", span: utc("2026-06-01T10:05")..<utc("2026-06-02T00:00"))
        var state = ScheduleState()
        state.settledUntil = utc("2026-06-01T10:00")
        state.waiting = planned
        let settler = Settler(schedule: schedule, calendar: ScheduleCalendar(blackouts: [freeze]))
        #expect(settler.settle(state, now: utc("2026-06-01T10:04")).ready.count == 1)
        let frozen = settler.settle(state, now: utc("2026-06-01T10:05"))
        #expect(frozen.ready.isEmpty && frozen.settled.map(\.decision.fate) == [.suppressed])
        state.isRunning = true
        let again = settler.settle(state, now: utc("2026-06-01T10:04"))
        #expect(again.settled.map(\.decision) == [Decision(.skipped, .stillRunning)])
    }

    @Test func aNewScheduleStartsNothing() throws {
        let schedule = try PolicyCaseTests.schedule { $0.catchUp = .latest }
        let settler = Settler(schedule: schedule, calendar: ScheduleCalendar())
        let first = settler.settle(ScheduleState(), now: utc("2026-06-01T10:00"))
        #expect(first.ready.isEmpty && first.settled.isEmpty && first.settledUntil == utc("2026-06-01T10:00"))
    }
}
