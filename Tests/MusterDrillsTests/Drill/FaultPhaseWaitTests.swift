import MusterCore
import MusterDrills
import Testing

/// The wait that gives a fault its phase, between the steady state and the steps.
@Suite struct FaultPhaseWaitTests {
    private func stage(waiting wait: Duration, _ change: (inout Drill) -> Void = { _ in }) -> Stage {
        var drill = DrillRunnerTests.drill([DrillRunnerTests.inject("crash")])
        change(&drill)
        return Stage(drill, faultPhase: wait)
    }

    @Test func theFaultStrikesAtItsMomentAndNotAtTheNextLook() throws {
        var stage = stage(waiting: .milliseconds(4_237))
        stage.watch(for: .seconds(3))
        #expect(stage.asked.last == "workloads" && stage.runner.phase == .waiting)
        let due = try #require(stage.runner.strikeDue)
        // Where the drill without a phase has struck.
        #expect(due - stage.now == .milliseconds(4_237))
        stage.watch(for: .milliseconds(4_200))
        #expect(stage.asked.last == "workloads", "not yet")
        stage.now = due
        stage.look()
        #expect(stage.asked.last == "inject crash" && stage.runner.strikeDue == nil)
    }

    @Test func withoutAWorkloadToo() {
        var stage = stage(waiting: .seconds(3)) { $0.workloads = [] }
        stage.watch(for: .milliseconds(2_500))
        #expect(stage.runner.phase == .waiting)
        stage.watch(for: .seconds(3))
        #expect(stage.asked.last == "inject crash")
    }

    @Test func whatIsNoLongerSteadyIsWaitedFor() {
        var stage = stage(waiting: .seconds(3))
        stage.watch(for: .milliseconds(3_500))
        stage.down("writes")
        stage.watch(for: .seconds(8))
        #expect(!stage.asked.contains("inject crash") && stage.runner.phase == .waiting)
        #expect(stage.runner.strikeDue == nil, "nobody is woken over and over")
        stage.good["writes"] = stage.now
        stage.watch(for: .milliseconds(1_200))
        #expect(stage.asked.contains("inject crash"))
    }

    @Test func whatStaysUnsteadyIsNotBroken() {
        var stage = stage(waiting: .seconds(3))
        stage.watch(for: .milliseconds(3_500))
        stage.down("ping")
        stage.watch(for: .seconds(60))
        #expect(!stage.asked.contains("inject crash") && stage.runner.phase == .finished)
        #expect(stage.runner.failure?.hasPrefix("it was no longer steady when the fault was due") == true)
    }

    @Test func anAbortEndsTheWaitAndNothingWasBroken() {
        var stage = stage(waiting: .seconds(50))
        stage.watch(for: .seconds(5))
        stage.feed(.abort("Ctrl-C"))
        #expect(stage.asked.last == "undo" && stage.runner.strikeDue == nil)
        stage.watch(for: .seconds(1))
        #expect(stage.runner.phase == .finished && stage.asked.last == "finish")
        #expect(!stage.asked.contains("inject crash") && stage.runner.firstInjection == nil)
    }

    /// The limit on a run is about the run, not about a wait that the person did not write.
    @Test func theWaitDoesNotCountAgainstTheLimit() {
        var stage = stage(waiting: .seconds(20)) { $0.abort.after = .seconds(12) }
        stage.watch(for: .seconds(30))
        #expect(stage.asked.contains("inject crash") && stage.runner.abortReason == nil)
    }
}
