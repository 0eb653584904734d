import MusterCore
import MusterFaults
import Testing

/// A held fault that was over before anybody lifted it: whatever came back meanwhile did not do so despite it.
@Suite struct EarlyEndTests {
    private let api = StreamAddress.tcp(host: "127.0.0.1", port: 8474)
    private var proxy: Target { Target(.proxy(.named("redis", api: api))) }

    private var stall: ProxyStall {
        var fault = ProxyStall()
        fault.deadline = .seconds(2)
        return fault
    }

    /// Injects, lets `trouble` happen, and lifts.
    /// - Returns: why it was over before that.
    private func lift(
        _ fault: any Fault, _ target: Target, after trouble: (World) -> Void
    ) throws -> String? {
        let world = Scenario.original()
        let injector = Injector(host: world, journal: world, facts: .standard)
        let request = Scenario(acts: [Scenario.Act(name: "it", fault: fault, target: target)]).request(0)
        let injection = try injector.inject(request) {}
        trouble(world)
        let result = try #require(injector.undo([injection]).first)
        #expect(result.closed == .verified, "\(result)")
        return result.facts.lazy.compactMap(\.endedEarly).first
    }

    @Test func aToxicWhoseDeadlinePassed() throws {
        #expect(try lift(stall, proxy) { $0.passTime(1_900_000_000) } == nil)
        let why = try lift(stall, proxy) { $0.passTime(2_100_000_000) }
        #expect(why?.contains("deadline had passed") == true, "\(why ?? "nothing")")
    }

    /// As `POST /reset` does.
    @Test func aProxyThatSomebodyReset() throws {
        let reset = { (world: World) in
            world.programs[api]?.proxies["redis"]?.toxics = [:]
            world.programs[api]?.proxies["redis"]?.isEnabled = true
        }
        #expect(try lift(stall, proxy, after: reset)?.contains("somebody removed it") == true)
        #expect(try lift(ProxyDown(), proxy, after: reset)?.contains("enabled 'redis' again") == true)
    }

    @Test func aProxyThatWasEnded() throws {
        let end = { (world: World) in world.programs[api] = nil }
        #expect(try lift(stall, proxy, after: end)?.contains("gone") == true)
        #expect(try lift(ProxyDown(), proxy, after: end) == nil, "it lets nobody in either")
    }

    @Test func aPartitionThatTheKernelLifted() throws {
        let lab = Target(.network(.namespace("lab")))
        let empty = { (world: World) in
            world.tables = world.tables.mapValues { $0.replacing("elements = {", with: "") }
        }
        let why = try lift(NetPartition(), lab, after: empty)
        #expect(why?.contains("the kernel had lifted it") == true, "\(why ?? "nothing")")
        #expect(try lift(NetPartition(), lab) { $0.tables = [:] }?.contains("deleted") == true)
        #expect(try lift(NetPartition(), lab) { $0.namespaces = [:] } == nil, "whom it was about is gone")
    }

    @Test func aRedirectThatTheKernelLifted() throws {
        var redirect = Redirect()
        redirect.namespace = "lab"
        redirect.to = [.tcp(host: "127.0.0.1", port: 6379)]
        var fixture = ProxyFixture()
        fixture.name = "net"
        fixture.listen = "127.0.0.1:7001"
        fixture.upstream = "127.0.0.1:6379"
        fixture.redirect = redirect
        let why = try lift(fixture, Target(.host)) { world in
            world.tables = world.tables.mapValues { $0.replacing("elements = {", with: "") }
        }
        #expect(why?.contains("led nobody any more") == true, "\(why ?? "nothing")")
    }

    /// Killing what hangs, or making room, may be the very recovery under test.
    @Test func whatARecoveryMayEndIsNoEarlyEnd() throws {
        let cache = Target(.process(.name("cache")))
        let kill = { (world: World) in
            for process in world.running.values where process.status.name == "cache" {
                world.end(process.status.identity.pid)
            }
        }
        #expect(try lift(ProcessPause(), cache, after: kill) == nil)
        var fill = DiskFill()
        fill.size = ByteCount(8 << 20)
        let makeRoom = { (world: World) in
            world.nodes = world.nodes.filter { !$0.key.hasPrefix("/srv/data/") }
        }
        #expect(try lift(fill, Target(.path("/srv/data")), after: makeRoom) == nil)
    }

    // MARK: Deadlines

    @Test func deadlinesFitWhatTheyAreGiven() {
        let fitting = FaultDeadline.fitting
        #expect(fitting(.seconds(900), .seconds(60)) == .seconds(1200))
        #expect(fitting(nil, .seconds(600)) == .seconds(900))
        #expect(fitting(.seconds(200_000), .seconds(60)) == FaultDeadline.most)
        #expect(FaultDeadline.problem(FaultDeadline.most) == nil)
    }

    @Test func theProxyAndTheKernelAreToldTheDeadline() throws {
        let world = Scenario.original()
        let injector = Injector(host: world, journal: world, facts: .standard)
        var cut = NetPartition()
        cut.deadline = .seconds(1200)
        var slow = stall
        slow.deadline = .seconds(1200)
        let scenario = Scenario(acts: [
            Scenario.Act(name: "cut", fault: cut, target: Target(.network(.namespace("lab")))),
            Scenario.Act(name: "slow", fault: slow, target: proxy),
        ])
        for index in scenario.acts.indices { _ = try injector.inject(scenario.request(index)) {} }
        #expect(world.tables.values.contains { $0.contains("timeout 1200s") }, "\(world.tables)")
        let ends = world.programs[api]?.proxies["redis"]?.toxics.values.first?.ends
        #expect(ends.map { $0 >= 1_200_000_000_000 } == true)
    }

    // MARK: Nothing done

    /// A plan without its facts must not become an injection that breaks nothing.
    @Test func nothingDoneIsNoSuccess() throws {
        let world = Scenario.original()
        let nothing = UndoPlan(facts: [], touches: [])
        let lab = Target(.network(.namespace("lab")))
        let faults: [(any Fault, Target)] = [
            (stall, proxy), (ProxyDown(), proxy), (NetPartition(), lab),
            (FileCorrupt(), Target(.path("/srv/app/table.db"))),
        ]
        for (fault, target) in faults {
            #expect(throws: HostError.self, "\(FaultCatalog.name(of: fault))") {
                try fault.inject(into: target, as: Scenario.id(0), plan: nothing, on: world)
            }
        }
        let leading = try #require(Scenario.ownProxies[1].acts.first)
        #expect(throws: HostError.self) {
            try leading.fault.inject(into: leading.target, as: Scenario.id(0), plan: nothing, on: world)
        }
    }
}
