import Glibc
import MusterCore
import MusterSystem
import Testing

@testable import MusterProbes

/// A real redis-server on a port of its own.
final class TestRedis {
    struct Missing: Error, CustomStringConvertible {
        let description = "redis-server is missing; install it: apt install redis-server"
    }
    let port: UInt16
    private let folder: TemporaryFolder
    private var child: Child?

    var url: String { "redis://127.0.0.1:\(port)" }

    init() throws {
        port = try closedPort()
        folder = try TemporaryFolder()
        try start()
    }

    deinit { kill() }

    func start() throws {
        let program = "/usr/bin/redis-server"
        guard access(program, X_OK) == 0 else { throw Missing() }
        child = try Spawn(
            [
                program, "--port", "\(port)", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
                "--dir", folder.path,
            ]
        ).start()
        var probe = RedisProbe()
        probe.redis = url
        #expect(try eventually { try attempt(probe, timeout: .seconds(60)).isUp })
    }

    func kill() {
        _ = try? child?.kill()
        _ = try? child?.wait(for: .seconds(60))
        child = nil
    }

    /// Runs one command.
    @discardableResult
    func run(_ words: String...) throws -> RedisReply? {
        let loop = try EventLoop()
        let address = try #require(RedisAddress(url))
        let connection = RedisConnection(loop: loop, address: address)
        var result: RedisConnection.Result?
        connection.exchange([words], until: monotonicNow() + .seconds(60)) { result = $0 }
        loop.run { result != nil }
        connection.close()
        return result?.reply
    }
}

@Suite(.serialized) struct RedisTests {
    private func workload(_ redis: TestRedis) -> DrillWorkload {
        var workload = RedisWorkload()
        workload.redis = redis.url + "/3"
        return drillWorkload(workload, writers: 8, perSecond: 500)
    }

    @Test func repliesAreCutOutOfAnyPieces() throws {
        let bytes = Array("+OK\r\n-ERR no\r\n:-7\r\n$5\r\nhe\r\no\r\n$-1\r\n*2\r\n$1\r\na\r\n*0\r\n".utf8)
        let expected: [RedisReply] = [
            .simple("OK"), .error("ERR no"), .integer(-7), .bulk("he\r\no"), .bulk(nil),
            .array([.bulk("a"), .array([])]),
        ]
        for size in 1...bytes.count {
            var parser = RedisParser()
            var replies: [RedisReply] = []
            for start in stride(from: 0, to: bytes.count, by: size) {
                parser.append(Array(bytes[start..<min(bytes.count, start + size)]))
                while let reply = try parser.next() { replies.append(reply) }
            }
            #expect(replies == expected)
        }
        var other = RedisParser()
        other.append(Array("HTTP/1.1 400 Bad Request\r\n".utf8))
        #expect(throws: RedisParser.Failure.malformed) { try other.next() }
    }

    @Test func aServerWithoutPersistenceLosesAllThatWasAcknowledgedBeforeTheKill() throws {
        let folder = try TemporaryFolder()
        let redis = try TestRedis()
        var probe = RedisProbe()
        probe.redis = redis.url
        let engine = try MeasuringEngine(
            [drillProbe(probe, every: .milliseconds(10), timeout: .milliseconds(250))], [workload(redis)],
            in: folder)
        try engine.start()
        engine.startWorkloads()
        #expect(eventually { engine.snapshot().workloads[0].acknowledged >= 300 })
        engine.mark()
        let killed = SystemTimekeeper().monotonic()
        redis.kill()
        let dead = SystemTimekeeper().monotonic()
        #expect(
            eventually { engine.observation(window: .seconds(1)).signals.allSatisfy { $0.badSince != nil } })
        try redis.start()
        #expect(
            eventually { engine.observation(window: .seconds(1)).signals.allSatisfy { $0.goodSince != nil } })
        engine.stopWorkloads()
        let ledger = engine.readBack(gap: .milliseconds(50), within: .seconds(120))[0]
        let signals = engine.signals()
        engine.stop()
        let readBack = try #require(ledger.readBack)
        #expect(readBack.isComplete, "\(readBack.problems)")
        let found = Set(readBack.found.map(\.key))
        let before = ledger.entries.filter { $0.isAcknowledged && ($0.finished ?? dead) <= killed }
        let after = ledger.entries.filter { $0.isAcknowledged && $0.sent >= dead }
        #expect(before.count >= 300 && before.allSatisfy { !found.contains($0.key) })
        #expect(!after.isEmpty && after.allSatisfy { found.contains($0.key) })
        // Refused connections are certainly not writes.
        #expect(ledger.entries.contains { $0.outcome == .fail })
        #expect(signals.count == 9 && signals.allSatisfy { $0.samples.contains { $0.isDown } })
    }

    @Test func aForgottenASpoiltAndAnUnknownKeyAreFound() throws {
        let folder = try TemporaryFolder()
        let redis = try TestRedis()
        let engine = try MeasuringEngine([], [workload(redis)], in: folder)
        try engine.start()
        engine.startWorkloads()
        #expect(eventually { engine.snapshot().workloads[0].acknowledged >= 400 })
        engine.stopWorkloads()
        let entries = engine.ledgers()[0].entries
        #expect(entries.allSatisfy { $0.outcome == .ok })
        try redis.run(
            "EVAL",
            "redis.call('SELECT', 3) local k = redis.call('KEYS', '*-2-7') return redis.call('DEL', k[1])",
            "0")
        try redis.run(
            "EVAL",
            "redis.call('SELECT', 3) local k = redis.call('KEYS', '*-5-9') return redis.call('APPEND', k[1], 'x')",
            "0")
        try redis.run(
            "EVAL",
            "redis.call('SELECT', 3) local k = redis.call('KEYS', '*-5-9') return redis.call('SET', string.gsub(k[1], '%-5%-9$', '-5-123456'), 'x')",
            "0")
        let readBack = try #require(
            engine.readBack(gap: .milliseconds(50), within: .seconds(120))[0].readBack)
        engine.stop()
        #expect(readBack.isComplete, "\(readBack.problems)")
        let found = Dictionary(uniqueKeysWithValues: readBack.found.map { ($0.key, $0) })
        #expect(Set(entries.map(\.key)).subtracting(found.keys) == [EntryKey(stream: 2, sequence: 7)])
        #expect(found.values.filter { !$0.isIntact }.map(\.key) == [EntryKey(stream: 5, sequence: 9)])
        #expect(Set(found.keys).subtracting(entries.map(\.key)) == [EntryKey(stream: 5, sequence: 123_456)])
    }

    @Test func aReplicaAnswersPingAndRefusesWrites() throws {
        let redis = try TestRedis()
        // A primary that nobody listens at: this server is a read-only replica now.
        try redis.run("REPLICAOF", "127.0.0.1", "\(try closedPort())")
        var probe = RedisProbe()
        probe.redis = redis.url
        #expect(try attempt(probe, timeout: .seconds(60)).outcome == .ok)
        probe.write = "muster-probe"
        let sample = try attempt(probe, timeout: .seconds(60))
        #expect(sample.outcome == .error && sample.code == SampleCode.readOnly)
    }
}
