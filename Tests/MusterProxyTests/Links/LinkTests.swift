import Glibc
import NIOCore
import Synchronization
import Testing

@testable import MusterProxy

/// Remembers what happened.
final class EventLog: LinkEventSink {
    let events = Mutex<[LinkEvent]>([])
    var isListening: Bool { true }
    func happened(_ event: LinkEvent) { events.withLock { $0.append(event) } }

    var closed: [LinkEvent.Closed] {
        events.withLock { $0.compactMap { if case .closed(let closed) = $0.kind { closed } else { nil } } }
    }
    var opened: Int { events.withLock { $0.count { if case .opened = $0.kind { true } else { false } } } }
    var effective: [String] {
        events.withLock { $0.compactMap { if case .effective(let name, _) = $0.kind { name } else { nil } } }
    }
}

@Suite struct LinkTests {
    private let server: TestServer
    private let log = EventLog()
    private let engine: SocketEngine

    init() throws {
        server = try TestServer()
        engine = SocketEngine(group: testGroup, seed: 1, events: log)
    }

    private func start(_ toxics: ActiveToxic...) async throws -> any RunningProxy {
        try await engine.start("p", listen: "127.0.0.1:0", upstream: server.address, toxics: toxics)
    }

    private func pair(_ proxy: any RunningProxy) async throws -> (client: Socket, server: Socket) {
        let server = server
        return try await blocking { (try Socket(connecting: proxy.address), try server.accept()) }
    }

    @Test func halfCloseIsKeptBothWays() async throws {
        let proxy = try await start()
        let (client, server) = try await pair(proxy)
        try await blocking {
            try client.send([1, 2, 3])
            client.finish()
            #expect(try server.receiveAll() == [1, 2, 3])
            // The other direction lives on.
            try server.send([4])
            #expect(try client.receive(exactly: 1) == [4])
            try server.send([5])
            server.finish()
            #expect(try client.receiveAll() == [5])
        }
        #expect(await eventually { log.closed.count == 1 })
        let closed = try #require(log.closed.first)
        #expect(closed.cause == .ended)
        #expect(closed.upstream == Traffic(stream: .upstream, received: 3, sent: 3))
        #expect(closed.downstream == Traffic(stream: .downstream, received: 2, sent: 2))
        #expect(proxy.traffic == [closed.upstream, closed.downstream])
        await proxy.stop(draining: .zero)
    }

    @Test(arguments: [false, true]) func resetIsPassedOn(byServer: Bool) async throws {
        let proxy = try await start()
        let (client, server) = try await pair(proxy)
        try await blocking {
            try client.send([1])
            #expect(try server.receive(exactly: 1) == [1])
            (byServer ? server : client).reset()
            #expect(throws: Socket.Problem(code: ECONNRESET)) { try (byServer ? client : server).receive() }
        }
        #expect(await eventually { log.closed.map(\.cause) == [.reset] })
        await proxy.stop(draining: .zero)
    }

    @Test func resetPeerResetsBothSides() async throws {
        let proxy = try await start(try toxic(ResetPeer.self, ["timeout": .integer(1)]))
        let (client, server) = try await pair(proxy)
        try await blocking {
            try server.send([1])
            #expect(throws: Socket.Problem(code: ECONNRESET)) { try client.receive() }
            #expect(throws: Socket.Problem(code: ECONNRESET)) { try server.receive() }
        }
        #expect(await eventually { log.closed.map(\.cause) == [.toxic] })
        #expect(log.effective == ["reset_peer"])
        await proxy.stop(draining: .zero)
    }

    /// Toxiproxy's issue 603, and connections that were open before.
    @Test func resetPeerIsForThoseThatDrewIt() async throws {
        let proxy = try await start(try toxic(ResetPeer.self, toxicity: 0))
        let (client, server) = try await pair(proxy)
        try await blocking {
            try server.send([1])
            #expect(try client.receive(exactly: 1) == [1])
            server.finish()
            #expect(try client.receiveAll() == [])
            client.finish()
            #expect(try server.receiveAll() == [])
        }
        #expect(await eventually { log.closed.map(\.cause) == [.ended] })
        let (second, other) = try await pair(proxy)
        await proxy.update(try toxic(ResetPeer.self, toxicity: 1))
        try await blocking {
            try other.send([1])
            #expect(throws: Socket.Problem(code: ECONNRESET)) { try second.receive() }
        }
        await proxy.stop(draining: .zero)
    }

