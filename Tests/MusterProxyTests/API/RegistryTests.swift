import Synchronization
import Testing

@testable import MusterProxy

/// What becomes of toxics and proxies when only a part of them is changed, or when there is no room.
struct RegistryTests {
    @Test func aLifetimeAloneChangesNothingElse() async throws {
        let engine = NotingEngine()
        let api = try await APIUnderTest(engine: engine)
        _ = try await api.ask(
            "POST", "/proxies", #"{"name":"p","upstream":"u:1","toxics":[{"type":"latency"}]}"#)
        let path = "/proxies/p/toxics/latency_downstream"
        #expect(try await api.ask("PATCH", path, #"{"ttl":5000}"#).body.contains(#""expires_in":5000}"#))
        #expect(try await api.ask("PATCH", path, "{}").status == 200)
        #expect(engine.updates.isEmpty)
        for change in [#"{"toxicity":1}"#, #"{"attributes":{"latency":0}}"#, #"{"ttl":9,"attributes":{}}"#] {
            #expect(try await api.ask("PATCH", path, change).status == 200)
        }
        #expect(engine.updates.count == 3)
        await api.stop()
    }

    /// A fault of which so many are asked for is not asked for again by a change of something else.
    @Test func aChangeGoesOnCounting() async throws {
        let engine = NotingEngine()
        let api = try await APIUnderTest(engine: engine)
        let made = try await api.ask(
            "POST", "/proxies",
            #"{"name":"p","upstream":"u:1","toxics":[{"name":"f","type":"http_fault","attributes":{"status":500,"count":2}}]}"#
        )
        try #require(made.status == 201)
        for change in [
            #"{"toxicity":0.5}"#, #"{"attributes":{"status":502,"count":2}}"#, #"{"attributes":{"count":3}}"#,
            #"{"attributes":{"after":1}}"#,
        ] {
            #expect(try await api.ask("PATCH", "/proxies/p/toxics/f", change).status == 200)
        }
        let faults = (engine.started + engine.updates).compactMap { ($0.toxic as? HTTPFaultToxic)?.fault }
        try #require(faults.count == 5)
        #expect(faults.map(\.status) == [500, 500, 502, 502, 502])
        let first = faults[0].budget
        #expect(faults.map { $0.budget === first } == [true, true, true, false, false])
        #expect(faults[3].budget !== faults[4].budget)
        await api.stop()
    }

    /// It stays, disabled, where it could not be started, and goes when its time has passed.
    @Test(.timeLimit(.minutes(2))) func aLifetimeHoldsWhereAStartFailed() async throws {
        let api = try await APIUnderTest()
        _ = try await api.ask("POST", "/proxies", #"{"name":"p","listen":"127.0.0.1:0","upstream":"u:1"}"#)
        let failed = try await api.ask(
            "PATCH", "/proxies/p", #"{"listen":"127.0.0.1:\#(api.port)","ttl":1000}"#)
        #expect(failed.status == 500)
        #expect(failed.body.contains("address already in use"))
        #expect(try await api.ask("GET", "/proxies/p").body.contains(#""ttl":1000,"expires_in":1000}"#))
        api.clock.advance(by: .seconds(1))
        try await until("the proxy is gone") { try await api.ask("GET", "/proxies/p").status == 404 }
        await api.stop()
    }

    /// As many as there may be are replaced; what is refused is left alone.
    @Test func aReplacementNeedsNoMoreRoom() async throws {
        let engine = NotingEngine()
        let draft = ProxyDraft(name: "b", upstream: "u:1")
        let registry = ProxyRegistry(
            engine: engine, events: EventHub(), mostWeight: 2 * draft.weight + 100, mostProxies: 2,
            clock: { .zero }
        )
        let first = await registry.populate([ProxyDraft(name: "a", upstream: "u:1"), draft])
        #expect(first.problem == nil)
        let second = await registry.populate([ProxyDraft(name: "a", upstream: "u:2"), draft])
        #expect(second.problem == nil)
        #expect(second.proxies.map(\.upstream) == ["u:2", "u:1"])
        #expect(second.proxies.allSatisfy { $0.enabled })
        let long = String(repeating: "h", count: 2000) + ":1"
        for more in [ProxyDraft(name: "c", upstream: "u:1"), ProxyDraft(name: "a", upstream: long)] {
            #expect(await registry.populate([more]).problem?.status == 400)
        }
        #expect(await registry.all().map(\.enabled) == [true, true])
    }
}

/// Proxies that move nothing, and note what they are told.
private final class NotingEngine: LinkEngine {
    private let notes = Mutex<(started: [ActiveToxic], updates: [ActiveToxic])>(([], []))

    /// Toxics that proxies were started with.
    var started: [ActiveToxic] { notes.withLock { $0.started } }
    var updates: [ActiveToxic] { notes.withLock { $0.updates } }

    func start(_ name: String, listen: String, upstream: String, toxics: [ActiveToxic]) async throws
        -> any RunningProxy
    {
        notes.withLock { $0.started += toxics }
        return Running(address: listen, engine: self)
    }

    private final class Running: RunningProxy {
        let address: String
        let traffic: [Traffic] = []
        private let engine: NotingEngine

        init(address: String, engine: NotingEngine) {
            self.address = address
            self.engine = engine
        }

        func add(_ toxic: ActiveToxic) async {}
        func update(_ toxic: ActiveToxic) async { engine.notes.withLock { $0.updates.append(toxic) } }
        func remove(_ name: String) async {}
        func stop(draining grace: Duration) async {}
    }
}
