import MusterCore
import MusterDrills
import Testing

@Suite struct RecoveryTests {
    private func rule(
        until: Double = 40_000, stable: Double = 30_000, tolerance: Double = 0, lifted: Bracket? = nil,
        ending: ObservationEnd = .samples
    ) -> RecoveryRule {
        RecoveryRule(
            fault: bracket(1000, 1000.2), lifted: lifted, stable: ms(stable), tolerance: tolerance,
            until: at(until), ending: ending)
    }

    @Test func boundsVectorOfMeasurement() {
        let recovery = Recovery(of: boundsVector(), by: rule())
        #expect(recovery.status == .recovered)
        #expect(recovery.rta == interval(1229.8, 1240.7))
        #expect(recovery.sustained == bracket(2230, 2240.7))
        #expect(recovery.outages.map(\.began) == [bracket(990, 1000.7)])
        #expect(recovery.downtime == interval(1229.3, 1250.7))
        #expect(recovery.timeToFirstSuccess == interval(1240.5, 1240.7))
        #expect(recovery.timeToStable == interval(0, 0))
        #expect(recovery.latent == interval(0, 0.7))
        #expect(recovery.figures.count == 1)
        #expect(recovery.outages[0].samples == 124)
        #expect(recovery.lateness == ms(0.2))
        #expect(!recovery.wentDownAgain)
    }

    /// Down [0,5] and [6,8] seconds, W = 30: count 2, total 7, span 8, S = 8.
    @Test func flappingVectorOfMeasurement() {
        let signal = Seen(every: 1000).then(.ok, -3000, -1000, takes: 0).then(.error, 0, 4000, takes: 0)
            .then(.ok, 5000, 5000, takes: 0).then(.error, 6000, 7000, takes: 0)
            .then(.ok, 8000, 40_000, takes: 0).signal
        let rule = RecoveryRule(fault: bracket(0, 0), stable: ms(30_000), until: at(40_000))
        let recovery = Recovery(of: signal, by: rule)
        #expect(recovery.status == .recoveredFlapped)
        #expect(recovery.figures.count == 2)
        #expect(recovery.figures.seenTotal == ms(7000))
        #expect(recovery.figures.seenLongest == ms(5000))
        #expect(recovery.figures.span == ms(8000))
        #expect(recovery.figures.total == interval(5000, 9000))
        #expect(recovery.sustained == bracket(7000, 8000))
        #expect(recovery.rta == interval(7000, 8000))
        #expect(recovery.timeToStable == interval(2000, 3000))
    }

    @Test func noOutage() {
        let recovery = Recovery(of: Seen().then(.ok, 0, 5000).signal, by: rule(until: 5000))
        #expect(recovery.status == .noOutage)
        #expect(recovery.rta == nil && recovery.downtime == nil && recovery.latent == nil)
        #expect(recovery.largestGap(from: at(1000), to: at(5000)) == ms(10))
    }

    @Test func neverRecovered() {
        let signal = Seen().then(.ok, 0, 990).then(.error, 1000, 9000).signal
        let recovery = Recovery(of: signal, by: rule(until: 9000.7))
        #expect(recovery.status == .notRecovered)
        #expect(recovery.rta == interval(7999.8, nil))
        #expect(recovery.downtime == interval(7999.3, nil))
        #expect(recovery.figures.total.isCensored)
    }

    @Test func theWindowMustCloseBeforeObservationEnds() {
        let closed = Recovery(of: boundsVector(), by: rule(until: 32_240.7))
        #expect(closed.status == .recovered)
        let open = Recovery(of: boundsVector(), by: rule(until: 32_240.6))
        #expect(open.status == .notRecovered)
        #expect(open.rta == interval(1229.8, nil))
    }

    @Test func aWindowWithoutSamplesProvesNothing() {
        let signal = Seen().then(.ok, 0, 990).then(.error, 1000, 2230).then(.ok, 2240, 2500)
            .then(.ok, 39_000, 40_000).signal
        #expect(Recovery(of: signal, by: rule()).status == .notRecovered)
    }

    @Test func badBeforeTheFaultIsNotItsDoing() {
        let before = Seen().then(.ok, 0, 490).then(.error, 500, 600).then(.ok, 610, 5000).signal
        #expect(Recovery(of: before, by: rule(until: 5000)).status == .noOutage)
        // Sent before the fault and answered by its effect.
        let across = Seen().then(.ok, 0, 980).then(.error, 990, 990, takes: 20).then(.ok, 1000, 40_000).signal
        #expect(Recovery(of: across, by: rule()).rta == interval(0, 0.7))
        // Over in the very moment at which the fault may have struck.
        let edge = Seen().then(.ok, 0, 980).then(.error, 990, 990, takes: 10).then(.ok, 1000, 40_000).signal
        #expect(Recovery(of: edge, by: rule()).outages.count == 1)
    }

    @Test func unknownMakesNeitherEdge() {
        let signal = Seen().then(.ok, 0, 970).then(.unknown, 980, 990).then(.error, 1000, 2200)
            .then(.unknown, 2210, 2300).then(.ok, 2310, 40_000).signal
        let recovery = Recovery(of: signal, by: rule())
        #expect(recovery.rta == interval(1199.8, 1310.7))
        #expect(recovery.outages[0].began == bracket(970, 1000.7))
        // In the middle of an outage it does not end it either.
        let middle = Seen().then(.ok, 0, 990).then(.error, 1000, 1500).then(.unknown, 1510, 1600)
            .then(.error, 1610, 2230).then(.ok, 2240, 40_000).signal
        #expect(Recovery(of: middle, by: rule()).figures.count == 1)
    }

