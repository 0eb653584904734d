import MusterCore
import MusterFaults
import Testing

/// What a plan says of proxies that somebody else runs must be true of them.
@Suite struct ForeignProxyTests {
    private func touches(_ fault: any Fault, _ name: String, at port: Int) throws -> String {
        let world = Scenario.original()
        let target = Target(.proxy(.named(name, api: .tcp(host: "127.0.0.1", port: port))))
        return try fault.plan(for: target, as: Scenario.id(0), on: world).touches.joined()
    }

    private var latency: ProxyLatency {
        var fault = ProxyLatency()
        fault.latency = .milliseconds(100)
        fault.setting.deadline = .seconds(60)
        return fault
    }

    @Test func onlyMustersProxyHasDeadlines() throws {
        #expect(try touches(latency, "redis", at: 8474).contains("for at most 1m"))
        let plain = try touches(latency, "plain", at: 8475)
        #expect(plain.contains("until Muster lifts it: a plain Toxiproxy knows no deadline"), "\(plain)")
        #expect(!plain.contains("at most"), "\(plain)")
    }

    @Test(arguments: [("redis", 8474), ("plain", 8475)]) func noProxyOpensItselfAgain(
        name: String, port: Int
    ) throws {
        let words = try touches(ProxyDown(), name, at: port)
        #expect(words.contains("no deadline of its own"), "\(words)")
    }

    @Test func aDrillsOwnProxyEndsAtItsDeadline() throws {
        let world = Scenario.original()
        let injector = Injector(host: world, journal: world, facts: .standard)
        let scenario = try #require(Scenario.ownProxies.first)
        world.begin(trouble: nil)
        _ = try injector.inject(scenario.request(0)) {}
        let target = scenario.acts[1].target
        let down = try ProxyDown().plan(for: target, as: Scenario.id(1), on: world).touches.joined()
        #expect(down.contains("ends at its deadline"), "\(down)")
        let slow = try latency.plan(for: target, as: Scenario.id(1), on: world).touches.joined()
        #expect(slow.contains("for at most 1m"), "\(slow)")
    }

    /// Found out before anything is touched, and not by an error in the middle of a drill.
    @Test func toxicsBeyondToxiproxyNeedMusters() throws {
        for fault in [TLSFault(), ProxyStall(), HTTPFault(), ProxyConnect()] as [any Fault] {
            _ = try touches(fault, "redis", at: 8474)
            let refusal = #expect(throws: FaultRefusal.self) { try touches(fault, "plain", at: 8475) }
            #expect(refusal?.code == .noMechanism)
            #expect(refusal?.advice.contains("muster proxy") == true)
        }
    }
}
