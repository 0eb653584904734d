import MusterCore
import MusterFaults
import MusterHost
import MusterSystem
import Synchronization
import Testing

/// Connections that are led through a proxy without their knowing, in a network namespace of the test's own or for a
/// cgroup. The server counts who comes: through a proxy that is taken down nobody does.
@Suite(.serialized) struct RedirectTests {
    private func bench() throws -> Bench? {
        guard isRoot else {
            print("skipped without root: a redirect is an nft table")
            return nil
        }
        return try Bench()
    }

    /// What a client in the namespace gets from a PING: `+PONG`, or nothing.
    private func ping(_ address: StreamAddress, from namespace: String) -> Sighting {
        Bench.ping(address, from: namespace)
    }

    private func fixture(_ redirect: Redirect, listen: String, upstream: String) -> ProxyFixture {
        var fixture = ProxyFixture()
        fixture.name = "net"
        fixture.listen = listen
        fixture.upstream = upstream
        fixture.drain = .seconds(1)
        fixture.redirect = redirect
        return fixture
    }

    private var latency: ProxyLatency {
        var latency = ProxyLatency()
        latency.latency = .milliseconds(50)
        latency.setting.speaks = .redis
        return latency
    }

    private func expectProven(_ fault: any Fault, _ injection: Injection, on target: Target, _ bench: Bench)
        throws
    {
        var effect = Effect.notYet("never asked")
        let isProven = try waitUntil {
            effect = try bench.injector.effect(of: injection, fault, on: target)
            if case .proven = effect { return true }
            return false
        }
        #expect(isProven, "\(effect)")
    }

    /// A namespace in which a server listens, reached by the addresses of its loopback.
    @Test(arguments: [("127.0.0.1", "127.0.0.1:0"), ("::1", "[::1]:0")])
    func aNamespaceIsLedThroughAndBack(host: String, listen: String) throws {
        guard let bench = try bench() else { return }
        defer { bench.close() }
        let space = bench.namespace
        bench.shell("ip netns add \(space) && ip netns exec \(space) ip link set lo up")
        let server = try bench.server(on: host, in: space)
        #expect(ping(server.address, from: space).ending == .answered)
        var redirect = Redirect()
        redirect.namespace = space
        redirect.to = [server.address]
        let fixture = fixture(redirect, listen: listen, upstream: "original")
        let request = bench.request(fixture, Target(.host), name: "net")
        let before = try bench.picture()
        let injection = try bench.injector.inject(request) {}
        guard case .proven = try bench.injector.effect(of: injection, fixture, on: request.target) else {
            Issue.record("the effect is not proven")
            return
        }
        // Led through: the proxy found out by itself where they were going.
        #expect(ping(server.address, from: space).ending == .answered)

        let target = Target(.proxy(.fixture(name: "net", request.id)))
        let down = bench.request(ProxyDown(), target, name: "down")
        let cut = try bench.injector.inject(down) {}
        #expect(ping(server.address, from: space).ending == .refused, "nothing but the proxy leads there")
        try expectProven(ProxyDown(), cut, on: target, bench)
        #expect(bench.injector.undo([cut]).first?.closed == .verified)
        #expect(ping(server.address, from: space).ending == .answered)

        // A toxic is seen from within, by a client that goes to the server as everybody there does.
        let slow = try bench.injector.inject(bench.request(latency, target, name: "slow")) {}
        try expectProven(latency, slow, on: target, bench)
        #expect(ping(server.address, from: space).ended >= .milliseconds(50))
        // When nobody is led any more there is no effect, whatever the proxy's interface says.
        let table = NoNftTable.table(of: request.id)
        bench.shell("ip netns exec \(space) nft flush set inet \(table) to")
        let after = try bench.injector.effect(of: slow, latency, on: target)
        guard case .notYet(let why) = after, why.contains("lifted") else {
            Issue.record("after the redirect was lifted: \(after)")
            return
        }
        #expect(bench.injector.undo([slow]).first?.closed == .verified)

        #expect(bench.injector.undo([injection]).first?.closed == .verified)
        #expect(ping(server.address, from: space).ending == .answered, "straight again")
        let isBack = try waitUntil { try bench.picture() == before }
        #expect(isBack, "was \(before)")
    }

    @Test func theKernelLiftsItWhenNobodyElseDoes() throws {
        guard let bench = try bench() else { return }
        defer { bench.close() }
        let space = bench.namespace
        bench.shell("ip netns add \(space) && ip netns exec \(space) ip link set lo up")
        let server = try bench.server(on: "127.0.0.1", in: space)
        var redirect = Redirect()
        redirect.namespace = space
        redirect.to = [server.address]
        redirect.deadline = .seconds(1)
        let fixture = fixture(redirect, listen: "127.0.0.1:0", upstream: "original")
        let request = bench.request(fixture, Target(.host), name: "net")
        let injection = try bench.injector.inject(request) {}
        let lifted = try waitUntil {
            if case .notYet = try bench.injector.effect(of: injection, fixture, on: request.target) {
                return true
            }
            return false
        }
        #expect(lifted)
        #expect(ping(server.address, from: space).ending == .answered)
        #expect(bench.injector.undo([injection]).first?.closed == .verified)
    }

