import MusterCore
import MusterDrills
import Testing

/// Reality outside a prediction is flagged; what cannot be told is neither flagged nor called right.
struct PredictionTests {
    /// Recovered in 1229.8 ms to 1240.7 ms.
    private func recovered() -> GivenRun {
        var run = GivenRun()
        run.signals = [boundsVector()]
        return run
    }

    private func result(_ run: GivenRun) -> PredictionResult.Result? {
        run.judgement.predictions.first?.result
    }

    private func isFlagged(_ run: GivenRun) -> Bool {
        run.judgement.warnings.contains { $0.hasPrefix("model wrong or system changed: ") }
    }

    @Test(
        arguments: [
            (1229, 1241, .within), (1230, 2000, .unknown), (100, 1235, .unknown), (1241, 2000, .outside),
            (100, 1229, .outside),
        ] as [(Double, Double, PredictionResult.Result)])
    func outages(_ low: Double, _ high: Double, _ wanted: PredictionResult.Result) {
        var run = recovered()
        run.drill.predict.outage = .between(ms(low), ms(high))
        #expect(result(run) == wanted && isFlagged(run) == (wanted == .outside))
    }

    @Test func anOutageWhereNoneWasPredicted() {
        var run = recovered()
        run.drill.predict.outage = Prediction.Outage.none
        #expect(result(run) == .outside)
        #expect(
            run.judgement.warnings.contains(
                "model wrong or system changed: no outage was predicted; it lasted 1.23 s to 1.241 s"))
    }

    @Test func whatDidNotComeBackIsOutsideOnlyOncePastTheEnd() {
        var run = GivenRun()
        run.signals = [Seen().then(.ok, 0, 990).then(.error, 1000, 9000).signal]
        run.drill.predict.outage = .between(ms(100), ms(7000))
        #expect(result(run) == .outside && isFlagged(run))
        run.drill.predict.outage = .between(ms(100), ms(60_000))
        #expect(result(run) == .unknown && !isFlagged(run))
    }

    @Test func noOutageSeen() {
        var run = GivenRun()
        run.signals = [Seen().then(.ok, 0, 33_010, takes: 0.7).signal]
        run.drill.predict.outage = Prediction.Outage.none
        #expect(result(run) == .within)
        run.drill.predict.outage = .between(ms(100), ms(2000))
        #expect(result(run) == .outside)
        run.drill.predict.outage = .between(ms(0), ms(2000))
        #expect(result(run) == .within)
        run.drill.predict.outage = .between(ms(3), ms(2000))
        #expect(result(run) == .unknown, "3 ms fit between two looks")
        // Watched too briefly to say "never down".
        run.signals = [Seen().then(.ok, 0, 5000, takes: 0.7).signal]
        run.drill.predict.outage = Prediction.Outage.none
        #expect(result(run) == .unknown)
    }

    @Test func aTestThatDidNotHoldSaysNothing() {
        var run = recovered()
        run.drill.predict.outage = .between(ms(1), ms(2))
        run.forget(.effective)
        #expect(result(run) == .unknown && !isFlagged(run))
        run = recovered()
        run.drill.predict.outage = .between(ms(1), ms(2))
        run.note(.instrumentSuspect, 1500, "", text: "samples were dropped")
        #expect(result(run) == .unknown)
    }

    @Test func lostWrites() {
        var run = recovered()
        run.drill.predict = Prediction(lost: 0...0)
        run.ledgers = [ledger(1...9)]
        #expect(result(run) == .within)
        run.ledgers = [ledger(1...9, missing: [9])]
        #expect(result(run) == .outside && isFlagged(run))
        #expect(run.judgement.predictions[0].sentence == "0 lost writes were predicted; there were 1")
        run.drill.predict = Prediction(lost: 1...3)
        #expect(result(run) == .within)
        run.drill.predict = Prediction(lost: 2...3)
        #expect(run.judgement.predictions[0].sentence == "2 to 3 lost writes were predicted; there were 1")
    }

    /// What is known to be lost stays lost, whatever else could not be read; absence is not known then.
    @Test func lostWritesOfALedgerThatIsNotWhole() {
        var run = recovered()
        run.drill.predict = Prediction(lost: 0...0)
        var whole = ledger(1...9, missing: [9])
        whole.readBack?.problems = ["it went away"]
        run.ledgers = [whole]
        #expect(result(run) == .unknown && !isFlagged(run))
        whole.readBack?.found[0].isIntact = false
        run.ledgers = [whole]
        #expect(result(run) == .outside && isFlagged(run))
        #expect(run.judgement.predictions[0].measured == "there were at least 1")
        run.ledgers = []
        #expect(result(run) == .unknown)
    }
}
