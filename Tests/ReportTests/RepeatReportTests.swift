import MusterCore
import MusterDocuments
import MusterDrills
import Testing

/// What a report says about the group that a run belongs to, and about predictions.
struct RepeatReportTests {
    private func member(_ outcome: Outcome, _ number: Int, _ phase: FaultPhase) -> RepeatGroup.Member {
        var header = outcome.header
        if number != outcome.number { header.id += "\(number)" }
        return RepeatGroup.Member(
            number: number, header: header, closing: outcome.closing, phase: phase)
    }

    /// The run 7 of a group of 6 to 9, of which 9 was interrupted.
    private var outcome: Outcome {
        var outcome = SampleOutcomes.pass
        outcome.header.repeatGroup = "01JGROUP"
        let phases = FaultPhase.all(4, within: .seconds(10), seed: 42)
        var members = (0..<4).map { member(outcome, 6 + $0, phases[$0]) }
        members[3].closing = nil
        outcome.repeats = RepeatSummary(RepeatGroup(id: "01JGROUP", members: members))
        return outcome
    }

    @Test func theGroupStandsInTheReport() {
        let text = Report(outcome).markdown
        #expect(text.contains("## Repeats\n"))
        #expect(
            text.contains(
                "| RTO | 3/4 met, 1 inconclusive; at 95 % confidence the success rate is at least 24 % (what is "
                    + "inconclusive counted as not met) |"))
        #expect(text.contains("| 7 (this one) |") && text.contains("| 6 |") && text.contains("| 9 |"))
        #expect(text.contains("**NOT JUDGED**"))
        #expect(text.contains("as one of 4 repeats: what they bound together stands under Repeats."))
        #expect(!text.contains("one run bounds nothing about the next"))
        #expect(!text.contains("RTO proven"))
    }

    @Test func aSingleRunHasNoSuchSection() {
        let text = Report(SampleOutcomes.pass).markdown
        #expect(!text.contains("## Repeats") && !text.contains("Predicted and seen"))
        #expect(text.contains("one run bounds nothing about the next"))
    }

    @Test func predictionsAreHeldAgainstWhatWasSeen() {
        var outcome = SampleOutcomes.pass
        outcome.closing?.judgement.predictions = [
            PredictionResult(
                name: "outage", predicted: "100 ms to 1 s", measured: "it lasted 1.23 s to 1.241 s",
                result: .outside),
            PredictionResult(name: "lost", predicted: "0", measured: "there were 0", result: .within),
        ]
        let text = Report(outcome).markdown
        #expect(text.contains("### Predicted and seen"))
        #expect(
            text.contains(
                "| outage | 100 ms to 1 s | it lasted 1.23 s to 1.241 s | **model wrong or system changed** |"
            ))
        #expect(text.contains("| lost | 0 | there were 0 | **as predicted** |"))
        #expect(text.contains("or the system has changed. It decides no objective."))
    }

    @Test func longGroupsAreCutAndCounted() {
        var outcome = outcome
        let phases = FaultPhase.all(60, within: .seconds(10), seed: 42)
        let members = (0..<60).map { member(outcome, 7 + $0, phases[$0]) }
        outcome.repeats = RepeatSummary(RepeatGroup(id: "01JGROUP", members: members))
        #expect(Report(outcome).markdown.contains("And 10 more, which the store keeps."))
    }
}