    /// In the host's own namespace only the cgroup is led through: everybody else goes straight.
    @Test(arguments: [("127.0.0.1", "127.0.0.1:0"), ("::1", "[::1]:0")])
    func onlyTheCgroupIsMeant(host: String, listen: String) throws {
        guard let bench = try bench() else { return }
        defer { bench.close() }
        let server = try bench.server(on: host)
        let client = FixtureFault(name: "client", run: try bench.pinger(server))
        let started = bench.request(client, Target(.host), name: "client")
        _ = try bench.injector.inject(started) {}
        #expect(waitUntil { bench.pings("+PONG") > 2 }, "the client goes straight")
        var redirect = Redirect()
        redirect.fixture = "client"
        redirect.id = started.id.rawValue
        redirect.to = [server.address]
        let fixture = fixture(redirect, listen: listen, upstream: "original/\(server.address.text)")
        let request = bench.request(fixture, Target(.host), name: "net")
        let injection = try bench.injector.inject(request) {}
        try expectProven(fixture, injection, on: request.target, bench)
        let target = Target(.proxy(.fixture(name: "net", request.id)))
        let cut = try bench.injector.inject(bench.request(ProxyDown(), target, name: "down")) {}
        let failed = bench.pings("failed")
        #expect(waitUntil { bench.pings("failed") > failed + 2 }, "the client is led to a proxy that is down")
        #expect(Bench.ping(server.address, from: nil).ending == .answered, "we are not meant")
        try expectProven(ProxyDown(), cut, on: target, bench)
        #expect(bench.injector.undo([cut]).first?.closed == .verified)
        let answered = bench.pings("+PONG")
        #expect(waitUntil { bench.pings("+PONG") > answered + 2 }, "the client is led through")
        // A toxic is seen from outside, by a client that comes to the proxy itself.
        let toxic = try bench.injector.inject(bench.request(latency, target, name: "slow")) {}
        try expectProven(latency, toxic, on: target, bench)
        #expect(bench.injector.undo([injection, toxic]).allSatisfy { $0.closed == .verified })
        let after = bench.pings("+PONG")
        #expect(waitUntil { bench.pings("+PONG") > after + 2 }, "straight again")
    }

    /// A toxic that nobody's connections meet has no effect on anybody.
    @Test func whereNobodyConnectsNothingIsProven() throws {
        guard let bench = try bench() else { return }
        defer { bench.close() }
        let server = try bench.server()
        let idle = bench.request(
            FixtureFault(name: "client", run: ["/bin/sleep", "1000"]), Target(.host), name: "client")
        _ = try bench.injector.inject(idle) {}
        #expect(try waitUntil { try bench.host.supervisor(of: idle.id)?.process != nil })
        var redirect = Redirect()
        redirect.fixture = "client"
        redirect.id = idle.id.rawValue
        redirect.to = [server.address]
        let fixture = fixture(redirect, listen: "127.0.0.1:0", upstream: server.address.text)
        let request = bench.request(fixture, Target(.host), name: "net")
        _ = try bench.injector.inject(request) {}
        let target = Target(.proxy(.fixture(name: "net", request.id)))
        let slow = try bench.injector.inject(bench.request(latency, target, name: "slow")) {}
        let effect = try bench.injector.effect(of: slow, latency, on: target)
        guard case .notYet(let why) = effect, why.contains("no connection was led") else {
            Issue.record("\(effect)")
            return
        }
    }

    /// Each connection goes where it was going; those that come by themselves go to the first.
    @Test func severalServersBehindOneProxy() throws {
        guard let bench = try bench() else { return }
        defer { bench.close() }
        let space = bench.namespace
        bench.shell("ip netns add \(space) && ip netns exec \(space) ip link set lo up")
        let servers = try (0..<2).map { _ in try bench.server(on: "127.0.0.1", in: space) }
        var redirect = Redirect()
        redirect.namespace = space
        redirect.to = servers.map(\.address)
        let fixture = fixture(
            redirect, listen: "127.0.0.1:0", upstream: "original/\(servers[0].address.text)")
        let request = bench.request(fixture, Target(.host), name: "net")
        let injection = try bench.injector.inject(request) {}
        try expectProven(fixture, injection, on: request.target, bench)
        let before = servers.map { $0.accepted.load(ordering: .relaxed) }
        #expect(ping(servers[1].address, from: space).ending == .answered)
        #expect(servers[0].accepted.load(ordering: .relaxed) == before[0])
        #expect(servers[1].accepted.load(ordering: .relaxed) == before[1] + 1)
        let target = Target(.proxy(.fixture(name: "net", request.id)))
        let slow = try bench.injector.inject(bench.request(latency, target, name: "slow")) {}
        try expectProven(latency, slow, on: target, bench)
        #expect(bench.injector.undo([injection, slow]).allSatisfy { $0.closed == .verified })
        #expect(ping(servers[1].address, from: space).ending == .answered, "straight again")
    }

    @Test func twoRedirectsOfTheSameConnectionsAreRefused() throws {
        guard let bench = try bench() else { return }
        defer { bench.close() }
        let space = bench.namespace
        bench.shell("ip netns add \(space) && ip netns exec \(space) ip link set lo up")
        let server = try bench.server(on: "127.0.0.1", in: space)
        var redirect = Redirect()
        redirect.namespace = space
        redirect.to = [server.address]
        let first = fixture(redirect, listen: "127.0.0.1:0", upstream: "original")
        _ = try bench.injector.inject(bench.request(first, Target(.host), name: "net")) {}
        var second = first
        second.name = "other"
        #expect(throws: FaultRefusal.self) {
            try bench.injector.plan(bench.request(second, Target(.host), name: "other"))
        }
    }
}
