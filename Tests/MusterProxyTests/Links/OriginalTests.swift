import Foundation
import Glibc
import NIOCore
import Testing

@testable import MusterProxy

/// Connections that the packet filter led to the proxy, in a network namespace of the test.
@Suite struct OriginalTests {
    private struct Failed: Error, CustomStringConvertible { var description: String }

    private static func shell(_ script: String) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = ["-ec", script]
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failed(description: script) }
    }

    /// Runs on a thread of its own in that namespace; sockets that are made there stay there.
    private static func within<Value: Sendable>(
        _ space: String, _ body: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        try await offThePool {
            // setns(2); Glibc's module does not offer it.
            typealias SetNS = @convention(c) (CInt, CInt) -> CInt
            let file = open("/run/netns/\(space)", O_RDONLY | O_CLOEXEC)
            defer { close(file) }
            guard let symbol = dlsym(nil, "setns"),
                unsafeBitCast(symbol, to: SetNS.self)(file, 0x4000_0000) == 0
            else { throw Failed(description: "setns: \(errno)") }
            return try body()
        }
    }

    /// A connection of IPv4 to a listener for both families: the kernel knows of it as one of IPv4.
    @Test(.timeLimit(.minutes(3)), arguments: ["0.0.0.0:18000", "127.0.0.1:18000"])
    func findsWhereAConnectionWasGoing(_ listen: String) async throws {
        guard geteuid() == 0 else {
            print("skipped without root: makes a network namespace and a redirect in it")
            return
        }
        let space = "muster-original-\(getpid())-\(UInt16.random(in: 0 ... .max))"
        try Self.shell("ip netns add \(space) && ip netns exec \(space) ip link set lo up")
        defer { try? Self.shell("ip netns del \(space)") }
        let server = try await Self.within(space) { try TestServer() }
        let port = server.address.split(separator: ":")[1]
        // Only what is marked, or the proxy would be led to itself.
        try Self.shell(
            """
            ip netns exec \(space) nft 'add table ip t
            add chain ip t out { type nat hook output priority -100; }
            add rule ip t out meta mark 7 tcp dport \(port) redirect to :18000'
            """)
        let limit = #"{"type":"limit_data","stream":"upstream","attributes":{"bytes":2}}"#
        let config = FileManager.default.temporaryDirectory.appending(path: "\(space).json")
        try #"[{"name":"p","listen":"\#(listen)","upstream":"original","toxics":[\#(limit)]}]"#.write(
            to: config, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: config) }
        let program = try await NetProgram.start(
            ["--drain", "0s", "--config", config.path], through: ["ip", "netns", "exec", space])
        defer { program.stop() }
        try await Self.within(space) {
            let client = try Socket(Socket.kind(AF_INET))
            var mark: CInt = 7
            setsockopt(client.descriptor, SOL_SOCKET, SO_MARK, &mark, socklen_t(MemoryLayout<CInt>.size))
            let address = try #require(Resolver.literal(try Endpoint(server.address)))
            let answer = address.withSockAddr { connect(client.descriptor, $0, socklen_t($1)) }
            #expect(answer == 0)
            try client.send([1, 2, 3])
            // Where it was going, and not straight.
            #expect(try server.accept().receiveAll() == [1, 2])
            // One that came to the proxy by itself was going nowhere else.
            #expect(try Socket(connecting: "127.0.0.1:18000").receiveAll() == [])
        }
    }
}
