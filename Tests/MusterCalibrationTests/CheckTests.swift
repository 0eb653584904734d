import MusterCore
import MusterDrills
import Testing

@testable import MusterCalibration

/// Claims held against the truth: true ones are covered, and every kind of false one is found.
@Suite struct CheckTests {
    private let start = Instant(nanoseconds: 5_000_000_000)

    /// A truth in which a request came every 10 ms, from `phase` ms after the beginning on.
    private func truth(
        _ mode: DarkMode, phase: Int64 = 4, stalls: [Bracket] = [], count: Int64 = 200
    ) -> TrialTruth {
        let darkness = Darkness(mode, from: start, seed: 3)
        var log = DarkLog()
        for index in -20..<count {
            let at = start + .milliseconds(phase + 10 * index)
            let isDark = darkness.treatment(at: at, number: log.asked.count) != .serve
            log.asked.append(DarkLog.Asked(decided: at, isDark: isDark))
        }
        if mode == .port {
            let end = start + .milliseconds(1234)
            log.opened = Bracket(end + .microseconds(20), end + .microseconds(60))
        }
        return TrialTruth(darkness: darkness, log: log, stalls: stalls)
    }

    private func claim(
        _ lower: Double, _ upper: Double?, status: RecoveryStatus = .recovered, down: Interval? = nil,
        slow: Interval? = nil
    ) -> TrialClaim {
        TrialClaim(
            status: status,
            recovery: Interval(
                lower: .microseconds(Int64(lower * 1000)),
                upper: upper.map { .microseconds(Int64($0 * 1000)) }),
            downtime: down, slowTotal: slow, blindSpot: .milliseconds(11))
    }

    private func isMissed(_ finding: TrialFinding) -> Bool {
        if case .missed = finding { true } else { false }
    }

    @Test func coversWhatIsTrueAndTellsItsWidth() {
        let finding = truth(.reset).check(claim(1224, 1234.7))
        #expect(finding == .covered(width: .microseconds(10_700)))
        #expect(truth(.reset).check(claim(1234, 1234)) == .covered(width: .zero))
    }

    @Test func findsBoundsThatAreShiftedEitherWay() {
        let good = claim(1224, 1235)
        #expect(isMissed(truth(.reset).check(good.shifted(by: .milliseconds(20)))))
        #expect(isMissed(truth(.reset).check(good.shifted(by: .milliseconds(-20)))))
        // Off by a nanosecond is off.
        let touching = claim(1224, 1234)
        #expect(!isMissed(truth(.reset).check(touching)))
        #expect(isMissed(truth(.reset).check(touching.shifted(by: .nanoseconds(-1)))))
    }

    @Test func anOpenIntervalIsTrueButHasNoWidth() {
        #expect(truth(.reset).check(claim(1224, nil, status: .notRecovered)) == .covered(width: nil))
        #expect(isMissed(truth(.reset).check(claim(1300, nil, status: .notRecovered))))
    }

    @Test func anOutageThatWasSeenMustNotBeDenied() {
        let denial = TrialClaim(status: .noOutage, blindSpot: .milliseconds(11))
        #expect(isMissed(truth(.reset).check(denial)))
        // 3 ms between two requests: nobody can have seen it, and the claim says how much it may have missed.
        #expect(truth(.blink, phase: 4).check(denial) == .unseen)
        #expect(isMissed(truth(.blink, phase: 1).check(denial)))
        let sure = TrialClaim(status: .noOutage, blindSpot: .milliseconds(2))
        #expect(isMissed(truth(.blink, phase: 4).check(sure)))
        // A port that is closed sees nobody come; only the length tells.
        #expect(isMissed(truth(.port).check(denial)))
    }

    /// "The instrument looked away" is no denial, but it must say for how long.
    @Test func whoLookedAwayMustSayForHowLong() {
        let away = { (blind: Int64) in
            TrialClaim(status: .instrumentSuspect, blindSpot: .milliseconds(blind))
        }
        #expect(truth(.reset).check(away(1234)) == .unseen)
        #expect(isMissed(truth(.reset).check(away(1233))))
        #expect(isMissed(truth(.never).check(away(5000))))
        #expect(truth(.null).check(away(0)) == .unseen)
    }

    @Test func anOutageThatNeverWasMustNotBeClaimed() {
        #expect(truth(.null).check(TrialClaim(status: .noOutage, blindSpot: .zero)) == .unseen)
        #expect(isMissed(truth(.null).check(claim(3, 10))))
        #expect(isMissed(truth(.blink, phase: 4).check(claim(0, 10))))
    }

