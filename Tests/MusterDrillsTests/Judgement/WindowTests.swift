import MusterCore
import MusterDrills
import Testing

/// MEASUREMENT, section 6, rule 7: availability, latency and degradation, in a window that starts at the fault.
@Suite struct WindowTests {
    /// F = [1000, 1000.2], a probe every 10 ms; down for 124 samples, from 1000 to 2230.
    private func run(_ change: (inout Objectives) -> Void = { _ in }) -> GivenRun {
        var run = GivenRun(rto: nil)
        run.signals = [boundsVector()]
        change(&run.drill.objectives)
        return run
    }

    private func available(_ share: Int64, _ window: Double, _ signals: [Signal]? = nil) -> ObjectiveResult? {
        var run = run {
            $0.availability = AvailabilityGoal(min: Percentage(millionths: share), window: ms(window))
        }
        if let signals { run.signals = signals }
        return run.result("availability")
    }

    /// Of the 1,000 due in [1000.2, 11,000), 123 were not answered for certain; what was due at 1000 and at 11,000
    /// may be inside or outside: [876, 878] of 1,001.
    @Test func theBoundsAreTheFaultsBracket() {
        #expect(available(875_000, 10_000)?.measured == "87.51 % to 87.72 %")
        #expect(available(875_000, 10_000)?.result == .met)
        #expect(available(876_000, 10_000)?.result == .inconclusive)
        #expect(available(877_100, 10_000)?.result == .inconclusive)
        #expect(available(877_200, 10_000)?.result == .missed)
        #expect(available(875_000, 10_000)?.objective == "87.5 % for 10 s")
    }

