import MusterCore
import Testing

@testable import MusterDrills

struct ComparisonTests {
    private let before = [10.1, 10.4, 9.8, 10, 10.2]
    private let after = [11.9, 12.3, 12, 11.7, 12.1]

    @Test func twoGroups() {
        let test = MannWhitney(before, after)
        #expect(test.u == 25 && abs(test.p - 0.0079365) < 5e-8 && abs(test.shift - 1.9) < 1e-9)
        let back = MannWhitney(after, before)
        #expect(back.u == 0 && back.p == test.p && abs(back.shift + 1.9) < 1e-9)
        let same = MannWhitney(before, before)
        #expect(same.u == 12.5 && same.p == 1 && same.shift == 0)
    }

    /// {1, 1} against {1, 2}: of the six ways to choose two of the ranks 2, 2, 2, 4 every one is as far from the
    /// middle sum 5 as 6 is, for three are 4 and three are 6.
    @Test func equalFiguresStayExact() {
        let test = MannWhitney([1, 1], [1, 2])
        #expect(test.u == 3 && test.p == 1)
        let skewed = MannWhitney([1, 1, 1], [1, 2, 2])
        // Ranks 2.5 (four times) and 5.5 (twice): 4 of 20 choices hold both high ones, 4 neither.
        #expect(abs(skewed.p - 0.4) < 1e-12)
    }

    @Test func whatNeverEndedIsLongerThanAll() {
        let test = MannWhitney([1, 2, 3, 4, 5], [.infinity, .infinity, .infinity, .infinity, .infinity])
        #expect(test.u == 25 && test.shift == .infinity)
        #expect(MannWhitney([.infinity], [.infinity]).shift == 0)
    }

    @Test func manyFiguresAreApproximatedAlike() {
        let some = (0..<50).map { Double($0 * 7 % 50) }
        let exact = MannWhitney(some, some.map { $0 + 8.5 })
        let approximate = MannWhitney(some + [100], some.map { $0 + 8.5 } + [100])
        #expect(abs(exact.p - approximate.p) < 0.01 && exact.p < 0.05)
    }

    @Test(arguments: [(3, 0.1), (4, 0.028571), (5, 0.007937)])
    func leastPOfSmallGroups(_ size: Int, _ p: Double) {
        #expect(abs(MannWhitney.leastP(size, size) - p) < 5e-7)
        let low = (0..<size).map(Double.init)
        #expect(abs(MannWhitney(low, low.map { $0 + 100 }).p - p) < 5e-7)
    }

    @Test func trend() {
        let test = MannKendall([10.2, 10.0, 10.5, 10.4, 10.9, 10.7, 11.3, 11.2, 11.8, 11.6])
        #expect(test.s == 35 && test.variance == 125)
        #expect(abs(test.z - 3.04105) < 5e-6 && abs(test.p - 0.0023575) < 5e-8)
        #expect(abs(test.slope - 0.2) < 1e-9)
        let flat = MannKendall([1, 1, 1])
        #expect(flat.s == 0 && flat.variance == 0 && flat.p == 1 && flat.slope == 0)
        #expect(MannKendall([3, 2, 1]).s == -3)
    }
}

struct RegressionRuleTests {
    private func group(_ milliseconds: [Double], width: Double = 10) -> [Interval] {
        milliseconds.map { interval($0, $0 + width) }
    }
    private let before: [Double] = [1000, 1040, 980, 1010, 1020]

    @Test func alarms() {
        guard
            case .slower(let shift, let p) = RegressionRule.compare(
                group(before), group(before.map { $0 + 190 }))
        else {
            Issue.record("no alarm")
            return
        }
        #expect(abs(shift - 190e6) < 1 && p < 0.01)
    }

    @Test func aSmallShiftIsNoneHoweverCertain() {
        guard
            case .notProven(let shift, let needed, let p) = RegressionRule.compare(
                group(before), group(before.map { $0 + 95 }))
        else {
            Issue.record("alarm")
            return
        }
        #expect(p < 0.01 && shift < needed && abs(needed - 101.5e6) < 1)
    }

    @Test func aShiftThatTheBoundsCouldHideIsNone() {
        let found = RegressionRule.compare(
            group(before, width: 120), group(before.map { $0 + 230 }, width: 120))
        guard case .notProven(_, let needed, _) = found else {
            Issue.record("\(found)")
            return
        }
        #expect(abs(needed - 240e6) < 1)
    }

    @Test func whatGotFasterIsNoAlarm() {
        guard case .notProven = RegressionRule.compare(group(before), group(before.map { $0 - 500 })) else {
            Issue.record("alarm")
            return
        }
    }

    @Test func smallGroupsCanNeverRaiseAnAlarm() {
        #expect(RegressionRule.compare(group([1, 2, 3]), group([901, 902, 903])) == .tooFew(leastP: 0.1))
        #expect(RegressionRule.compare([], group([1])) == .tooFew(leastP: 1))
    }

    @Test func notToRecoverAnyMoreIsSlower() {
        let lost = [Interval](repeating: interval(3000, nil), count: 5)
        guard case .slower(let shift, _) = RegressionRule.compare(group(before), lost) else {
            Issue.record("no alarm")
            return
        }
        #expect(shift == .infinity)
    }
}
