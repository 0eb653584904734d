import MusterCore
import MusterDrills
import Testing

/// MEASUREMENT, section 6, rule 3: that no outage was seen proves little.
@Suite struct NeverDownTests {
    // MARK: 3. Never down

    private func neverDown(until end: Double = 33_000.2) -> GivenRun {
        var run = GivenRun()
        run.drill.predict.outage = Prediction.Outage.none
        run.signals = [Seen().then(.ok, 0, end - 0.7, takes: 0.7).signal]
        return run
    }

    @Test func neverDownPassesOnlyWithEverythingProven() {
        let passed = neverDown(until: 33_010.7).judgement
        #expect(passed.verdict == .pass)
        #expect(passed.status == .noOutage)
        #expect(passed.reason == "Passed: never down, as predicted")
        #expect(passed.objectives[0].measured == "no outage seen of 10 ms or more")

        var unpredicted = neverDown(until: 33_010.7)
        unpredicted.drill.predict.outage = nil
        #expect(unpredicted.judgement.verdict == .inconclusive)
        #expect(unpredicted.judgement.reason.contains("the probe may not depend on the target"))
        unpredicted.drill.predict.outage = .between(ms(100), ms(1000))
        #expect(unpredicted.judgement.verdict == .inconclusive)
        #expect(unpredicted.judgement.warnings.contains { $0.contains("none was seen") })
        // A look every 10 ms can miss an outage of 1 ms.
        unpredicted.drill.predict.outage = .between(ms(1), ms(10))
        #expect(!unpredicted.judgement.warnings.contains { $0.contains("none was seen") })

        var unproven = neverDown(until: 33_010.7)
        unproven.forget(.effective)
        #expect(unproven.judgement.verdict == .inconclusive)
    }

    @Test func neverDownMustBeWatchedLongEnough() {
        // RTO + W after F = [1000, 1000.2] is 33,000.2.
        let exact = GivenRun.watched(until: 33_000.2)
        #expect(exact.judgement.verdict == .pass)
        let short = GivenRun.watched(until: 33_000.1)
        #expect(short.judgement.verdict == .inconclusive)
        #expect(short.judgement.reason.contains("32 s are needed"))
    }

    @Test func neverDownMustHaveBeenLooking() {
        var run = neverDown()
        let looking = { (gap: Double) in
            Seen().then(.ok, 0, 5000).then(.ok, 5000 + gap, 40_000).signal
        }
        run.signals = [looking(2000)]
        #expect(run.judgement.verdict == .pass)
        run.signals = [looking(2001)]
        #expect(run.judgement.verdict == .inconclusive)
        #expect(run.judgement.status == .instrumentSuspect)
        run.signals = [Seen().then(.ok, 0, 5000).then(.unknown, 5010, 7000).then(.ok, 7010, 40_000).signal]
        #expect(run.judgement.verdict == .inconclusive)
        #expect(run.judgement.status == .instrumentSuspect)
        #expect(
            run.judgement.reason
                == "Inconclusive: no outage seen, but 'ping' looked away for 2.01 s and could have missed one of 2 s"
        )
        // Seen all the same.
        run.signals = [
            Seen().then(.ok, 0, 5000).then(.unknown, 5010, 7000).then(.error, 7010, 7100).then(
                .ok, 7110, 40_000
            )
            .signal
        ]
        #expect(run.judgement.status == .recovered)
    }

    /// Without an objective that says how long an outage may be: a third of the stability window of 30 s.
    @Test func whoLookedAwayClaimsNothingOfAServiceThatLostNothing() {
        func run(away: Double) -> GivenRun {
            var run = GivenRun(rto: nil, rpo: 0, workloads: ["writes"])
            run.signals = [
                Seen().then(.ok, 0, 1990).then(.unknown, 2000, 1990 + away - 10).then(
                    .ok, 1990 + away, 40_000
                )
                .signal, Seen("writes", writer: 0).then(.ok, 0, 40_000).signal,
            ]
            run.ledgers = [ledger(1...390)]
            return run
        }
        #expect(run(away: 10_000).judgement.verdict == .pass, "\(run(away: 10_000).judgement.reason)")
        #expect(run(away: 10_000).judgement.status == .noOutage)
        let judgement = run(away: 10_010).judgement
        #expect(judgement.verdict == .inconclusive && judgement.status == .instrumentSuspect)
        #expect(judgement.reason.contains("'ping' looked away for 10.01 s"))
    }
}

extension GivenRun {
    /// Never down, watched until exactly `end`.
    static func watched(until end: Double) -> GivenRun {
        var run = GivenRun()
        run.drill.predict.outage = Prediction.Outage.none
        run.signals = [
            Seen().then(.ok, 0, 32_980).then(.ok, 32_990, 32_990, takes: end - 32_990).signal
        ]
        return run
    }
}
