import MusterCore
import MusterDrills
import Testing

/// λ and P (MEASUREMENT, section 1).
@Suite struct PerformanceTests {
    /// Good before a fault at 10 s with `before` ms of latency, down for a second, then with `after` ms.
    private func run(
        before: Double = 0.7, after: Double, until: Double = 55_000, every: Double = 10, then: Seen? = nil
    ) -> GivenRun {
        var run = GivenRun(rto: 2000)
        run.events = []
        run.note(.steady, 3000)
        run.note(.injected, 10_000.3, "crash", bracket(10_000, 10_000.2))
        run.note(.effective, 10_001, "crash")
        run.signals = [
            Seen(every: every).then(.ok, 0, 9990, takes: before).then(.error, 10_000, 10_990)
                .then(.ok, 11_000, until, takes: after).signal
        ]
        return run
    }

    @Test func fullPerformanceIsDatedToTheRecovery() {
        let run = run(after: 0.75)
        #expect(run.judgement.status == .recovered)
        #expect(run.figure("time-to-performance") == run.figure("rta"))
        #expect(run.figure("rta") == interval(989.8, 1000.75))
    }

    @Test func slowerThanBeforeIsDegraded() {
        // A tenth or a millisecond over 0.7 ms are allowed: 1.7.
        #expect(run(after: 1.7).judgement.status == .recovered)
        let degraded = run(after: 1.8)
        #expect(degraded.judgement.status == .degraded)
        // Whole windows of 30 s were observed until one that began at 11,001.8 + 12,000 (steps of 3 s).
        #expect(degraded.figure("time-to-performance") == interval(13_001.6, nil))
        #expect(degraded.judgement.verdict == .pass)
        #expect(degraded.judgement.warnings.contains { $0.hasPrefix("degraded: 'ping' came back") })
        // A tenth of 100 ms are 10.
        #expect(run(before: 100, after: 110).judgement.status == .recovered)
        #expect(run(before: 100, after: 110.1).judgement.status == .degraded)
    }

    /// Slow until 20 s: of the windows of 30 s, in steps of 3 s, the first good one begins at 20,001.8.
    @Test func performanceMayComeBackLater() {
        var run = run(after: 1.8, until: 19_990)
        run.signals = [
            Seen().then(.ok, 0, 9990).then(.error, 10_000, 10_990).then(.ok, 11_000, 19_990, takes: 1.8)
                .then(.ok, 20_000, 60_000).signal
        ]
        #expect(run.judgement.status == .recovered)
        #expect(run.figure("time-to-performance") == interval(7001.6, 10_001.8))
    }

    @Test func halfTheThroughputIsDegraded() {
        var run = GivenRun(rto: 2000, probes: [], workloads: ["writes"])
        run.events = self.run(after: 1).events
        let writer = { (every: Double) -> Signal in
            var seen = Seen("writes", writer: 0).then(.ok, 0, 9990).then(.error, 10_000, 10_990)
            seen.signal.every = ms(every)
            var signal = seen.then(.ok, 11_000, 55_000).signal
            signal.every = ms(10)
            return signal
        }
        run.signals = [writer(11)]
        #expect(run.judgement.status == .recovered)
        run.signals = [writer(20)]
        #expect(run.judgement.status == .degraded)
    }

    @Test func aShortBaselineSaysNothing() {
        // 298 answers are too few to bound a 99th percentile.
        let few = GivenRun.short(answers: 298, after: 500)
        #expect(few.judgement.status == .recovered && few.figure("time-to-performance") == nil)
        #expect(GivenRun.short(answers: 299, after: 500).judgement.status == .degraded)
    }

    /// λ = max(5 × baseline p99, 50 ms) where the probe declares none.
    @Test func slowHasADefault() {
        #expect(run(after: 50).figure("slow-total") == nil)
        #expect(run(after: 50.1).figure("slow-total") == interval(44_999.3, nil))
        #expect(run(before: 20, after: 100).figure("slow-total") == nil)
        #expect(run(before: 20, after: 100.1).figure("slow-total") != nil)
        var declared = run(after: 60)
        declared.drill.probes[0].setting.slow = ms(70)
        #expect(declared.figure("slow-total") == nil)
    }

    /// λ is 50 ms here. What the instrument sent late, or did not look at, waited for nobody but the instrument.
    @Test func ownStallsAreNotHeldAgainstTheService() {
        func slow(started: Double, finished: Double, blind: Double) -> Interval? {
            var run = run(after: 1)
            run.signals[0].samples.append(
                Sample(
                    due: at(20_000), started: at(started), finished: at(finished), outcome: .ok,
                    blind: ms(blind)))
            return run.figure("slow-total")
        }
        #expect(slow(started: 20_055, finished: 20_056, blind: 0) == nil)
        #expect(slow(started: 20_055, finished: 20_105, blind: 0) == nil)
        #expect(slow(started: 20_055, finished: 20_105.1, blind: 0) != nil)
        #expect(slow(started: 20_000, finished: 20_060, blind: 10) == nil)
        #expect(slow(started: 20_000, finished: 20_060, blind: 9.9) != nil)
        // Neither slow nor in time: nothing ends at it that was slow before.
        var between = run(after: 60)
        between.signals[0].samples.append(
            Sample(due: at(20_001), started: at(20_001), finished: at(20_061), outcome: .ok, blind: ms(20)))
        #expect(between.figure("slow-total") == run(after: 60).figure("slow-total"))
    }

