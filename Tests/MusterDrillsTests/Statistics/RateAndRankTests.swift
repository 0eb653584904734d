import MusterCore
import Testing

@testable import MusterDrills

private func isNear(_ value: Double, _ wanted: Double, within tolerance: Double = 5e-7) -> Bool {
    abs(value - wanted) <= tolerance
}

struct SuccessRateTests {
    @Test(arguments: [(3, 0.6316), (10, 0.25887), (59, 0.04951), (299, 0.00997)])
    func noFailureInSoManyStillAllowsSome(_ trials: Int, _ bound: Double) {
        #expect(isNear(SuccessRate.failureBound(withoutFailureIn: trials), bound, within: 5e-6 * 10))
    }

    @Test(arguments: [(0.5, 5), (0.9, 29), (0.95, 59), (0.99, 299)])
    func drillsThatProveAQuantile(_ quantile: Double, _ drills: Int) {
        #expect(SuccessRate.drillsNeeded(toProve: quantile) == drills)
    }

    @Test(arguments: [(0.9, 46), (0.95, 93)])
    func drillsThatProveItWithOneFailure(_ quantile: Double, _ drills: Int) {
        #expect(SuccessRate.drillsNeeded(toProve: quantile, allowing: 1) == drills)
    }

    @Test(arguments: [(10, 10, 0.741134), (19, 20, 0.783894), (20, 20, 0.860892)])
    func leastRateThatIsNotRefuted(_ successes: Int, _ trials: Int, _ bound: Double) {
        #expect(isNear(SuccessRate(successes, of: trials).lowerBound(), bound))
        // Seen from the other side, it is the greatest failure rate.
        #expect(isNear(SuccessRate(trials - successes, of: trials).upperBound(), 1 - bound))
    }

    @Test func theEndsOfTheScaleSayNothing() {
        #expect(SuccessRate(0, of: 10).lowerBound() == 0)
        #expect(SuccessRate(10, of: 10).upperBound() == 1)
        #expect(SuccessRate(0, of: 0).lowerBound() == 0 && SuccessRate(0, of: 0).upperBound() == 1)
    }

    @Test func wilson() {
        let most = SuccessRate(19, of: 20).wilson()
        #expect(isNear(most.lowerBound, 0.763869) && isNear(most.upperBound, 0.991119))
        let none = SuccessRate(0, of: 10).wilson()
        #expect(none.lowerBound == 0 && isNear(none.upperBound, 0.277533))
        #expect(SuccessRate(0, of: 0).wilson() == 0...1)
    }

    /// 0.9²⁹: that 29 drills all miss the worst tenth of the phase.
    @Test func manyTrialsNeitherUnderflowNorDrift() {
        #expect(isNear(Binomial.probability(ofAtMost: 0, in: 29, chance: 0.1), 0.04710, within: 5e-6))
        #expect(isNear(Binomial.probability(ofAtMost: 50_000, in: 100_001, chance: 0.5), 0.5, within: 1e-9))
        let all = (0...40).map { Binomial.probability(ofAtMost: $0, in: 40, chance: 0.3) }
        #expect(zip(all, all.dropFirst()).allSatisfy { $0 <= $1 } && isNear(all[40], 1))
        #expect(Binomial.probability(ofAtMost: -1, in: 3, chance: 0.5) == 0)
    }
}

struct RanksTests {
    @Test func upperBoundsOfQuantiles() {
        #expect(Ranks.upperBound(ofQuantile: 0.5, count: 10) == 9)
        #expect(Ranks.upperBound(ofQuantile: 0.5, count: 20) == 15)
        #expect(Ranks.upperBound(ofQuantile: 0.95, count: 100) == 99)
        #expect(Ranks.upperBound(ofQuantile: 0.9, count: 28) == nil)
        #expect(Ranks.upperBound(ofQuantile: 0.9, count: 29) == 29)
        #expect(Ranks.upperBound(ofQuantile: 0.5, count: 0) == nil)
    }

    @Test func theMedianLiesBetweenTwoRanks() throws {
        let ten = try #require(Ranks.medianInterval(count: 10))
        #expect(ten.lower == 2 && ten.upper == 9 && isNear(ten.coverage, 0.978516))
        #expect(Ranks.medianInterval(count: 5) == nil)
        #expect(Ranks.medianInterval(count: 6)?.lower == 1)
    }

    @Test func theGreatestOfTenBoundsThe74thPercentile() {
        #expect(isNear(Ranks.quantileBelowGreatest(count: 10), 0.741134))
    }

    @Test func intervalsProveByTheirEnds() {
        let some = [interval(10, 12), interval(11, 14), interval(9, 20)]
        #expect(some.proveAtMost(ms(20)) && !some.proveAtMost(ms(19)))
        #expect(some.proveMore(than: ms(8)) && !some.proveMore(than: ms(9)))
        let censored = some + [interval(60, nil)]
        #expect(!censored.proveAtMost(ms(1_000_000)), "what was not seen to end proves no upper bound")
        #expect(censored.proveMore(than: ms(8)))
        #expect(some.ranked(2) == interval(10, 14))
        #expect(censored.ranked(4) == interval(60, nil))
    }
}
