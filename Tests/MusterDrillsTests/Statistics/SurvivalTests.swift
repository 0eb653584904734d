import MusterCore
import Testing

@testable import MusterDrills

struct KaplanMeierTests {
    private static let drills =
        [12.1, 13.4, 14, 15.2, 17.9, 21.3, 24.8, 33].map { KaplanMeier.Observation($0) }
        + [60, 60].map { KaplanMeier.Observation($0, censored: true) }

    @Test func drillsThatDidNotRecoverAreKept() {
        let curve = KaplanMeier(Self.drills)
        let expected = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2]
        #expect(curve.steps.count == expected.count)
        for (step, share) in zip(curve.steps, expected) { #expect(abs(step.survival - share) < 1e-12) }
        #expect(curve.median == 17.9)
        #expect(curve.quantile(0.9) == nil, "nobody knows when the ninth of ten recovers")
        #expect(abs(curve.restrictedMean(until: 60) - 27.17) < 1e-9)
        // Dropping them would have said 18.96.
        let dropped = KaplanMeier(Self.drills.filter { !$0.isCensored })
        #expect(abs(dropped.restrictedMean(until: 60) - 18.9625) < 1e-9)
        #expect(curve.survival(at: 12) == 1 && abs(curve.survival(at: 20) - 0.5) < 1e-12)
    }

    /// Freireich and others, Blood 21 (1963): 6-mercaptopurine, weeks of remission; the textbook case.
    @Test func freireich() throws {
        let events: [Double] = [6, 6, 6, 7, 10, 13, 16, 22, 23]
        let censored: [Double] = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
        let curve = KaplanMeier(
            censored.map { KaplanMeier.Observation($0, censored: true) }
                + events.map { KaplanMeier.Observation($0) })
        #expect(abs(curve.survival(at: 6) - 0.8571) < 5e-5)
        let ten = try #require(curve.steps.first { $0.time == 10 })
        #expect(abs(ten.survival - 0.7529) < 5e-5 && abs(ten.standardError - 0.09635) < 5e-6)
        #expect(ten.atRisk == 15 && ten.events == 1)
        #expect(curve.median == 23)
    }

    @Test func nothingSeenSaysNothing() {
        #expect(KaplanMeier([]).median == nil && KaplanMeier([]).survival(at: 5) == 1)
        let none = KaplanMeier([.init(3, censored: true), .init(4, censored: true)])
        #expect(none.median == nil && none.restrictedMean(until: 3) == 3)
        let one = KaplanMeier([.init(3)])
        #expect(one.median == 3 && one.steps[0].survival == 0 && one.steps[0].standardError == 0)
    }
}
