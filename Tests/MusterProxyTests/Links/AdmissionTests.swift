import Glibc
import NIOCore
import Testing

@testable import MusterProxy

/// What happens when a client connects, and where a proxy listens.
@Suite struct AdmissionTests {
    private let server: TestServer
    private let log = EventLog()
    private let engine: SocketEngine

    init() throws {
        server = try TestServer()
        engine = SocketEngine(group: testGroup, seed: 1, events: log)
    }

    private func start(_ listen: String = "127.0.0.1:0", _ toxics: ActiveToxic...) async throws
        -> any RunningProxy
    {
        try await engine.start("p", listen: listen, upstream: server.address, toxics: toxics)
    }

    private func echo(through address: String, to server: TestServer) async throws {
        try await blocking {
            let client = try Socket(connecting: address)
            let accepted = try server.accept()
            try client.send([1])
            #expect(try accepted.receive(exactly: 1) == [1])
            try accepted.send([2])
            #expect(try client.receive(exactly: 1) == [2])
        }
    }

    @Test func refusedClientsGetReset() async throws {
        let proxy = try await start("127.0.0.1:0", try toxic(ConnectRefuse.self))
        try await blocking {
            let client = try Socket(connecting: proxy.address)
            #expect(throws: Socket.Problem(code: ECONNRESET)) { try client.receive() }
        }
        #expect(await eventually { log.closed.map(\.cause) == [.refused] })
        #expect(log.effective == ["connect_refuse"])
        await proxy.remove("connect_refuse")
        try await echo(through: proxy.address, to: server)
        await proxy.stop(draining: .zero)
    }

    @Test func noMoreThanTheLimit() async throws {
        let proxy = try await start(
            "127.0.0.1:0", try toxic(ConnectionLimit.self, ["connections": .integer(2)]))
        let server = server
        let open = try await blocking {
            try (0..<2).map { _ in (try Socket(connecting: proxy.address), try server.accept()) }
        }
        try await blocking {
            let third = try Socket(connecting: proxy.address)
            #expect(throws: Socket.Problem(code: ECONNRESET)) { try third.receive() }
            // Those that are open stay.
            try open[0].0.send([1])
            #expect(try open[0].1.receive(exactly: 1) == [1])
            open[1].0.reset()
        }
        #expect(await eventually { log.closed.count == 2 })
        try await echo(through: proxy.address, to: server)
        await proxy.stop(draining: .zero)
    }

    /// Nothing reaches the server before; bytes that the client sent meanwhile do then.
    @Test func connectingTakesLonger() async throws {
        let proxy = try await start("127.0.0.1:0", try toxic(ConnectDelay.self, ["delay": .integer(250)]))
        let server = server
        try await blocking {
            let began = NIODeadline.now()
            let client = try Socket(connecting: proxy.address)
            try client.send([1, 2])
            client.finish()
            let accepted = try server.accept()
            #expect(NIODeadline.now() - began >= .milliseconds(250))
            #expect(try accepted.receiveAll() == [1, 2])
        }
        await proxy.stop(draining: .zero)
    }

    @Test func removingAConnectDelayEndsTheWaiting() async throws {
        let proxy = try await start("127.0.0.1:0", try toxic(ConnectDelay.self, ["delay": .integer(.max)]))
        let client = try await blocking { try Socket(connecting: proxy.address) }
        #expect(await eventually { log.effective == ["connect_delay"] })
        await proxy.remove("connect_delay")
        let server = server
        try await blocking {
            let accepted = try server.accept()
            try client.send([1])
            #expect(try accepted.receive(exactly: 1) == [1])
        }
        await proxy.stop(draining: .zero)
    }

    /// Several of the longest times together are the longest that there is.
    @Test func delaysBeyondAllTimesAreWaitedFor() async throws {
        let names = ["a", "b", "c", "d"]
        let proxy = try await engine.start(
            "p", listen: "127.0.0.1:0", upstream: server.address,
            toxics: names.map { try toxic(ConnectDelay.self, ["delay": .integer(.max)], name: $0) })
        let client = try await blocking { try Socket(connecting: proxy.address) }
        #expect(await eventually { log.effective == names })
        await proxy.remove("a")
        let server = server
        try await blocking {
            let accepted = try server.accept()
            try client.send([1])
            #expect(try accepted.receive(exactly: 1) == [1])
        }
        client.close()
        await proxy.stop(draining: .seconds(Int64.max / 1_000_000_000) + .nanoseconds(999_999_999))
    }

