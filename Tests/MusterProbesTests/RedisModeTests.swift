import MusterCore
import MusterSystem
import Testing

@testable import MusterProbes

/// Registers, accounts and deletes on a real Redis, with damage done behind the workload's back.
@Suite(.serialized) struct RedisModeTests {
    private func workload(_ redis: TestRedis) -> RedisWorkload {
        var workload = RedisWorkload()
        workload.redis = redis.url
        return workload
    }

    private func key(_ redis: TestRedis, _ pattern: String) throws -> String {
        guard case .array(let names)? = try redis.run("KEYS", pattern), case .bulk(let name?)? = names.first
        else {
            return ""
        }
        return name
    }

    @Test func registersGoBackAndAreStale() throws {
        let folder = try TemporaryFolder()
        let redis = try TestRedis()
        let written = try Written(100, to: workload(redis), in: folder, writers: 2) {
            $0.mode = .register
            $0.keys = 2
        }
        let plan = written.engine.ledgers()[0].plan
        let versions = written.entries.map(\.key).filter {
            $0.stream == 0 && plan.operation($0) == .set(register: 1)
        }
        let older = versions[versions.count - 2]
        try redis.run(
            "SET", key(redis, "muster-*-0-r1"), EntryPayload.make(older, seed: plan.seed, bytes: 64))
        try redis.run("DEL", key(redis, "muster-*-1-r0"))
        let (findings, readBack) = try written.findings()
        #expect(readBack.isComplete, "\(readBack.problems)")
        #expect(keys(findings, .stale) == [versions[versions.count - 1]])
        let gone = written.entries.filter {
            $0.key.stream == 1 && plan.operation($0.key) == .set(register: 0)
        }
        #expect(findings.lost == 1 + gone.count && findings.counts[.survived] == 3)
        #expect(findings.violations.isEmpty, "\(findings.violations)")
    }

    @Test func aLookThatGoesBackWhileItRunsIsNoticed() throws {
        let folder = try TemporaryFolder()
        let redis = try TestRedis()
        var drill = drillWorkload(workload(redis), writers: 1)
        drill.setting.mode = .register
        drill.setting.keys = 1
        let engine = try MeasuringEngine([], [drill], in: folder)
        try engine.start()
        engine.startWorkloads()
        #expect(eventually { engine.snapshot().workloads[0].acknowledged >= 20 })
        let seed = engine.ledgers()[0].plan.seed
        let name = try key(redis, "muster-*-0-r0")
        let old = EntryPayload.make(EntryKey(stream: 0, sequence: 1), seed: seed, bytes: 64)
        // Until a look falls between this and the next write.
        #expect(
            try eventually {
                try redis.run("SET", name, old)
                return !engine.ledgers()[0].violations.isEmpty
            })
        engine.stopWorkloads()
        let violation = engine.ledgers()[0].violations.first
        engine.stop()
        #expect(
            violation?.hasPrefix("register 0 of writer 0 showed version 1 after version ") == true,
            "\(violation ?? "")")
    }

    @Test func moneyThatIsMadeAndAnAccountThatIsGoneAreNoticed() throws {
        let folder = try TemporaryFolder()
        let redis = try TestRedis()
        let written = try Written(200, to: workload(redis), in: folder) {
            $0.mode = .bank
            $0.bank.accounts = 5
        }
        #expect(written.engine.ledgers()[0].violations.isEmpty)
        #expect(written.entries.allSatisfy { $0.outcome == .ok })
        try redis.run("DEL", key(redis, "bank-muster-*-3"))
        try redis.run("DEL", key(redis, "muster-*-0-1"))
        let (findings, readBack) = try written.findings()
        #expect(readBack.isComplete, "\(readBack.problems)")
        #expect(findings.violations == ["account 3 is missing"])
        #expect(findings.lost == 1 && findings.anomalies.count == 1, "\(findings.counts)")

        let other = try TemporaryFolder()
        let sound = try Written(200, to: workload(redis), in: other) { $0.mode = .bank }
        let account = try key(redis, "bank-muster-*-7")
        try redis.run("INCRBY", account, "11")
        #expect(try sound.findings().0.violations == ["the total is 811, not 800"])
    }

    @Test func aTransferWithoutItsAccountIsRefusedAndLeavesNothing() throws {
        let redis = try TestRedis()
        let loop = try EventLoop()
        let store = try workload(redis).client(on: loop, names: KeyNames(run: "r"))
        let transfer = BankTransfer(from: "a", to: "b", amount: 5, negative: false)
        func move() -> WriteAnswer? {
            var answer: WriteAnswer?
            store.transfer(transfer, "entry", "v", until: monotonicNow() + .seconds(60)) { answer = $0 }
            loop.run { answer != nil }
            return answer
        }
        #expect(move()?.outcome == .fail)
        #expect(try redis.run("EXISTS", "entry", "a", "b") == .integer(0))
        try redis.run("MSET", "a", "3", "b", "100")
        #expect(move()?.outcome == .ok)
        // No more is moved than is there.
        #expect(try redis.run("MGET", "a", "b", "entry") == .array([.bulk("0"), .bulk("103"), .bulk("v")]))
        store.close()
    }

    @Test func deletedEntriesThatComeBackAreResurrected() throws {
        let folder = try TemporaryFolder()
        let redis = try TestRedis()
        let written = try Written(200, to: workload(redis), in: folder) {
            $0.deletes = Percentage(millionths: 200_000)
        }
        let plan = written.engine.ledgers()[0].plan
        let deleted = written.entries.compactMap { entry -> EntryKey? in
            if case .delete(let key) = plan.operation(entry.key) { key } else { nil }
        }
        let back = try #require(deleted.last)
        let some = try key(redis, "muster-*")
        let prefix = some.split(separator: "-")[...1].joined(separator: "-")
        try redis.run("SET", "\(prefix)-\(back.stream)-\(back.sequence)", "from an old snapshot")
        let (findings, readBack) = try written.findings()
        #expect(readBack.isComplete, "\(readBack.problems)")
        #expect(keys(findings, .resurrected) == [back] && findings.anomalies.count == 1)
        #expect(findings.counts[.deleted] == deleted.count - 1)
    }
}
