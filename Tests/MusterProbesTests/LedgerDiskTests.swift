import Glibc
import MusterCore
import MusterDrills
import MusterSystem
import Testing

@testable import MusterProbes

/// A ledger whose disk is full or stuck.
@Suite struct LedgerDiskTests {
    private func mount(_ path: String, _ size: String) throws {
        mkdir(path, 0o755)
        let arguments = ["/bin/mount", "-t", "tmpfs", "-o", "size=\(size)", "muster-test", path]
        #expect(try Spawn(arguments).start().wait(for: .seconds(20)) == .exited(0))
    }

    private func unmount(_ path: String) throws {
        #expect(try Spawn(["/bin/umount", "-l", path]).start().wait(for: .seconds(20)) == .exited(0))
    }

    @Test(.enabled(if: getuid() == 0)) func aFullDiskIsNoticedAndNothingMoreIsSent() throws {
        let folder = try TemporaryFolder()
        let disk = folder.path + "/disk"
        try mount(disk, "64k")
        defer { try? unmount(disk) }
        let server = try TestServer { _ in .status(201, "") }
        defer { server.stop() }
        let engine = try MeasuringEngine(
            probes: [], workloads: [drillWorkload(httpWorkload(server), writers: 8, perSecond: 2000)],
            runID: "full", seed: 1, ledgerDirectory: disk)
        try engine.start()
        engine.startWorkloads()
        #expect(eventually { engine.snapshot().workloads[0].ledgerFailure != nil })
        let status = engine.snapshot().workloads[0]
        #expect(status.ledgerFailure == errorText(ENOSPC) && status.acknowledged > 0)
        // Nothing more is sent once that is known, but for what was on its way.
        let sent = engine.snapshot().workloads[0].sent
        #expect(eventually { engine.snapshot().workloads[0].missed >= 20 })
        #expect(engine.snapshot().workloads[0].sent <= sent + 8)
        engine.stopWorkloads()
        let ledger = engine.ledgers()[0]
        engine.stop()
        // What is durable counts, whatever became of the rest; the rest is in doubt, and that time is blind.
        #expect(ledger.entries.count { $0.isAcknowledged } == status.acknowledged)
        #expect(ledger.entries.count == engine.snapshot().workloads[0].sent)
        #expect(ledger.blindWindow > .zero)
    }

    /// Ends, and says so, although the engine's threads have ended.
    @Test func theLedgersCanBeAskedForAfterTheEnd() throws {
        let folder = try TemporaryFolder()
        let server = try TestServer { _ in .status(201, "") }
        defer { server.stop() }
        let engine = try MeasuringEngine([], [drillWorkload(httpWorkload(server))], in: folder)
        try engine.start()
        engine.startWorkloads()
        #expect(eventually { engine.snapshot().workloads[0].acknowledged >= 20 })
        engine.stopWorkloads()
        let before = engine.ledgers()[0].entries
        engine.stop()
        #expect(engine.ledgers()[0].entries == before)
        // The file is all there is.
        #expect(unlink(engine.ledgerFiles[0].path) == 0)
        let lost = engine.ledgers()[0]
        #expect(lost.entries.isEmpty && lost.readBack?.isComplete == false)
        #expect(engine.snapshot().instrument.suspicions.count == 1)
    }

    @Test func recordsOutOfOrderAreNoLedger() throws {
        var table = EntryTable("x")
        try table.add(.intent(EntryKey(stream: 2, sequence: 1), sent: Instant(nanoseconds: 5)))
        #expect(throws: MeasuringError.self) {
            try table.add(.intent(EntryKey(stream: 2, sequence: 3), sent: Instant(nanoseconds: 6)))
        }
        #expect(throws: MeasuringError.self) {
            try table.add(.intent(EntryKey(stream: -1, sequence: 1), sent: Instant(nanoseconds: 6)))
        }
        // An outcome of what was never written is passed over.
        try table.add(
            .outcome(EntryKey(stream: 2, sequence: 9), finished: Instant(nanoseconds: 7), .ok, code: 0))
        #expect(table.takeAll().map(\.outcome) == [.pending])
    }

    @Test func manyRecordsOfManyStreamsComeBackAsTheyWere() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/a.ledger"
        let file = try LedgerFile(
            path: path, header: LedgerHeader(workload: "ünï", run: "r", seed: .max, payloadBytes: 64),
            capacity: 1000)
        var expected: [LedgerEntry] = []
        // More than the ring holds and than one piece of the file.
        for sequence in 1...Int64(3000) {
            for stream: Int32 in 0..<7 {
                let key = EntryKey(stream: stream, sequence: sequence)
                let at = Instant(nanoseconds: sequence * 1000 + Int64(stream))
                let outcome = LedgerEntry.Outcome.allCases[Int(sequence + Int64(stream)) % 5]
                file.append(.intent(key, sent: at))
                var entry = LedgerEntry(key: key, sent: at, finished: nil, outcome: .pending)
                if outcome != .pending {
                    file.append(.outcome(key, finished: at + .nanoseconds(9), outcome, code: -3))
                    entry.finished = at + .nanoseconds(9)
                    entry.outcome = outcome
                }
                expected.append(entry)
            }
        }
        #expect(file.flush(until: monotonicNow() + .seconds(60)))
        #expect(Int(file.progress.acknowledged) == expected.count { $0.isAcknowledged })
        file.close()
        let ledger = try RecoveredLedger.read(path)
        #expect(ledger.workload == "ünï" && ledger.seed == .max && ledger.tornBytes == nil)
        #expect(ledger.entries == expected.sorted { $0.key < $1.key })
    }
}
