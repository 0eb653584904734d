import MusterCore
import MusterDrills
import Testing

/// A year of ticks by a clock that is moved by hand, with outages, ticks that die before they have written anything,
/// clocks that are set, locks and long runs: no occurrence runs twice, and none vanishes.
@Suite struct YearTests {
    private struct Year {
        var dice: OracleTests.Dice
        let schedules: [Schedule]
        let calendar: ScheduleCalendar
        /// The true time, in seconds since boot, and what is added to it for the wall clock.
        var sinceBoot: Int64 = 0
        var wall: Int64
        var lastLook: (wall: Moment, sinceBoot: Instant)?

        // What the store would hold.
        var states: [String: ScheduleState] = [:]
        var fates: [OccurrenceKey: Fate] = [:]
        var handled: [String: Set<OccurrenceKey>] = [:]
        var waiting: [OccurrenceKey: PlannedOccurrence] = [:]
        var running: [(key: OccurrenceKey, until: Int64)] = []
        var runs: [OccurrenceKey: Int] = [:]
        var missedInBulk = 0
        var jumps = 0

        var now: Moment { Moment(seconds: wall + sinceBoot) }

        mutating func tick() {
            guard dice.isOne(of: 20) else { return decide() }
            // It dies before it has written anything: nothing of it is there.
            var doomed = self
            doomed.decide()
            dice = doomed.dice
        }

        private mutating func decide() {
            let look = (wall: now, sinceBoot: Instant(nanoseconds: sinceBoot * 1_000_000_000))
            let jump = lastLook.flatMap { last in
                ClockCheck.jump(wall: (last.wall, look.wall), sinceBoot: (last.sinceBoot, look.sinceBoot))
            }
            lastLook = look
            if jump != nil { jumps += 1 }
            running.removeAll { $0.until <= sinceBoot }
            var candidates: [Admission.Candidate] = []
            for schedule in schedules {
                var state = states[schedule.name] ?? ScheduleState()
                state.handled = handled[schedule.name] ?? []
                state.waiting = waiting.values.filter { $0.schedule == schedule.name }
                state.isRunning = running.contains { $0.key.schedule == schedule.name }
                let found = Settler(schedule: schedule, calendar: calendar).settle(
                    state, now: now, jump: jump)
                for planned in found.settled + found.waiting { write(planned) }
                missedInBulk += found.earlierMissed
                states[schedule.name, default: ScheduleState()].settledUntil = found.settledUntil
                candidates += found.ready.map { .init($0, of: schedule) }
            }
            let holders = running.map {
                Admission.Holder(name: $0.key.schedule, locks: [LockPath("local")])
            }
            var admission = Admission(running: holders, mostAtOnce: 1)
            for planned in admission.admit(candidates, now: now) {
                write(planned)
                guard planned.decision.fate == .run else { continue }
                runs[planned.key, default: 0] += 1
                running.append((planned.key, sinceBoot + dice.number(60...5400)))
            }
        }

        private mutating func write(_ planned: PlannedOccurrence) {
            let was = fates[planned.key]
            #expect(was == nil || was == .queued, "\(planned.key.text): \(String(describing: was))")
            fates[planned.key] = planned.decision.fate
            if planned.decision.fate.isFinal {
                handled[planned.schedule, default: []].insert(planned.key)
            }
            waiting[planned.key] = planned.decision.fate == .queued ? planned : nil
        }
    }

    private static func schedules() throws -> [Schedule] {
        let berlin = try Zones.named("Europe/Berlin")
        func make(_ name: String, _ rule: ScheduleRule, _ change: (inout Schedule) -> Void) -> Schedule {
            var schedule = Schedule(name: name, drill: "d", zone: berlin, rule: rule)
            schedule.locks = [LockPath("local")]
            change(&schedule)
            return schedule
        }
        return [
            make("nightly", try cron("30 2 * * *")) {
                $0.jitter = .seconds(1800)
                $0.catchUp = .latest
                $0.startDeadline = .seconds(6 * 3600)
            },
            make("hourly", try cron("30 * * * *")) { $0.priority = -1 },
            make("friday", try recurrence("FREQ=WEEKLY;BYDAY=FR", from: "2026-01-01")) {
                $0.onHoliday = .previous
            },
            make("often", .every(7200, from: Moment(seconds: 0))) {
                $0.catchUp = .latest
                $0.gap = .skip
            },
            make("approved", try cron("0 12 * * *")) { $0.needsApproval = true },
        ]
    }

    @Test(arguments: 1...3)
    func nothingRunsTwiceAndNothingVanishes(_ seed: UInt64) throws {
        let begin = utc("2026-01-01T00:00")
        let holiday = try #require(CivilDate("2026-04-03")).daysSinceEpoch
        let freeze = Blackout(
            name: "f", reason: "r", span: utc("2026-06-01T00:00")..<utc("2026-06-10T12:00"))
        var year = Year(
            dice: OracleTests.Dice(state: seed), schedules: try Self.schedules(),
            calendar: ScheduleCalendar(holidays: [holiday: "Good Friday"], blackouts: [freeze]),
            wall: begin.seconds)
        year.tick()
        let length: Int64 = 366 * 86_400
        while year.sinceBoot < length {
            switch year.dice.number(1...1000) {
            // An outage, of an hour to three weeks.
            case 1...4:
                year.sinceBoot += year.dice.number(3600...(year.dice.isOne(of: 3) ? 1_800_000 : 90_000))
            // Somebody sets the clock.
            case 5: year.wall += year.dice.number(-7200...7200)
            default: year.sinceBoot += year.dice.number(300...3600)
            }
            year.tick()
        }
        #expect(year.runs.values.allSatisfy { $0 == 1 })
        #expect(year.runs.count > 1000 && year.jumps > 0)
        for fate in Fate.allCases where fate != .queued {
            #expect(year.fates.values.contains(fate), "no \(fate.rawValue) in this year")
        }
        var planned = 0
        for schedule in year.schedules {
            let until = try #require(year.states[schedule.name]?.settledUntil)
            // What is due within the first tick's second has no record: a schedule begins with what comes.
            for one in SchedulePlan(of: schedule, calendar: year.calendar, after: begin) {
                if one.due > until { break }
                planned += 1
                if year.fates[one.key] == nil { year.missedInBulk -= 1 }
            }
        }
        // Those without a record of their own are those that were counted in bulk, and no more.
        #expect(year.missedInBulk == 0, "of \(planned)")
        #expect(planned > 10_000)
    }
}
