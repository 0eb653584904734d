import MusterCore
import MusterDrills
import Testing

/// MEASUREMENT, section 6: the cases that mislead.
@Suite struct MisleadingCasesTests {
    // MARK: 1. Lifting the fault is not recovery

    private func held(_ recovery: InjectStep.Recovery?, lift: (Double, Double)?, rto: Double = 2000)
        -> GivenRun
    {
        var run = GivenRun(rto: rto, held: true, recovery: recovery)
        run.drill.recovered.stable = ms(5000)
        if let lift {
            run.note(.lifting, lift.0, "crash")
            run.note(.lifted, lift.1, "crash", bracket(lift.0, lift.1))
        }
        return run
    }

    @Test func despite() {
        // S.hi = 2240.7, W = 5000: the lift may begin at 7240.7.
        for recovery in [InjectStep.Recovery.despite, nil] {
            var run = held(recovery, lift: (7240.7, 7241))
            run.signals = [boundsVector()]
            #expect(run.judgement.verdict == .pass)
            var early = held(recovery, lift: (7240.6, 7241))
            early.signals = [boundsVector()]
            #expect(early.judgement.verdict == .fail)
            #expect(early.result()?.interval == interval(6240.4, nil))
        }
    }

    @Test func whatTheLiftBroughtBackDidNotRecover() {
        // Down until the lift, then up at once.
        let signal = { (lift: Double) in
            Seen().then(.ok, 0, 990).then(.error, 1000, lift).then(.ok, lift + 10, 40_000).signal
        }
        var run = held(.despite, lift: (3000.2, 3000.5))
        run.signals = [signal(3000)]
        #expect(run.result()?.interval == interval(2000, nil))
        #expect(run.judgement.verdict == .inconclusive)
        run = held(.despite, lift: (3000.3, 3000.5))
        run.signals = [signal(3000)]
        #expect(run.judgement.verdict == .fail)
        #expect(run.judgement.status == .notRecovered)
    }

