import Foundation
import MusterCore
import MusterDocuments
import MusterDrills
import Testing

/// What ends a game day, as its file says it, and whether a drill that goes well would end it.
@Suite struct GameDayAbortTests {
    private func examine(_ abort: String, _ change: (inout DrillLimits) -> Void = { _ in }) throws
        -> GameDay.Examination
    {
        var limits = DrillLimits()
        limits.serviceLevel = AvailabilityGoal(
            min: try #require(Percentage(units: "99.9%")), window: .seconds(30 * 86_400))
        limits.rto = .seconds(60)
        limits.stable = .seconds(30)
        limits.hold = .seconds(20)
        limits.latency = .milliseconds(400)
        change(&limits)
        // Every drill is of a service here.
        let text = GameDayReaderTests.good.replacingOccurrences(
            of: "drillLongerThan: 5m, failures: 2", with: abort
        )
        .replacingOccurrences(
            of: "drill: drills/b.yaml", with: "drill: drills/b.yaml\n    vars: { service: orders }")
        try #require(text.contains("abort: { \(abort) }"))
        return GameDay.examine(
            text, now: GameDayReaderTests.now, resources: GameDayReaderTests.resources(limits: limits))
    }

    @Test func everyWord() throws {
        let found = try examine(
            "drillLongerThan: 5m, faultLongerThan: 3m, errorBudget: 10%, "
                + "latency: { quantile: 95%, max: 800ms, window: 10s }, heartbeat: { every: 2m, from: [ic, deputy] }"
        )
        let abort = try #require(found.gameDay, "\(found.errors)").abort
        #expect(abort.drillLongerThan == .seconds(300) && abort.faultLongerThan == .seconds(180))
        #expect(abort.errorBudget == Percentage(units: "10%") && abort.onResidue && abort.atEnd)
        #expect(
            abort.latency?.quantile == Percentage(units: "95%") && abort.latency?.max == .milliseconds(800))
        #expect(abort.latency?.window == .seconds(10) && abort.watchesDrills)
        #expect(abort.heartbeat == GameDay.Heartbeat(every: .seconds(120), from: [.ic, .deputy]))
        #expect(found.warnings.isEmpty, "\(found.warnings)")
        // By itself, whatever else may be wrong.
        #expect(
            GameDay.AbortCriteria(readingGameDay: "abort: { errorBudget: 5% }\ndrills: 3").errorBudget
                == Percentage(units: "5%"))
        #expect(GameDay.AbortCriteria(readingGameDay: "abort: 3") == GameDay.AbortCriteria())
    }

    @Test(arguments: [
        ("errorBudget: 0%", "more than 0%"), ("errorBudget: 10", "10"),
        ("latency: { max: 0s, window: 10s }", "more than nothing"),
        ("latency: { max: 1s, window: 10ms }", "at least 1s"),
        ("latency: { max: 1s }", "'window' is missing"),
        ("heartbeat: { every: 1s, from: [ic] }", "at least 5s"),
        ("heartbeat: { every: 2m, from: [] }", "at least one role"),
        ("heartbeat: { every: 2m, from: [boss] }", "'boss' is not known here"),
        // Nobody holds it in that file.
        ("heartbeat: { every: 2m }", "nobody is safety, whose heartbeat is waited for"),
        // A tenth of a percent of 30 days is 43 min; the RTO and being stable take 90 s.
        ("errorBudget: 3%", "of 'orders', and the RTO plus"),
        (
            "latency: { max: 400ms, window: 10s }",
            "'latency' would end the day although 'crash' goes as it should"
        ),
        ("faultLongerThan: 90s", "it may be broken for 90 s"),
    ])
    func whatIsWrong(_ abort: String, _ said: String) throws {
        let found = try examine(abort)
        #expect(found.gameDay == nil)
        let lines = found.errors.map { "\($0.message) | \($0.expected ?? "")" }
        #expect(lines.contains { $0.contains(said) }, "\(lines)")
        #expect(found.errors.allSatisfy { $0.place?.line == 42 || $0.place?.line == 43 }, "\(found.errors)")
    }

    @Test func aBudgetWantsAnAvailability() throws {
        let found = try examine("errorBudget: 10%") { $0.serviceLevel = nil }
        #expect(
            found.errors.first?.message.contains("'crash' has no error budget that could be spent") == true)
    }

    @Test func oneThatFitsIsNoError() throws {
        for abort in ["errorBudget: 4%", "latency: { max: 401ms, window: 10s }", "faultLongerThan: 91s"] {
            let found = try examine(abort)
            #expect(found.gameDay != nil, "\(abort): \(found.errors)")
        }
    }

    /// Whoever gives the heartbeat must be free to.
    @Test func aBusyPersonAtTheSwitch() throws {
        let found = try examine("heartbeat: { every: 2m, from: [responder] }")
        #expect(found.warnings.contains { $0.message.contains("breaks or mends things as well") })
    }
}
