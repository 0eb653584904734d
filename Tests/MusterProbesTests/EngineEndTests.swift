import MusterCore
import MusterDrills
import Testing

@testable import MusterProbes

/// What an engine leaves behind, and what it does not hold against the service.
@Suite struct EngineEndTests {
    private struct Weak { weak var loop: EventLoop? }

    /// A loop closes its descriptors and its connections when nobody holds on to it any more. Other tests open and
    /// close descriptors meanwhile, so the process's own cannot be counted.
    @Test func nothingHoldsOnToTheLoopsOfAnEngineThatWasStopped() throws {
        let hanging = try TestServer { _ in .hang }
        let good = try TestServer { _ in .status(200, "") }
        defer {
            hanging.stop()
            good.stop()
        }
        let endpoint = "127.0.0.1:\(good.port)"
        var loops: [Weak] = []
        for number in 0..<6 {
            // No ledger is ever written over.
            let folder = try TemporaryFolder()
            var kept = httpProbe(good.url)
            kept.keepAlive = true
            let engine = try MeasuringEngine(
                [
                    drillProbe(httpProbe(hanging.url), every: .milliseconds(2), timeout: .seconds(60)),
                    drillProbe(kept, every: .milliseconds(2), timeout: .seconds(60)),
                    drillProbe(TCPProbe(endpoint), every: .milliseconds(2), timeout: .seconds(60)),
                ], [drillWorkload(httpWorkload(hanging))], in: folder)
            loops += engine.loops.map { Weak(loop: $0) }
            // One was never started.
            if number > 0 {
                try engine.start()
                engine.startWorkloads()
                #expect(eventually { engine.snapshot().signals[1].ok >= 20 })
            }
            engine.stop()
        }
        #expect(eventually { loops.allSatisfy { $0.loop == nil } })
    }

    /// The first is running by then; nobody else would end it.
    @Test func aThreadIsEndedWhenTheNextOneCannotBeStarted() throws {
        struct NoMoreThreads: Error {}
        let ended = Latch<Bool>()
        var started: [String] = []
        let engine = try MeasuringEngine(
            [drillProbe(TCPProbe("127.0.0.1:1"), every: .milliseconds(5), timeout: .seconds(1))],
            in: TemporaryFolder())
        #expect(throws: NoMoreThreads.self) {
            try engine.start { name, run in
                guard started.isEmpty else { throw NoMoreThreads() }
                started.append(name)
                return try OwnThread(name) {
                    run()
                    ended.set(true)
                }
            }
        }
        #expect(started == ["muster-probe"] && engine.threads.isEmpty)
        #expect(ended.wait(until: monotonicNow()) == true, "it still runs")
        engine.stop()
        #expect(engine.signals()[0].samples.isEmpty)
    }

    @Test func whatOnlyTheInstrumentHeldUpIsNotSlow() throws {
        let folder = try TemporaryFolder()
        let server = try TestServer { _ in .status(200, "") }
        defer { server.stop() }
        let stall = Duration.milliseconds(300)
        let engine = try MeasuringEngine(
            [
                // A server of the test's own can be late on a busy machine, but hardly by this much.
                drillProbe(
                    httpProbe(server.url), every: .milliseconds(10), timeout: .seconds(60),
                    slow: .milliseconds(200)),
                drillProbe(StallingProbe(stall: stall), every: .milliseconds(700), timeout: .seconds(60)),
            ], in: folder)
        try engine.start()
        #expect(eventually { engine.snapshot().signals[1].ok >= 5 })
        #expect(eventually { engine.snapshot().signals[0].ok >= 60 })
        engine.stop()
        let samples = Array(engine.signals()[0].samples)
        let held = samples.filter { $0.finished - $0.due > .milliseconds(200) }
        #expect(held.contains { $0.outcome == .unknown && $0.code == SampleCode.instrumentLate })
        #expect(samples.allSatisfy { $0.outcome != .ok || $0.finished - $0.due <= .milliseconds(200) })
    }

    /// A probe holds the loop up for longer than its period, so that there is always more to do than time. What hangs
    /// hangs all the same, and what answers does not.
    @Test func anOverloadedEngineSeesAServerThatHangs() throws {
        let folder = try TemporaryFolder()
        let hanging = try TestServer { _ in .hang }
        let good = try TestServer { _ in .status(200, "") }
        defer {
            hanging.stop()
            good.stop()
        }
        let limit = Duration.milliseconds(500)
        let engine = try MeasuringEngine(
            [
                drillProbe(httpProbe(hanging.url), every: .milliseconds(50), timeout: limit),
                drillProbe(httpProbe(good.url), every: .milliseconds(50), timeout: .seconds(20)),
                drillProbe(StallingProbe(stall: .milliseconds(20)), every: .milliseconds(10), timeout: limit),
            ], in: folder)
        try engine.start()
        #expect(eventually { engine.snapshot().signals[0].failed >= 10 })
        #expect(eventually { engine.snapshot().signals[1].ok >= 10 })
        engine.stop()
        let (hung, fine) = (engine.signals()[0].samples, engine.signals()[1].samples)
        #expect(hung.allSatisfy { $0.outcome == .timeout || $0.outcome == .unknown })
        #expect(hung.allSatisfy { $0.outcome != .timeout || $0.latency >= limit })
        #expect(fine.allSatisfy { $0.outcome == .ok || $0.outcome == .unknown })
        #expect(engine.snapshot().instrument.canaryFailures == 0)
    }

    @Test func slownessIsClaimedOnlyOfWhatWasWaitedFor() {
        let at = { (milliseconds: Int64) in Instant(nanoseconds: milliseconds * 1_000_000) }
        func outcome(_ started: Int64, _ finished: Int64, blind: Int64, _ of: Sample.Outcome = .ok)
            -> Sample.Outcome
        {
            var sample = Sample(
                due: at(0), started: at(started), finished: at(finished), outcome: of,
                blind: .milliseconds(blind))
            sample.limit(.milliseconds(50))
            #expect(sample.outcome != .unknown || sample.code == SampleCode.instrumentLate)
            return sample.outcome
        }
        #expect(outcome(0, 50, blind: 40) == .ok)
        #expect(outcome(0, 51, blind: 0) == .slow)
        #expect(outcome(0, 90, blind: 40) == .unknown)
        #expect(outcome(0, 91, blind: 40) == .slow)
        #expect(outcome(40, 60, blind: 0) == .unknown)
        #expect(outcome(0, 500, blind: 0, .timeout) == .timeout)
    }
}