    @Test func aWindowThatIsNotOverIsUnknownForTheRest() {
        // Of 10,000, 3,777 were answered so far and 123 certainly not: 37.77 % for certain, and 98.77 % at best.
        let signals = [boundsVector()]
        #expect(available(377_000, 100_000, signals)?.result == .met)
        #expect(available(950_000, 100_000, signals)?.result == .inconclusive)
        #expect(available(990_000, 100_000, signals)?.result == .missed)
        #expect(
            available(950_000, 100_000, signals)?.reason.hasSuffix(
                "; only 39 s of the window of 100 s were observed") == true)
    }

    @Test func slowIsAnsweredAndUnknownIsBoth() {
        let signal = Seen().then(.ok, 0, 990).then(.slow, 1000, 5990).then(.unknown, 6000, 7990)
            .then(.error, 8000, 8990).then(.ok, 9000, 40_000).signal
        // Of 1,001: 699 up and 1 at the end that may be outside, 200 + 1 + 1 unknown, 100 down.
        #expect(available(698_000, 10_000, [signal])?.result == .met)
        #expect(available(699_000, 10_000, [signal])?.result == .inconclusive)
        #expect(available(900_000, 10_000, [signal])?.result == .inconclusive)
        #expect(available(900_200, 10_000, [signal])?.result == .missed)
    }

    @Test func theWorstSignalCounts() {
        var run = run {
            $0.availability = AvailabilityGoal(min: Percentage(millionths: 900_000), window: ms(10_000))
        }
        run.drill.probes.append(
            DrillProbe(name: "page", kind: "given", probe: GivenProbe(), setting: ProbeSetting()))
        run.signals = [Seen("page").then(.ok, 0, 40_000).signal, boundsVector()]
        #expect(run.result("availability")?.result == .missed)
        #expect(run.result("availability")?.reason.contains("due to 'ping'") == true)
        run.drill.judgedBy = ["page"]
        #expect(run.result("availability")?.result == .met)
    }

    /// A writer whose write timed out from 1000 to 2000 could not write what was due meanwhile; an instrument that
    /// was late at 5000 saw nothing.
    @Test func whatABlockedWriterCouldNotWriteIsLost() {
        let signal = Seen("writes", writer: 0).then(.ok, 0, 990).then(.timeout, 1001, 1001, takes: 999)
            .then(.unknown, 1010, 1990, takes: 0).then(.ok, 2010, 4990).then(.unknown, 5000, 5990, takes: 0)
            .then(.ok, 6000, 40_000).signal
        var run = GivenRun(rto: nil, probes: [], workloads: ["writes"])
        run.signals = [signal]
        let judged = { (share: Int64) -> ObjectiveResult.Result? in
            run.drill.objectives.availability = AvailabilityGoal(
                min: Percentage(millionths: share), window: ms(10_000))
            return run.result("availability")?.result
        }
        // Of 1,000 due: 800 written less the one at the edge, 100 lost, 100 not known.
        #expect(judged(798_000) == .met && judged(800_000) == .inconclusive)
        #expect(judged(899_000) == .inconclusive && judged(902_000) == .missed)
    }

    @Test func whatCameAfterALiftDoesNotCount() {
        var run = GivenRun(rto: nil, held: true, recovery: .despite)
        run.drill.objectives.availability = AvailabilityGoal(
            min: Percentage(millionths: 500_000), window: ms(10_000))
        run.signals = [boundsVector()]
        run.note(.lifting, 4000, "crash")
        run.note(.lifted, 4001, "crash", bracket(4000, 4001))
        #expect(run.result("availability")?.result == .inconclusive)
        run.drill.objectives.availability?.window = ms(2900)
        #expect(run.result("availability")?.result == .met)
    }

    @Test func unprovenFaultsJudgeNothing() {
        var run = run {
            $0.availability = AvailabilityGoal(min: Percentage(millionths: 0), window: ms(1000))
            $0.latency = LatencyGoal(max: ms(10_000), window: ms(1000))
            $0.degradation = ms(100_000)
        }
        run.drill.objectives.rto = nil
        run.forget(.effective)
        #expect(run.judgement.objectives.map(\.result) == [.inconclusive, .inconclusive, .inconclusive])
        #expect(run.judgement.verdict == .inconclusive)
        run.note(.effective, 1001, "crash")
        #expect(run.judgement.objectives.map(\.name) == ["availability", "latency", "degradation"])
    }

    private func latency(_ share: Int64, _ limit: Double, _ window: Double = 10_000) -> ObjectiveResult? {
        run {
            $0.latency = LatencyGoal(
                quantile: Percentage(millionths: share), max: ms(limit), window: ms(window))
        }.result("latency")
    }

    /// Of 1,001 due, 876 to 878 were answered, each in 0.7 ms; the others never.
    @Test func latencyCountsFromDueAndFailuresTakeForEver() {
        #expect(latency(870_000, 0.7)?.result == .met)
        #expect(latency(870_000, 0.7)?.interval == interval(0.7, 0.7))
        #expect(latency(870_000, 0.6)?.result == .missed)
        #expect(latency(877_000, 50)?.result == .inconclusive)
        #expect(latency(877_000, 50)?.interval == interval(0.7, nil))
        #expect(latency(880_000, 50)?.result == .missed)
        #expect(latency(880_000, 50)?.measured == "not answered")
        // Sent 200 late: what counts is when it was due.
        var run = run { $0.latency = LatencyGoal(max: ms(100), window: ms(10_000)) }
        var signal = Seen().then(.ok, 0, 990).signal
        for index in 100..<4000 {
            let due = Double(index) * 10
            signal.samples.append(
                Sample(due: at(due), started: at(due + 200), finished: at(due + 200.7), outcome: .ok))
        }
        run.signals = [signal]
        #expect(run.result("latency")?.result == .missed)
        #expect(run.result("latency")?.measured == "200.7 ms")
    }

    /// An answer that the instrument looked at late took something between what it had looked at and all of the time.
    @Test func theInstrumentsOwnStallsAreNoLatency() {
        var run = run { $0.latency = LatencyGoal(max: ms(100), window: ms(10_000)) }
        var signal = Seen().then(.ok, 0, 990).signal
        for index in 100..<4000 {
            let due = Double(index) * 10
            signal.samples.append(
                Sample(due: at(due), started: at(due), finished: at(due + 150), outcome: .ok, blind: ms(80)))
        }
        run.signals = [signal]
        #expect(run.result("latency")?.result == .inconclusive)
        #expect(run.result("latency")?.interval == interval(70, 150))
        run.drill.objectives.latency?.max = ms(150)
        #expect(run.result("latency")?.result == .met)
        run.drill.objectives.latency?.max = ms(69)
        #expect(run.result("latency")?.result == .missed)
    }

    @Test func degradationIsTheSLODownTimeline() {
        var run = run { $0.degradation = ms(2021.4) }
        run.signals = [
            Seen().then(.ok, 0, 990).then(.error, 1000, 2230).then(.slow, 2240, 3000).then(.ok, 3010, 40_000)
                .signal
        ]
        // Down or slow from (990, 1000.7] to [3000, 3010.7].
        let result = run.result("degradation")
        #expect(result?.interval == interval(1999.3, 2020.7) && result?.result == .met)
        run.drill.objectives.degradation = ms(2000)
        #expect(run.result("degradation")?.result == .inconclusive)
        run.drill.objectives.degradation = ms(1999)
        #expect(run.result("degradation")?.result == .missed)
        // Slow until the end of observation.
        run.drill.objectives.degradation = ms(60_000)
        run.signals = [Seen().then(.ok, 0, 990).then(.slow, 1000, 40_000).signal]
        #expect(run.result("degradation")?.result == .inconclusive)
        run.drill.objectives.degradation = ms(30_000)
        #expect(run.result("degradation")?.result == .missed)
        run.signals = [Seen().then(.ok, 0, 40_000).signal]
        #expect(run.result("degradation")?.measured == "0 s")
    }

    /// A slow stretch that nobody could have seen is not excluded.
    @Test func degradationMustHaveBeenLookedAt() {
        var run = run { $0.degradation = ms(2000) }
        let looking = { (gap: Double) in
            Seen().then(.ok, 0, 5000).then(.ok, 5000 + gap, 40_000).signal
        }
        run.signals = [looking(2000)]
        #expect(run.result("degradation")?.result == .met)
        run.signals = [looking(2010)]
        #expect(run.result("degradation")?.result == .inconclusive)
        #expect(run.result("degradation")?.reason.contains("'ping' looked away for 2.01 s") == true)
        // Answered, but late only because the instrument had not looked: it may have been slow.
        var blind = Seen().then(.ok, 0, 5000).signal
        for index in 501..<900 {
            let due = Double(index) * 10
            blind.samples.append(
                Sample(due: at(due), started: at(due), finished: at(due + 100), outcome: .ok, blind: ms(99)))
        }
        for sample in Seen().then(.ok, 9000, 40_000).signal.samples { blind.samples.append(sample) }
        run.signals = [blind]
        #expect(run.result("degradation")?.result == .inconclusive)
    }
}