    @Test func whatNeverComesBackMustNotRecover() {
        #expect(truth(.never).check(claim(1800, nil, status: .notRecovered)) == .covered(width: nil))
        #expect(isMissed(truth(.never).check(claim(1800, 1810))))
    }

    @Test func flappingMustBeTold() {
        #expect(
            truth(.flapping).check(claim(1230, 1240, status: .recoveredFlapped))
                == .covered(width: .milliseconds(10)))
        #expect(isMissed(truth(.flapping).check(claim(1230, 1240))))
        #expect(isMissed(truth(.flapping).check(claim(390, 405, status: .recoveredFlapped))))
    }

    @Test func aPortOpensSomewhereInItsBracket() {
        #expect(!isMissed(truth(.port).check(claim(1230, 1234.03))))
        #expect(!isMissed(truth(.port).check(claim(1234.05, 1240))))
        #expect(isMissed(truth(.port).check(claim(1230, 1234.01))))
        #expect(isMissed(truth(.port).check(claim(1234.07, 1240))))
    }

    @Test func ofAPartialFailureTheLastFailedRequestCounts() throws {
        let truth = truth(.partial)
        let failed = try #require(truth.log.asked.last { $0.isDark })
        let last = failed.decided - start
        let (lower, upper) = (last.inSeconds * 1000, last.inSeconds * 1000 + 10)
        #expect(!isMissed(truth.check(claim(lower, upper))))
        #expect(isMissed(truth.check(claim(lower + 1, upper))))
        #expect(isMissed(truth.check(claim(lower, upper - 1))))
    }

    @Test func downtimeAndSlownessAreHeldAgainstTheTruthToo() {
        let right = Interval(lower: .milliseconds(1220), upper: .milliseconds(1240))
        let wrong = Interval(lower: .milliseconds(1250), upper: .milliseconds(1270))
        #expect(!isMissed(truth(.reset).check(claim(1224, 1235, down: right))))
        #expect(isMissed(truth(.reset).check(claim(1224, 1235, down: wrong))))
        #expect(!isMissed(truth(.slow).check(claim(1224, 1235, slow: right))))
        #expect(isMissed(truth(.slow).check(claim(1224, 1235, slow: wrong))))
        #expect(isMissed(truth(.slow).check(claim(1224, 1235))))
    }

    @Test func aServerThatStoodStillProvesNothing() {
        func isDisturbed(_ mode: DarkMode, stalledFrom from: Int64, for length: Int64) -> Bool {
            let stall = Bracket(start + .milliseconds(from), start + .milliseconds(from + length))
            if case .disturbed = truth(mode, stalls: [stall]).check(claim(0, 1)) { return true }
            return false
        }
        #expect(isDisturbed(.queue, stalledFrom: 1300, for: 25))
        #expect(!isDisturbed(.queue, stalledFrom: 1300, for: 15))
        // Half a second of patience is not disturbed by 25 ms, nor is the darkness itself.
        #expect(!isDisturbed(.reset, stalledFrom: 1300, for: 25))
        #expect(!isDisturbed(.queue, stalledFrom: 100, for: 25))
        #expect(isDisturbed(.queue, stalledFrom: 1180, for: 25))
        #expect(isDisturbed(.queue, stalledFrom: -10, for: 25))
    }

    @Test func widthsAreHeldAgainstTheBar() {
        let bar = CalibrationBar(every: .milliseconds(10))
        var figures = ModeFigures(.reset)
        for width in [10, 11, 25] { figures.add(.covered(width: .milliseconds(width))) }
        #expect(figures.median == .milliseconds(11) && figures.widest == .milliseconds(25))
        #expect(bar.isKept(by: figures))
        var wide = figures
        wide.add(.covered(width: .milliseconds(26)))
        #expect(!bar.isKept(by: wide))
        var open = figures
        open.add(.covered(width: nil))
        #expect(open.widest == nil && !bar.isKept(by: open))
        var middle = ModeFigures(.reset)
        for width in [10, 13, 13] { middle.add(.covered(width: .milliseconds(width))) }
        #expect(!bar.isKept(by: middle))
        // Requests that were queued shortly before the end come within the patience of users.
        var queue = ModeFigures(.queue)
        queue.add(.covered(width: .milliseconds(61)))
        #expect(bar.isKept(by: queue))
        #expect(bar.isKept(by: ModeFigures(.never)))
    }

    @Test func quantilesAreRanks() {
        let values = Quantiles((1...100).map { .milliseconds($0) })
        #expect(values.value(0.5) == .milliseconds(50))
        #expect(values.value(0.99) == .milliseconds(99))
        #expect(values.value(1) == .milliseconds(100))
        #expect(Quantiles([]).value(0.5) == .zero)
    }
}
