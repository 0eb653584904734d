import Foundation
import Testing

@testable import MusterProxy

/// `muster-net` as people run it: a fault by its API, with the authority that it gives out.
@Suite(.timeLimit(.minutes(5))) struct TLSProgramTests {
    @Test func manyHandshakesLeaveNothingBehind() async throws {
        let bench = try TLSBench()
        let program = try await NetProgram.start()
        defer { program.stop() }
        let pem = try await program.ask("GET", "/ca.pem")
        #expect(pem.status == 200)
        #expect(pem.headers["content-type"] == "application/x-pem-file")
        #expect(pem.body.hasPrefix("-----BEGIN CERTIFICATE-----"))
        #expect(!pem.body.contains("PRIVATE"))
        #expect(try await program.ask("GET", "/ca.pem").body == pem.body)
        try await bench.trust(pem.body)
        let made = try await program.ask(
            "POST", "/proxies",
            #"{"name":"p","listen":"127.0.0.1:0","upstream":"127.0.0.1:\#(bench.tlsPort)","#
                + #""toxics":[{"type":"tls_fault"}]}"#)
        #expect(made.status == 201)
        let listen = try #require(made.body.firstMatch(of: /"listen":"127.0.0.1:(\d+)"/))
        let port = try #require(Int(listen.1))
        #expect(try await bench.call("many", port, #"{"count": 20}"#) == "20")
        let before = try program.descriptors()
        #expect(try await bench.call("many", port, #"{"count": 300}"#) == "300")
        #expect(try await eventually { try program.descriptors() <= before })
        let refused = try await program.ask(
            "POST", "/proxies/p/toxics", #"{"type":"tls_fault","attributes":{"fault":"revoked"},"name":"x"}"#)
        #expect(refused.status == 400)
        #expect(refused.body.contains("handshake_stall"))
    }
}
