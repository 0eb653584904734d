import MusterCore
import MusterDrills
import Testing

/// MEASUREMENT, section 6, rule 6: the instrument's own trouble.
@Suite struct SpoiltSamplesTests {
    private func run(_ outages: (Double, Double)...) -> GivenRun {
        var run = GivenRun()
        var seen = Seen().then(.ok, 0, (outages.first?.0 ?? 0) - 10)
        for (index, outage) in outages.enumerated() {
            let next = index + 1 < outages.count ? outages[index + 1].0 : 40_000
            seen = seen.then(.error, outage.0, outage.1 - 10).then(.ok, outage.1, next - 10)
        }
        run.signals = [seen.signal]
        return run
    }

    @Test func failuresOfTheCanaryMakeSamplesUnknown() {
        // The system was down from 1000 to 1200; at 3000 nothing was wrong but the instrument.
        var sound = run((1000, 1200))
        let truth = sound.result()
        sound.note(
            .instrumentSuspect, 3200, "", bracket(2950, 3100), text: "canary", detail: ["trouble": "canary"])
        var spoilt = run((1000, 1200), (3000, 3050))
        #expect(spoilt.judgement.status == .recoveredFlapped)
        spoilt.note(
            .instrumentSuspect, 3200, "", bracket(2950, 3100), text: "canary", detail: ["trouble": "canary"])
        #expect(spoilt.judgement.status == .recovered && spoilt.judgement.verdict == .pass)
        #expect(spoilt.result()?.interval == truth?.interval && sound.result()?.interval == truth?.interval)
        #expect(spoilt.judgement.warnings.contains { $0.contains("could not reach its own server") })
    }

    /// The first success after the outage is one that does not count: the bound grows to the next.
    @Test func anEdgeThatIsSpoiltMovesToTheNextSampleThatCounts() throws {
        var given = run((1000, 1200))
        let before = try #require(given.result()?.interval)
        given.note(
            .instrumentSuspect, 1400, "", bracket(1195, 1295), text: "canary", detail: ["trouble": "canary"])
        let after = try #require(given.result()?.interval)
        #expect(after.lower <= before.lower)
        let (wide, narrow) = (try #require(after.upper), try #require(before.upper))
        #expect(wide >= narrow + .milliseconds(80) && wide <= narrow + .milliseconds(120))
    }

    @Test func latenessIsToldAndHeldAgainstNothing() {
        var given = run((1000, 1200))
        let before = given.judgement
        given.note(
            .instrumentSuspect, 1400, "", bracket(1100, 1300), text: "late", detail: ["trouble": "late"])
        #expect(given.judgement.verdict == .pass && given.result()?.interval == before.objectives[0].interval)
        #expect(given.judgement.warnings.contains { $0.contains("the instrument was late for 200 ms") })
        // Before the fault it is nobody's concern.
        given.forget(.instrumentSuspect)
        given.note(.instrumentSuspect, 300, "", bracket(100, 200), text: "late", detail: ["trouble": "late"])
        #expect(given.judgement.warnings == before.warnings)
        // Lost samples, and whatever is not known, are.
        given.note(
            .instrumentSuspect, 1400, "", bracket(1100, 1300), text: "lost", detail: ["trouble": "dropped"])
        #expect(given.judgement.status == .instrumentSuspect)
    }
}
