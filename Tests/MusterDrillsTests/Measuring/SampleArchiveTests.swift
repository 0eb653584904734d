import MusterCore
import Synchronization
import Testing

@testable import MusterDrills

/// An archive in memory that does what it is told to do wrong.
final class GivenArchive: SampleArchive {
    enum Mode { case sound, spare, full, forgetful }
    private struct State {
        var bytes: [UInt8] = []
        var kept = 0
        var reads = 0
        var mode = Mode.sound
    }
    private let state = Mutex(State())

    var mode: Mode {
        get { state.withLock(\.mode) }
        set { state.withLock { $0.mode = newValue } }
    }
    var kept: Int { state.withLock(\.kept) }
    var reads: Int { state.withLock(\.reads) }
    var size: Int { state.withLock(\.bytes.count) }

    func keep(_ bytes: [UInt8]) -> ArchiveAnswer {
        state.withLock { state in
            if state.mode == .spare { return .unneeded }
            guard state.mode != .full else { return .full }
            defer { state.bytes += bytes }
            state.kept += 1
            return .kept(at: state.bytes.count)
        }
    }

    func read(at place: Int, into bytes: UnsafeMutableRawBufferPointer) -> Bool {
        state.withLock { state in
            state.reads += 1
            guard state.mode != .forgetful else { return false }
            bytes.copyBytes(from: state.bytes[place..<(place + bytes.count)])
            return true
        }
    }

    /// Spoils what is there.
    func flip(_ place: Int) { state.withLock { $0.bytes[place] ^= 0x40 } }
}

