import MusterCore
import MusterDrills
import Testing

/// Objectives over a window are observed to its end; the clock may start at the effect.
@Suite struct ObservedWindowTests {
    private func stage(clock: InjectStep.Clock = .injected, window: Duration? = nil) -> Stage {
        let step = InjectStep(
            name: "crash", faultName: "named", fault: Named(), target: "t", clock: clock)
        var drill = DrillRunnerTests.drill([Step(.inject(step))])
        drill.abort.after = .seconds(300)
        // The probe's and the writers' timeout is a second.
        if let window { drill.objectives.latency = LatencyGoal(max: .seconds(1), window: window) }
        var stage = Stage(drill)
        if clock == .effective { stage.effectless = ["crash"] }
        stage.watch(for: .seconds(5))
        return stage
    }

    @Test func observationGoesOnToTheEndOfTheWindow() throws {
        for (window, seconds) in [(nil, 5.5), (Duration.seconds(20), 21)] {
            var stage = stage(window: window)
            let fault = try #require(stage.runner.firstInjection).upper
            stage.down("ping", "writes")
            stage.watch(for: .milliseconds(500))
            stage.good = ["ping": stage.now, "writes": stage.now]
            while !stage.asked.contains("stop"), (stage.now - fault).inSeconds < 100 {
                stage.watch(for: .milliseconds(100))
            }
            let ended = (stage.now - fault).inSeconds
            #expect(ended >= min(seconds, 3.5) && ended <= seconds + 0.3, "\(ended)")
            #expect(window == nil || ended > 21)
        }
    }

    @Test func theDeadlineWaitsForTheWindowToo() throws {
        // 3 x 2 s + 3 s is 9 s.
        for (window, seconds) in [(nil, 9.0), (Duration.seconds(20), 21)] {
            var stage = stage(window: window)
            let fault = try #require(stage.runner.firstInjection).upper
            stage.down("ping", "writes")
            while !stage.asked.contains("stop"), (stage.now - fault).inSeconds < 100 {
                stage.watch(for: .milliseconds(100))
            }
            #expect(stage.asked.contains("deadline-passed"))
            #expect(abs((stage.now - fault).inSeconds - seconds) < 0.3)
        }
    }

    @Test func anAbortDoesNotWaitForTheWindow() throws {
        var stage = stage(window: .seconds(100))
        stage.feed(.abort("Ctrl-C"))
        stage.watch(for: .seconds(8))
        #expect(stage.asked.contains("stop"))
    }

    /// The effect is seen four seconds after the injection; RTO + W = 5 s without an outage run from there.
    @Test func theClockMayStartAtTheEffect() throws {
        for clock in [InjectStep.Clock.injected, .effective] {
            var stage = stage(clock: clock)
            stage.effectless = []
            let fault = try #require(stage.runner.firstInjection).upper
            if clock == .effective {
                while stage.now < fault + .seconds(4) { stage.watch(for: .milliseconds(100)) }
                stage.feed(.effect("crash", Bracket(stage.now - .milliseconds(100), stage.now)))
            }
            while !stage.asked.contains("stop"), (stage.now - fault).inSeconds < 100 {
                stage.watch(for: .milliseconds(100))
            }
            let wanted = clock == .effective ? 9.0 : 5
            #expect(abs((stage.now - fault).inSeconds - wanted) < 0.3)
        }
    }

    @Test func theWindowRunsFromTheEffectAsWell() throws {
        var stage = stage(clock: .effective, window: .seconds(20))
        let fault = try #require(stage.runner.firstInjection).upper
        while stage.now < fault + .seconds(4) { stage.watch(for: .milliseconds(100)) }
        stage.feed(.effect("crash", Bracket(stage.now, stage.now)))
        while !stage.asked.contains("stop"), (stage.now - fault).inSeconds < 100 {
            stage.watch(for: .milliseconds(100))
        }
        #expect(abs((stage.now - fault).inSeconds - 25) < 0.3)
    }
}