    /// The share of connections on which a toxic works depends on the seed only.
    @Test func toxicityIsDrawnForEachConnection() async throws {
        var refused: [[Bool]] = []
        for _ in 0..<2 {
            let proxy = try await start("127.0.0.1:0", try toxic(ConnectRefuse.self, toxicity: 0.5))
            let server = server
            refused.append(
                try await blocking {
                    try (0..<60).map { _ in
                        let client = try Socket(connecting: proxy.address)
                        try? client.send([1])
                        // Refused, or answered by the server.
                        var poll = pollfd(fd: server.socket.descriptor, events: Int16(POLLIN), revents: 0)
                        while Glibc.poll(&poll, 1, 5) == 0 {
                            var own = pollfd(fd: client.descriptor, events: Int16(POLLIN), revents: 0)
                            if Glibc.poll(&own, 1, 0) > 0 { return true }
                        }
                        _ = try server.accept()
                        return false
                    }
                })
            await proxy.stop(draining: .zero)
        }
        #expect(refused[0] == refused[1])
        // 30 are expected; the standard deviation is 3.9.
        #expect((12...48).contains(refused[0].count { $0 }))
    }

    @Test(arguments: ["127.0.0.1:0", "[::1]:0", "localhost:0", ":0", "0.0.0.0:0", "[::]:0"])
    func listensEverywhere(listen: String) async throws {
        let proxy = try await start(listen)
        let port = proxy.address.split(separator: ":").last ?? ""
        #expect(port != "0")
        let expected =
            ["localhost:0": "127.0.0.1", "127.0.0.1:0": "127.0.0.1", "[::1]:0": "[::1]"][listen] ?? "[::]"
        #expect(proxy.address == "\(expected):\(port)")
        for host in expected == "[::]" ? ["127.0.0.1", "[::1]"] : [expected] {
            try await echo(through: "\(host):\(port)", to: server)
        }
        await proxy.stop(draining: .zero)
    }

    @Test(arguments: [
        ("127.0.0.1", "listen tcp: address 127.0.0.1: missing port in address"),
        ("127.0.0.1:99999", "listen tcp: address 99999: invalid port"),
        ("127.0.0.1:-1", "listen tcp: address -1: invalid port"),
        ("::1:80", "listen tcp: address ::1:80: too many colons in address"),
        ("[::1:80", "listen tcp: address [::1:80: missing ']' in address"),
        ("nowhere.invalid:1", "listen tcp: lookup nowhere.invalid: no such host"),
        ("192.0.2.1:1", "listen tcp 192.0.2.1:1: bind: cannot assign requested address"),
        ("unix:/nowhere/at/all", "listen unix /nowhere/at/all: bind: no such file or directory"),
    ]) func saysWhyItCannotListen(listen: String, message: String) async throws {
        let problem = await #expect(throws: BindProblem.self) { try await start(listen) }
        #expect(problem?.message == message)
    }

    @Test(arguments: [
        ("nonsense", "upstream: address nonsense: missing port in address"),
        ("original/nonsense", "upstream: address nonsense: missing port in address"),
        ("h:99999", "upstream: address 99999: invalid port"),
        ("::1:80", "upstream: address ::1:80: too many colons in address"),
        ("unix:", "upstream: unix:: a path has 1 to 107 bytes (unix(7))"),
    ]) func saysThatTheUpstreamIsWrong(upstream: String, message: String) async throws {
        await #expect(throws: BindProblem(message)) {
            try await engine.start("p", listen: "127.0.0.1:0", upstream: upstream, toxics: [])
        }
    }

    @Test func aTakenPortIsSaid() async throws {
        let problem = await #expect(throws: BindProblem.self) { try await start(server.address) }
        #expect(problem?.message == "listen tcp \(server.address): bind: address already in use")
        #expect(problem?.code == EADDRINUSE)
    }

    @Test func socketFilesAreHandledWithCare() async throws {
        let folder = "/tmp/muster-links-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        #expect(mkdir(folder, 0o700) == 0)
        defer { rmdir(folder) }
        let (front, back) = (folder + "/front", folder + "/back")
        let behind = try TestServer(SocketAddress(unixDomainSocketPath: back))
        defer { unlink(back) }
        let proxy = try await engine.start("p", listen: "unix:" + front, upstream: "unix:" + back, toxics: [])
        #expect(proxy.address == "unix:" + front)
        try await echo(through: proxy.address, to: behind)
        // Somebody listens there.
        await #expect(
            throws: BindProblem("listen unix \(front): bind: address already in use", code: EADDRINUSE)
        ) {
            try await start("unix:" + front)
        }
        await proxy.stop(draining: .zero)
        #expect(access(front, F_OK) == -1)
        // Left over from a program that was killed: bound, and nobody listens.
        try TestServer(SocketAddress(unixDomainSocketPath: front)).socket.close()
        #expect(access(front, F_OK) == 0)
        let next = try await start("unix:" + front)
        try await echo(through: next.address, to: server)
        // Somebody has put another file there: it is not ours to remove.
        unlink(front)
        close(open(front, O_CREAT | O_WRONLY, 0o600))
        await next.stop(draining: .zero)
        #expect(access(front, F_OK) == 0)
        // No socket: not removed either.
        await #expect(throws: BindProblem.self) { try await start("unix:" + front) }
        #expect(access(front, F_OK) == 0)
        unlink(front)
    }
}