/// A series whose older samples lie in an archive is the same series.
@Suite struct SampleArchiveTests {
    /// What stays in memory of each chunk, as `docs/PERFORMANCE.md` has it.
    @Test func whatIsRememberedOfAChunkIsSmall() { #expect(MemoryLayout<SampleChunk>.stride == 64) }

    private func order(_ samples: [Sample]) -> [Sample] {
        samples.sorted { ($0.started, $0.due) < ($1.started, $1.due) }
    }

    private func series(
        _ samples: [Sample], in archive: GivenArchive, keeping recent: Duration = .zero
    ) -> SampleSeries {
        var series = SampleSeries(archive: archive, keeping: recent)
        for sample in samples { series.append(sample) }
        return series
    }

    /// Due on a grid of 10 ms; every eighth is lost, and takes a timeout to be known.
    private func made(_ count: Int, timeout: Int64) -> [Sample] {
        var random = SplitMix64(seed: UInt64(count))
        return (0..<count).map { index -> Sample in
            let due = 5_000_000_000_000 + Int64(index) * 10_000_000
            let started = due + Int64.random(in: 0...9_000_000, using: &random)
            let isLost = timeout > 0 && index % 8 == 0
            let took = isLost ? timeout : Int64.random(in: 100_000...2_000_000, using: &random)
            return Sample(
                due: Instant(nanoseconds: due), started: Instant(nanoseconds: started),
                finished: Instant(nanoseconds: started + took), outcome: isLost ? .timeout : .ok,
                code: isLost ? 7 : 200)
        }.sorted { $0.finished < $1.finished }
    }

    @Test(arguments: [0, 255, 512, 1279, 1280, 1281, 2303, 2304, 2305, 30_000]) func isTheSameSeries(
        _ count: Int
    ) {
        let given = made(count, timeout: 0)
        let archive = GivenArchive()
        let series = series(given, in: archive)
        #expect(Array(series) == order(given) && series.count == count)
        #expect(series == SampleSeries(given))
        #expect(series.first == order(given).first && series.last == order(given).last)
        for index in stride(from: 0, to: count, by: max(1, count / 7)) {
            let start = order(given)[index].started
            #expect(Array(series.sent(from: start)) == order(given).filter { $0.started >= start })
        }
        // All but what waits: 511 at most in the order of sending, and less than 1,024 encoded.
        #expect((archive.kept > 0) == (count >= 1280))
        #expect(series.encodedBytes < 1024 * 10)
    }

    /// Lost ones are known when 25,000 later ones have been. Whether those are archived by then or not, whoever records
    /// must not wait for a disk: nothing is read back for them.
    @Test(arguments: [0, 1, 100, 251, 1000]) func whatWasLongUnderWayFindsItsPlace(_ recent: Int64) {
        let given = made(60_000, timeout: 250_000_000_000)
        let archive = GivenArchive()
        let series = series(given, in: archive, keeping: .seconds(recent))
        #expect(archive.reads == 0)
        #expect(Array(series) == order(given) && series.count == given.count)
        #expect(archive.reads == archive.kept)
        // Each is written once, and what is recent not at all.
        #expect(recent == 1000 ? archive.kept == 0 : archive.kept >= 20)
        #expect(archive.kept * 1024 <= max(0, 60_000 - recent * 100) && archive.size < 60_000 * 10)
        // From any place, in chunks or beside them.
        for index in stride(from: 0, to: given.count, by: 4999) {
            let start = order(given)[index].started
            #expect(Array(series.sent(from: start)) == Array(order(given)[index...]))
        }
    }

    /// The worst order of all.
    @Test func whatComesBackwardsFindsItsPlace() {
        let backwards = Array(order(made(8000, timeout: 0)).reversed())
        let archive = GivenArchive()
        let series = series(backwards, in: archive)
        #expect(archive.reads == 0)
        #expect(Array(series) == Array(backwards.reversed()))
        #expect(series.first == backwards.last && series.last == backwards.first)
    }

    /// The control loop of a run looks at them ten times a second, and must not wait for a disk.
    @Test func whatIsRecentIsNotReadFromTheArchive() {
        let given = made(20_000, timeout: 3_000_000_000)
        let archive = GivenArchive()
        var series = SampleSeries(archive: archive, keeping: .seconds(30))
        for (index, sample) in given.enumerated() {
            series.append(sample)
            guard index % 97 == 0, let last = series.last else { continue }
            let start = last.started - .seconds(30)
            #expect(Array(series.sent(from: start)) == order(given[...index].filter { $0.started >= start }))
        }
        #expect(archive.kept >= 10 && archive.reads == 0)
        _ = Array(series.sent(from: given[19_000].started - .seconds(60)))
        #expect(archive.reads > 0)
    }

    @Test func aCopyStaysAsItWas() {
        let archive = GivenArchive()
        let given = made(6000, timeout: 0)
        var series = series(given, in: archive)
        let copy = series
        for late in [at(0), given[700].started, given[3000].started] {
            series.append(Sample(due: late, started: late, finished: late, outcome: .error))
        }
        #expect(Array(copy) == order(given))
        #expect(series.count == 6003 && Array(series).count { $0.outcome == .error } == 3)
        #expect(Array(series).map(\.started) == Array(series).map(\.started).sorted())
    }

    /// A disk that is full for a while: what it does not take stays in memory, until it takes it.
    @Test func whatIsNotTakenIsStillThere() {
        let given = made(40_000, timeout: 30_000_000_000)
        let archive = GivenArchive()
        var series = SampleSeries(archive: archive)
        for (index, sample) in given.enumerated() {
            archive.mode = index / 7000 % 2 == 1 ? .full : .sound
            series.append(sample)
            #expect(series.encodedBytes - series.owedBytes < 1280 * 10)
        }
        #expect(Array(series) == order(given))
        // The last 5,000 find the disk full.
        #expect(series.owedBytes > 2000 * 5 && series.owedBytes < 5000 * 10)
        archive.mode = .full
        series.offerAgain()
        #expect(series.owedBytes > 0)
        archive.mode = .sound
        series.offerAgain()
        #expect(series.owedBytes == 0 && series.encodedBytes < 1024 * 10)
        #expect(Array(series) == order(given))
    }

    /// As long as there is memory to spare, nothing is owed.
    @Test func whatMayStayInMemoryStaysThere() {
        let archive = GivenArchive()
        archive.mode = .spare
        let given = made(10_000, timeout: 0)
        var series = series(given, in: archive)
        archive.mode = .sound
        series.offerAgain()
        #expect(series.owedBytes == 0 && archive.kept == 0 && series.encodedBytes > 9000 * 5)
        #expect(Array(series) == order(given))
    }

    /// What cannot be read any more is unknown, which only widens bounds; it is never made up, and nothing is missing.
    @Test func whatIsLostIsUnknown() {
        let given = order(made(10_000, timeout: 0))
        let archive = GivenArchive()
        let series = series(given, in: archive)
        archive.flip(archive.size / 2)
        let spoilt = Array(series)
        #expect(spoilt.count == given.count)
        let unknown = spoilt.indices.filter { spoilt[$0].outcome == .unknown }
        #expect(unknown.count == 1024 && unknown == Array(unknown[0]..<(unknown[0] + 1024)))
        #expect(unknown.allSatisfy { spoilt[$0].started == given[unknown[0]].started })
        #expect(spoilt.indices.allSatisfy { spoilt[$0].outcome == .unknown || spoilt[$0] == given[$0] })
        archive.mode = .forgetful
        let rest = Array(series).filter { $0.outcome != .unknown }
        #expect(rest.count < 1536 && rest == Array(given.suffix(rest.count)))
    }

    /// Losses, timelines and figures do not depend on where the samples lie.
    @Test func judgementIsTheSame() {
        var run = GivenRun(rto: 2000, probes: ["ping"], workloads: ["writes"])
        run.drill.objectives.availability = .init(min: Percentage(millionths: 990_000), window: .seconds(30))
        run.drill.objectives.latency = .init(
            quantile: Percentage(millionths: 990_000), max: .milliseconds(900), window: .seconds(30))
        run.drill.objectives.degradation = .seconds(3)
        run.note(.writersStopped, 40_000)
        var random = SplitMix64(seed: 1)
        func seen(_ name: String, _ writer: Int?) -> Signal {
            var signal = boundsVector(name, writer: writer)
            // With jitter, and timeouts that come in when all others have recovered.
            signal.samples = SampleSeries(
                Array(signal.samples).map { sample -> Sample in
                    var sample = sample
                    sample.started =
                        sample.started + .nanoseconds(Int64.random(in: 0...300_000, using: &random))
                    sample.finished =
                        sample.started
                        + (sample.isDown
                            ? .seconds(25) : .nanoseconds(Int64.random(in: 1...9_000_000, using: &random)))
                    if sample.isDown { sample.outcome = .timeout }
                    return sample
                }.sorted { $0.finished < $1.finished })
            return signal
        }
        run.signals = [seen("ping", nil)] + (0..<3).map { seen("writes", $0) }
        let archive = GivenArchive()
        var archived = run
        for index in run.signals.indices {
            // As they came, not as they lie.
            let arrived = Array(run.signals[index].samples).sorted { $0.finished < $1.finished }
            archived.signals[index].samples = series(arrived, in: archive)
        }
        #expect(archive.kept >= 8)
        #expect("\(archived.judgement)" == "\(run.judgement)")
        #expect(run.judgement.objectives.count == 4, "\(run.judgement)")
        #expect(run.judgement.status == .recovered && !run.judgement.measurements.isEmpty)
        for (one, other) in zip(run.signals, archived.signals) {
            #expect(SignalSummary(of: one) == SignalSummary(of: other))
        }
        // A spoilt archive is noticed by the same comparison.
        archive.mode = .forgetful
        #expect("\(archived.judgement)" != "\(run.judgement)")
    }
}
