import MusterCore
import MusterDrills
import MusterSystem
import Synchronization
import Testing

@testable import MusterProbes

/// A disk for samples that takes nothing for as long as it is told so, and gives nothing back.
private final class GivenArchive: SampleArchive {
    private let isFull: Mutex<Bool>
    private let readings = Mutex(0)

    init(isFull: Bool) { self.isFull = Mutex(isFull) }

    var reads: Int { readings.withLock { $0 } }
    func makeRoom() { isFull.withLock { $0 = false } }

    func keep(_ bytes: [UInt8]) -> ArchiveAnswer { isFull.withLock { $0 ? .full : .kept(at: 0) } }
    func read(at place: Int, into bytes: UnsafeMutableRawBufferPointer) -> Bool {
        readings.withLock { $0 += 1 }
        return false
    }
}

/// The thread between those that measure and those that keep.
@Suite struct RecorderTests {
    private let stored = Shared(0)

    private func recorder(
        _ archive: GivenArchive, capacity: Int, owedLimit: Int, keeping recent: Duration = .zero
    ) throws -> Recorder {
        try Recorder(
            signals: [SignalStatus(name: "a", writer: nil, every: .milliseconds(1))], capacity: capacity,
            history: [SampleSeries(archive: archive, keeping: recent)], owedLimit: owedLimit
        ) { [stored] _, samples in stored.withLock { $0 += samples.count } }
    }

    /// Due every millisecond.
    private func sample(_ number: Int, took: Duration = .microseconds(137)) -> Sample {
        let due = Instant(nanoseconds: 5_000_000_000_000 + Int64(number) * 1_000_000)
        return Sample(due: due, started: due, finished: due + took, outcome: .ok)
    }

    /// A disk that takes nothing may take so much memory and no more. Then the queue fills, and what finds no room on it
    /// is counted; once there is room again, nothing more is lost.
    @Test func aDiskThatTakesNothingTakesNoMoreThanSoMuchMemory() throws {
        let archive = GivenArchive(isFull: true)
        let recorder = try recorder(archive, capacity: 4096, owedLimit: 30_000)
        var sent = 0
        func send(_ count: Int) {
            for _ in 0..<count {
                recorder.add(sample(sent), to: 0, isProbe: true)
                sent += 1
            }
        }
        #expect(
            eventually {
                send(100)
                let instrument = recorder.snapshot().instrument
                return instrument.dropped > 0 && instrument.isHeldUp
            })
        let lost = recorder.snapshot().instrument.dropped
        #expect(sent - lost - stored.withLock { $0 } <= 4096)
        // Some five bytes each, and what the queue held when the limit was passed.
        #expect(stored.withLock { $0 } < 30_000 / 4 + 2 * 4096, "\(stored.withLock { $0 })")
        archive.makeRoom()
        #expect(eventually { !recorder.snapshot().instrument.isHeldUp })
        #expect(eventually { stored.withLock { $0 } + lost == sent })
        for _ in 0..<20 {
            send(1000)
            recorder.flush()
        }
        #expect(recorder.snapshot().instrument.dropped == lost && stored.withLock { $0 } + lost == sent)
        recorder.stop()
        let windows = recorder.snapshot().instrument.windows.filter { $0.trouble == .dropped }
        #expect(windows.reduce(0) { $0 + $1.count } == lost)
        #expect(recorder.signals()[0].samples.count == sent - lost)
    }

    /// Who waits for what was recorded, and the end, do not wait for the disk: what they get beyond the limit is no more
    /// than the queue held.
    @Test func theEndDoesNotWaitForTheDisk() throws {
        let recorder = try recorder(GivenArchive(isFull: true), capacity: 200_000, owedLimit: 0)
        for number in 0..<150_000 { recorder.add(sample(number), to: 0, isProbe: true) }
        let samples = recorder.signals()[0].samples
        #expect(samples.count == 150_000 && samples.map(\.due) == (0..<150_000).map { sample($0).due })
        #expect(eventually { recorder.snapshot().instrument.isHeldUp })
        for number in 150_000..<300_000 { recorder.add(sample(number), to: 0, isProbe: true) }
        recorder.stop()
        #expect(recorder.signals()[0].samples.count == 300_000 && stored.withLock { $0 } == 300_000)
    }

    /// Late samples, and looks at how it stands.
    @Test func nothingIsReadFromTheDiskWhileARunGoesOn() throws {
        let archive = GivenArchive(isFull: false)
        let recorder = try recorder(archive, capacity: 65_536, owedLimit: 0, keeping: .seconds(2))
        defer { recorder.stop() }
        for number in 0..<20_000 {
            if number % 10 > 0 { recorder.add(sample(number), to: 0, isProbe: true) }
            // Within what is kept, and far beyond it.
            for (delay, place) in [(1000, 0), (9000, 10)] where number >= delay && number % 20 == place {
                recorder.add(sample(number - delay, took: .seconds(1)), to: 0, isProbe: true)
            }
            guard number % 1000 == 999 else { continue }
            recorder.flush()
            let latency = recorder.latency(of: [0], quantile: 0.5, since: sample(number - 2000).due)
            #expect(latency == .microseconds(137))
        }
        #expect(archive.reads == 0)
        // The judge may wait, and finds that this disk gives nothing back.
        #expect(recorder.signals()[0].samples.count { $0.outcome == .unknown } > 10_000)
        #expect(archive.reads > 10)
    }

    /// As a run shows it, before anything is lost.
    @Test func anEngineSaysWhyItsSamplesHaveNowhereToGo() throws {
        var configuration = MeasuringEngine.Configuration()
        configuration.samplesInMemory = 0
        configuration.samplesToWrite = 0
        configuration.samplesOwed = 0
        configuration.window = .milliseconds(10)
        let engine = try MeasuringEngine(
            probes: [
                drillProbe(
                    TCPProbe("127.0.0.1:\(try closedPort())"), every: .milliseconds(1),
                    timeout: .milliseconds(100))
            ], workloads: [], runID: "t", seed: 1, ledgerDirectory: "/proc/self/nothing",
            configuration: configuration)
        defer { engine.stop() }
        try engine.start()
        #expect(engine.snapshot().instrument.samplesTrouble == nil)
        #expect(eventually { engine.snapshot().instrument.samplesTrouble != nil })
        let instrument = engine.snapshot().instrument
        #expect(instrument.samplesTrouble?.contains("wait in memory") == true && instrument.dropped == 0)
    }
}
