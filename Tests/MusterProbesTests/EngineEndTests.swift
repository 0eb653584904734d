import MusterCore
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

    @Test func slownessIsClaimedOnlyOfWhatWasWaitedFor() {
        let at = { (milliseconds: Int64) in Instant(nanoseconds: milliseconds * 1_000_000) }
        func outcome(_ started: Int64, _ finished: Int64, neglected: Int64, _ of: Sample.Outcome = .ok)
            -> Sample.Outcome
        {
            var sample = Sample(due: at(0), started: at(started), finished: at(finished), outcome: of)
            sample.limit(.milliseconds(50), neglected: .milliseconds(neglected))
            return sample.outcome
        }
        #expect(outcome(0, 50, neglected: 40) == .ok)
        #expect(outcome(0, 51, neglected: 0) == .slow)
        #expect(outcome(0, 91, neglected: 40) == .unknown)
        // What may have been neglected without being noticed is not held against the service either.
        #expect(outcome(0, 96, neglected: 40) == .unknown)
        #expect(outcome(0, 97, neglected: 40) == .slow)
        #expect(outcome(40, 60, neglected: 0) == .unknown)
        #expect(outcome(0, 500, neglected: 0, .timeout) == .timeout)
    }
}
