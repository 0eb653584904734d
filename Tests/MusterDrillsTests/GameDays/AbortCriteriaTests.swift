import MusterCore
import Testing

@testable import MusterDrills

/// What ends a game day at any moment: budgets, faults that stand too long, and nobody at the switch.
@Suite struct AbortCriteriaTests {
    private func standing(
        _ criteria: GameDay.AbortCriteria, _ change: (inout CriteriaMoment) -> Void = { _ in }
    ) throws -> CriterionStanding {
        var moment = CriteriaMoment(now: at(10_000))
        change(&moment)
        return try #require(criteria.standing(moment).first)
    }

    private func customers(downUntil end: Double) -> CustomerWatch {
        var watch = CustomerWatch()
        watch.apply(
            Event(.injected, at: at(5000), utc: 0, bracket: bracket(5000, 5000), subject: "crash", text: ""))
        watch.apply(
            [
                Sample(due: at(5000), started: at(5000), finished: at(5001), outcome: .error),
                Sample(due: at(end - 1), started: at(end - 1), finished: at(end), outcome: .ok),
            ], of: "health", writer: nil)
        return watch
    }

    /// 99 % of 100 s leave 1 s; a fifth of that is 200 ms.
    @Test(arguments: [(5150.0, 0.0, false), (5199, 0, false), (5201, 0, true), (5150, 60, true)])
    func aBudgetIsSpentByAllDrillsTogether(_ end: Double, _ before: Double, _ isOver: Bool) throws {
        var criteria = GameDay.AbortCriteria()
        criteria.errorBudget = Percentage(units: "20%")
        let goal = AvailabilityGoal(min: try #require(Percentage(units: "99%")), window: .seconds(100))
        #expect(criteria.allowed(of: goal.budget) == ms(200))
        let found = try standing(criteria) { moment in
            moment.customers = customers(downUntil: end)
            moment.service = GameDaySpending(service: "kv", budget: goal.budget)
            moment.spentBefore = ms(before)
        }
        #expect(found.criterion == .errorBudget && (found.breach != nil) == isOver, "\(found)")
        #expect(found.detail["spentNanoseconds"] == .int(ms(end - 5000 + before).nanoseconds))
        #expect(found.detail["limitNanoseconds"] == 200_000_000 && found.detail["criterion"] == "errorBudget")
        if isOver {
            #expect(found.share > 1 && found.breach?.contains("20 % of its error budget of 1 s") == true)
        }
    }

    /// At the limit it holds; one more is one too many.
    @Test(arguments: [(1, false), (2, true)]) func aQuantileIsACount(_ late: Int, _ isOver: Bool) throws {
        var criteria = GameDay.AbortCriteria()
        criteria.latency = GameDay.LatencyLimit(max: ms(100), window: .seconds(2))
        var watch = CustomerWatch(latency: criteria.latency)
        watch.apply(
            Event(.injected, at: at(5000), utc: 0, bracket: bracket(5000, 5000), subject: "slow", text: ""))
        let samples = (0..<100).map { index in
            let start = 8100 + Double(index) * 10
            return Sample(
                due: at(start), started: at(start), finished: at(start + (index < late ? 150 : 1)),
                outcome: .ok)
        }
        watch.apply(samples, of: "health", writer: nil)
        let found = try standing(criteria) { $0.customers = watch }
        #expect((found.breach != nil) == isOver && (found.share >= 1) == isOver, "\(found)")
        #expect(found.detail["late"] == .int(Int64(late)) && found.detail["answers"] == 100)
        if isOver {
            #expect(
                found.breach
                    == "2 of 100 answers of 'health' in the last 2 s took longer than 100 ms, which is 2.00 %; 1 % may"
            )
        }
    }

    @Test func aFaultMayStandForSoLong() throws {
        var criteria = GameDay.AbortCriteria()
        criteria.faultLongerThan = .seconds(30)
        #expect(try standing(criteria).words == "broken for 30 s (now 0)")
        #expect(try standing(criteria) { $0.faultAge = .seconds(30) }.breach == nil)
        let over = try standing(criteria) { $0.faultAge = ms(30_100) }
        #expect(over.breach == "something has been broken for 30.1 s, and may be for 30 s")
    }

