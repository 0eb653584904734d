import Glibc
import MusterCore
import MusterSystem
import Testing

@testable import MusterProbes

/// The machine's own name server never answers, as in many a real outage.
@Suite(.serialized) struct HangingNameServerTests {
    /// Runs `body` on a thread whose /etc/resolv.conf, in a mount namespace of its own, names a server that takes
    /// questions and says nothing for 40 s.
    private func withHangingNameServer<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result)
        throws
        -> Result
    {
        let folder = try TemporaryFolder()
        let host = UInt8.random(in: 80...250)
        let server = try RawNameServer(host: host, port: 53) { _ in [] }
        defer { server.stop() }
        let file = try folder.write(
            "resolv.conf", "nameserver 127.0.0.\(host)\noptions timeout:20 attempts:2\n")
        return try withNamespace(.mounts) {
            guard mount(nil, "/", nil, UInt(MS_REC | MS_PRIVATE), nil) == 0,
                mount(file, "/etc/resolv.conf", nil, UInt(MS_BIND), nil) == 0
            else { throw NoNamespace() }
            return try body()
        }
    }

    private static let probes: [any RunnableProbe] = [
        httpProbe("http://hangs.test/"), TCPProbe("hangs.test:80"),
    ]

    /// Giving up a look must not wait for the thread that asks: that would hold up all probes of the loop.
    @Test(.enabled(if: geteuid() == 0, "needs a mount namespace"), arguments: [0, 1])
    func givingUpDoesNotWaitForIt(_ number: Int) throws {
        let (findings, longest) = try withHangingNameServer {
            let loop = try EventLoop()
            let prober = try Self.probes[number].prober(on: loop)
            let began = monotonicNow()
            var findings: [Finding] = []
            for _ in 0..<5 {
                prober.look(timeout: .milliseconds(100), on: loop) { findings.append($0) }
            }
            loop.run { findings.count == 5 }
            return (findings, monotonicNow() - began)
        }
        // On a busy machine the thread that asks may have had none of the time, and nobody knows.
        #expect(findings.allSatisfy { $0 == .timeout || $0 == .unknown(SampleCode.instrumentLate) })
        // One wait for one answer would take 40 s.
        #expect(longest < .seconds(30), "\(longest)")
    }
}
