import MusterCore
import MusterDrills
import Testing

/// A held fault that was over before it was lifted proves nothing of what came back.
@Suite struct EarlyEndJudgementTests {
    /// Down from the fault on, back after 1.24 s, lifted long after: it would pass.
    private func run(_ recovery: InjectStep.Recovery) -> GivenRun {
        var run = GivenRun(held: true, recovery: recovery)
        run.drill.recovered.stable = ms(5000)
        run.drill.targets["it"] = DrillTarget(name: "it", selector: .fixtureProxy("net"))
        let lift = recovery == .after ? 1100.0 : 13_000
        run.note(.lifting, lift, "crash")
        run.note(.lifted, lift + 1, "crash", bracket(lift, lift + 1))
        run.signals = [boundsVector()]
        return run
    }

    @Test(arguments: [InjectStep.Recovery.despite, .after]) func itIsInconclusive(
        _ recovery: InjectStep.Recovery
    ) {
        #expect(run(recovery).judgement.verdict == .pass)
        for subject in ["crash", "net"] {
            var early = run(recovery)
            early.note(.endedEarly, 13_001, subject, actor: "guard", text: "its deadline had passed")
            let judgement = early.judgement
            #expect(judgement.verdict == .inconclusive)
            #expect(judgement.status == .invalid)
            let words = "the fault 'crash' did not last as long as the drill says: its deadline had passed"
            #expect(judgement.reason.contains(words), "\(judgement.reason)")
        }
        var other = run(recovery)
        other.note(.endedEarly, 13_001, "another", actor: "guard")
        #expect(other.judgement.verdict == .pass)
    }

    /// A missed objective is not held against a system that was not tested as asked either.
    @Test func norIsItAFailure() {
        var slow = run(.despite)
        slow.drill.objectives.rto = ms(500)
        #expect(slow.judgement.verdict == .fail)
        slow.note(.endedEarly, 13_001, "crash", actor: "guard")
        #expect(slow.judgement.verdict == .inconclusive)
    }
}