    @Test func nobodyAtTheSwitch() throws {
        var criteria = GameDay.AbortCriteria()
        criteria.heartbeat = GameDay.Heartbeat(every: .seconds(60))
        #expect(criteria.standing(CriteriaMoment(now: at(0))).isEmpty, "nothing has begun")
        let near = try standing(criteria) { $0.silence = .seconds(45) }
        #expect(
            near.breach == nil && near.share == 0.75 && near.words == "no heartbeat of safety within 15 s")
        let over = try standing(criteria) {
            $0.silence = .seconds(60)
            $0.operators = "sam"
        }
        #expect(
            over.breach == "nothing was heard of safety (sam) for 60.0 s, and a heartbeat is due every 1m 0s"
                || over.breach
                    == "nothing was heard of safety (sam) for 60.0 s, and a heartbeat is due every 60 s"
        )
        #expect(over.words == "NO HEARTBEAT of safety for 60 s")
    }

    // MARK: Signs of life in a timeline

    private let roster = GameDayRoster([.safety: ["sam"], .ic: ["ivan"]])
    private let heartbeat = GameDay.Heartbeat(every: .seconds(60))

    private func record(_ entries: [(GameDayEntry.Kind, Int64, String, GameDayState?)]) -> GameDayRecord {
        GameDayRecord(
            number: 1,
            header: GameDayHeader(
                id: "d", name: "n", path: "p", title: "t", zone: "UTC", host: "h", bootID: "b", actor: "a",
                toolVersion: "1", createdUTC: 0),
            entries: entries.enumerated().map { index, entry in
                var made = GameDayEntry(
                    entry.0, at: Instant(nanoseconds: entry.1), host: "h", bootID: "b",
                    utc: entry.1, source: entry.2 == "muster" ? .auto : .human, actor: entry.2, text: "",
                    state: entry.3)
                made.sequence = index + 1
                return made
            })
    }

    @Test func whoeverHoldsTheRoleGivesIt() {
        let before = record([(.note, 1, "sam", nil), (.state, 2, "ivan", .goNoGo)])
        #expect(before.signOfLife(heartbeat, roster) == nil)
        let begun: [(GameDayEntry.Kind, Int64, String, GameDayState?)] = [
            (.heartbeat, 1, "sam", nil), (.state, 5, "ivan", .running), (.note, 9, "ivan", nil),
            (.drill, 10, "muster", nil),
        ]
        // The go itself counts, what others say does not.
        #expect(record(begun).signOfLife(heartbeat, roster)?.sequence == 2)
        let said =
            begun + [(.decision, 20, "sam", nil), (.heartbeat, 30, "sam", nil), (.note, 40, "ivan", nil)]
        #expect(record(said).signOfLife(heartbeat, roster)?.sequence == 6)
        // After a crash it counts anew.
        #expect(record(said + [(.gap, 99, "muster", nil)]).signOfLife(heartbeat, roster)?.sequence == 8)
        let over = said + [(.state, 70, "muster", .recovering), (.heartbeat, 500, "sam", nil)]
        let found = record(over).signsOfLife(heartbeat, roster)
        #expect(
            found?.counts.map(\.signs) == [2] && found?.longestSilence == .nanoseconds(40),
            "\(String(describing: found))")
    }

    @Test func byWhichADayWasEnded() {
        func ended(_ actor: String, _ detail: Value) -> GameDay.AbortCriteria.Criterion? {
            var day = record([(.abort, 1, actor, nil)])
            day.entries[0].detail = detail
            return day.endedBy?.criterion
        }
        #expect(ended("muster", ["criterion": "latency"]) == .latency)
        #expect(ended("sam", .null) == .manual)
        #expect(ended("muster", .null) == nil, "an earlier version did not say")
    }

    @Test func whatADrillCostIsKept() throws {
        let spending = GameDaySpending(service: "kv", budget: .seconds(4), down: ms(1500))
        let event = GameDayDrillEvent(
            position: 0, name: "crash", phase: .finished, verdict: .pass, spending: spending)
        #expect(GameDayDrillEvent(event.value) == event)
        var day = record([(.drill, 1, "muster", nil), (.drill, 2, "muster", nil), (.drill, 3, "muster", nil)])
        for index in 0..<2 { day.entries[index].detail = event.value }
        #expect(day.spent(of: "kv") == .seconds(3) && day.spent(of: "orders") == .zero)
    }
}
