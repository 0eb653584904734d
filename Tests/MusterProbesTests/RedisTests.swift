import Glibc
import MusterCore
import MusterDrills
import MusterSystem
import Synchronization
import Testing

@testable import MusterProbes

/// A real redis-server on a port of its own.
final class TestRedis {
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
        guard access(program, X_OK) == 0 else {
            throw MissingProgram(program: program, package: "redis-server")
        }
        var spawn = Spawn([
            program, "--port", "\(port)", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
            "--dir", folder.path,
        ])
        spawn.deathSignal = SIGKILL
        child = try spawn.start()
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
    /// As the next command's reply it would acknowledge a write that the server never had.
    @Test(arguments: ["+OK\r\n+OK\r\n", "+OK\r\n*2\r\n", "+OK\r\n+"])
    func aReplyTooManyIsNobodysReply(_ answer: String) throws {
        let server = try RawServer { connection in
            while connection.receive() != nil { connection.send(answer) }
        }
        defer { server.stop() }
        let loop = try EventLoop()
        let address = try #require(RedisAddress("redis://127.0.0.1:\(server.port)"))
        let connection = RedisConnection(loop: loop, address: address)
        var result: RedisConnection.Result?
        connection.exchange([["PING"]], until: monotonicNow() + .seconds(60)) { result = $0 }
        loop.run { result != nil }
        guard case .failed(SampleCode.protocolViolation, nothingSent: false, timedOut: false)? = result else {
            Issue.record("\(String(describing: result))")
            return
        }
    }

    @Test func aReplyThatComesLateEndsItsConnection() throws {
        let connections = Atomic(0)
        let shallRepeat = Atomic(false)
        let isLeft = Atomic(false)
        let server = try RawServer { connection in
            let number = connections.add(1, ordering: .relaxed).newValue
            while connection.receive() != nil {
                connection.send("+\(number)\r\n")
                guard number == 1, eventually({ shallRepeat.load(ordering: .relaxed) }) else { continue }
                connection.send("+late\r\n")
            }
            isLeft.store(true, ordering: .relaxed)
        }
        defer { server.stop() }
        let loop = try EventLoop()
        let address = try #require(RedisAddress("redis://127.0.0.1:\(server.port)"))
        let connection = RedisConnection(loop: loop, address: address)
        func ask() -> RedisReply? {
            var result: RedisConnection.Result?
            connection.exchange([["PING"]], until: monotonicNow() + .seconds(60)) { result = $0 }
            loop.run { result != nil }
            return result?.reply
        }
        #expect(ask() == .simple("1"))
        shallRepeat.store(true, ordering: .relaxed)
        let deadline = monotonicNow() + .seconds(60)
        while !isLeft.load(ordering: .relaxed), monotonicNow() < deadline {
            var isOver = false
            loop.at(monotonicNow() + .milliseconds(5)) { isOver = true }
            loop.run { isOver }
        }
        #expect(ask() == .simple("2"))
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
        let killed = try KilledStore(
            redis, workload: drillWorkload(redis.workload, writers: 8, perSecond: 500),
            every: .milliseconds(10), timeout: .milliseconds(250), in: folder)
        killed.engine.stop()
        let (found, dead) = (killed.found, killed.killed.upper)
        let acknowledged = killed.ledger.entries.filter(\.isAcknowledged)
        let before = acknowledged.filter { $0.finished.map { $0 <= killed.killed.lower } ?? false }
        let after = acknowledged.filter { $0.sent >= dead }
        #expect(before.count >= 300 && before.allSatisfy { !found.contains($0.key) })
        #expect(!after.isEmpty && after.allSatisfy { found.contains($0.key) })
        let signals = killed.signals
        #expect(signals.count == 9 && signals.allSatisfy { $0.samples.contains { $0.isDown } })
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
