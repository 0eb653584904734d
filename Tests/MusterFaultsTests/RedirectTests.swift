import MusterCore
import MusterFaults
import MusterHost
import MusterSystem
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
        #expect(bench.injector.undo([cut]).first?.closed == .verified)
        #expect(ping(server.address, from: space).ending == .answered)

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
    @Test func onlyTheCgroupIsMeant() throws {
        guard let bench = try bench() else { return }
        defer { bench.close() }
        let server = try bench.server()
        let client = FixtureFault(name: "client", run: try bench.pinger(server))
        let started = bench.request(client, Target(.host), name: "client")
        _ = try bench.injector.inject(started) {}
        #expect(waitUntil { bench.pings("+PONG") > 2 }, "the client goes straight")
        var redirect = Redirect()
        redirect.fixture = "client"
        redirect.id = started.id.rawValue
        redirect.to = [server.address]
        let fixture = fixture(redirect, listen: "127.0.0.1:0", upstream: "original/\(server.address.text)")
        let request = bench.request(fixture, Target(.host), name: "net")
        let injection = try bench.injector.inject(request) {}
        let target = Target(.proxy(.fixture(name: "net", request.id)))
        let cut = try bench.injector.inject(bench.request(ProxyDown(), target, name: "down")) {}
        let failed = bench.pings("failed")
        #expect(waitUntil { bench.pings("failed") > failed + 2 }, "the client is led to a proxy that is down")
        #expect(Bench.ping(server.address, from: nil).ending == .answered, "we are not meant")
        #expect(bench.injector.undo([cut]).first?.closed == .verified)
        let answered = bench.pings("+PONG")
        #expect(waitUntil { bench.pings("+PONG") > answered + 2 }, "the client is led through")
        // A toxic is seen from outside, by a client that comes to the proxy itself.
        var latency = ProxyLatency()
        latency.latency = .milliseconds(50)
        latency.setting.speaks = .redis
        let slow = bench.request(latency, target, name: "slow")
        let toxic = try bench.injector.inject(slow) {}
        var effect = Effect.notYet("never asked")
        let proven = try waitUntil {
            effect = try bench.injector.effect(of: toxic, latency, on: target)
            if case .proven = effect { return true }
            return false
        }
        #expect(proven, "\(effect)")
        #expect(bench.injector.undo([injection, toxic]).allSatisfy { $0.closed == .verified })
        let after = bench.pings("+PONG")
        #expect(waitUntil { bench.pings("+PONG") > after + 2 }, "straight again")
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
