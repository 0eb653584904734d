import MusterCore
import MusterDrills
import Testing

struct RepeatSummaryTests {
    private static let times: [Double] = [1000, 1040, 980, 1010, 1020, 1015, 990, 1060, 1005, 1012]

    @Test func tenOfTenProveNoMoreThanTheyDo() {
        let summary = RepeatSummary(GivenGroup.group(GivenGroup.recovered(Self.times), from: 4))
        #expect(
            summary.line("RTO") == "10/10 met; at 95 % confidence the success rate is at least 74 %")
        #expect(summary.line("repeats") == "10 of 10 runs of 'given', outcomes #4 to #13, group G")
        #expect(summary.line("verdict") == "10 passed · 0 failed")
        #expect(summary.line("recovery") == "median 1.01 s to 1.02 s, longest 1.06 s to 1.07 s")
        #expect(
            summary.texts("bounds") == [
                "at 95 % confidence the median is at most 1.05 s",
                "at 95 % confidence at least 74 % of runs take no longer than 1.07 s",
            ])
        #expect(summary.recovery.medianBetween == interval(990, 1050))
        #expect(
            summary.line("phase")
                == "the faults struck at random moments of 10 s (seed 42); all 10 miss the worst tenth of a cycle "
                + "with a chance of 35 %; longer cycles were not sampled")
        #expect(summary.line("trend") == nil && summary.line("lost") == nil)
        #expect(!summary.lines.contains { $0.text.contains("proven") || $0.isWarning })
    }

    /// MEASUREMENT's censored vector, in the words of people.
    @Test func whatDidNotRecoverIsKept() {
        let ends: [Double] = [12_100, 13_400, 14_000, 15_200, 17_900, 21_300, 24_800, 33_000]
        let members =
            ends.map { GivenGroup.member(.recovered, interval($0, $0)) }
            + (0..<2).map { _ in
                GivenGroup.member(.notRecovered, interval(60_000, nil), verdict: .fail, rto: .missed)
            }
        let summary = RepeatSummary(GivenGroup.group(members))
        #expect(
            summary.line("recovery")
                == "median 17.9 s, longest at least 60 s; 2 not seen to recover")
        #expect(
            summary.line("RTO") == "8/10 met, 2 missed; at 95 % confidence the success rate is at least 49 %")
        // The ninth of ten is the bound, and nobody saw it.
        #expect(
            summary.texts("bounds") == [
                "nothing bounds the median from above: too many runs were not seen to recover",
                "with those not seen to recover counted for as long as they were watched (Kaplan-Meier): median "
                    + "17.9 s, 90th percentile not reached, mean within 60 s 27.17 s",
            ])
        #expect(summary.trend == nil, "a trend of what is not known is none")
        #expect(summary.value["recovery"]?["longest"]?["upperNanoseconds"] == .null)
        #expect(summary.value["recovery"]?["shareWithinLongest"] == .null)
    }

    @Test func inconclusiveAbortedAndInterruptedRunsCountAsNotMet() {
        let members =
            GivenGroup.recovered([1000, 1010, 1020]) + [
                GivenGroup.member(
                    .instrumentSuspect, interval(900, 910), verdict: .inconclusive, rto: .inconclusive),
                GivenGroup.member(
                    .notRecovered, interval(300, nil), verdict: .inconclusive, ending: .aborted,
                    rto: .inconclusive),
                GivenGroup.member(.invalid, nil, verdict: .error, rto: nil),
                GivenGroup.interrupted,
            ]
        let summary = RepeatSummary(GivenGroup.group(members, wanted: 20))
        #expect(summary.line("repeats") == "7 of 20 runs of 'given', outcomes #1 to #7, group G")
        #expect(
            summary.line("verdict")
                == "3 passed · 0 failed · 2 inconclusive · 1 could not be carried out · 1 not judged (1 aborted)"
        )
        #expect(
            summary.line("RTO")
                == "3/7 met, 4 inconclusive; at 95 % confidence the success rate is at least 12 % (what is "
                + "inconclusive counted as not met)")
        // Three of seven are of any length, one is at least 300 ms: the middle one is not known from above.
        #expect(
            summary.line("recovery")
                == "median at least 300 ms, longest at least 1.02 s; 1 not seen to recover; 3 of which nothing is "
                + "proven, kept as of any length")
        #expect(summary.recovery.shortest == interval(0, 1010))
    }

    @Test func whatWasMissedEveryTime() {
        let bad = GivenGroup.member(.recovered, interval(5000, 5010), verdict: .fail, rto: .missed)
        let summary = RepeatSummary(GivenGroup.group([RepeatGroup.Member](repeating: bad, count: 10)))
        #expect(
            summary.line("RTO")
                == "0/10 met, 10 missed; at 95 % confidence the success rate is at most 26 %")
        let unknown = GivenGroup.member(.invalid, nil, verdict: .inconclusive, rto: .inconclusive)
        let nothing = RepeatSummary(GivenGroup.group([unknown, unknown]))
        #expect(nothing.line("RTO") == "0/2 met, 2 inconclusive: nothing is proven")
    }

    @Test func oneRunIsBarelyAnything() {
        let summary = RepeatSummary(GivenGroup.group(GivenGroup.recovered([1000])))
        #expect(summary.line("RTO") == "1/1 met; at 95 % confidence the success rate is at least 5 %")
        #expect(
            summary.texts("bounds")[0] == "5 runs or more are needed to bound the median at 95 % confidence")
        let none = RepeatSummary(GivenGroup.group([GivenGroup.interrupted]))
        #expect(none.line("recovery") == nil && none.line("verdict") == "0 passed · 0 failed · 1 not judged")
    }

    @Test func thePhaseIsSaidAsItWas() {
        let some = GivenGroup.recovered([1000, 1010])
        #expect(
            RepeatSummary(GivenGroup.group(some, window: .zero)).line("phase")
                == "every fault struck as soon as everything was steady: other moments of the system's own cycles "
                + "were not sampled")
        // Those in which nothing may have struck are not counted.
        let invalid = GivenGroup.member(.invalid, nil, verdict: .inconclusive)
        let mixed = RepeatSummary(GivenGroup.group(some + [invalid, GivenGroup.interrupted]))
        #expect(
            mixed.line("phase")?.contains("all 2 miss the worst tenth of a cycle with a chance of 81 %")
                == true)
        #expect(RepeatSummary(GivenGroup.group([invalid])).line("phase") == nil)
    }

    @Test func neverDown() {
        let up = GivenGroup.member(.noOutage, nil)
        let summary = RepeatSummary(GivenGroup.group([up, up, up]))
        #expect(summary.line("recovery") == "no outage was seen in 3 of 3 runs")
        #expect(summary.texts("bounds").isEmpty)
        let mixed = RepeatSummary(GivenGroup.group([up, up] + GivenGroup.recovered([50])))
        #expect(
            mixed.line("recovery")
                == "median 0 s, longest 50 ms to 60 ms; 2 without an outage, counted as 0 s")
    }

    @Test func losses() {
        let members = [
            GivenGroup.member(.recovered, interval(1, 2), lost: 0),
            GivenGroup.member(.recovered, interval(1, 2), lost: 28),
            GivenGroup.member(.recovered, interval(1, 2), lost: 0, unreadable: true), GivenGroup.interrupted,
        ]
        let summary = RepeatSummary(GivenGroup.group(members))
        #expect(
            summary.line("lost")
                == "0 to 28 acknowledged writes lost or corrupt in each of 2 runs; not known in 2")
        let same = RepeatSummary(GivenGroup.group([members[0], members[0]]))
        #expect(same.line("lost") == "0 acknowledged writes lost or corrupt in each of 2 runs")
        let unknown = RepeatSummary(GivenGroup.group([members[2]]))
        #expect(unknown.line("lost") == "how many acknowledged writes were lost is not known in any run")
    }

    @Test func predictions() throws {
        let results: [PredictionResult.Result] = [.within, .within, .outside, .unknown]
        let members = results.map { GivenGroup.member(.recovered, interval(1, 2), prediction: $0) }
        let summary = RepeatSummary(GivenGroup.group(members + [GivenGroup.interrupted]))
        let line = try #require(summary.lines.first { $0.label == "predict" })
        #expect(line.isWarning)
        #expect(
            line.text
                == "an outage of 100 ms to 2 s: 2/5 within, 1 outside (model wrong or system changed), 2 cannot be "
                + "told")
        #expect(summary.value["predictions"]?.asList?.first?["outside"] == 1)
        let fine = RepeatSummary(GivenGroup.group([members[0], members[1]]))
        #expect(fine.line("predict") == "an outage of 100 ms to 2 s: 2/2 within")
        #expect(!fine.lines.contains { $0.isWarning })
    }

    @Test func runsThatGetSlowerAreNotIndependent() {
        let rising = RepeatSummary(
            GivenGroup.group(GivenGroup.recovered((0..<10).map { 1000 + Double($0) * 20 })))
        #expect(rising.line("trend")?.hasPrefix("recovery gets slower by 20 ms from run to run (p ") == true)
        #expect(rising.lines.contains { $0.isWarning })
    }
}

