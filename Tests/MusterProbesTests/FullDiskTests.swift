import Glibc
import MusterCore
import MusterDrills
import MusterSystem
import Testing

@testable import MusterProbes

/// A file system of 8 MiB of a test's own, nearly full until `makeRoom`.
final class SmallDisk {
    let path: String
    private let folder: TemporaryFolder
    private var filler: String { path + "/filler" }

    init(_ type: String) throws {
        folder = try TemporaryFolder()
        path = folder.path + "/disk"
        #expect(mkdir(path, 0o755) == 0)
        if type == "tmpfs" {
            try Self.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", path])
        } else {
            let image = folder.path + "/image"
            try Self.run(["truncate", "--size=8M", image])
            try Self.run(["mkfs.\(type)", "-q", "-F", "-m", "0", image])
            try Self.run(["mount", "-o", "loop", image, path])
        }
        // All but half a mebibyte.
        let file = try Descriptor(opening: filler, O_WRONLY | O_CREAT)
        var length: off_t = 0
        let block = [UInt8](repeating: 7, count: 65_536)
        while (try? file.write(block)) != nil { length += 65_536 }
        #expect(ftruncate(file.number, max(0, length - 524_288)) == 0)
        try file.synchronize()
    }

    deinit { _ = try? Self.run(["umount", path]) }

    func makeRoom() { #expect(unlink(filler) == 0) }

    private static func run(_ arguments: [String]) throws {
        let places = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"].map { "\($0)/\(arguments[0])" }
        let found: String? = places.first { access($0, X_OK) == 0 }
        let program = try #require(found, "\(arguments[0]) is missing")
        let status = try Spawn([program] + arguments.dropFirst()).start().wait(for: .seconds(60))
        #expect(status == .exited(0), "\(arguments)")
    }
}

/// On a full disk a write is refused, and is then certainly not there; with room again, it goes on.
@Suite(.serialized, .enabled(if: geteuid() == 0, "mounting needs root")) struct FullDiskTests {
    @Test(arguments: ["tmpfs", "ext4"], ["files", "append", "sqlite", "sqlite-wal"])
    func refusedIsCertain(_ fileSystem: String, _ kind: String) throws {
        let ledger = try TemporaryFolder()
        let disk = try SmallDisk(fileSystem)
        var drill = drillWorkload(try workload(kind, on: disk))
        drill.setting.payload = ByteCount(4096)
        let engine = try MeasuringEngine([], [drill], in: ledger)
        try engine.start()
        engine.startWorkloads()
        #expect(eventually { engine.snapshot().workloads[0].refused >= 20 })
        disk.makeRoom()
        let before = engine.snapshot().workloads[0].acknowledged
        #expect(eventually { engine.snapshot().workloads[0].acknowledged >= before + 20 })
        engine.stopWorkloads()
        let codes = Set(engine.signals().flatMap(\.samples).filter(\.isDown).map(\.code))
        let ledgers = engine.readBack(gap: .milliseconds(50), within: .seconds(120))
        engine.stop()
        let now = SystemTimekeeper().monotonic()
        let findings = LedgerJudge.classify(ledgers[0], fault: Bracket(now, now))
        let readBack = try #require(ledgers[0].readBack)
        #expect(readBack.isComplete, "\(readBack.problems)")
        #expect(findings.anomalies.isEmpty && findings.violations.isEmpty, "\(findings.counts)")
        #expect(findings.acknowledged >= 40 && findings.refused >= 20 && findings.inDoubt == 0)
        // SQLite may fail to make its journal (SQLITE_CANTOPEN) or its shared memory (SQLITE_IOERR).
        let allowed: Set<Int32> = kind.hasPrefix("sqlite") ? [ENOSPC, 5014, 5010] : [ENOSPC]
        #expect(codes.contains(ENOSPC) && codes.isSubset(of: allowed), "\(codes)")
    }

    private func workload(_ kind: String, on disk: SmallDisk) throws -> any Workload {
        switch kind {
        case "files":
            var workload = FilesWorkload()
            workload.files = disk.path
            return workload
        case "append":
            var workload = AppendWorkload()
            workload.append = disk.path
            return workload
        default:
            var workload = SQLiteWorkload()
            workload.sqlite = disk.path + "/app.db"
            workload.create = true
            if kind == "sqlite-wal" {
                let database = try SQLiteConnection(path: workload.sqlite, create: true)
                try database.run("PRAGMA journal_mode = WAL")
            }
            return workload
        }
    }
}

/// What blocks must hold up nobody, and what was given up must not be done later.
@Suite struct BlockingWorkerTests {
    @Test func whatWaitsBehindSomethingThatHangsIsNeverBegun() throws {
        let loop = try EventLoop()
        let worker = BlockingWorker(loop: loop)
        let (hangs, begun) = (Latch<Bool>(), Latch<Bool>())
        var answers: [String] = []
        let late = { (wasTaken: Bool) in wasTaken ? "in doubt" : "never begun" }
        worker.run(
            until: monotonicNow() + .milliseconds(50), late: late,
            { claim in
                _ = claim.take()
                _ = hangs.wait()
                return "done"
            }, done: { answers.append($0) })
        worker.run(
            until: monotonicNow() + .milliseconds(100), late: late,
            { claim in
                if claim.take() { begun.set(true) }
                return "done"
            }, done: { answers.append($0) })
        let start = SystemTimekeeper().monotonic()
        loop.run { answers.count == 2 }
        #expect(answers == ["in doubt", "never begun"])
        // Closing does not wait for what hangs.
        worker.close(within: .seconds(600))
        #expect(SystemTimekeeper().monotonic() - start < .seconds(300))
        hangs.set(true)
        let idle = BlockingWorker(loop: loop)
        idle.run(
            until: monotonicNow() + .seconds(60), late: late, { _ in "done" }, done: { answers.append($0) })
        loop.run { answers.count == 3 }
        #expect(answers[2] == "done")
        let last = Latch<Bool>()
        idle.close { last.set(true) }
        #expect(last.wait(until: monotonicNow()) == true)
        #expect(begun.wait(until: monotonicNow()) == nil)
    }
}
