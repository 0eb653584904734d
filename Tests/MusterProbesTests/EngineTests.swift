import Glibc
import MusterCore
import MusterDrills
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
        #expect(eventually { engine.snapshot().signals[0].failed >= 90 })
        let snapshot = engine.snapshot()
        engine.stop()
        let samples = engine.signals()[0].samples
        let timeouts = samples.filter { $0.outcome == .timeout }
        // What is still on its way has no sample: only those due before the last that timed out are complete.
        let last = try #require(timeouts.map(\.due).max())
        let dues = samples.map(\.due).filter { $0 <= last }.sorted()
        #expect(zip(dues, dues.dropFirst()).allSatisfy { $1 - $0 == .milliseconds(10) })
        #expect(samples.allSatisfy { $0.outcome == .timeout || $0.outcome == .unknown })
        #expect(timeouts.allSatisfy { $0.latency >= .milliseconds(600) })
        // One by one, none would be sent before the last has timed out.
        #expect(zip(timeouts, timeouts.dropFirst()).filter { $1.started < $0.finished }.count >= 60)
        print("probes of a server that hangs: lateness p50 \(snapshot.instrument.latenessP50)")
    }

    enum Darkness: CaseIterable { case reset, hang, status }

    /// Every sample must say what the server did for it, and every edge between two samples must hold an edge
    /// of the server's, however late threads of either side run: the server's truth is a function of the
    /// clock.
    @Test(arguments: Darkness.allCases) func boundsContainTheTruth(_ darkness: Darkness) throws {
        let folder = try TemporaryFolder()
        let cycle: Int64 = 400_000_000
        let dark: Int64 = 113_000_000
        let timeout = Duration.milliseconds(250)
        let server = try TestServer { request in
            guard request.at.nanoseconds % cycle < dark else { return .status(200, "up") }
            return switch darkness {
            case .reset: .reset
            case .hang: .hang
            case .status: .status(503, "")
            }
        }
        defer { server.stop() }
        let engine = try MeasuringEngine(
            [drillProbe(NumberedProbe(url: server.url), every: .milliseconds(5), timeout: timeout)],
            in: folder)
        try engine.start()
        let sawEnough = eventually(within: .seconds(60)) {
            pass(.milliseconds(100))
            let samples = engine.signals()[0].samples.filter { $0.outcome != .unknown }
            return zip(samples, samples.dropFirst()).filter { $0.isDown && $1.isUp }.count >= 12
        }
        engine.stop()
        let checked = server.check(Array(engine.signals()[0].samples), timeout: timeout)
        var edges = 0
        for (one, next) in zip(checked, checked.dropFirst()) where one.sample.isDown != next.sample.isDown {
            // A request may overtake another one on its way; then, and when the server stalled, this is no
            // edge.
            guard one.isDark == one.sample.isDown, let before = one.decided, let after = next.decided,
                next.isDark == next.sample.isDown, before < after
            else { continue }
            edges += 1
            let phase = next.sample.isDown ? 0 : dark
            let edge = (one.sample.started.nanoseconds - phase + cycle - 1) / cycle * cycle + phase
            #expect(edge <= next.sample.finished.nanoseconds, "\(darkness): no edge in \(one) … \(next)")
        }
        #expect(sawEnough && edges >= 12, "\(edges) edges were seen")
    }

    /// While the instrument itself stands still no time passes for the server's answer.
    @Test func aStallOfTheInstrumentIsNoFailureOfTheServers() throws {
        let folder = try TemporaryFolder()
        let timeout = Duration.milliseconds(250)
        let server = try TestServer { _ in .late(.milliseconds(60), 200, "") }
        defer { server.stop() }
        let stalling = StallingProbe(stall: .milliseconds(400))
        let engine = try MeasuringEngine(
            [
                drillProbe(NumberedProbe(url: server.url), every: .milliseconds(10), timeout: timeout),
                drillProbe(stalling, every: .milliseconds(700), timeout: .seconds(10)),
            ], in: folder)
        try engine.start()
        #expect(eventually(within: .seconds(60)) { engine.snapshot().signals[1].ok >= 4 })
        #expect(eventually(within: .seconds(60)) { engine.snapshot().signals[0].ok >= 60 })
        engine.stop()
        let samples = engine.signals()[0].samples
        _ = server.check(Array(samples), timeout: timeout)
        #expect(
            samples.contains { $0.isUp && $0.latency > timeout }, "none had to wait")
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
            [drillProbe(httpProbe(server.url), every: .milliseconds(2), timeout: .seconds(60))], in: folder,
            configuration: configuration
        ) { _, samples in
            _ = gate.wait()
            stored.withLock { $0 += samples.count }
        }
        try engine.start()
        #expect(eventually { engine.snapshot().instrument.dropped > 0 })
        gate.set(true)
        engine.stop()
        let lost = engine.snapshot().instrument.windows.filter { $0.trouble == .dropped }
        #expect(lost.reduce(0) { $0 + $1.count } == engine.snapshot().instrument.dropped)
        #expect(engine.snapshot().instrument.isSuspect)
        // A stretch of its own: what came before the queue was full is not suspect.
        let first = try #require(engine.signals()[0].samples.first)
        #expect(lost.allSatisfy { $0.bracket.lower >= first.due && $0.bracket.upper <= monotonicNow() })
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
                    httpProbe(server.url), every: .milliseconds(20), timeout: .seconds(60),
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
        #expect(eventually { engine.observation().signals[0].goodSince != nil })
        engine.mark()
        isDown.store(true, ordering: .relaxed)
        // What was on its way at the mark may fail too, and does not count.
        #expect(eventually { engine.snapshot().signals[0].firstBadAfterMark != nil })
        isDown.store(false, ordering: .relaxed)
        #expect(eventually { engine.snapshot().signals[0].firstGoodAfterBad != nil })
        let status = engine.snapshot().signals[0]
        engine.stop()
        let bad = try #require(status.firstBadAfterMark)
        let good = try #require(status.firstGoodAfterBad)
        #expect(bad.started < good.started)
        #expect(status.lastBad.map { $0.started >= bad.started } == true)
    }
}
