import MusterCore
import MusterDrills
import MusterSystem
import Testing

@testable import MusterProbes

/// Read-backs from a real primary and its real streaming standby.
@Suite(.serialized) struct PostgresReplicaTests {
    private struct Pair {
        let primary: TestPostgres
        let standby: TestPostgres

        init() throws {
            primary = try TestPostgres()
            standby = try TestPostgres(following: primary)
        }

        func workload(_ mode: WorkloadMode = .entries) -> DrillWorkload {
            var made = drillWorkload(primary.workload, writers: 8, perSecond: 400)
            made.setting.readback = [standby.address]
            made.setting.mode = mode
            return made
        }

        /// Until the standby has replayed everything.
        func waitForReplay() throws {
            let lag = "SELECT pg_current_wal_lsn() <= replay_lsn FROM pg_stat_replication"
            #expect(try eventually { try primary.run(lag) == [["t"]] })
        }

        func pause() throws {
            try standby.run("SELECT pg_wal_replay_pause()")
            let state = "SELECT pg_get_wal_replay_pause_state()"
            #expect(try eventually { try standby.run(state) == [["paused"]] })
        }

        /// Entries that the standby has.
        func held() throws -> Int {
            guard let table = try standby.tables().first else { return 0 }
            let count = "SELECT count(*) FROM \(table) WHERE key LIKE 'muster-%'"
            return try Int(standby.run(count).first?[0] ?? "") ?? -1
        }
    }

    private func engine(_ pair: Pair, _ mode: WorkloadMode = .entries, in folder: TemporaryFolder) throws
        -> MeasuringEngine
    {
        let engine = try MeasuringEngine([], [pair.workload(mode)], in: folder)
        try engine.start()
        return engine
    }

    private func write(_ engine: MeasuringEngine, _ count: Int) {
        let before = engine.snapshot().workloads[0].acknowledged
        #expect(eventually { engine.snapshot().workloads[0].acknowledged >= before + count })
    }

    private func judged(_ engine: MeasuringEngine, within limit: Duration = .seconds(120)) throws -> (
        LedgerFindings, ReadBack, notes: [String]
    ) {
        engine.stopWorkloads()
        var notes: [String] = []
        let ledger = engine.readBack(
            replicaGap: .milliseconds(100), within: limit, note: { notes.append($1) })[0]
        engine.stop()
        // As if the fault had struck with the last answer.
        let last = try #require(ledger.entries.compactMap(\.finished).max())
        let readBack = try #require(ledger.readBack)
        #expect(readBack.isComplete && readBack.replicas.count == 1, "\(readBack.problems)")
        return (LedgerJudge.classify(ledger, fault: Bracket(last, last)), readBack, notes)
    }

    @Test(arguments: WorkloadMode.allCases) func aStandbyThatFollowsHoldsTheSame(
        _ mode: WorkloadMode
    ) throws {
        let folder = try TemporaryFolder()
        let pair = try Pair()
        let engine = try engine(pair, mode, in: folder)
        engine.startWorkloads()
        write(engine, 300)
        engine.stopWorkloads()
        try pair.waitForReplay()
        let (findings, readBack, _) = try judged(engine)
        #expect(readBack.replicas[0].isComplete, "\(readBack.replicas[0].problems)")
        #expect(readBack.replicas[0].found == readBack.found && !readBack.found.isEmpty)
        #expect(findings.anomalies.isEmpty && findings.violations.isEmpty, "\(findings.counts)")
        #expect(findings.inconclusive == nil)
    }

    /// Replay stands still half-way: what came afterwards is on the primary alone, and not lost.
    @Test func whatAStandbyHasNotReplayedIsDivergentAndNotLost() throws {
        let folder = try TemporaryFolder()
        let pair = try Pair()
        let engine = try engine(pair, in: folder)
        engine.startWorkloads()
        write(engine, 200)
        #expect(try eventually { try pair.held() >= 100 })
        try pair.pause()
        write(engine, 200)
        engine.stopWorkloads()
        let entries = engine.ledgers()[0].entries
        #expect(entries.allSatisfy { $0.outcome == .ok })
        let held = try pair.held()
        #expect(held >= 100 && held <= entries.count - 200)
        let (findings, readBack, notes) = try judged(engine)
        #expect(readBack.replicas[0].isComplete, "\(readBack.replicas[0].problems)")
        #expect(findings.lost == 0 && findings.count(.survived) == entries.count)
        #expect(findings.replicas[0].missing == entries.count - held)
        #expect(findings.replicas[0].different == 0 && findings.replicas[0].extra == 0)
        #expect(findings.count(.divergent) == entries.count - held && findings.inconclusive == nil)
        #expect(notes.contains { $0.contains("does not hold what its primary holds") }, "\(notes)")
    }

    /// It stood still before the run had a table: all of it is missing there.
    @Test func aStandbyWithoutTheTableMissesEverything() throws {
        let folder = try TemporaryFolder()
        let pair = try Pair()
        try pair.pause()
        let engine = try engine(pair, in: folder)
        engine.startWorkloads()
        write(engine, 50)
        let (findings, readBack, _) = try judged(engine)
        #expect(readBack.replicas[0].isComplete, "\(readBack.replicas[0].problems)")
        #expect(findings.lost == 0 && findings.inconclusive == nil)
        #expect(findings.replicas[0].missing == findings.count(.survived))
        #expect(findings.count(.survived) >= 50)
    }

    @Test func aStandbyThatIsGoneIsSaidAndIsNoLoss() throws {
        let folder = try TemporaryFolder()
        let pair = try Pair()
        let engine = try engine(pair, in: folder)
        engine.startWorkloads()
        write(engine, 50)
        pair.standby.kill()
        let (findings, readBack, notes) = try judged(engine, within: .seconds(3))
        #expect(!readBack.replicas[0].isComplete && readBack.replicas[0].found.isEmpty)
        #expect(findings.lost == 0 && findings.count(.divergent) == 0)
        #expect(findings.replicas[0].unread > 0 && findings.inconclusive != nil)
        #expect(findings.inconclusive == findings.replicas[0].inconclusive)
        #expect(notes.contains { $0.contains(pair.standby.address) }, "\(notes)")
    }

    /// The workload's own server must be the primary; only what stands under `readback` may be a standby.
    @Test func aStandbyInThePlaceOfThePrimaryIsNotTrusted() throws {
        let pair = try Pair()
        let writer = try TestWriter(pair.primary.address)
        #expect(try writer.put(1) == .acknowledged())
        try pair.waitForReplay()
        let workload = try #require(pair.standby.workload as? PostgresWorkload)
        for asReplica in [false, true] {
            let read = asReplica ? try #require(workload.reading(from: pair.standby.address)) : workload
            let store = try read.client(on: writer.loop, names: writer.names)
            var answer: ListAnswer?
            store.list(writer.names.prefix, until: monotonicNow() + .seconds(60)) { answer = $0 }
            writer.loop.run { answer != nil }
            store.close()
            let keys: [String]? = if case .keys(let keys) = answer { keys } else { nil }
            #expect(keys?.count == (asReplica ? 1 : nil))
        }
        #expect(workload.reading(from: "redis://127.0.0.1:1") == nil)
    }
}
