import Glibc
import MusterCore
import MusterDrills
import MusterSystem
import Synchronization
import Testing

@testable import MusterProbes

/// The file in which a long run's samples lie.
@Suite struct SampleFileTests {
    /// Nameless files of samples in a folder that this process has open.
    private func open(in folder: TemporaryFolder) throws -> Int { try open(at: folder.path) }

    private func open(at folder: String) throws -> Int {
        var count = 0
        let directory = try #require(opendir("/proc/self/fd"))
        defer { closedir(directory) }
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            var target = [CChar](repeating: 0, count: 4096)
            let length = readlink("/proc/self/fd/\(name)", &target, target.count)
            guard length > 0 else { continue }
            let path = String(decoding: target[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
            if path.hasPrefix(folder + "/"), path.contains("/.muster-samples-"), path.hasSuffix("(deleted)") {
                count += 1
            }
        }
        return count
    }

    private func place(_ answer: ArchiveAnswer?) throws -> Int {
        guard case .kept(let place) = answer else {
            throw MeasuringError.configuration("it took nothing, and said \(String(describing: answer))")
        }
        return place
    }

    private func read(_ file: SampleFile, _ place: Int, _ count: Int) -> [UInt8]? {
        withUnsafeTemporaryAllocation(byteCount: count, alignment: 1) { buffer in
            file.read(at: place, into: buffer) ? Array(buffer) : nil
        }
    }

    @Test func takesWhatMemoryShallNotHoldAndGivesItBack() throws {
        let folder = try TemporaryFolder()
        var file: SampleFile? = SampleFile(near: folder.path + "/not/there", spare: 1000)
        #expect(file?.keep([UInt8](repeating: 1, count: 600)) == .unneeded)
        #expect(file?.keep([UInt8](repeating: 1, count: 400)) == .unneeded)
        #expect(try open(in: folder) == 0)
        let pieces = (1...20).map { [UInt8](repeating: UInt8($0), count: 1000 * $0) }
        let places = try pieces.map { try place(file?.keep($0)) }
        // Whether it is written already or not.
        for _ in 0..<2 {
            for (place, piece) in zip(places, pieces).reversed() {
                #expect(read(try #require(file), place, piece.count) == piece)
            }
            file?.flush()
        }
        #expect(try open(in: folder) == 1 && file?.trouble == nil)
        // Beyond the end there is nothing.
        #expect(read(try #require(file), places[19], 20_001) == nil)
        file = nil
        #expect(try eventually { try open(in: folder) == 0 })
    }

    /// 4 MiB wait for a file that cannot be made, and the rest stays with whoever has it.
    @Test(arguments: ["/proc/self/nothing/of/the/kind", ""]) func whatCannotBeWrittenIsTakenOnlySoFar(
        _ place: String
    ) {
        let file = SampleFile(near: place, spare: 0)
        let piece = [UInt8](repeating: 7, count: 1 << 20)
        let places = (0..<6).map { _ in file.keep(piece) }
        #expect(places == (0..<4).map { .kept(at: $0 << 20) } + [.full, .full])
        #expect(read(file, 2 << 20, piece.count) == piece)
        #expect(eventually { file.trouble != nil })
    }

    @Test(.enabled(if: geteuid() == 0, "mounting needs root")) func aFullDiskIsTriedAgain() throws {
        let disk = try SmallDisk("tmpfs")
        var file: SampleFile? = SampleFile(near: disk.path + "/ledgers/1", spare: 0)
        let pieces = (0..<64).map { [UInt8](repeating: UInt8($0), count: 65_536) }
        let places = try pieces.map { try place(file?.keep($0)) }
        // Half a MiB is free; the rest waits.
        #expect(eventually { file?.keep([1]).isKept ?? false })
        #expect(eventually { file?.trouble?.contains("No space left") ?? false })
        disk.makeRoom()
        file?.flush()
        for (place, piece) in zip(places, pieces) {
            #expect(read(try #require(file), place, piece.count) == piece)
        }
        #expect(try open(at: disk.path) == 1)
        file = nil
        #expect(try eventually { try open(at: disk.path) == 0 })
    }

    /// The sink, which the store is, and the judge see the same.
    @Test func whatIsJudgedIsWhatWasStored() throws {
        let folder = try TemporaryFolder()
        let server = try TestServer { $0.path.hasSuffix("7") ? .status(500, "") : .status(200, "") }
        defer { server.stop() }
        let stored = Mutex<[[Sample]]>([[], [], [], []])
        var configuration = MeasuringEngine.Configuration()
        configuration.samplesInMemory = 0
        configuration.window = .milliseconds(100)
        let timeout = Duration.milliseconds(400)
        var probe = httpProbe(server.url)
        probe.keepAlive = true
        var engine: MeasuringEngine? = try MeasuringEngine(
            [
                drillProbe(probe, every: .milliseconds(1), timeout: timeout),
                drillProbe(
                    TCPProbe("127.0.0.1:\(try closedPort())"), every: .milliseconds(1), timeout: timeout),
            ], [drillWorkload(httpWorkload(server), writers: 2, perSecond: 400)], in: folder,
            configuration: configuration
        ) { signal, samples in stored.withLock { $0[signal] += samples } }
        try engine?.start()
        engine?.startWorkloads()
        #expect(
            eventually {
                let signals = engine?.snapshot().signals ?? []
                return signals[0].sent >= 4000 && signals[1].sent >= 4000 && signals[2].sent >= 300
            })
        engine?.stopWorkloads()
        #expect(try eventually { try open(in: folder) == 1 })
        let latency = engine?.latency(of: [0], quantile: 0.5, since: Instant(nanoseconds: 0))
        engine?.stop()
        let signals = try #require(engine?.signals())
        engine = nil
        let all = stored.withLock { $0 }
        for (signal, samples) in zip(signals, all) {
            let sent = samples.sorted { ($0.started, $0.due) < ($1.started, $1.due) }
            #expect(Array(signal.samples) == sent, "\(signal.name) \(signal.writer ?? -1)")
        }
        #expect(signals[0].samples.count >= 4000 && signals[0].samples.encodedBytes < 2000 * 10)
        #expect(signals[1].samples.allSatisfy { !$0.isUp } && latency.map { $0 > .zero } == true)
    }
}

extension ArchiveAnswer {
    fileprivate var isKept: Bool { if case .kept = self { true } else { false } }
}
