import Glibc
import MusterCore
import MusterDrills
import MusterSystem
import Synchronization
import Testing

@testable import MusterProbes

@Suite struct LedgerTests {
    private let header = LedgerHeader(workload: "kv", run: "r", seed: 9, payloadBytes: 64)

    private func soon() -> Instant { SystemTimekeeper().monotonic() + .seconds(60) }

    private func write(_ count: Int64, to path: String) throws {
        let file = try LedgerFile(path: path, header: header)
        for sequence in 1...count {
            let key = EntryKey(stream: 3, sequence: sequence)
            file.append(.intent(key, sent: Instant(nanoseconds: sequence)))
            file.append(.outcome(key, finished: Instant(nanoseconds: sequence + 5), .ok, code: 200))
        }
        #expect(file.flush(until: soon()))
        #expect(file.progress.durable == 2 * count && file.progress.acknowledged == count)
        file.close()
    }

    @Test func whatIsWrittenIsReadBack() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/a.ledger"
        try write(100, to: path)
        let ledger = try RecoveredLedger.read(path)
        #expect(ledger.workload == "kv" && ledger.run == "r" && ledger.seed == 9)
        #expect(ledger.entries.count == 100 && ledger.tornBytes == nil)
        #expect(
            ledger.entries[41]
                == LedgerEntry(
                    key: EntryKey(stream: 3, sequence: 42), sent: Instant(nanoseconds: 42),
                    finished: Instant(nanoseconds: 47), outcome: .ok))
        // A ledger is never written over.
        #expect(throws: MeasuringError.self) { try LedgerFile(path: path, header: header) }
    }

    @Test func whatLooksFoundIsKept() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/a.ledger"
        let file = try LedgerFile(path: path, header: header)
        let sights: [RegisterSight?] = [
            .nothing, .other, .version(1), .version(Int64(Int32.max)), nil, .version(Int64(Int32.max) + 1),
        ]
        for (index, sight) in sights.enumerated() {
            let key = EntryKey(stream: 0, sequence: Int64(index + 1))
            file.append(.intent(key, sent: Instant(nanoseconds: 1)))
            file.append(.outcome(key, finished: Instant(nanoseconds: 2), .ok, code: -6, sight: sight))
        }
        #expect(file.flush(until: soon()))
        file.close()
        let ledger = try RecoveredLedger.read(path)
        #expect(ledger.entries.count == 6 && ledger.entries.allSatisfy { $0.outcome == .ok })
        // What does not fit is not kept; what is not kept is not made up.
        #expect(ledger.sights.count == 4)
        for (index, sight) in sights.prefix(4).enumerated() {
            #expect(ledger.sights[EntryKey(stream: 0, sequence: Int64(index + 1))] == sight)
        }
    }

    @Test func aTornTailLosesOnlyTheTornRecord() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/a.ledger"
        try write(3, to: path)
        let whole = try Descriptor(opening: path, O_RDONLY).readAll()
        let lastRecord = 8 + 1 + 4 + 8 + 8 + 1 + 4
        for cut in 1..<lastRecord {
            let torn = try folder.write("torn", "")
            try Descriptor(opening: torn, O_WRONLY).write(Array(whole.dropLast(cut)))
            let ledger = try RecoveredLedger.read(torn)
            #expect(ledger.tornBytes == lastRecord - cut)
            #expect(ledger.entries.count == 3 && ledger.entries[2].outcome == .pending)
            #expect(ledger.entries[1].outcome == .ok)
        }
        var flipped = whole
        flipped[whole.count - 6] ^= 1
        let broken = try folder.write("flipped", "")
        try Descriptor(opening: broken, O_WRONLY).write(flipped)
        #expect(try RecoveredLedger.read(broken).entries[2].outcome == .pending)
        let other = try folder.write("other", "something else")
        #expect(throws: MeasuringError.self) { try RecoveredLedger.read(other) }
    }

    @Test func anAcknowledgementThatIsNotDurableIsInDoubtAndMakesTheWindowBlind() throws {
        let folder = try TemporaryFolder()
        let server = try TestServer { _ in .status(201, "") }
        defer { server.stop() }
        let engine = try MeasuringEngine(
            [], [drillWorkload(httpWorkload(server))], in: folder)
        try engine.start()
        engine.startWorkloads()
        #expect(eventually { engine.snapshot().workloads[0].acknowledged >= 20 })
        engine.ledgerFiles[0].hold(true)
        #expect(eventually { engine.snapshot().workloads[0].awaitingDisk >= 40 })
        engine.stopWorkloads()
        let ledger = engine.ledgers()[0]
        let durable = engine.snapshot().workloads[0].acknowledged
        #expect(ledger.entries.filter(\.isAcknowledged).count == durable)
        #expect(ledger.entries.filter { $0.outcome == .info }.count >= 40)
        #expect(ledger.blindWindow > .milliseconds(50), "\(ledger.blindWindow)")
        engine.stop()
    }

    @Test func aFullLedgerStopsSendingAndDropsNothing() throws {
        let folder = try TemporaryFolder()
        let received = Mutex(0)
        let server = try TestServer { _ in
            received.withLock { $0 += 1 }
            return .status(200, "")
        }
        defer { server.stop() }
        var configuration = MeasuringEngine.Configuration()
        configuration.ledgerCapacity = 20
        let engine = try MeasuringEngine(
            [], [drillWorkload(httpWorkload(server))], in: folder, configuration: configuration)
        engine.ledgerFiles[0].hold(true)
        try engine.start()
        engine.startWorkloads()
        // Others are missed because the machine is busy.
        let missed = {
            engine.signals().flatMap(\.samples).filter { $0.code == SampleCode.ledgerFull }
        }
        #expect(eventually { missed().count >= 20 })
        #expect(eventually { received.withLock { $0 } >= 10 })
        #expect(received.withLock { $0 } == 10)
        engine.ledgerFiles[0].hold(false)
        #expect(eventually { received.withLock { $0 } > 30 })
        engine.stopWorkloads()
        let ledger = engine.ledgers()[0]
        #expect(ledger.entries.count == received.withLock { $0 })
        #expect(ledger.entries.allSatisfy { $0.outcome == .ok } && ledger.blindWindow == .zero)
        #expect(missed().allSatisfy { $0.outcome == .unknown })
        let path = engine.ledgerFiles[0].path
        engine.stop()
        #expect(try RecoveredLedger.read(path).entries == ledger.entries)
    }
}
