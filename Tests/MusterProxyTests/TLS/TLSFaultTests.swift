import Foundation
import NIOCore
import Synchronization
import Testing

@testable import MusterProxy

/// What Python's ssl, curl and OpenSSL's client say of a real server behind the real proxy.
@Suite(.timeLimit(.minutes(5))) struct TLSFaultTests {
    private let log = EventLog()
    private let engine: SocketEngine
    private let bench: TLSBench

    init() throws {
        engine = SocketEngine(group: testGroup, seed: 1, events: log)
        bench = try TLSBench()
    }

    private func start(_ values: AttributeValues?, toxicity: Double = 1, plain: Bool = false)
        async throws -> any RunningProxy
    {
        try await engine.start(
            "p", listen: "127.0.0.1:0", upstream: "127.0.0.1:\(plain ? bench.plainPort : bench.tlsPort)",
            toxics: try values.map { [try toxic(TLSFaultToxic.self, $0, toxicity: toxicity)] } ?? [])
    }

    private var noticed: [FilterNotice] {
        log.events.withLock {
            $0.compactMap { if case .noticed("tls_fault", let notice) = $0.kind { notice } else { nil } }
        }
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var fault: String
        var python: String
        /// Exit code, body, and OpenSSL's verdict by number.
        var curl: String
        var openssl: String
        var values: AttributeValues = [:]
        var testDescription: String { "\(fault) \(values.count)" }
    }

    @Test(arguments: [
        Case(fault: "none", python: "service.test None TLSv1.3", curl: "0 ok 0", openssl: "OK"),
        Case(
            fault: "expired", python: "certificate has expired", curl: "60 10",
            openssl: "10:certificate has expired"),
        Case(
            fault: "not_yet_valid", python: "certificate is not yet valid", curl: "60 9",
            openssl: "9:certificate is not yet valid"),
        Case(
            fault: "wrong_name",
            python: "Hostname mismatch, certificate is not valid for 'service.test'.", curl: "60 1",
            openssl: "62:hostname mismatch"),
        Case(
            fault: "unknown_issuer", python: "unable to get local issuer certificate", curl: "60 20",
            openssl: "20:unable to get local issuer certificate"),
        Case(
            fault: "none",
            python: "Hostname mismatch, certificate is not valid for 'service.test'.", curl: "60 1",
            openssl: "62:hostname mismatch", values: ["server_name": .text("other.test")]),
    ])
    func clientsSeeWhatIsWrong(_ test: Case) async throws {
        let proxy = try await start(test.values.merging(["fault": .text(test.fault)]) { $1 })
        #expect(try await bench.call("python", proxy) == test.python)
        #expect(try await bench.call("curl", proxy) == test.curl)
        #expect(try await bench.call("openssl", proxy) == test.openssl)
        await proxy.stop(draining: .seconds(20))
        #expect(await eventually { log.closed.count == 3 })
        if test.fault == "expired" {
            let saw = noticed.filter { $0.kind == .saw }.map(\.detail)
            #expect(saw == [String](repeating: "the client sent alert 45 (certificate expired)", count: 3))
        }
        let expected = test.fault == "none" ? 0 : 3
        #expect(log.closed.allSatisfy { $0.effects == (expected == 0 ? [:] : ["tls_fault": 1]) })
        let struck = noticed.filter { $0.kind == .effective }
        let detail = "certificate \(test.fault): service.test"
        #expect(struck == [FilterNotice](repeating: .init(.effective, detail), count: expected))
    }

    /// Who does not look at certificates talks with the server as ever, whatever is wrong.
    @Test func withoutVerificationTheBytesPass() async throws {
        let proxy = try await start(["fault": .text("expired")])
        let answer = try await bench.call(
            "python", proxy, #"{"trust": false, "protocols": ["h2", "http/1.1"]}"#)
        #expect(answer == "service.test http/1.1 TLSv1.3")
        #expect(try await bench.call("subject", proxy) == "another")
        await proxy.stop(draining: .zero)
    }

    @Test func aCertificateForAnAddress() async throws {
        let proxy = try await start(["fault": .text("none")])
        #expect(try await bench.call("python", proxy, #"{"name": "127.0.0.1"}"#) == "None None TLSv1.3")
        await proxy.stop(draining: .zero)
    }

    @Test func theControlKeepsEveryByte() async throws {
        for plain in [false, true] {
            let proxy = try await start(
                ["fault": .text("none"), "upstream_tls": .flag(!plain)], plain: plain)
            #expect(try await bench.call("bulk", proxy, #"{"size": 8388608}"#) == "intact")
            await proxy.stop(draining: .seconds(20))
        }
        #expect(await eventually { log.closed.count == 2 })
        #expect(log.closed.map(\.cause) == [.ended, .ended])
        #expect(log.closed.allSatisfy { $0.upstream.sent == 8_388_608 && $0.downstream.sent == 8_388_608 })
        #expect(noticed == [])
    }

    @Test func aCloseIsAbrupt() async throws {
        for (ending, python) in [("close", "SSLEOFError"), ("reset", "ConnectionResetError")] {
            let proxy = try await start(["fault": .text("abrupt_close"), "ending": .text(ending)])
            #expect(try await bench.call("python", proxy) == python)
            #expect(try await bench.call("curl", proxy) == "35 1")
            await proxy.stop(draining: .zero)
        }
        #expect(await eventually { log.closed.count == 4 })
        #expect(log.closed.allSatisfy { $0.cause == .toxic && $0.effects == ["tls_fault": 1] })
        #expect(noticed.allSatisfy { $0 == .init(.effective, "abrupt close: service.test") })
    }

    @Test func aStallLastsUntilTheToxicIsRemoved() async throws {
        let proxy = try await start(["fault": .text("handshake_stall")])
        #expect(try await bench.call("python", proxy, #"{"limit": 1}"#) == "TimeoutError")
        #expect(await eventually { log.closed.count == 1 })
        async let stalled = bench.call("subject", proxy)
        #expect(await eventually { log.effective.count == 2 })
        try await Task.sleep(for: .milliseconds(100))
        #expect(log.closed.count == 1)
        await proxy.remove("tls_fault")
        // The very handshake that waited goes on with the server itself.
        #expect(try await stalled == "the real server")
        await proxy.stop(draining: .zero)
    }

    @Test func comesAndGoesBetweenConnections() async throws {
        let proxy = try await start(nil)
        #expect(try await bench.call("subject", proxy) == "the real server")
        await proxy.add(try toxic(TLSFaultToxic.self))
        #expect(try await bench.call("python", proxy) == "certificate has expired")
        await proxy.update(try toxic(TLSFaultToxic.self, ["fault": .text("not_yet_valid")]))
        #expect(try await bench.call("python", proxy) == "certificate is not yet valid")
        await proxy.update(try toxic(TLSFaultToxic.self, toxicity: 0))
        #expect(try await bench.call("subject", proxy) == "the real server")
        await proxy.remove("tls_fault")
        #expect(try await bench.call("subject", proxy) == "the real server")
        await proxy.stop(draining: .zero)
    }

    /// The first that is drawn works; TLS does not stand in TLS.
    @Test func oneOfSeveralWorks() async throws {
        let proxy = try await start(["fault": .text("expired")])
        await proxy.add(try toxic(TLSFaultToxic.self, ["fault": .text("wrong_name")], name: "second"))
        #expect(try await bench.call("python", proxy) == "certificate has expired")
        await proxy.remove("tls_fault")
        #expect(try await bench.call("python", proxy).hasPrefix("Hostname mismatch"))
        await proxy.stop(draining: .zero)
    }

    @Test func aServerWithoutTLSIsTold() async throws {
        let proxy = try await start(["fault": .text("none")], plain: true)
        #expect(try await bench.call("python", proxy).hasSuffix("Error"))
        await proxy.stop(draining: .zero)
        #expect(await eventually { log.closed.count == 1 })
        #expect(noticed.count == 1)
        #expect(noticed.first?.kind == .saw)
        let detail = noticed.first?.detail ?? ""
        #expect(detail.hasPrefix("the handshake with the server failed: "), "\(detail)")
    }

    /// What a server says before the client's handshake is complete waits in the kernel: NIOSSL would keep any amount.
    @Test func aServerThatSpeaksFirstWaits() async throws {
        let hello = try #require(Data(base64Encoded: try await bench.call("hello", 0)))
        let server = try TestServer()
        let values: AttributeValues = ["fault": .text("none"), "upstream_tls": .flag(false)]
        let proxy = try await engine.start(
            "p", listen: "127.0.0.1:0", upstream: server.address,
            toxics: [try toxic(TLSFaultToxic.self, values)])
        try await blocking {
            let client = try Socket(connecting: proxy.address)
            try client.send(Array(hello))
            let peer = try server.accept()
            // Its handshake has begun, and goes no further.
            #expect(try client.receive(exactly: 3)[0] == 22)
            var limit = timeval(tv_sec: 1, tv_usec: 0)
            setsockopt(
                peer.descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
            #expect(throws: Socket.Problem(code: EAGAIN)) {
                try peer.send([UInt8](repeating: 1, count: 64 << 20))
            }
        }
        await proxy.stop(draining: .zero)
    }
}
