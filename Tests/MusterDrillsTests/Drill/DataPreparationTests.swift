import MusterCore
import Testing

@testable import MusterDrills

/// Data are read once the fixtures are up, and what cannot be read is no drill.
@Suite struct DataPreparationTests {
    private struct Data: Dataset {
        static let form = Form("d", "For tests.", blank: Data(), fields: [])
    }

    private func drill() -> Drill {
        var drill = DrillRunnerTests.drill([DrillRunnerTests.inject("crash")])
        drill.datasets = [DrillDataset(name: "d", kind: "d", dataset: Data(), setting: DatasetSetting())]
        return drill
    }

    @Test func theyAreReadBeforeAnybodyLooksOrWrites() {
        let stage = Stage(drill())
        #expect(stage.asked == ["fixture server", "data", "probes"])
        #expect(stage.runner.phase == .steady)
        #expect(Stage(DrillRunnerTests.drill([])).asked == ["fixture server", "probes"])
    }

    @Test func aPlaceForARestoreIsLookedAtThenAsWell() {
        var drill = DrillRunnerTests.drill([DrillRunnerTests.inject("crash")])
        let plan = RestorePlan(source: ["/b"], into: "/c")
        drill.steps.append(Step(.parallel([Step(.runbook(RunbookStep(path: "r", restore: plan)))])))
        #expect(drill.restores.map(\.path) == ["r"])
        #expect(Stage(drill).asked == ["fixture server", "data", "probes"])
    }

    @Test func whatCannotBeReadEndsTheRunWithNothingBroken() {
        let stage = Stage(drill(), dataProblem: "gone")
        #expect(stage.runner.failure == "gone" && stage.runner.firstInjection == nil)
        #expect(!stage.asked.contains("probes") && !stage.asked.contains { $0.hasPrefix("inject") })
        #expect(stage.asked.contains("stop"))
    }

    @Test func anAbortMeanwhileNeverLetsTheProbesBegin() {
        var stage = Stage(drill(), silent: ["data"])
        stage.feed(.abort("enough"))
        stage.feed(.dataPrepared(problem: nil))
        #expect(!stage.asked.contains("probes") && stage.runner.abortReason == "enough")
    }
}
