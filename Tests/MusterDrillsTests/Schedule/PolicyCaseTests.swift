import MusterCore
import MusterDrills
import Testing

/// What becomes of occurrences: cases 17 to 25 of the scheduler's table.
@Suite struct PolicyCaseTests {
    static let target = LockPath("local", "sessions")

    static func schedule(
        _ text: String = "0 10 * * *", zone: String = "UTC", _ change: (inout Schedule) -> Void = { _ in }
    ) throws -> Schedule {
        var schedule = Schedule(
            name: "daily", drill: "drills/a.yaml", zone: try Zones.named(zone), rule: try cron(text))
        schedule.locks = [target]
        change(&schedule)
        return schedule
    }

    private func settle(
        _ schedule: Schedule, since: String, now: String, jump: Duration? = nil,
        calendar: ScheduleCalendar = ScheduleCalendar(), _ change: (inout ScheduleState) -> Void = { _ in }
    ) -> Settlement {
        var state = ScheduleState()
        state.settledUntil = utc(since)
        change(&state)
        return Settler(schedule: schedule, calendar: calendar).settle(state, now: utc(now), jump: jump)
    }

    private func words(_ planned: [PlannedOccurrence]) -> [String] {
        planned.map { "\(short($0.due)) \($0.decision.fate.rawValue) \($0.decision.reason.word)" }
    }

    @Test func case17WindowsAreAsLongAsTheClocksMakeThem() throws {
        let berlin = try Zones.named("Europe/Berlin")
        let window = ScheduleWindow(from: TimeOfDay(second: 22 * 3600), to: TimeOfDay(second: 6 * 3600))
        func length(_ day: String) throws -> Duration {
            let span = window.span(opening: try #require(CivilDate(day)).daysSinceEpoch, in: berlin)
            return span.upperBound - span.lowerBound
        }
        #expect(try length("2026-10-24") == .seconds(9 * 3600))
        #expect(try length("2026-03-28") == .seconds(7 * 3600))
        #expect(try length("2026-03-27") == .seconds(8 * 3600))

        let schedule = try Self.schedule("0 22 * * *", zone: "Europe/Berlin") {
            $0.window = window
            $0.longest = .seconds(7 * 3600 + 1800)
        }
        let plan = SchedulePlan(of: schedule, calendar: ScheduleCalendar(), after: utc("2026-03-27T12:00"))
        let nights = Array(plan.prefix(3))
        #expect(nights.map(\.decision.fate) == [.run, .suppressed, .run])
        #expect(
            nights[1].decision.reason
                == .windowTooShort(
                    window: .seconds(7 * 3600), left: .seconds(7 * 3600), needed: .seconds(7 * 3600 + 1800)))
    }

