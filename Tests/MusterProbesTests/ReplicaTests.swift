import MusterCore
import MusterDrills
import MusterSystem
import Testing

@testable import MusterProbes

/// Read-backs from a real primary and its real replicas, and of samples.
@Suite(.serialized) struct ReplicaTests {
    private func workload(_ primary: TestRedis, _ replicas: TestRedis...) -> DrillWorkload {
        var workload = RedisWorkload()
        workload.redis = primary.url + "/3"
        var made = drillWorkload(workload, writers: 8, perSecond: 500)
        made.setting.readback = replicas.map { $0.url + "/3" }
        return made
    }

    private func follow(_ replica: TestRedis, _ primary: TestRedis) throws {
        try replica.run("REPLICAOF", "127.0.0.1", "\(primary.port)")
        #expect(try eventually { try info(replica).contains("master_link_status:up") })
    }

    private func info(_ redis: TestRedis) throws -> String {
        guard case .bulk(let text?)? = try redis.run("INFO", "replication") else { return "" }
        return text
    }

    /// An engine that writes on.
    private func writing(
        _ workloads: DrillWorkload..., in folder: TemporaryFolder, until acknowledged: Int
    ) throws -> MeasuringEngine {
        let engine = try MeasuringEngine([], workloads, in: folder)
        try engine.start()
        engine.startWorkloads()
        expectMore(acknowledged, of: engine)
        return engine
    }