    @Test func after() {
        var run = held(.after, lift: (6000, 6000.5))
        run.signals = [Seen().then(.ok, 0, 990).then(.error, 1000, 6230).then(.ok, 6240, 40_000).signal]
        #expect(run.judgement.verdict == .pass)
        #expect(run.result()?.interval == interval(229.5, 240.7))
        // A later abort does not turn the drill's own lift into an undo.
        var stopped = run
        stopped.note(.abort, 20_000, text: "Ctrl-C")
        stopped.note(.undone, 20_200, "crash", bracket(20_000, 20_100))
        #expect(stopped.judgement.verdict == .pass)
        var never = held(.after, lift: nil)
        never.signals = run.signals
        #expect(never.judgement.reason == "Inconclusive: the fault 'crash' was never lifted")
        run.note(.abort, 5000, text: "Ctrl-C")
        #expect(
            run.judgement.reason
                == "Inconclusive: the run was aborted before the fault 'crash' was lifted")
    }

    @Test func anAbortCensorsInTheSameWay() {
        let signal = Seen().then(.ok, 0, 990).then(.error, 1000, 4000).then(.ok, 4010, 40_000).signal
        var run = GivenRun()
        run.signals = [signal]
        run.note(.abort, 2900, text: "Ctrl-C")
        run.note(.undone, 3200, "crash", bracket(3000, 3150))
        #expect(run.judgement.verdict == .inconclusive)
        #expect(run.result()?.interval == interval(1999.8, nil))
        // Missed already before the abort.
        run.drill.objectives.rto = ms(1900)
        #expect(run.judgement.verdict == .fail)
        // Up when it was aborted, though not for long enough: not proven, but not missed either.
        var up = GivenRun()
        up.signals = [boundsVector()]
        up.note(.abort, 9000, text: "Ctrl-C")
        up.note(.undone, 9200, "crash", bracket(9000, 9150))
        #expect(up.result()?.interval == interval(1229.8, nil))
        #expect(up.judgement.verdict == .inconclusive)
        // Stable before the abort: proven.
        up.drill.recovered.stable = ms(5000)
        #expect(up.judgement.verdict == .pass)
    }

    /// A failed runbook stops the run without an abort; the undo brings the service back all the same.
    @Test func aFailedStepCensorsAsAnAbortDoes() {
        var run = GivenRun()
        run.signals = [Seen().then(.ok, 0, 990).then(.error, 1000, 2500).then(.ok, 2510, 40_000).signal]
        run.note(.runbookFinished, 2400, "restart.md", text: "step 'start' failed", detail: ["ok": false])
        run.note(.undone, 2600, "crash", bracket(2450, 2500))
        #expect(run.result()?.interval == interval(1449.8, nil))
        #expect(run.judgement.verdict == .inconclusive)
        #expect(run.judgement.warnings.contains("a step failed: step 'start' failed"))
        // What it came from is said before what came of it.
        #expect(
            run.judgement.reason.hasPrefix("Inconclusive: step 'start' failed; "), "\(run.judgement.reason)")
        run.drill.objectives.rto = ms(1400)
        #expect(run.judgement.verdict == .fail)
        #expect(run.judgement.reason.hasPrefix("Failed: step 'start' failed; "), "\(run.judgement.reason)")
    }

    @Test func observationEndsWhereTheRunSays() {
        var run = GivenRun()
        // Fixtures come down at 33,000: not the fault's doing.
        run.signals = [
            Seen().then(.ok, 0, 990).then(.error, 1000, 2230).then(.ok, 2240, 33_000)
                .then(.error, 33_010, 34_000).signal
        ]
        run.note(.writersStopped, 32_240.7)
        run.note(.undone, 32_300, "crash", bracket(32_290, 32_295))
        #expect(run.judgement.verdict == .pass)
        #expect(!run.judgement.warnings.contains { $0.contains("again") })
        run.forget(.writersStopped)
        run.note(.writersStopped, 32_240.6)
        #expect(run.judgement.verdict == .inconclusive)
    }

    @Test func aFaultThatNeverStruckIsNoPass() {
        var run = GivenRun()
        run.signals = [boundsVector()]
        run.drill.steps.append(run.inject("second"))
        #expect(run.judgement.reason == "Inconclusive: the fault 'second' was never injected")
        run.drill.objectives.rto = ms(1000)
        #expect(run.judgement.verdict == .fail)
    }

    // MARK: 4. Which F

    @Test func theRecoveryRunsFromTheDeclaration() {
        var run = GivenRun()
        run.drill.objectives.rtoFrom = .declared
        run.signals = [boundsVector()]
        #expect(run.judgement.verdict == .inconclusive)
        run.note(.runbookStarted, 1500.5, "restart.md", bracket(1500, 1500.5))
        #expect(run.result()?.interval == interval(729.5, 740.7))
        #expect(run.judgement.verdict == .pass)
        let names = Set(run.judgement.measurements.map(\.name))
        #expect(names.isSuperset(of: ["rta", "rta-declared"]))
        run.drill.objectives.rto = ms(729)
        #expect(run.judgement.verdict == .fail)
    }

    @Test func withoutABracketTheFaultLiesBetweenItsEvents() {
        var run = GivenRun()
        run.signals = [boundsVector()]
        run.events.removeAll { $0.kind == .injected }
        run.note(.injected, 1000.4, "crash")
        #expect(run.result()?.interval == interval(1229.6, 1240.7))
    }

    // MARK: 5. Runbooks

    @Test func aScriptedRunbookDoesNotExerciseDetection() {
        var run = GivenRun()
        run.signals = [boundsVector()]
        run.note(.runbookStarted, 1500, "restart.md")
        #expect(run.judgement.verdict == .inconclusive)
        #expect(run.judgement.reason.hasPrefix("Inconclusive: detection not exercised"))
        #expect(run.judgement.scope.contains { $0.hasPrefix("the drill started the runbook") })
        // Even without the time that noticing takes it was missed.
        run.drill.objectives.rto = ms(1000)
        #expect(run.judgement.verdict == .fail)
        // Up before the runbook began: it recovered by itself.
        run.drill.objectives.rto = ms(2000)
        run.forget(.runbookStarted)
        run.note(.runbookStarted, 2240.7, "restart.md")
        #expect(run.judgement.verdict == .pass)
        // A person who acts has noticed.
        run.forget(.runbookStarted)
        run.note(.runbookStarted, 1500, "restart.md", actor: "alice")
        #expect(run.judgement.verdict == .pass)
    }

    /// Two faults of a `parallel:` strike between two samples: nobody looked in between, and that is no reason to
    /// say that nobody looked at all.
    @Test func faultsThatStrikeTogetherAreAnsweredForTogether() {
        var run = GivenRun()
        run.drill.steps.append(run.inject("also"))
        run.note(.injecting, 1001, "also")
        run.note(.injected, 1002.3, "also", bracket(1002, 1002.2))
        run.note(.effective, 1003, "also")
        run.signals = [Seen().then(.ok, 0, 990).then(.error, 1005, 2230).then(.ok, 2240, 40_000).signal]
        run.note(.writersStopped, 40_001)
        #expect(run.judgement.verdict == .pass, "\(run.judgement.reason)")
        #expect(run.result()?.interval?.upper == ms(1240.7))
    }
}
