import Glibc
import NIOCore
import NIOPosix
import Testing

@testable import MusterProxy

/// A client that goes with RST at each byte of what it says, where the proxy reads along.
@Suite(.serialized, .timeLimit(.minutes(5))) struct OffsetTests {
    private static let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let server: TestServer
    private let log = EventLog()
    private let shared = SharedLimits()
    private let engine: SocketEngine

    init() throws {
        server = try TestServer()
        engine = SocketEngine(group: Self.group, seed: 1, events: log, shared: shared)
    }

    private func goAtEachByte(of request: [UInt8], _ toxics: [ActiveToxic]) async throws {
        let proxy = try await engine.start(
            "p", listen: "127.0.0.1:0", upstream: server.address, toxics: toxics)
        let count = request.count + 1
        let log = log
        try await offThePool {
            for end in 0..<count {
                let client = try Socket(connecting: proxy.address)
                try client.send(Array(request[..<end]))
                // One that goes before it is accepted is none.
                while log.opened <= end { usleep(500) }
                client.reset()
            }
        }
        #expect(await eventually { log.closed.count == count })
        #expect(!log.closed.map(\.cause).contains(.stopped))
        #expect(shared.held.held == 0)
        await proxy.stop(draining: .zero)
    }

    static let request =
        "POST /a?b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"
        + "5;x=y\r\nhello\r\n0\r\nTrailer: 1\r\n\r\nGET /next HTTP/1.1\r\nHost: x\r\n\r\n"

    /// Faults that answer themselves, that wait, that cut, and that change what the server says.
    @Test(
        arguments: [
            ["status": .integer(503), "body": .text("no")],
            ["delay": .integer(20), "delay_at": .text("request")],
            ["abort": .flag(true)],
            ["status": .integer(200), "body_size": .integer(1_000_000_000_000)],
            ["from": .text("server"), "headers": .list(["X-A: b"]), "truncate_bytes": .integer(2)],
        ] as [AttributeValues])
    func leavesNothingOfHTTP(_ values: AttributeValues) async throws {
        try await goAtEachByte(of: Array(Self.request.utf8), [try toxic(HTTPFaultToxic.self, values)])
    }

    @Test(arguments: ["expired", "handshake_stall", "abrupt_close"], [true, false])
    func leavesNothingOfTLS(fault: String, upstream: Bool) async throws {
        try await goAtEachByte(
            of: clientHello(name: "a.test"),
            [try toxic(TLSFaultToxic.self, ["fault": .text(fault), "upstream_tls": .flag(upstream)])])
    }

    /// A body of a terabyte for a client that never reads: made only as it is taken.
    @Test func anAnswerWithoutEndIsNotMadeAhead() async throws {
        let proxy = try await engine.start(
            "p", listen: "127.0.0.1:0", upstream: server.address,
            toxics: [
                try toxic(
                    HTTPFaultToxic.self, ["status": .integer(200), "body_size": .integer(1_000_000_000_000)])
            ])
        try await offThePool {
            let client = try Socket(connecting: proxy.address)
            try client.send(Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8))
            // Some of it has come, so that the rest waits.
            _ = try client.receive(exactly: 1_000_000)
        }
        #expect(shared.held.peak < 1 << 20)
        await proxy.stop(draining: .zero)
    }
}
