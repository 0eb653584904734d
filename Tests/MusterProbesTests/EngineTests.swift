import Glibc
import MusterCore
import MusterSystem
import Synchronization
import Testing

@testable import MusterProbes

@Suite(.serialized) struct EngineTests {
    @Test func aServerThatHangsDoesNotStretchThePeriod() throws {
        let folder = try TemporaryFolder()
        let server = try TestServer { _ in .hang }
        defer { server.stop() }
        let engine = try MeasuringEngine(
            [drillProbe(httpProbe(server.url), every: .milliseconds(10), timeout: .milliseconds(600))],
            in: folder)
        try engine.start()
        pass(.milliseconds(1500))
        let snapshot = engine.snapshot()
        engine.stop()
        let samples = engine.signals()[0].samples
        // Those sent in the last 600 ms have no answer yet; the other 90 do.
        #expect(samples.count >= 80 && samples.count <= 95, "\(samples.count) samples")
        for (one, next) in zip(samples, samples.dropFirst()) {
            #expect(next.due - one.due == .milliseconds(10))
        }
        #expect(samples.allSatisfy { $0.outcome == .timeout || $0.outcome == .unknown })
        #expect(samples.allSatisfy { $0.latency >= .milliseconds(590) || $0.outcome == .unknown })
        #expect(snapshot.instrument.latenessP50 < .milliseconds(50))
    }

    enum Darkness: CaseIterable { case reset, hang, status }

    /// The bounds of MEASUREMENT.md, section 1, around outages whose truth is known to the nanosecond.
    @Test(arguments: Darkness.allCases) func boundsContainTheTruth(_ darkness: Darkness) throws {
        let folder = try TemporaryFolder()
        let cycle: Int64 = 400_000_000
        let dark: Int64 = 113_000_000
        let isDark = { @Sendable (at: Instant) in at.nanoseconds % cycle < dark }
        let server = try TestServer { request in
            guard isDark(request.at) else { return .status(200, "up") }
            return switch darkness {
            case .reset: .reset
            case .hang: .hang
            case .status: .status(503, "")
            }
        }
        defer { server.stop() }
        let engine = try MeasuringEngine(
            [drillProbe(httpProbe(server.url), every: .milliseconds(5), timeout: .milliseconds(250))],
            in: folder)
        try engine.start()
        pass(.milliseconds(6600))
        engine.stop()
        let samples = engine.signals()[0].samples.filter { $0.outcome != .unknown }
        // Every change from bad to good must bracket an instant at which the server came back.
        var recoveries = 0
        for (bad, good) in zip(samples, samples.dropFirst()) where bad.isDown && good.isUp {
            recoveries += 1
            let firstRise = (bad.started.nanoseconds - dark + cycle - 1) / cycle * cycle + dark
            #expect(firstRise <= good.finished.nanoseconds, "\(darkness): no rise in \(bad) … \(good)")
        }
        for (good, bad) in zip(samples, samples.dropFirst()) where good.isUp && bad.isDown {
            let firstFall = (good.started.nanoseconds + cycle - 1) / cycle * cycle
            #expect(firstFall <= bad.finished.nanoseconds)
        }
        #expect(recoveries >= 15, "\(recoveries) outages were seen")
    }

    @Test func aFullQueueIsCountedAndMakesTheInstrumentSuspect() throws {
        let folder = try TemporaryFolder()
        let server = try TestServer { _ in .status(200, "") }
        defer { server.stop() }
        var configuration = MeasuringEngine.Configuration()
        configuration.sampleCapacity = 8
        let stored = Mutex(0)
        let gate = Latch<Bool>()
        let engine = try MeasuringEngine(
            [drillProbe(httpProbe(server.url), every: .milliseconds(2), timeout: .seconds(1))], in: folder,
            configuration: configuration
        ) { _, samples in
            _ = gate.wait()
            stored.withLock { $0 += samples.count }
        }
        try engine.start()
        #expect(eventually { engine.snapshot().instrument.dropped > 0 })
        #expect(engine.snapshot().instrument.isSuspect)
        gate.set(true)
        engine.stop()
        // What is judged is what was stored.
        #expect(engine.signals()[0].samples.count == stored.withLock { $0 })
    }

    @Test func slownessCountsFromWhenItWasDueAndIsNotDown() throws {
        let folder = try TemporaryFolder()
        let server = try TestServer { _ in .late(.milliseconds(30), 200, "") }
        defer { server.stop() }
        let engine = try MeasuringEngine(
            [
                drillProbe(
                    httpProbe(server.url), every: .milliseconds(20), timeout: .seconds(1),
                    slow: .milliseconds(20))
            ], in: folder)
        try engine.start()
        #expect(eventually { engine.snapshot().signals[0].slow >= 5 })
        engine.stop()
        #expect(engine.snapshot().signals[0].failed == 0)
    }

    @Test func theMarkFindsTheFirstFailureAndTheFirstSuccessAfterIt() throws {
        let folder = try TemporaryFolder()
        let isDown = Atomic<Bool>(false)
        let server = try TestServer { _ in isDown.load(ordering: .relaxed) ? .reset : .status(200, "") }
        defer { server.stop() }
        let engine = try MeasuringEngine(
            [drillProbe(httpProbe(server.url), every: .milliseconds(5), timeout: .milliseconds(200))],
            in: folder)
        try engine.start()
        #expect(eventually { engine.observation(window: .seconds(1)).signals[0].goodSince != nil })
        engine.mark()
        isDown.store(true, ordering: .relaxed)
        #expect(eventually { engine.observation(window: .seconds(1)).signals[0].badSince != nil })
        isDown.store(false, ordering: .relaxed)
        #expect(eventually { engine.observation(window: .seconds(1)).signals[0].goodSince != nil })
        let status = engine.snapshot().signals[0]
        engine.stop()
        let bad = try #require(status.firstBadAfterMark)
        let good = try #require(status.firstGoodAfterBad)
        #expect(bad.started < good.started)
    }
}