struct RepeatComparisonTests {
    private static let before: [Double] = [1000, 1040, 980, 1010, 1020]
    private let earlier = GivenGroup.group(GivenGroup.recovered(Self.before), id: "E")

    private func summary(_ members: [RepeatGroup.Member]) -> RepeatSummary {
        RepeatSummary(GivenGroup.group(members), after: earlier)
    }

    @Test func slower() {
        let now = summary(GivenGroup.recovered(Self.before.map { $0 + 400 }))
        #expect(
            now.line("SLOWER")
                == "recovery takes 400 ms longer than in group E (p 0.0079), and nothing else is known to have "
                + "changed")
        #expect(now.value["comparison"]?["result"] == "slower")
    }

    @Test func notProvenOrTooFew() {
        #expect(
            summary(GivenGroup.recovered(Self.before)).line("before")
                == "no slowdown is proven since group E: 0 s longer, p 1 (an alarm needs more than 101.5 ms and p "
                + "below 0.01)")
        #expect(
            summary(GivenGroup.recovered([5000, 5001])).line("before")?
                .hasPrefix("too few runs to be compared with group E") == true)
    }

    @Test func whatChangedIsNotCompared() {
        var changed = GivenGroup.recovered(Self.before.map { $0 + 400 })
        for index in changed.indices {
            changed[index].header.drillHash = "other"
            changed[index].header.kernel = "6.2"
        }
        #expect(
            summary(changed).line("before")
                == "not compared with group E: the drill file, the kernel changed since")
        let spread = RepeatSummary(
            GivenGroup.group(GivenGroup.recovered(Self.before), window: .seconds(1)), after: earlier)
        #expect(
            spread.line("before") == "not compared with group E: how far the faults are spread changed since")
        var odd = GivenGroup.recovered(Self.before)
        odd[3].execHashes = ["another runbook"]
        #expect(
            RepeatSummary(GivenGroup.group(odd)).line("changed")
                == "a runbook changed from one run to another: these are not repeats of the same thing")
    }
}

