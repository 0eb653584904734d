import MusterCore
import Testing

/// λ, P and partial outages (MEASUREMENT, section 1).
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

    private func figure(_ name: String, _ run: GivenRun) -> Interval? {
        run.judgement.measurements.first { $0.name == name }?.interval
    }

    @Test func fullPerformanceIsDatedToTheRecovery() {
        let run = run(after: 0.75)
        #expect(run.judgement.status == .recovered)
        #expect(figure("time-to-performance", run) == figure("rta", run))
        #expect(figure("rta", run) == interval(989.8, 1000.75))
    }

    @Test func slowerThanBeforeIsDegraded() {
        // A tenth or a millisecond over 0.7 ms are allowed: 1.7.
        #expect(run(after: 1.7).judgement.status == .recovered)
        let degraded = run(after: 1.8)
        #expect(degraded.judgement.status == .degraded)
        // Whole windows of 30 s were observed until one that began at 11,001.8 + 12,000 (steps of 3 s).
        #expect(figure("time-to-performance", degraded) == interval(13_001.6, nil))
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
        #expect(figure("time-to-performance", run) == interval(7001.6, 10_001.8))
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
        #expect(few.judgement.status == .recovered && figure("time-to-performance", few) == nil)
        #expect(GivenRun.short(answers: 299, after: 500).judgement.status == .degraded)
    }

    /// λ = max(5 × baseline p99, 50 ms) where the probe declares none.
    @Test func slowHasADefault() {
        #expect(figure("slow-total", run(after: 50)) == nil)
        #expect(figure("slow-total", run(after: 50.1)) == interval(44_999.3, nil))
        #expect(figure("slow-total", run(before: 20, after: 100)) == nil)
        #expect(figure("slow-total", run(before: 20, after: 100.1)) != nil)
        var declared = run(after: 60)
        declared.drill.probes[0].setting.slow = ms(70)
        #expect(figure("slow-total", declared) == nil)
    }

    /// λ is 50 ms here. What the instrument sent late, or did not look at, waited for nobody but the instrument.
    @Test func ownStallsAreNotHeldAgainstTheService() {
        func slow(started: Double, finished: Double, blind: Double) -> Interval? {
            var run = run(after: 1)
            run.signals[0].samples.append(
                Sample(
                    due: at(20_000), started: at(started), finished: at(finished), outcome: .ok,
                    blind: ms(blind)))
            return figure("slow-total", run)
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
        #expect(figure("slow-total", between) == figure("slow-total", run(after: 60)))
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
        #expect(figure("slow-total", run(stalled: stalled, after: 100.1)) != nil)
        #expect(figure("slow-total", run(stalled: stalled, after: 100)) == nil)
        // Lateness of the instrument in sending makes no limit either.
        var late = self.run(before: 20, after: 100.1)
        for due in stalled {
            late.signals[0].samples.append(
                Sample(due: at(due - 200), started: at(due), finished: at(due + 20), outcome: .ok))
        }
        #expect(figure("slow-total", late) != nil)
        // Where it never looked in time nothing is known to be slow, and nothing to be fast.
        var blind = self.run(before: 20, after: 1000)
        blind.signals[0].samples = SampleSeries(
            blind.signals[0].samples.map { sample in
                var sample = sample
                if sample.started < at(10_000) { sample.blind = ms(15) }
                return sample
            })
        #expect(figure("slow-total", blind) == nil)
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

    /// Four endpoints up at 0.5, 2, 2, 9 s: first 0.5, θ = 0.75 at 2, all 9, equivalent 3.375 s.
    @Test func partialOutageVectorOfMeasurement() {
        let times = [9, 0.5, 2, 2].map { interval($0 * 1000, $0 * 1000) }
        let partial = PartialOutage(times: times, down: times)
        #expect(partial.first == interval(500, 500))
        #expect(partial.time(share: 0.75) == interval(2000, 2000))
        #expect(partial.time(share: 0.76) == interval(9000, 9000))
        #expect(partial.time(share: 0.25) == interval(500, 500))
        #expect(partial.all == interval(9000, 9000))
        #expect(partial.equivalent == interval(3375, 3375))
        // 30 days at 99.99 % are 259.2 s, of which 3.375 s are 1.302 %.
        let goal = AvailabilityGoal(
            min: Percentage(millionths: 999_900), window: .seconds(30 * 86_400))
        #expect(goal.budget == ms(259_200))
        let spent = goal.spent(by: interval(3375, 3375))
        #expect(spent.map { ($0.atLeast * 1e5).rounded() } == 1302)
        #expect(
            AvailabilityGoal(min: Percentage(millionths: 1_000_000), window: ms(1)).spent(by: times[0]) == nil
        )
    }

    @Test func endpointsThatNeverWentDownOrNeverCameBack() {
        let partial = PartialOutage(
            times: [nil, interval(1000, 1100), interval(5000, nil)],
            down: [interval(0, 0), interval(990, 1110), interval(4990, nil)])
        #expect(partial.first == interval(0, 0))
        #expect(partial.time(share: 0.5) == interval(1000, 1100))
        #expect(partial.all == interval(5000, nil))
        #expect(partial.equivalent == Interval(lower: .nanoseconds(1_993_333_333), upper: nil))
    }

    @Test func severalProbesAreEndpoints() {
        var run = GivenRun(rto: 3000, probes: ["a", "b"])
        run.drill.objectives.serviceLevel = AvailabilityGoal(
            min: Percentage(millionths: 999_900), window: .seconds(30 * 86_400))
        let down = { (name: String, end: Double) in
            Seen(name).then(.ok, 0, 990).then(.error, 1000, end).then(.ok, end + 10, 40_000).signal
        }
        run.signals = [down("a", 1490), down("b", 2990)]
        #expect(figure("rta-first", run) == interval(489.8, 500.7))
        #expect(figure("rta-half", run) == interval(489.8, 500.7))
        #expect(figure("rta", run) == interval(1989.8, 2000.7))
        // Down for [489.3, 510.7] and [1989.3, 2010.7].
        #expect(figure("outage-equivalent", run) == interval(1239.3, 1260.7))
        #expect(
            run.judgement.scope.contains(
                "in production this outage would spend 0.4781 % to 0.4863 % of the error budget of 4m 19s "
                    + "(99.99 % over 30d 0h)"))
        run.signals = [down("a", 1490), Seen("b").then(.ok, 0, 40_000).signal]
        #expect(figure("rta-first", run) == interval(0, 0))
        run.drill.judgedBy = ["a"]
        #expect(figure("rta-first", run) == nil)
    }

    @Test func flappingHasFigures() {
        var run = GivenRun(rto: 5000)
        run.signals = [
            Seen().then(.ok, 0, 990).then(.error, 1000, 2000).then(.ok, 2010, 2500).then(.error, 2510, 3000)
                .then(.ok, 3010, 40_000).signal
        ]
        #expect(figure("down-longest", run) == interval(1010.7, 1010.7))
        #expect(figure("down-span", run) == interval(2010.7, 2010.7))
        run.signals = [boundsVector()]
        #expect(figure("down-span", run) == nil)
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