    /// The baseline answers in 20 ms, so that λ is 100 ms.
    @Test func noLimitIsMadeOfOwnStalls() {
        func run(stalled: [Double], after: Double) -> GivenRun {
            var run = self.run(before: 20, after: after)
            for due in stalled {
                run.signals[0].samples.append(
                    Sample(
                        due: at(due), started: at(due), finished: at(due + 220), outcome: .ok, blind: ms(200))
                )
            }
            return run
        }
        let stalled = (0..<60).map { 4005 + Double($0) * 10 }
        #expect(run(stalled: stalled, after: 100.1).figure("slow-total") != nil)
        #expect(run(stalled: stalled, after: 100).figure("slow-total") == nil)
        // Lateness of the instrument in sending makes no limit either.
        var late = self.run(before: 20, after: 100.1)
        for due in stalled {
            late.signals[0].samples.append(
                Sample(due: at(due - 200), started: at(due), finished: at(due + 20), outcome: .ok))
        }
        #expect(late.figure("slow-total") != nil)
        // Where it never looked in time nothing is known to be slow, and nothing to be fast.
        var blind = self.run(before: 20, after: 1000)
        blind.signals[0].samples = SampleSeries(
            blind.signals[0].samples.map { sample in
                var sample = sample
                if sample.started < at(10_000) { sample.blind = ms(15) }
                return sample
            })
        #expect(blind.figure("slow-total") == nil)
    }

    /// Full performance is not held against a service that only a late instrument made slow.
    @Test func ownStallsAreNoLossOfPerformance() {
        var run = run(after: 30)
        #expect(run.judgement.status == .degraded)
        run.signals[0].samples = SampleSeries(
            run.signals[0].samples.map { sample in
                var sample = sample
                if sample.started >= at(11_000) { sample.blind = ms(29.5) }
                return sample
            })
        #expect(run.judgement.status == .recovered)
    }

    /// Samples that overlap a failure of the canary make neither edge (section 6, rule 6).
    @Test func whatTheCanaryMissedIsUnknown() {
        var run = GivenRun()
        run.signals = [boundsVector()]
        #expect(run.result()?.interval == interval(1229.8, 1240.7))
        for (from, to) in [(2250.0, 2270.0), (2200, 2260)] {
            run.note(.instrumentSuspect, 2300, "", bracket(from, to), detail: ["trouble": "canary"])
        }
        // Unknown from 2200 to 2270: the last known bad one was sent at 2190, the first known good one at 2280.
        #expect(run.result()?.interval == interval(1189.8, 1280.7))
        // What only touches the window was under way in it.
        let blackouts = Blackouts(run.events)
        #expect(blackouts.windows == [bracket(2200, 2270)])
        let sample = { (from: Double, to: Double) in
            Sample(due: at(from), started: at(from), finished: at(to), outcome: .ok)
        }
        #expect(blackouts.cover(sample(2100, 2200)) && !blackouts.cover(sample(2100, 2199.9)))
        #expect(blackouts.cover(sample(2270, 2280)) && !blackouts.cover(sample(2270.1, 2280)))
        #expect(!Blackouts().cover(sample(0, 1)))
    }

    /// F is when the effect was there, between the last look without it and the first with it.
    @Test func theClockMayStartAtTheEffect() {
        var run = GivenRun()
        run.signals = [boundsVector()]
        guard case .inject(var step) = run.drill.steps[0].action else { return }
        step.clock = .effective
        run.drill.steps = [Step(.inject(step))]
        run.forget(.effective)
        run.note(.effective, 1120, "crash", bracket(1100, 1110))
        #expect(run.result()?.interval == interval(1120, 1140.7))
        // Seen by the very first look: not before the injection itself.
        run.forget(.effective)
        run.note(.effective, 1001, "crash", bracket(990, 1001))
        #expect(run.result()?.interval == interval(1229, 1240.7))
        run.forget(.effective)
        #expect(run.judgement.verdict == .inconclusive)
    }
}

extension GivenRun {
    /// nil where it was not measured.
    func figure(_ name: String) -> Interval? { judgement.measurements.first { $0.name == name }?.interval }

    /// So many answers before a fault at 1000 s, and another latency after it.
    static func short(answers: Int, after: Double) -> GivenRun {
        var run = GivenRun(rto: 2000)
        run.events = []
        run.note(.steady, 999_000)
        run.drill.steady.duration = .seconds(100)
        run.note(.injected, 1_000_000, "crash", bracket(1_000_000, 1_000_000))
        run.note(.effective, 1_000_001, "crash")
        run.signals = [
            Seen().then(.ok, 1_000_000 - Double(answers) * 10, 999_990).then(.error, 1_000_000, 1_000_990)
                .then(.ok, 1_001_000, 1_045_000, takes: after).signal
        ]
        return run
    }
}