    /// Waits until so many more were acknowledged of each workload.
    private func expectMore(_ count: Int, of engine: MeasuringEngine) {
        let goals = engine.snapshot().workloads.map { $0.acknowledged + count }
        #expect(
            eventually { zip(engine.snapshot().workloads, goals).allSatisfy { $0.acknowledged >= $1 } })
    }

    private func judged(_ ledger: Ledger) -> LedgerFindings {
        let last = ledger.entries.compactMap(\.finished).max() ?? SystemTimekeeper().monotonic()
        return LedgerJudge.classify(ledger, fault: Bracket(last, last))
    }

    @Test func aReplicaThatFollowsHoldsTheSame() throws {
        let folder = try TemporaryFolder()
        let (primary, replica) = (try TestRedis(), try TestRedis())
        try follow(replica, primary)
        let engine = try writing(workload(primary, replica), in: folder, until: 300)
        engine.stopWorkloads()
        let ledger = engine.readBack(replicaGap: .milliseconds(100), within: .seconds(120))[0]
        engine.stop()
        let readBack = try #require(ledger.readBack)
        #expect(readBack.isComplete && readBack.replicas.count == 1, "\(readBack.problems)")
        #expect(readBack.replicas[0].isComplete, "\(readBack.replicas[0].problems)")
        #expect(readBack.replicas[0].found == readBack.found)
        let findings = judged(ledger)
        #expect(findings.count(.divergent) == 0 && findings.lost == 0 && findings.inconclusive == nil)
        // What was read is kept beside the ledger, of both.
        let path = try #require(engine.ledgerPath(of: "kv"))
        let file = try ReadBackFile.read(ReadBackFile.path(beside: path))
        #expect(file.readers.map(\.name) == ["primary", replica.url + "/3"])
        #expect(file.readers[0].runs == file.readers[1].runs && file.readers.allSatisfy { $0.time != nil })
        let intact = file.readers[0].runs.filter { $0.state == .intact }.reduce(0) { $0 + $1.numbers.count }
        #expect(intact == ledger.entries.count { $0.isAcknowledged })
    }

    /// The one was cut off half-way and is behind for ever, the other holds something of its own.
    @Test func replicasThatDivergeAreToldApartFromLosses() throws {
        let folder = try TemporaryFolder()
        let (primary, behind, spoilt) = (try TestRedis(), try TestRedis(), try TestRedis())
        try follow(behind, primary)
        try follow(spoilt, primary)
        let engine = try writing(workload(primary, behind, spoilt), in: folder, until: 200)
        try behind.run("REPLICAOF", "NO", "ONE")
        expectMore(200, of: engine)
        engine.stopWorkloads()
        let entries = engine.ledgers()[0].entries
        #expect(entries.allSatisfy { $0.outcome == .ok })
        #expect(try eventually { try info(spoilt).contains("master_link_status:up") })
        let link = { (text: String) in text.split(separator: "\r\n").first { $0.contains("repl_offset:") } }
        #expect(
            try eventually {
                try link(info(primary))?.split(separator: ":").last
                    == link(info(spoilt))?.split(separator: ":").last
            })
        try spoilt.run("REPLICAOF", "NO", "ONE")
        try spoilt.run(
            "EVAL",
            "redis.call('SELECT', 3) local k = redis.call('KEYS', '*-2-7') return redis.call('APPEND', k[1], 'x')",
            "0")
        guard
            case .integer(let held)? = try behind.run(
                "EVAL", "redis.call('SELECT', 3) return redis.call('DBSIZE')", "0")
        else {
            Issue.record("the replica does not tell its size")
            return
        }
        let ledger = engine.readBack(replicaGap: .milliseconds(100), within: .seconds(120))[0]
        engine.stop()
        let findings = judged(ledger)
        #expect(findings.lost == 0 && findings.corrupt == 0 && findings.inconclusive == nil)
        #expect(findings.replicas[0].missing == entries.count - Int(held))
        #expect(findings.replicas[0].missing >= 100)
        #expect(findings.replicas[0].different == 0 && findings.replicas[0].extra == 0)
        #expect(
            [findings.replicas[1].missing, findings.replicas[1].different, findings.replicas[1].extra]
                == [0, 1, 0])
        #expect(findings.count(.divergent) == findings.replicas[0].missing + 1)
    }

    @Test func aReplicaThatIsGoneIsNotALoss() throws {
        let folder = try TemporaryFolder()
        let (primary, replica) = (try TestRedis(), try TestRedis())
        try follow(replica, primary)
        let engine = try writing(workload(primary, replica), in: folder, until: 50)
        engine.stopWorkloads()
        replica.kill()
        var notes: [String] = []
        let ledger = engine.readBack(
            replicaGap: .milliseconds(100), within: .seconds(2), note: { notes.append($1) })[0]
        engine.stop()
        #expect(ledger.readBack?.isComplete == true)
        let findings = judged(ledger)
        #expect(findings.lost == 0 && findings.count(.divergent) == 0)
        #expect(findings.replicas[0].unread > 0 && findings.replicas[0].inconclusive != nil)
        #expect(findings.inconclusive == findings.replicas[0].inconclusive)
        #expect(notes.contains { $0.contains(replica.url) }, "\(notes)")
    }

    /// Of registers a replica must show the versions that its primary shows, whatever came before them.
    @Test func registersOfReplicasAreHeldToTheirPrimary() throws {
        let folder = try TemporaryFolder()
        let (primary, follows, behind) = (try TestRedis(), try TestRedis(), try TestRedis())
        try follow(follows, primary)
        try follow(behind, primary)
        var made = workload(primary, follows, behind)
        (made.setting.mode, made.setting.keys) = (.register, 2)
        let engine = try writing(made, in: folder, until: 300)
        try behind.run("REPLICAOF", "NO", "ONE")
        // Every register is written over many times.
        expectMore(400, of: engine)
        engine.stopWorkloads()
        let ledger = engine.readBack(replicaGap: .milliseconds(100), within: .seconds(120))[0]
        engine.stop()
        let readBack = try #require(ledger.readBack)
        #expect(readBack.isComplete && readBack.replicas.allSatisfy(\.isComplete), "\(readBack.problems)")
        // One version of each of two registers of eight writers, the newest that was acknowledged.
        let newest = Dictionary(
            grouping: ledger.entries.filter { $0.isAcknowledged && !ledger.plan.isRead($0.key) }.map(\.key)
        ) { [Int($0.stream), ledger.plan.register(of: $0.sequence)] }.compactMapValues { $0.max() }
        #expect(newest.count == 16 && Set(readBack.found.map(\.key)) == Set(newest.values))
        #expect(readBack.replicas[0].found == readBack.found)
        let old = Set(readBack.replicas[1].found.map(\.key))
        #expect(old.count == 16 && old.isDisjoint(with: Set(newest.values)))
        let findings = judged(ledger)
        #expect(findings.lost == 0 && findings.count(.stale) == 0 && findings.violations.isEmpty)
        let held = findings.replicas.map { [$0.missing, $0.different, $0.extra] }
        #expect(held == [[0, 0, 0], [16, 0, 16]])
        #expect(findings.count(.divergent) == 32 && findings.replicas.allSatisfy { $0.inconclusive == nil })
    }

    /// All 40 of the newest are asked for, and 30 of the older ones; nothing else.
    @Test func aSampleAsksForWhatWasDrawn() throws {
        let folder = try TemporaryFolder()
        let redis = try TestRedis()
        var made = workload(redis)
        made.setting.sample.above = 100
        made.setting.sample.older = 30
        made.setting.sample.recent = .seconds(0)
        let engine = try writing(made, in: folder, until: 300)
        let fault = SystemTimekeeper().monotonic()
        #expect(eventually { engine.snapshot().workloads[0].acknowledged >= 400 })
        engine.stopWorkloads()
        let ledger = engine.readBack(fault: fault, gap: .milliseconds(20), within: .seconds(120))[0]
        engine.stop()
        let readBack = try #require(ledger.readBack)
        let sample = try #require(readBack.sample)
        #expect(readBack.isComplete, "\(readBack.problems)")
        #expect(sample.drawn == 30 && sample.since == fault && sample.older >= 290)
        let recent = ledger.entries.count { $0.finished.map { $0 >= fault } ?? true }
        #expect(recent >= 90 && readBack.found.count == 30 + recent)
        let findings = judged(ledger)
        #expect(findings.count(.survived) == 30 + recent)
        #expect(findings.count(.unsampled) == ledger.entries.count - 30 - recent)
        #expect(findings.sample?.mostLost.map { $0 > 0 } == true)
        #expect(findings.inconclusive?.hasPrefix("30 of ") == true)
    }

    /// Streams and numbers of both are the same, keys are not.
    @Test func twoWorkloadsInOneStoreDoNotHideEachOthersLosses() throws {
        let folder = try TemporaryFolder()
        let redis = try TestRedis()
        var (first, second) = (workload(redis), workload(redis))
        (first.name, second.name) = ("first", "second")
        let engine = try writing(first, second, in: folder, until: 100)
        engine.stopWorkloads()
        try redis.run(
            "EVAL",
            "redis.call('SELECT', 3) local k = redis.call('KEYS', '*.1-2-7') return redis.call('DEL', k[1])",
            "0")
        let ledgers = engine.readBack(gap: .milliseconds(20), within: .seconds(120))
        engine.stop()
        let findings = ledgers.map(judged)
        #expect(findings.map(\.lost) == [0, 1] && findings.map { $0.count(.phantom, .corrupt) } == [0, 0])
        #expect(findings.allSatisfy { $0.inconclusive == nil })
        #expect(findings[1].anomalies.map(\.key) == [EntryKey(stream: 2, sequence: 7)])
    }

    @Test func aStoreThatMayEvictIsTold() throws {
        let folder = try TemporaryFolder()
        let redis = try TestRedis()
        try redis.run("CONFIG", "SET", "maxmemory", "100mb")
        try redis.run("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        let engine = try writing(workload(redis), in: folder, until: 10)
        engine.stopWorkloads()
        let readBack = engine.readBack(gap: .milliseconds(20), within: .seconds(120))[0].readBack
        engine.stop()
        #expect(
            readBack?.hints == [
                "it may evict keys by itself (maxmemory 104857600 bytes, allkeys-lru), which counts as loss"
            ])
    }

    @Test func aReadBackFileIsReadAsItWasWritten() throws {
        let folder = try TemporaryFolder()
        let time = Bracket(Instant(nanoseconds: 5), Instant(nanoseconds: 9))
        let runs = [
            ReadRun(stream: 0, numbers: 1...7, state: .intact),
            ReadRun(stream: 0, numbers: 8...8, state: .damaged, count: 2),
            ReadRun(stream: 3, numbers: 1...9, state: .absent),
        ]
        let file = ReadBackFile(readers: [
            ReadBackFile.Reader(name: "primary", time: time, runs: runs),
            ReadBackFile.Reader(name: "http://127.0.0.1/{key} x", time: nil, runs: []),
        ])
        let path = try folder.write("kv.readback", file.text)
        #expect(try ReadBackFile.read(path) == file)
        let orphan = "muster read-back 1\n0 1 2 intact\n"
        for broken in ["", "muster ledger 1\n", orphan, file.text + "0 3 2 absent\n"] {
            let path = try folder.write("broken", broken)
            #expect(throws: MeasuringError.self) { try ReadBackFile.read(path) }
        }
        #expect(throws: MeasuringError.self) { try ReadBackFile.read(folder.path + "/none") }
    }
}