    @Test func slowIsUpAndHasATimelineOfItsOwn() {
        let signal = Seen().then(.ok, 0, 990).then(.error, 1000, 2230).then(.slow, 2240, 3000)
            .then(.ok, 3010, 40_000).signal
        let recovery = Recovery(of: signal, by: rule())
        #expect(recovery.rta == interval(1229.8, 1240.7))
        #expect(recovery.slowFigures.seenTotal == ms(2010.7))
        #expect(recovery.figures.seenTotal == ms(1240.7))
    }

    @Test func samplesMayOvertakeEachOther() {
        // A hung probe sent at 1000 times out at 1250, one sent at 1010 is refused at 1010.7; the first good
        // one is sent at 1020 and takes 100, the next is over sooner.
        let signal = Seen().then(.ok, 0, 990).then(.timeout, 1000, 1000, takes: 250).then(.error, 1010, 1010)
            .then(.ok, 1020, 1020, takes: 100).then(.ok, 1030, 40_000).signal
        let recovery = Recovery(of: signal, by: rule())
        #expect(recovery.outages[0].began == bracket(990, 1010.7))
        #expect(recovery.rta == interval(9.8, 30.7))
        #expect(recovery.firstSuccess == at(1030.7))
    }

    @Test func toleratedBlipsDoNotBreakTheWindow() {
        let signal = Seen().then(.ok, 0, 990).then(.error, 1000, 2230).then(.ok, 2240, 4990)
            .then(.error, 5000, 5010).then(.ok, 5020, 40_000).signal
        #expect(Recovery(of: signal, by: rule()).rta == interval(4009.8, 4020.7))
        let tolerant = Recovery(of: signal, by: rule(tolerance: 0.001))
        #expect(tolerant.rta == interval(1229.8, 1240.7))
        #expect(tolerant.status == .recovered)
        #expect(!tolerant.wentDownAgain)
        // Two of 3,000 are more than 0.05 %.
        #expect(Recovery(of: signal, by: rule(tolerance: 0.0005)).rta == interval(4009.8, 4020.7))
        // Three in a row are an outage whatever their share.
        let three = Seen().then(.ok, 0, 990).then(.error, 1000, 2230).then(.ok, 2240, 4990)
            .then(.error, 5000, 5020).then(.ok, 5030, 40_000).signal
        #expect(Recovery(of: three, by: rule(tolerance: 0.5)).rta == interval(4019.8, 4030.7))
    }

    @Test func downAgainAfterItWasStable() {
        let signal = Seen().then(.ok, 0, 990).then(.error, 1000, 2230).then(.ok, 2240, 9990)
            .then(.error, 10_000, 11_000).then(.ok, 11_010, 40_000).signal
        let recovery = Recovery(of: signal, by: rule(stable: 5000))
        #expect(recovery.rta == interval(1229.8, 1240.7))
        #expect(recovery.status == .recovered)
        #expect(recovery.wentDownAgain)
    }

    @Test func afterLiftingTheClockRunsFromTheLift() {
        // Down from 1000 to 6230, lifted in [6000, 6000.5].
        let signal = Seen().then(.ok, 0, 990).then(.error, 1000, 6230).then(.ok, 6240, 40_000).signal
        let recovery = Recovery(of: signal, by: rule(lifted: bracket(6000, 6000.5)))
        #expect(recovery.rta == interval(229.5, 240.7))
        // What was stable before the lift does not count: it went down again when lifted.
        let twice = Seen().then(.ok, 0, 990).then(.error, 1000, 1490).then(.ok, 1500, 5990)
            .then(.error, 6000, 6230).then(.ok, 6240, 40_000).signal
        let second = Recovery(of: twice, by: rule(stable: 2000, lifted: bracket(6000, 6000.5)))
        #expect(second.rta == interval(229.5, 240.7))
        #expect(second.status == .recovered)
    }

    @Test func successesAfterTheLiftAreNoRecovery() {
        // Paused: what was sent before the lift at 3000 is answered after it.
        let signal = Seen().then(.ok, 0, 990).then(.error, 1000, 2900).then(.ok, 2910, 2990, takes: 100)
            .then(.ok, 3000, 40_000).signal
        let recovery = Recovery(of: signal, by: rule(until: 3000, ending: .lifted))
        #expect(recovery.status == .notRecovered)
        #expect(recovery.rta == interval(1999.8, nil))
        #expect(recovery.firstSuccess == nil)
    }

    @Test func gapsCountOnlyKnownSends() {
        let signal = Seen().then(.ok, 0, 2000).then(.unknown, 2010, 3000).then(.ok, 3010, 4000).signal
        let recovery = Recovery(of: signal, by: rule(until: 6000))
        #expect(recovery.largestGap(from: at(1000), to: at(3500)) == ms(1010))
        #expect(recovery.largestGap(from: at(1000), to: at(1500)) == ms(10))
        #expect(recovery.largestGap(from: at(3500), to: at(6000)) == ms(2000))
    }

    @Test func latenessIsTheInstrumentsNotTheTargets() {
        // Nothing sent between 2230 and 2400 by a probe of 10 ms: 160 late, and 0.2 of the fault's bracket.
        let late = Seen().then(.ok, 0, 990).then(.error, 1000, 2230).then(.ok, 2400, 40_000).signal
        #expect(Recovery(of: late, by: rule()).lateness == ms(160.2))
        // A writer waits for its answer before it sends again.
        let writer = Seen("w", writer: 1).then(.ok, 0, 990).then(.timeout, 1000, 1000, takes: 500)
            .then(.ok, 1510, 40_000).signal
        #expect(Recovery(of: writer, by: rule()).lateness == ms(0.2))
    }
}
