import Glibc
import NIOCore
import NIOPosix
import Testing

@testable import MusterProxy

/// Hostile peers: memory and descriptors stay bounded and come back.
@Suite struct PressureTests {
    /// Bytes that a sender gets rid of while nobody reads at the other end.
    private func accepted(_ toxics: [ActiveToxic]) async throws -> Int {
        let server = try TestServer()
        let engine = SocketEngine(group: testGroup, seed: 1)
        let proxy = try await engine.start(
            "p", listen: "127.0.0.1:0", upstream: server.address, toxics: toxics)
        let count = try await blocking {
            let client = try Socket(connecting: proxy.address)
            let behind = try server.accept()
            // Small kernel buffers, so that what is counted is what the proxy takes.
            for socket in [client, behind] {
                var size: CInt = 16_384
                setsockopt(
                    socket.descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<CInt>.size))
                setsockopt(
                    socket.descriptor, SOL_SOCKET, SO_SNDBUF, &size, socklen_t(MemoryLayout<CInt>.size))
            }
            let part = [UInt8](repeating: 7, count: 65_536)
            var total = 0
            // Half a second without room is the end.
            while total < 200_000_000 {
                var poll = pollfd(fd: behind.descriptor, events: Int16(POLLOUT), revents: 0)
                guard Glibc.poll(&poll, 1, 500) > 0 else { break }
                let count = send(behind.descriptor, part, part.count, CInt(MSG_NOSIGNAL) | CInt(MSG_DONTWAIT))
                total += max(0, count)
            }
            // And nothing of it is lost.
            let first = try client.receive(exactly: 1000)
            #expect(first == [UInt8](repeating: 7, count: 1000))
            return total
        }
        await proxy.stop(draining: .zero)
        return count
    }

    /// What the kernel may hold for both connections (tcp(7), tcp_rmem and tcp_wmem), and 6 MB in the proxy.
    private func bound() throws -> Int {
        let largest = try ["/proc/sys/net/ipv4/tcp_rmem", "/proc/sys/net/ipv4/tcp_wmem"].map { path in
            let file = open(path, O_RDONLY)
            defer { close(file) }
            var text = [UInt8](repeating: 0, count: 100)
            let count = read(file, &text, text.count)
            let numbers = String(decoding: text.prefix(max(0, count)), as: UTF8.self).split { !$0.isNumber }
            return try #require(numbers.last.flatMap { Int($0) })
        }
        return 2 * largest.reduce(0, +) + 6_000_000
    }

    @Test func aClientThatNeverReadsStopsTheServer() async throws {
        let bound = try bound()
        try #require(bound < 200_000_000)
        #expect(try await accepted([]) < bound)
        #expect(try await accepted([try toxic(Slicer.self, ["average_size": .integer(1000)])]) < bound)
        #expect(try await accepted([try toxic(Latency.self, ["latency": .integer(1)])]) < bound)
    }

    @Test(arguments: ["stall", "bandwidth", "reset_peer"])
    func whatIsHeldBackStopsTheServer(type: String) async throws {
        let type = try #require(ToxicCatalog.find(type))
        let values: AttributeValues = type == ResetPeer.self ? ["timeout": .integer(1_000_000)] : [:]
        let server = try TestServer()
        let engine = SocketEngine(group: testGroup, seed: 1)
        let proxy = try await engine.start(
            "p", listen: "127.0.0.1:0", upstream: server.address, toxics: [try toxic(type, values)])
        let total = try await blocking {
            let client = try Socket(connecting: proxy.address)
            let behind = try server.accept()
            defer { client.close() }
            let part = [UInt8](repeating: 7, count: 65_536)
            var total = 0
            while total < 200_000_000 {
                var poll = pollfd(fd: behind.descriptor, events: Int16(POLLOUT), revents: 0)
                guard Glibc.poll(&poll, 1, 500) > 0 else { break }
                total += max(
                    0, send(behind.descriptor, part, part.count, CInt(MSG_NOSIGNAL) | CInt(MSG_DONTWAIT)))
            }
            return total
        }
        #expect(try total < bound())
        await proxy.stop(draining: .zero)
    }

    /// A client or server that resets after each number of bytes, with and without toxics: the other side hears of
    /// it, and nothing is left.
    @Test func resetsAtOddMoments() async throws {
        let server = try TestServer()
        let log = EventLog()
        let engine = SocketEngine(group: testGroup, seed: 1, events: log)
        let toxics = [
            try toxic(Latency.self, ["latency": .integer(3)]),
            try toxic(Slicer.self, ["average_size": .integer(3), "delay": .integer(10)], stream: .upstream),
        ]
        for toxics in [[], toxics] {
            let proxy = try await engine.start(
                "p", listen: "127.0.0.1:0", upstream: server.address, toxics: toxics)
            try await blocking {
                for length in 0..<60 {
                    let client = try Socket(connecting: proxy.address)
                    try client.send(Array(repeating: 1, count: length))
                    if length % 3 == 0 { client.finish() }
                    let behind = try server.accept()
                    if length % 2 == 0 {
                        client.reset()
                        // What was sent may still come, then the reset or, where the client had ended, the end.
                        while let more = try? behind.receive(), !more.isEmpty {}
                    } else {
                        try behind.send([1, 2, 3])
                        behind.reset()
                        while let more = try? client.receive(), !more.isEmpty {}
                    }
                }
            }
            await proxy.stop(draining: .seconds(20))
        }
        #expect(log.closed.count == 120)
        #expect(!log.closed.map(\.cause).contains(.stopped))
    }

    /// In a process of its own, whose descriptors nobody else opens.
    @Test func twoThousandConnectionsLeaveNothing() async {
        await #expect(processExitsWith: .success) {
            var limit = rlimit()
            getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            limit.rlim_cur = limit.rlim_max
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            guard limit.rlim_max > 9000 else { return }
            let server = try TestServer()
            let engine = SocketEngine(group: testGroup, seed: 1)
            let proxy = try await engine.start(
                "p", listen: "127.0.0.1:0", upstream: server.address,
                toxics: [try toxic(Latency.self, ["latency": .integer(1)])])
            // What threads and queues need is open from here on.
            try await blocking {}
            let before = openDescriptors()
            try await blocking {
                let pairs = try (0..<2000).map { _ in
                    (try Socket(connecting: proxy.address), try server.accept())
                }
                for (client, behind) in pairs {
                    try client.send([1])
                    _ = try behind.receive(exactly: 1)
                }
            }
            guard await eventually({ openDescriptors() <= before + 3 }) else { exit(3) }
            await proxy.stop(draining: .zero)
        }
    }

    /// Without free descriptors clients wait, the processor does not spin, and afterwards it goes on.
    @Test func runningOutOfDescriptorsIsSurvived() async {
        await #expect(processExitsWith: .success) {
            let server = try TestServer()
            let engine = SocketEngine(group: testGroup, seed: 1)
            let proxy = try await engine.start(
                "p", listen: "127.0.0.1:0", upstream: server.address, toxics: [])
            let client = try Socket(Socket.kind(AF_INET))
            let low = rlimit(rlim_cur: rlim_t(client.descriptor) + 1, rlim_max: 4096)
            var limit = low
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            guard let address = Resolver.literal(try Endpoint(proxy.address)) else { exit(3) }
            let descriptor = client.descriptor
            guard address.withSockAddr({ connect(descriptor, $0, socklen_t($1)) }) == 0 else { exit(4) }
            let began = clock()
            // Not Task.sleep: Dispatch opens descriptors for its timers, and traps without.
            usleep(500_000)
            let spent = Double(clock() - began) / Double(CLOCKS_PER_SEC)
            guard spent < 0.2 else { exit(5) }
            limit.rlim_cur = 4096
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            try await blocking {
                let behind = try server.accept()
                try client.send([1])
                guard try behind.receive(exactly: 1) == [1] else { exit(6) }
            }
            await proxy.stop(draining: .zero)
        }
    }
}

func openDescriptors() -> Int {
    guard let folder = opendir("/proc/self/fd") else { return 0 }
    defer { closedir(folder) }
    var count = 0
    while readdir(folder) != nil { count += 1 }
    return count
}
