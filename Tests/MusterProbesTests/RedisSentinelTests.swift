import Glibc
import MusterCore
import MusterDrills
import Synchronization
import Testing

@testable import MusterProbes

/// Clients that are led to a master by sentinels; the sentinels here say whatever a test wants.
@Suite struct RedisSentinelTests {
    /// Answers every question of every connection with the same.
    private func sentinel(_ answer: @escaping @Sendable () -> String) throws -> RawServer {
        try RawServer { connection in
            while let bytes = connection.receive() {
                let text = String(decoding: bytes, as: UTF8.self)
                guard text.contains("get-master-addr-by-name"), text.contains("\r\norders\r\n") else {
                    return
                }
                connection.send(answer())
            }
        }
    }

    private static func leads(to port: UInt16) -> String {
        "*2\r\n$9\r\n127.0.0.1\r\n$\("\(port)".utf8.count)\r\n\(port)\r\n"
    }

    private func look(_ ports: [UInt16], write: String? = nil, timeout: Duration = .seconds(60)) throws
        -> Sample
    {
        var probe = RedisProbe()
        let hosts = ports.map { "127.0.0.1:\($0)" }.joined(separator: ",")
        probe.redis = "redis+sentinel://\(hosts)/orders"
        probe.write = write
        return try attempt(probe, timeout: timeout)
    }

    @Test func addressesAreReadOrRefused() throws {
        let address = try #require(RedisAddress("redis+sentinel://a:1,[::1]:2,c/orders.eu-1/3"))
        let ports: [UInt16] = [1, 2, 26_379]
        guard case .sentinels(let sentinels) = address.place else {
            Issue.record("\(address)")
            return
        }
        #expect(sentinels.endpoints.map(\.port) == ports && sentinels.endpoints[1].host == "::1")
        #expect(sentinels.master == "orders.eu-1" && address.database == 3 && address.isMasterWanted)
        #expect(RedisAddress("redis://a/3")?.isMasterWanted == false)
        for bad in [
            "redis+sentinel://a:1", "redis+sentinel://a:1/", "redis+sentinel:///orders",
            "redis+sentinel://a:1,/orders",
            "redis+sentinel://a:1,a:1/orders", "redis+sentinel://a:0/orders", "redis+sentinel://a:1/or ders",
            "redis+sentinel://a:1/orders/-1", "redis+sentinel://a:1/orders/0/1",
            "redis+sentinel://u:p@a:1/orders",
            "redis+sentinel://" + (1...16).map { "a:\($0)" }.joined(separator: ",") + "/orders",
        ] {
            #expect(RedisAddress(bad) == nil && RedisAddress.problem(bad) != nil, "\(bad)")
        }
    }

    @Test func theNextSentinelIsAskedWhenOneRefusesHangsOrTalksNonsense() throws {
        let redis = try TestRedis()
        let port = redis.port
        let good = try sentinel { Self.leads(to: port) }
        let hanging = try RawServer { $0.hang() }
        let talking = try sentinel { "*2\r\n$1\r\na\r\n$3\r\nnay\r\n" }
        let unknown = try sentinel { "*-1\r\n" }
        let endless = try sentinel { String(repeating: "*1\r\n", count: 10_000) }
        defer { for server in [good, hanging, talking, unknown, endless] { server.stop() } }
        for bad in [try closedPort(), talking.port, unknown.port, endless.port] {
            #expect(try look([bad, good.port]).outcome == .ok)
            #expect(try look([bad, good.port], write: "muster-probe").outcome == .ok)
        }
        // A third of the time is the hanging one's share.
        let sample = try look([hanging.port, good.port], timeout: .seconds(3))
        #expect(sample.outcome == .ok && sample.finished - sample.started >= .milliseconds(990), "\(sample)")
    }

    @Test func withoutAnAnswerItIsSaidWhy() throws {
        let unknown = try sentinel { "*-1\r\n" }
        let other = try sentinel { "-ERR unknown command 'SENTINEL'\r\n" }
        let nonsense = try sentinel { "*2\r\n$1\r\na\r\n:1\r\n" }
        defer { for server in [unknown, other, nonsense] { server.stop() } }
        let closed = try closedPort()
        for (ports, code) in [
            ([closed], ECONNREFUSED), ([closed, unknown.port], SampleCode.noMaster),
            ([other.port], SampleCode.refusedByServer), ([nonsense.port], SampleCode.protocolViolation),
        ] as [([UInt16], Int32)] {
            let sample = try look(ports)
            #expect(sample.outcome == .error && sample.code == code, "\(ports): \(sample)")
        }
    }

    /// What a sentinel says may be old: whoever is a replica by now must not be taken for the master.
    @Test func aReplicaIsNotTakenForTheMaster() throws {
        let redis = try TestRedis()
        let port = redis.port
        let sentinel = try sentinel { Self.leads(to: port) }
        defer { sentinel.stop() }
        try redis.run("REPLICAOF", "127.0.0.1", "\(try closedPort())")
        let sample = try look([sentinel.port])
        #expect(sample.outcome == .error && sample.code == SampleCode.wrongRole, "\(sample)")
        try redis.run("REPLICAOF", "NO", "ONE")
        #expect(try look([sentinel.port]).outcome == .ok)
    }

    /// A connection that stands goes on with its server until that one says that it takes no writes any more.
    @Test func aWriterFollowsItsSentinelsToTheNewMaster() throws {
        let first = try TestRedis()
        let second = try TestRedis()
        let (old, new) = (first.port, second.port)
        let hasMoved = Atomic(false)
        let server = try sentinel { Self.leads(to: hasMoved.load(ordering: .relaxed) ? new : old) }
        defer { server.stop() }
        let loop = try EventLoop()
        let address = try #require(RedisAddress("redis+sentinel://127.0.0.1:\(server.port)/orders/1"))
        let connection = RedisConnection(loop: loop, address: address)
        func set(_ key: String) -> RedisReply? {
            var result: RedisConnection.Result?
            connection.exchange([["SET", key, "1"]], until: monotonicNow() + .seconds(60)) { result = $0 }
            loop.run { result != nil }
            return result?.reply
        }
        #expect(set("a") == .simple("OK"))
        hasMoved.store(true, ordering: .relaxed)
        try first.run("REPLICAOF", "127.0.0.1", "\(try closedPort())")
        guard case .error(let text)? = set("b"), text.hasPrefix("READONLY") else {
            Issue.record("a replica took a write")
            return
        }
        #expect(set("c") == .simple("OK"))
        #expect(try second.run("INFO", "keyspace").map { "\($0)".contains("db1:keys=1") } == true)
        second.kill()
        first.kill()
        // The stream that stood has ended; so has what the sentinels name.
        #expect(set("d") == nil)
        connection.close()
    }
}
