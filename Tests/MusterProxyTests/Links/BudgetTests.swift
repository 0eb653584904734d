import Glibc
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import MusterProxy

/// What all connections may take together: memory and descriptors.
@Suite(.timeLimit(.minutes(5))) struct BudgetTests {
    /// A loop of its own: these keep it busy, and others' tests have deadlines.
    private static let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let server: TestServer

    init() throws { server = try TestServer() }

    /// Eight links that may hold 4 MiB each share a budget of 1 MiB. It is spent, and no more than one reading of each
    /// comes on top; nothing is lost; others who hold little go on.
    @Test func whatIsHeldIsBoundedOverAllLinks() async throws {
        let links = 8
        let shared = SharedLimits(held: HeldBudget(1 << 20))
        let engine = SocketEngine(group: Self.group, seed: 1, shared: shared)
        let proxy = try await engine.start(
            "p", listen: "127.0.0.1:0", upstream: server.address,
            toxics: [try toxic(Latency.self, ["latency": .integer(10_000_000)], stream: .upstream)])
        let other = try await engine.start(
            "q", listen: "127.0.0.1:0", upstream: server.address,
            toxics: [try toxic(Latency.self, ["latency": .integer(1)], stream: .upstream)])
        let server = server
        let pairs = try await offThePool {
            try (0..<links).map { _ in (try Socket(connecting: proxy.address), try server.accept()) }
        }
        let sent = try await offThePool { () -> Int in
            let part = [UInt8](repeating: 7, count: 65_536)
            var total = 0
            // Until nobody gets rid of anything for half a second.
            var idle = ContinuousClock.now
            while ContinuousClock.now - idle < .milliseconds(500), total < 400_000_000 {
                for (client, _) in pairs {
                    let count = send(
                        client.descriptor, part, part.count, CInt(MSG_NOSIGNAL) | CInt(MSG_DONTWAIT))
                    guard count > 0 else { continue }
                    total += count
                    idle = .now
                }
                usleep(1000)
            }
            return total
        }
        #expect(shared.held.held >= shared.held.most)
        #expect(shared.held.peak <= shared.held.most + links * (HeldBudget.step + HeldBudget.small))
        #expect(shared.held.waited > 0)
        // Whoever holds little is not held up.
        try await offThePool {
            let client = try Socket(connecting: other.address)
            let behind = try server.accept()
            for number in 0..<20 {
                try client.send([UInt8(number)])
                #expect(try behind.receive(exactly: 1) == [UInt8(number)])
            }
        }
        // Everything arrives when the toxic is gone.
        await proxy.remove("latency")
        let got = try await offThePool { () -> Int in
            for (client, _) in pairs { client.finish() }
            return try pairs.reduce(0) { try $0 + $1.1.receiveAll().count }
        }
        #expect(got == sent)
        #expect(await eventually { shared.held.held == 0 })
        await proxy.stop(draining: .zero)
        await other.stop(draining: .zero)
    }

    /// What connections held is given back when they are cut in the middle of it.
    @Test func whoGoesGivesBackWhatWasHeld() async throws {
        let shared = SharedLimits()
        let engine = SocketEngine(group: Self.group, seed: 1, shared: shared)
        let proxy = try await engine.start(
            "p", listen: "127.0.0.1:0", upstream: server.address,
            toxics: [try toxic(Stall.self, stream: .upstream), try toxic(Stall.self, name: "d")])
        let server = server
        try await offThePool {
            for _ in 0..<10 {
                let client = try Socket(connecting: proxy.address)
                let behind = try server.accept()
                try client.send([UInt8](repeating: 1, count: 1000))
                try behind.send([UInt8](repeating: 1, count: 1000))
                for _ in 0..<2000 where shared.held.held < 2000 { usleep(5000) }
                #expect(shared.held.held >= 2000)
                // One end alone does not: the toxic holds its end, too, as it does with what came before.
                client.reset()
                behind.reset()
                for _ in 0..<2000 where shared.held.held > 0 { usleep(5000) }
                #expect(shared.held.held == 0)
            }
        }
        await proxy.stop(draining: .zero)
        #expect(shared.held.held == 0)
    }

    /// A byte at a time, each in a buffer of its own: what counts is the memory.
    @Test func tinyChunksCountForWhatTheyTake() throws {
        var chain = StageChain()
        let late = try Latency(["latency": .integer(1_000_000), "jitter": .integer(0)])
        chain.add("late", try #require(late.stage(LinkRandom(seed: 1))), isActive: true)
        let now = NIODeadline.uptimeNanoseconds(1)
        var given = 0
        while chain.waiting == 0, given < 1_000_000 {
            chain.receive(Chunk(ByteBuffer(bytes: [1]), at: now))
            _ = chain.next(at: now)
            given += 1
        }
        #expect(given < 40_000)
        #expect(chain.held == given)
        #expect(chain.kept > 100 * given && chain.kept < 10 << 20)
    }

    /// A large chunk in single bytes takes no list of all of them.
    @Test func aSlicerCutsAsItGoes() throws {
        let slicer = try Slicer([
            "average_size": .integer(1), "size_variation": .integer(0), "delay": .integer(0),
        ])
        var stage = try #require(slicer.stage(LinkRandom(seed: 1)))
        stage.receive(Chunk(ByteBuffer(repeating: 9, count: 100_000), at: .uptimeNanoseconds(1)))
        var pieces = 0
        while case .chunk(let chunk) = stage.next(at: .uptimeNanoseconds(2)) {
            #expect(chunk.bytes.readableBytes == 1)
            pieces += 1
        }
        #expect(pieces == 100_000)
    }

    /// Who has had its turn of descriptors waits in the kernel, and is let in when there are some again.
    @Test func connectionsWaitForDescriptors() async throws {
        let shared = SharedLimits(descriptors: 10)
        let engine = SocketEngine(group: Self.group, seed: 1, shared: shared)
        let proxy = try await engine.start("p", listen: "127.0.0.1:0", upstream: server.address, toxics: [])
        let server = server
        var pairs = try await offThePool {
            try (0..<5).map { _ in (try Socket(connecting: proxy.address), try server.accept()) }
        }
        #expect(shared.descriptors.isSpent)
        await #expect(throws: BindProblem.self) {
            try await engine.start("q", listen: "127.0.0.1:0", upstream: server.address, toxics: [])
        }
        let sixth = try await offThePool { try Socket(connecting: proxy.address) }
        // Nobody comes to the server. Waiting for what must not happen takes its time.
        let comes = await polls(server.socket.descriptor, milliseconds: 300)
        #expect(!comes)
        pairs.removeFirst()
        try await offThePool {
            let behind = try server.accept()
            try sixth.send([1])
            #expect(try behind.receive(exactly: 1) == [1])
        }
        pairs.removeAll()
        sixth.close()
        #expect(await eventually { shared.descriptors.left == 9 })
        await proxy.stop(draining: .zero)
        #expect(await eventually { shared.descriptors.left == 10 })
    }

    private func polls(_ descriptor: Int32, milliseconds: Int32) async -> Bool {
        (try? await offThePool {
            var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            return poll(&entry, 1, milliseconds) > 0
        }) ?? false
    }

    /// A connection and its two ends hold each other while it lives. Nothing of it may be left afterwards, whichever
    /// way it ended: what they all know is freed with the last of them.
    @Test(arguments: ["ended", "reset", "unreachable", "refused", "tls"])
    func nothingIsLeftOfAConnection(how: String) async throws {
        weak var log: EventLog?
        do {
            let events = EventLog()
            log = events
            let engine = SocketEngine(group: Self.group, seed: 1, events: events)
            let toxics =
                switch how {
                case "refused": [try toxic(ConnectRefuse.self)]
                case "tls": [try toxic(TLSFaultToxic.self)]
                default: [try toxic(Latency.self, ["latency": .integer(1)])]
                }
            let server = server
            // A port that nobody listens on any more.
            let upstream = how == "unreachable" ? try TestServer().address : server.address
            let proxy = try await engine.start(
                "p", listen: "127.0.0.1:0", upstream: upstream, toxics: toxics)
            try await offThePool {
                for _ in 0..<20 {
                    let client = try Socket(connecting: proxy.address)
                    switch how {
                    case "ended", "reset":
                        let behind = try server.accept()
                        try client.send([1])
                        _ = try behind.receive(exactly: 1)
                        if how == "ended" { client.finish() } else { client.reset() }
                    case "tls": try client.send(Array("GET / HTTP/1.1\r\n\r\n".utf8))
                    default: break
                    }
                }
            }
            #expect(await eventually { events.closed.count == 20 })
            await proxy.stop(draining: .zero)
        }
        #expect(await eventually { log == nil })
    }

    /// Peers that do not read and senders that send little at a time: what waits to be written is bounded in memory,
    /// not only in bytes. In a process of its own, whose memory nobody else takes.
    @Test func manySmallWritesAreBounded() async {
        await #expect(processExitsWith: .success) {
            let server = try TestServer()
            let engine = SocketEngine(group: testGroup, seed: 1)
            let proxy = try await engine.start(
                "p", listen: "127.0.0.1:0", upstream: server.address,
                toxics: [try toxic(Slicer.self, ["average_size": .integer(1)])])
            let before = residentBytes()
            let more = try await blocking { () -> Int in
                let client = try Socket(Socket.kind(AF_INET))
                // Small, so that the kernel takes little on the way.
                var size: CInt = 4096
                setsockopt(
                    client.descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<CInt>.size))
                guard let address = Resolver.literal(try Endpoint(proxy.address)),
                    address.withSockAddr({ connect(client.descriptor, $0, socklen_t($1)) }) == 0
                else { exit(3) }
                let behind = try server.accept()
                let part = [UInt8](repeating: 7, count: 65_536)
                while true {
                    var entry = pollfd(fd: behind.descriptor, events: Int16(POLLOUT), revents: 0)
                    guard poll(&entry, 1, 1500) > 0 else { break }
                    _ = send(behind.descriptor, part, part.count, CInt(MSG_NOSIGNAL) | CInt(MSG_DONTWAIT))
                }
                return residentBytes() - before
            }
            guard more < 12 << 20 else { exit(4) }
            await proxy.stop(draining: .zero)
        }
    }
}

/// Of this process (proc(5)).
func residentBytes() -> Int {
    guard let file = fopen("/proc/self/statm", "r") else { return 0 }
    defer { fclose(file) }
    var text = [UInt8](repeating: 0, count: 200)
    let count = fread(&text, 1, text.count, file)
    let fields = String(decoding: text[..<count], as: UTF8.self).split(separator: " ")
    return (Int(fields[1]) ?? 0) * Int(sysconf(CInt(_SC_PAGESIZE)))
}