struct FaultPhaseTests {
    @Test func theSameSeedGivesTheSameWaits() {
        let some = FaultPhase.all(50, within: .seconds(10), seed: 7)
        #expect(some == FaultPhase.all(50, within: .seconds(10), seed: 7))
        #expect(some.map(\.wait) != FaultPhase.all(50, within: .seconds(10), seed: 8).map(\.wait))
        #expect(
            FaultPhase.all(3, within: .seconds(10), seed: 7)[...]
                == some.prefix(3).map { phase in
                    var phase = phase
                    phase.count = 3
                    return phase
                }[...])
        #expect(FaultPhase.all(2, within: .zero, seed: 7).allSatisfy { $0.wait == .zero })
    }

    @Test func theWaitsCoverTheWindow() {
        let waits = FaultPhase.all(1000, within: .seconds(10), seed: 1).map(\.wait)
        #expect(waits.allSatisfy { .zero <= $0 && $0 < .seconds(10) })
        for tenth in 0..<10 {
            let count = waits.count { Int($0.inSeconds) == tenth }
            #expect((60...140).contains(count), "\(count) in second \(tenth)")
        }
    }

    @Test func itIsKeptAsData() {
        let phase = FaultPhase.all(3, within: .milliseconds(200), seed: 5)[1]
        #expect(FaultPhase(phase.value) == phase)
        #expect(FaultPhase(["seed": 3]) == nil)
        #expect(phase.sentence.hasPrefix("repeat 2 of 3: the fault waits for "))
    }

    @Test func theWindowCoversTheSlowestSignal() {
        var drill = Drill(name: "given")
        #expect(FaultPhase.window(for: drill) == .seconds(10))
        drill.probes = [
            DrillProbe(
                name: "slow", kind: "given", probe: GivenProbe(), setting: ProbeSetting(every: .seconds(25)))
        ]
        #expect(FaultPhase.window(for: drill) == .seconds(25))
        drill.probes[0].setting.every = .seconds(300)
        #expect(FaultPhase.window(for: drill) == .seconds(60))
    }
}
