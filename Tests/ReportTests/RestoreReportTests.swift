import MusterCore
import MusterDocuments
import MusterDrills
import Testing

struct RestoreReportTests {
    /// A report of a drill that restored from `/backup/app`.
    private func report(_ detail: [String: Value]) -> String {
        var outcome = SampleOutcomes.pass
        outcome.closing?.judgement.objectives.append(
            ObjectiveResult(
                name: "restore", objective: "a whole backup", measured: "restored in 2 s", interval: nil,
                result: .met, reason: "restored, and the backup is as it was"))
        var over = SampleOutcomes.event(.restoreOver, 11_500, "the restore is over", subject: "r.md")
        over.detail = .map(detail.merging(["source": ["/backup/app": "aaaa"]]) { own, _ in own })
        outcome.events.append(over)
        return Report(outcome, localOffset: { _ in 3600 }, chainRoot: "c0ffee").markdown
    }

    @Test func aSourceIsShownBeforeAndAfter() {
        let same = report(["sourceChanged": "", "sourceAfter": ["/backup/app": "aaaa"]])
        #expect(same.contains("| Restored from | Digest before | Digest after |"), "\(same)")
        #expect(same.contains("| /backup/app | aaaa | the same |") && !same.contains("It was touched"))
        let touched = report([
            "sourceChanged": "'/backup/app': 1 missing", "sourceAfter": ["/backup/app": "bbbb"],
        ])
        #expect(
            touched.contains("| /backup/app | aaaa | bbbb |") && touched.contains("It was touched"),
            "\(touched)")
    }

    @Test func aSourceThatCouldNotBeReadAgainIsSaidToBeUnknown() {
        let text = report(["sourceChanged": "", "sourceProblem": "'/backup/app' could not be read"])
        #expect(text.contains("| /backup/app | aaaa | - |"), "\(text)")
        #expect(
            text.contains("**Whether it is as it was is not known:** '/backup/app' could not be read."),
            "\(text)")
    }
}
