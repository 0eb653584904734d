import MusterCore
import MusterDrills
import Testing

/// Verdicts by the recovery time, on histories with known bounds: RTA [1229.8, 1240.7] ms unless it says else.
@Suite struct DrillJudgeTests {
    private func recovered(rto: Double? = 2000) -> GivenRun {
        var run = GivenRun(rto: rto)
        run.signals = [boundsVector()]
        return run
    }

    @Test func passes() {
        let judgement = recovered().judgement
        #expect(judgement.verdict == .pass)
        #expect(judgement.status == .recovered)
        #expect(judgement.reason == "Passed: recovered in 1.23 s to 1.241 s, within the 2 s allowed")
        #expect(judgement.objectives[0].measured == "1.23 s to 1.241 s")
        #expect(judgement.objectives[0].objective == "2 s from fault")
        #expect(
            judgement.measurements.contains(
                Measurement(name: "rta", subject: "", interval: interval(1229.8, 1240.7))))
        #expect(judgement.measurements.contains { $0.name == "downtime" && $0.subject == "ping" })
        #expect(
            judgement.scope.contains { $0.hasPrefix("a process kill proves process durability, not host") })
    }

    @Test(arguments: [
        (1240.7, Verdict.pass), (1240.6, .inconclusive), (1229.8, .inconclusive), (1229.7, .fail),
    ]) func onlyBoundsDecide(_ rto: Double, _ verdict: Verdict) {
        #expect(recovered(rto: rto).judgement.verdict == verdict)
    }

    @Test func neverRecovered() {
        var run = GivenRun()
        run.signals = [Seen().then(.ok, 0, 990).then(.error, 1000, 3010).signal]
        let failed = run.judgement
        #expect(failed.verdict == .fail)
        #expect(failed.status == .notRecovered)
        #expect(failed.objectives[0].interval == interval(2009.8, nil))
        #expect(failed.reason == "Failed: not recovered after 2.01 s; 2 s were allowed")
        run.signals = [Seen().then(.ok, 0, 990).then(.error, 1000, 3000).signal]
        #expect(run.judgement.verdict == .inconclusive)
    }

    @Test func flapped() {
        var run = GivenRun(rto: 5000)
        run.signals = [
            Seen().then(.ok, 0, 990).then(.error, 1000, 2000).then(.ok, 2010, 2500).then(.error, 2510, 3000)
                .then(.ok, 3010, 40_000).signal
        ]
        #expect(run.judgement.verdict == .pass)
        #expect(run.judgement.status == .recoveredFlapped)
        #expect(run.result()?.interval == interval(1999.8, 2010.7))
        #expect(run.judgement.warnings.contains("'ping' went down 2 times before it was stable"))
    }

    @Test func withoutProofNothingIsJudged() {
        var run = recovered()
        run.forget(.effective)
        #expect(run.judgement.verdict == .inconclusive)
        #expect(run.judgement.status == .invalid)
        #expect(run.judgement.reason == "Inconclusive: the fault 'crash' is not proven to have taken effect")
        run.note(.effectMissing, 1500, "crash", text: "process 4711 still runs")
        #expect(run.judgement.reason.hasSuffix("taken effect: process 4711 still runs"))
        // Not even a miss is held against the system then.
        run.drill.objectives.rto = ms(100)
        #expect(run.judgement.verdict == .inconclusive)
        run.note(.effective, 1600, "crash")
        #expect(run.judgement.verdict == .fail)
    }

    @Test func withoutSteadyStateNothingIsJudged() {
        var run = recovered()
        run.forget(.steady)
        #expect(run.judgement.verdict == .inconclusive)
        #expect(run.judgement.reason.contains("steady state"))
    }

    @Test func whatCouldNotBeCarriedOut() {
        var run = recovered()
        run.forget(.injected)
        run.note(.stepFinished, 950, "start", text: "redis did not start", detail: ["ok": false])
        #expect(run.judgement.verdict == .error)
        #expect(run.judgement.reason.hasSuffix("nothing was injected: redis did not start"))
        run.note(.abort, 960, "ping", text: "Ctrl-C")
        #expect(run.judgement.verdict == .inconclusive)
        #expect(run.judgement.reason.hasSuffix("aborted before anything was injected: Ctrl-C"))
        run.forget(.abort)
        run.forget(.steady)
        #expect(run.judgement.verdict == .inconclusive)
        #expect(run.judgement.reason.hasSuffix("so nothing was injected: redis did not start"))
        run.drill.fixtures = [Fixture(name: "redis", run: ["redis-server"])]
        #expect(run.judgement.verdict == .error)
        run.note(.fixtureReady, 800, "redis")
        #expect(run.judgement.verdict == .inconclusive)
    }

    @Test func theWorstSignalRules() {
        var run = GivenRun(rto: 1300, probes: ["ping", "page"])
        let page = Seen("page").then(.ok, 0, 990).then(.error, 1000, 2490).then(.ok, 2500, 40_000).signal
        run.signals = [boundsVector(), page]
        #expect(run.result()?.interval == interval(1489.8, 1500.7))
        #expect(run.judgement.verdict == .fail)
        run.drill.judgedBy = ["ping"]
        #expect(run.judgement.verdict == .pass)
        run.drill.judgedBy = ["ping", "absent"]
        #expect(run.judgement.verdict == .inconclusive)
        #expect(run.judgement.reason == "Inconclusive: there is no sample of 'absent' from after the fault")
    }

    @Test func aWorkloadIsAllItsWriters() {
        var run = GivenRun(rto: 1300, probes: [], workloads: ["writes"])
        let slow = Seen("writes", writer: 2).then(.ok, 0, 990).then(.error, 1000, 2490)
            .then(.ok, 2500, 40_000).signal
        run.signals = [boundsVector("writes", writer: 1), slow]
        #expect(run.result()?.interval == interval(1489.8, 1500.7))
        #expect(!run.judgement.warnings.contains { $0.contains("no write") })
        let never = Seen("writes", writer: 3).then(.ok, 0, 990).then(.error, 1000, 39_990).signal
        run.signals.append(never)
        #expect(run.judgement.verdict == .fail)
        #expect(run.judgement.status == .notRecovered)
    }

    @Test func aSignalThatSawNothingMustHaveBeenLooking() {
        var run = GivenRun(probes: ["ping", "page"])
        run.signals = [boundsVector(), Seen("page", every: 1000).then(.ok, 0, 40_000).signal]
        #expect(run.judgement.verdict == .pass)
        run.signals[1] = Seen("page", every: 1000).then(.ok, 0, 1000).then(.ok, 5000, 40_000).signal
        #expect(run.judgement.verdict == .inconclusive)
    }

    @Test func sloppyInstrumentsAreSuspect() {
        var run = recovered()
        run.note(.instrumentSuspect, 2000, "ping", bracket(1500, 1600), text: "the host was suspended")
        #expect(run.judgement.status == .instrumentSuspect)
        #expect(run.judgement.reason == "Inconclusive: the instrument is suspect: the host was suspended")
        run.forget(.instrumentSuspect)
        run.note(.instrumentSuspect, 900, "ping", bracket(500, 600))
        run.note(.instrumentSuspect, 900, "other")
        #expect(run.judgement.verdict == .pass)
        run.note(.instrumentSuspect, 900)
        #expect(run.judgement.verdict == .inconclusive)
        // A tenth of 2 s is 200 ms.
        let late = { (gap: Double) -> GivenRun in
            var run = GivenRun()
            run.signals = [
                Seen().then(.ok, 0, 990).then(.error, 1000, 1200).then(.ok, 1200 + gap, 40_000).signal
            ]
            return run
        }
        #expect(late(209.8).judgement.verdict == .pass)
        #expect(late(209.8).judgement.warnings.contains { $0.hasPrefix("coarse measurement") })
        #expect(late(209.9).judgement.status == .instrumentSuspect)
    }

    @Test func severalFaultsEachHaveTheirRecovery() {
        var run = recovered()
        run.drill.steps.append(run.inject("second"))
        run.drill.recovered.stable = ms(5000)
        run.note(.injected, 20_001, "second", bracket(20_000, 20_001))
        run.note(.effective, 20_002, "second")
        let twice = { (end: Double) in
            Seen().then(.ok, 0, 990).then(.error, 1000, 2230).then(.ok, 2240, 19_990)
                .then(.error, 20_000, end).then(.ok, end + 10, 40_000).signal
        }
        run.signals = [twice(20_500)]
        #expect(run.result()?.interval == interval(1229.8, 1240.7))
        run.signals = [twice(22_500)]
        #expect(run.result()?.interval == interval(2499, 2510.7))
        #expect(run.judgement.verdict == .fail)
        // The first outage outlasts the second fault: it is followed to its end.
        run.signals = [Seen().then(.ok, 0, 990).then(.error, 1000, 21_000).then(.ok, 21_010, 40_000).signal]
        #expect(run.result()?.interval == interval(19_999.8, 20_010.7))
        run.events.removeAll { $0.kind == .effective && $0.subject == "second" }
        #expect(run.judgement.verdict == .inconclusive)
    }

    @Test func warnings() {
        var run = recovered()
        run.drill.warnings = ["from the file"]
        run.drill.recovered.stable = ms(5000)
        run.note(.notSteadyAgain, 40_000, text: "p99 is 80 ms")
        let warnings = run.judgement.warnings
        #expect(warnings.first == "from the file")
        #expect(warnings.contains("weak stability: recovered means good for 5 s, not for 30 s"))
        #expect(warnings.contains { $0.hasPrefix("no write among the ruling signals") })
        #expect(warnings.contains { $0.hasSuffix("p99 is 80 ms") })
        run.drill.recovered.stable = ms(30_000)
        #expect(!run.judgement.warnings.contains { $0.hasPrefix("weak") })
    }

    @Test func withoutObjectivesNothingPasses() {
        #expect(recovered(rto: nil).judgement.verdict == .inconclusive)
        var run = GivenRun(rto: nil, rpo: 0)
        run.ledgers = [ledger(1...9)]
        run.signals = [boundsVector()]
        #expect(run.judgement.verdict == .pass)
        // Data that survived in a service that stayed down is no pass.
        run.signals = [Seen().then(.ok, 0, 990).then(.error, 1000, 9000).signal]
        #expect(run.judgement.verdict == .inconclusive)
    }
}
