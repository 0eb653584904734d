import Foundation
import Synchronization
import Testing

@testable import MusterProxy

/// Peers that do not keep to TLS, or say nothing.
@Suite(.timeLimit(.minutes(2))) struct TLSRawTests {
    private let log = EventLog()
    private let engine: SocketEngine
    private let server: TestServer

    init() throws {
        server = try TestServer()
        engine = SocketEngine(group: testGroup, seed: 1, events: log)
    }

    private func start(_ values: AttributeValues = [:]) async throws -> any RunningProxy {
        try await engine.start(
            "p", listen: "127.0.0.1:0", upstream: server.address,
            toxics: [try toxic(TLSFaultToxic.self, values)])
    }

    private var saw: [String] {
        log.events.withLock {
            $0.compactMap {
                if case .noticed(_, let notice) = $0.kind, notice.kind == .saw { notice.detail } else { nil }
            }
        }
    }

    @Test func whoSpeaksSomethingElseIsLetGo() async throws {
        let proxy = try await start()
        try await blocking {
            let client = try Socket(connecting: proxy.address)
            try client.send(Array("GET / HTTP/1.1\r\n\r\n".utf8))
            #expect(try client.receiveAll() == [])
        }
        await proxy.stop(draining: .zero)
        #expect(saw == ["the client does not speak TLS: it begins with 47 45 54 20"])
        #expect(log.closed.map(\.cause) == [.toxic])
        #expect(log.closed.map(\.upstream.sent) == [0])
        // The server was never bothered.
        var waiting = pollfd(fd: server.socket.descriptor, events: Int16(POLLIN), revents: 0)
        #expect(poll(&waiting, 1, 0) == 0)
    }

    @Test func whoGoesInTheMiddleIsLetGo() async throws {
        let proxy = try await start(["fault": .text("handshake_stall")])
        let hello = clientHello(name: "a.test")
        for end in [0, 1, 40, hello.count] {
            try await blocking {
                let client = try Socket(connecting: proxy.address)
                try client.send(Array(hello[..<end]))
                client.finish()
                #expect(try client.receiveAll() == [])
            }
        }
        #expect(await eventually { log.closed.count == 4 })
        #expect(saw == [String](repeating: "the client went before it was answered", count: 4))
        #expect(log.effective == ["tls_fault"])
        await proxy.stop(draining: .zero)
    }

    @Test func nobodyIsWaitedForForEver() async throws {
        let proxy = try await start(["handshake_timeout": .integer(300)])
        let server = server
        try await blocking {
            let silent = try Socket(connecting: proxy.address)
            #expect(try silent.receiveAll() == [])
            let client = try Socket(connecting: proxy.address)
            try client.send(clientHello(name: "a.test"))
            let peer = try server.accept()
            #expect(try peer.receive(exactly: 3)[0] == 22)
            #expect(try client.receiveAll() == [])
        }
        #expect(await eventually { log.closed.count == 2 })
        #expect(
            saw == [
                "the client began no handshake within 300 ms",
                "the server did not complete its handshake within 300 ms",
            ])
        await proxy.stop(draining: .zero)
    }

    /// A hello that the proxy can make nothing of is answered with an alert, and an end.
    @Test func aHelloWithNothingInCommonFails() async throws {
        let proxy = try await start(["upstream_tls": .flag(false)])
        try await blocking {
            let client = try Socket(connecting: proxy.address)
            try client.send(clientHello(name: "a.test"))
            // A record of type 21 is an alert (RFC 8446, 6).
            #expect(try client.receiveAll().first == 21)
        }
        #expect(await eventually { log.closed.count == 1 })
        #expect(saw.count == 1)
        #expect(saw.first?.hasPrefix("the handshake with the client failed: ") == true, "\(saw)")
        await proxy.stop(draining: .zero)
    }
}
