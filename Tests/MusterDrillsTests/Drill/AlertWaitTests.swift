import MusterCore
import MusterDrills
import Testing

/// A run that expects alerts: nothing is broken while one fires, and they are waited for as long as they may take.
@Suite struct AlertWaitTests {
    private func drill(detect: Duration? = .seconds(20), _ steps: [Step] = []) -> Drill {
        let step = Step(
            .inject(InjectStep(name: "crash", faultName: "named", fault: Named(), target: "t")))
        var drill = DrillRunnerTests.drill([step] + steps)
        drill.abort.after = .seconds(300)
        drill.objectives.detect = detect
        var source = AlertSource()
        source.name = "pager"
        source.webhook = "127.0.0.1:1"
        drill.alertSources = [source]
        var alert = ExpectedAlert()
        alert.name = "down"
        alert.source = "pager"
        drill.alerts = [alert]
        return drill
    }

    private func untilStop(_ stage: inout Stage) throws -> Double {
        let fault = try #require(stage.runner.firstInjection).upper
        stage.down("ping", "writes")
        stage.watch(for: .milliseconds(500))
        stage.good = ["ping": stage.now, "writes": stage.now]
        while !stage.asked.contains("stop"), (stage.now - fault).inSeconds < 100 {
            stage.watch(for: .milliseconds(100))
        }
        return (stage.now - fault).inSeconds
    }

    @Test func alertsAreWaitedForAlsoAfterTheRecovery() throws {
        var stage = Stage(drill())
        stage.watch(for: .seconds(5))
        let ended = try untilStop(&stage)
        #expect(ended > 20 && ended < 21, "\(ended)")
    }

    @Test func anAlertThatCameEndsTheWait() throws {
        var stage = Stage(drill())
        stage.watch(for: .seconds(5))
        stage.alerts.noticed["down"] = stage.now
        let ended = try untilStop(&stage)
        #expect(ended < 10, "\(ended)")
    }

    /// One from before the fault is none about it.
    @Test func anEarlierAlertDoesNotEndTheWait() throws {
        var stage = Stage(drill())
        stage.alerts.noticed["down"] = stage.now
        stage.watch(for: .seconds(5))
        #expect(try untilStop(&stage) > 20)
    }

    @Test func nothingIsBrokenWhileAnExpectedAlertFires() {
        var stage = Stage(drill())
        stage.alerts.firing = ["down"]
        stage.watch(for: .seconds(5))
        #expect(!stage.asked.contains("inject crash"))
        stage.alerts.firing = []
        stage.watch(for: .seconds(5))
        #expect(stage.asked.contains("inject crash"))
        var never = Stage(drill())
        never.alerts.firing = ["down"]
        never.watch(for: .seconds(60))
        #expect(!never.asked.contains("inject crash"))
        #expect(never.runner.failure?.contains("the expected alert 'down' fires already") == true)
    }

    @Test func nothingIsBrokenBeforeEverySourceWasHeardOf() {
        var stage = Stage(drill())
        stage.alerts.unheard = ["pager"]
        stage.watch(for: .seconds(60))
        #expect(!stage.asked.contains("inject crash"))
        #expect(stage.runner.failure?.contains("alerts cannot be heard of from 'pager'") == true)
    }

    @Test func aStepWaitsForTheAlertAndGoesOnWithoutIt() throws {
        let steps = [
            Step(.alert("down", within: .seconds(10))), Step(.runbook(RunbookStep(path: "restart.md"))),
        ]
        var stage = Stage(drill(detect: .seconds(20), steps))
        stage.watch(for: .seconds(5))
        #expect(!stage.asked.contains("runbook restart.md"))
        stage.alerts.noticed["down"] = stage.now
        stage.watch(for: .milliseconds(200))
        #expect(stage.asked.contains("runbook restart.md"))
        var silent = Stage(drill(detect: .seconds(20), steps))
        silent.watch(for: .seconds(5))
        let fault = try #require(silent.runner.firstInjection).upper
        while !silent.asked.contains("runbook restart.md"), (silent.now - fault).inSeconds < 60 {
            silent.watch(for: .milliseconds(100))
        }
        #expect(abs((silent.now - fault).inSeconds - 10) < 0.3)
    }
}