    @Test func case18WhatIsTooLateIsMissed() throws {
        let schedule = try Self.schedule {
            $0.catchUp = .latest
            $0.startDeadline = .seconds(6 * 3600)
        }
        let found = settle(schedule, since: "2026-06-01T00:00", now: "2026-06-04T09:00")
        #expect(
            words(found.settled) == [
                "06-01T10:00 MISSED later-one-is-due", "06-02T10:00 MISSED later-one-is-due",
                "06-03T10:00 MISSED deadline",
            ])
        #expect(found.ready.isEmpty && found.waiting.isEmpty && found.earlierMissed == 0)
    }

    @Test func case19TheLatestIsCaughtUpWith() throws {
        let schedule = try Self.schedule {
            $0.catchUp = .latest
            $0.startDeadline = .seconds(6 * 3600)
        }
        let found = settle(schedule, since: "2026-06-01T00:00", now: "2026-06-03T12:00")
        #expect(
            words(found.settled) == [
                "06-01T10:00 MISSED later-one-is-due", "06-02T10:00 MISSED later-one-is-due",
            ])
        #expect(words(found.ready) == ["06-03T10:00 RUN late"])
        // Without the word nothing is caught up with.
        let none = try Self.schedule { $0.startDeadline = .seconds(6 * 3600) }
        let nothing = settle(none, since: "2026-06-03T00:00", now: "2026-06-03T12:00")
        #expect(words(nothing.settled) == ["06-03T10:00 MISSED not-looked-at"] && nothing.ready.isEmpty)
    }

    @Test func case20AnOutageEndsInAtMostOneRun() throws {
        let start = utc("2026-06-01T00:00")
        var schedule = try Self.schedule { $0.rule = .every(20, from: start) }
        for catchUp in [Schedule.CatchUp.none, .latest] {
            schedule.catchUp = catchUp
            let found = settle(schedule, since: "2026-06-01T00:00", now: "2026-06-01T10:00")
            #expect(found.ready.count == 1 && found.ready.map(\.due) == [utc("2026-06-01T10:00")])
            // Every one is accounted for: 10 hours hold 1,800.
            #expect(found.settled.allSatisfy { $0.decision.fate == .missed })
            #expect(found.settled.count == 1000 && found.earlierMissed == 799)
            #expect(found.settled.first?.due == utc("2026-06-01T10:00") - .seconds(20_000))
        }
        // And it lives on.
        let plan = SchedulePlan(of: schedule, calendar: ScheduleCalendar(), after: utc("2026-06-01T10:00"))
        #expect(plan.prefix(2).map(\.due.seconds) == [start.seconds + 36_020, start.seconds + 36_040])
    }

    @Test func case21AClockThatIsSetBackRunsNothingTwice() throws {
        let schedule = try Self.schedule()
        let first = settle(schedule, since: "2026-06-01T09:59", now: "2026-06-01T10:01")
        let key = try #require(first.ready.first?.key)
        // Set back by an hour; a minute later it is 10:00 again.
        for now in ["2026-06-01T09:01", "2026-06-01T10:00", "2026-06-01T10:01", "2026-06-01T10:02"] {
            let again = settle(schedule, since: "2026-06-01T10:01", now: now) { $0.handled = [key] }
            #expect(again.ready.isEmpty && again.settled.isEmpty && again.settledUntil >= first.settledUntil)
        }
        // Even a store that lost the place up to which it had looked does not.
        let lost = settle(schedule, since: "2026-06-01T09:00", now: "2026-06-01T10:00") { $0.handled = [key] }
        #expect(lost.ready.isEmpty && lost.settled.isEmpty)
    }

    @Test func aClockThatIsSetForwardFiresNothing() throws {
        let schedule = try Self.schedule { $0.catchUp = .latest }
        let jump = ClockCheck.jump(
            wall: (utc("2026-06-01T09:59"), utc("2026-06-01T10:05")),
            sinceBoot: (Instant(nanoseconds: 0), Instant(nanoseconds: 60_000_000_000)))
        #expect(jump == .seconds(300))
        let found = settle(schedule, since: "2026-06-01T09:59", now: "2026-06-01T10:05", jump: jump)
        #expect(words(found.settled) == ["06-01T10:00 MISSED clock-jumped"] && found.ready.isEmpty)
        let drift = ClockCheck.jump(
            wall: (utc("2026-06-01T09:59"), utc("2026-06-01T10:00")),
            sinceBoot: (Instant(nanoseconds: 0), Instant(nanoseconds: 1_000_000_000)))
        #expect(drift == nil)
        let back = ClockCheck.jump(
            wall: (utc("2026-06-01T09:59"), utc("2026-06-01T09:00")),
            sinceBoot: (Instant(nanoseconds: 0), Instant(nanoseconds: 60_000_000_000)))
        #expect(back == .seconds(-3600))
    }

    @Test func case22ARunBeforeAHolidayOrNone() throws {
        let christmas = try #require(CivilDate("2026-12-25")).daysSinceEpoch
        let calendar = ScheduleCalendar(holidays: [christmas: "Christmas"])
        let rule = try recurrence("FREQ=MONTHLY;BYDAY=-1FR", from: "2026-01-01")
        var schedule = try Self.schedule(zone: "Europe/Berlin") { $0.rule = rule }
        schedule.onHoliday = .previous
        let before = SchedulePlan(of: schedule, calendar: calendar, after: utc("2026-12-01T00:00")).prefix(2)
        #expect(words(Array(before)) == ["12-24T09:00 RUN due", "01-29T09:00 RUN due"])
        #expect(before.map(\.key.text).first == "daily@2026-12-25T10:00:00")
        schedule.onHoliday = .skip
        let none = SchedulePlan(of: schedule, calendar: calendar, after: utc("2026-12-01T00:00")).prefix(2)
        #expect(words(Array(none)) == ["12-25T09:00 SUPPRESSED holiday", "01-29T09:00 RUN due"])
        schedule.onHoliday = .run
        let all = SchedulePlan(of: schedule, calendar: calendar, after: utc("2026-12-01T00:00")).prefix(1)
        #expect(words(Array(all)) == ["12-25T09:00 RUN due"])
    }

    @Test func case23AFreezeSuppresses() throws {
        let freeze = Blackout(
            name: "year-end", reason: "change freeze",
            span: utc("2026-12-15T00:00")..<utc("2027-01-04T00:00"))
        let schedule = try Self.schedule("0 10 * * 1")
        let calendar = ScheduleCalendar(blackouts: [freeze])
        let plan = SchedulePlan(of: schedule, calendar: calendar, after: utc("2026-12-10T00:00")).prefix(4)
        #expect(
            words(Array(plan)) == [
                "12-14T10:00 RUN due", "12-21T10:00 SUPPRESSED blackout", "12-28T10:00 SUPPRESSED blackout",
                "01-04T10:00 RUN due",
            ])
        // Also when nobody looked meanwhile: it would not have run, so it was not missed.
        let found = settle(schedule, since: "2026-12-14T12:00", now: "2027-01-01T00:00", calendar: calendar)
        #expect(
            words(found.settled) == ["12-21T10:00 SUPPRESSED blackout", "12-28T10:00 SUPPRESSED blackout"])
    }

    @Test func case24AnApprovalThatComesTooLate() throws {
        let schedule = try Self.schedule { $0.needsApproval = true }
        let subject = Approval.Subject(execHash: "e", planHash: "p")
        let asked = settle(schedule, since: "2026-06-01T09:59", now: "2026-06-01T10:00") {
            $0.subject = subject
        }
        #expect(words(asked.waiting) == ["06-01T10:00 QUEUED not-approved"] && asked.ready.isEmpty)
        let key = try #require(asked.waiting.first?.key)
        func later(_ now: String, approvedAt: String, _ approved: Approval.Subject = subject) -> Settlement {
            settle(schedule, since: "2026-06-01T10:00", now: now) {
                $0.waiting = asked.waiting
                $0.subject = subject
                $0.approvals = [key: Approval(subject: approved, by: "ada", at: utc(approvedAt))]
            }
        }
        #expect(
            words(later("2026-06-01T10:20", approvedAt: "2026-06-01T10:19").ready) == [
                "06-01T10:00 QUEUED not-approved"
            ])
        for now in ["2026-06-01T10:31", "2026-06-01T10:45"] {
            let late = later(now, approvedAt: "2026-06-01T10:45")
            #expect(words(late.settled) == ["06-01T10:00 EXPIRED not-approved"] && late.ready.isEmpty)
        }
        // An edit voids it.
        let edited = later(
            "2026-06-01T10:20", approvedAt: "2026-06-01T10:00",
            Approval.Subject(execHash: "old", planHash: "p"))
        #expect(words(edited.waiting) == ["06-01T10:00 QUEUED approval-void"])
        let moved = later(
            "2026-06-01T10:20", approvedAt: "2026-06-01T10:00",
            Approval.Subject(execHash: "e", planHash: "old"))
        #expect(words(moved.waiting) == ["06-01T10:00 QUEUED approval-void"])
    }

    @Test func anApprovalRunsOutAndIsOnlyThatOfAnApprover() throws {
        var schedule = try Self.schedule { $0.needsApproval = true }
        schedule.approvers = ["ada"]
        let asked = settle(schedule, since: "2026-06-01T09:59", now: "2026-06-01T10:00")
        let key = try #require(asked.waiting.first?.key)
        func later(_ now: String, by name: String = "ada", expires: String? = nil) -> Settlement {
            settle(schedule, since: "2026-06-01T10:00", now: now) {
                $0.waiting = asked.waiting
                $0.approvals = [
                    key: Approval(
                        subject: .init(), by: name, at: utc("2026-06-01T09:00"),
                        expires: expires.map { utc($0) })
                ]
            }
        }
        #expect(later("2026-06-01T10:10").ready.count == 1)
        #expect(later("2026-06-01T10:10", expires: "2026-06-01T10:11").ready.count == 1)
        let over = later("2026-06-01T10:10", expires: "2026-06-01T10:10")
        #expect(over.waiting.map(\.decision.reason) == [.approvalVoid("it ran out")] && over.ready.isEmpty)
        let stranger = later("2026-06-01T10:10", by: "eve")
        #expect(
            stranger.waiting.map(\.decision.reason) == [.approvalVoid("eve may not approve it any more")])
        schedule.approvers = []
        #expect(later("2026-06-01T10:10", by: "eve").ready.count == 1)
    }

    @Test func aScheduleNeverOverlapsItself() throws {
        let schedule = try Self.schedule()
        let found = settle(schedule, since: "2026-06-01T09:59", now: "2026-06-01T10:00") {
            $0.isRunning = true
        }
        #expect(words(found.settled) == ["06-01T10:00 SKIPPED still-running"] && found.ready.isEmpty)
    }

    @Test func noMoreRunAtOnceThanMay() throws {
        let names = ["a", "b", "c"]
        let found = try names.flatMap { name in
            let schedule = try Self.schedule {
                $0.name = name
                $0.locks = [LockPath(name)]
            }
            return settle(schedule, since: "2026-06-01T09:59", now: "2026-06-01T10:00").ready.map {
                Admission.Candidate($0, of: schedule)
            }
        }
        var admission = Admission(running: [], mostAtOnce: 2)
        let admitted = admission.admit(found, now: utc("2026-06-01T10:00"))
        #expect(admitted.map(\.decision.fate) == [.run, .run, .queued])
        #expect(admitted[2].decision.reason == .tooMany(running: 2))
    }

    /// One that waits is planned anew each time, by its name.
    @Test func anOccurrenceIsFoundByItsName() throws {
        let schedule = try Self.schedule("30 2 * * *", zone: "Europe/Berlin")
        let planner = SchedulePlanner(schedule: schedule, calendar: ScheduleCalendar())
        let gap = OccurrenceKey(schedule: "daily", nominal: LocalTime(2026, 3, 29, 2, 30))
        #expect(planner.plan(gap)?.due == utc("2026-03-29T01:00"))
        #expect(planner.plan(gap)?.key == gap)
        let twice = OccurrenceKey(schedule: "daily", nominal: LocalTime(2026, 10, 25, 2, 30))
        #expect(planner.plan(twice)?.due == utc("2026-10-25T00:30"))
        #expect(planner.plan(OccurrenceKey(schedule: "daily", nominal: twice.nominal, fold: 1)) == nil)
        #expect(planner.plan(OccurrenceKey(schedule: "daily", nominal: LocalTime(2026, 3, 29, 2, 31))) == nil)
    }

    @Test func case25TheHigherPriorityRuns() throws {
        let low = try Self.schedule { $0.name = "low" }
        let high = try Self.schedule {
            $0.name = "high"
            $0.priority = 5
            // The host that the other one's service is on.
            $0.locks = [LockPath("local")]
        }
        var admission = Admission(running: [], mostAtOnce: 2)
        let found = [low, high].flatMap { schedule in
            settle(schedule, since: "2026-06-01T09:59", now: "2026-06-01T10:00").ready.map {
                Admission.Candidate($0, of: schedule)
            }
        }
        let first = admission.admit(found, now: utc("2026-06-01T10:00"))
        #expect(first.map(\.schedule) == ["high", "low"])
        #expect(words(first) == ["06-01T10:00 RUN due", "06-01T10:00 QUEUED lock"])
        #expect(first[1].decision.reason == .locked(by: "high", on: "local/sessions"))

        func again(_ now: String, running: [Admission.Holder]) -> [PlannedOccurrence] {
            let still = settle(low, since: "2026-06-01T10:00", now: now) { $0.waiting = [first[1]] }
            var admission = Admission(running: running, mostAtOnce: 2)
            let admitted = admission.admit(still.ready.map { .init($0, of: low) }, now: utc(now))
            return still.settled + admitted
        }
        let holder = Admission.Holder(name: "high", locks: high.locks)
        #expect(words(again("2026-06-01T10:29", running: [holder])) == ["06-01T10:00 QUEUED lock"])
        #expect(words(again("2026-06-01T10:30", running: [holder])) == ["06-01T10:00 SKIPPED lock"])
        #expect(words(again("2026-06-01T10:40", running: [holder])) == ["06-01T10:00 SKIPPED lock"])
        #expect(words(again("2026-06-01T10:10", running: [])) == ["06-01T10:00 RUN due"])
    }
}