    @Test func limitDataGivesExactlyThat() async throws {
        let proxy = try await start(
            try toxic(LimitData.self, ["bytes": .integer(100_003)]),
            try toxic(Latency.self, ["latency": .integer(5)]))
        let (client, server) = try await pair(proxy)
        let sent = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        try await blocking {
            // The proxy closes in the middle of it.
            try? server.send(sent)
            let received = try client.receiveAll()
            #expect(received == Array(sent.prefix(100_003)))
        }
        #expect(await eventually { log.closed.map(\.cause) == [.toxic] })
        await proxy.stop(draining: .zero)
    }

    @Test func corruptReportsItsCount() async throws {
        let values: AttributeValues = ["rate": .number(0.01), "bits": .integer(3)]
        let proxy = try await start(try toxic(Corrupt.self, values))
        let (client, server) = try await pair(proxy)
        let sent = [UInt8](repeating: 0, count: 200_000)
        let received = try await blocking {
            // Both at a time: neither buffer takes it all.
            let got = Mutex<[UInt8]>([])
            try server.send(Array(sent.prefix(1000)))
            got.withLock { $0 += (try? client.receive(exactly: 1000)) ?? [] }
            for _ in 0..<199 {
                try server.send([UInt8](repeating: 0, count: 1000))
                let more = try client.receive(exactly: 1000)
                got.withLock { $0 += more }
            }
            server.finish()
            client.finish()
            return got.withLock { $0 }
        }
        let flipped = received.reduce(0) { $0 + $1.nonzeroBitCount }
        #expect(flipped > 3 * 1500 && flipped < 3 * 2500)
        #expect(await eventually { !log.closed.isEmpty })
        #expect(log.closed.map(\.effects) == [["corrupt": UInt64(flipped)]])
        await proxy.stop(draining: .zero)
    }

    @Test func aStallIsLiftedWithoutLoss() async throws {
        let proxy = try await start()
        let (client, server) = try await pair(proxy)
        await proxy.add(try toxic(Stall.self, stream: .upstream))
        try await blocking {
            try client.send([1, 2, 3])
            client.finish()
            // The other direction is not touched.
            try server.send([9])
            #expect(try client.receive(exactly: 1) == [9])
        }
        #expect(await eventually { log.effective == ["stall"] })
        await proxy.remove("stall")
        #expect(try await blocking { try server.receiveAll() } == [1, 2, 3])
        await proxy.stop(draining: .zero)
    }

    @Test func removingATimeoutClosesItsLinks() async throws {
        let proxy = try await start(try toxic(Timeout.self))
        let (client, server) = try await pair(proxy)
        try await blocking { try server.send([1]) }
        #expect(await eventually { log.effective == ["timeout"] })
        await proxy.remove("timeout")
        #expect(try await blocking { try client.receiveAll() } == [])
        #expect(await eventually { log.closed.map(\.cause) == [.toxic] })
        await proxy.stop(draining: .zero)
    }

    @Test func unreachableServerClosesTheClient() async throws {
        let gone = try TestServer()
        gone.socket.close()
        let proxy = try await engine.start("p", listen: "127.0.0.1:0", upstream: gone.address, toxics: [])
        #expect(try await blocking { try Socket(connecting: proxy.address).receiveAll() } == [])
        #expect(await eventually { log.closed.map(\.cause) == [.unreachable] })
        let nameless = try await engine.start(
            "n", listen: "127.0.0.1:0", upstream: "nowhere.invalid:1", toxics: [])
        #expect(try await blocking { try Socket(connecting: nameless.address).receiveAll() } == [])
        for proxy in [proxy, nameless] { await proxy.stop(draining: .zero) }
    }

    @Test func stoppingDropsOrDrains() async throws {
        let proxy = try await start()
        let (client, _) = try await pair(proxy)
        await proxy.stop(draining: .zero)
        #expect(try await blocking { try client.receiveAll() } == [])
        #expect(throws: Socket.Problem(code: ECONNREFUSED)) { try Socket(connecting: proxy.address) }
        #expect(log.closed.map(\.cause) == [.stopped])

        let draining = try await start()
        let (last, server) = try await pair(draining)
        async let stopped: Void = draining.stop(draining: .seconds(20))
        // Binding works as soon as nobody listens; connecting would make a connection to wait for.
        #expect(await eventually { (try? TestServer(reusing: draining.address)) != nil })
        try await blocking {
            try server.send([7])
            server.finish()
            #expect(try last.receiveAll() == [7])
            last.finish()
        }
        await stopped
        #expect(log.closed.map(\.cause) == [.stopped, .ended])
    }
}
