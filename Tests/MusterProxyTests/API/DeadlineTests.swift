import Testing

@testable import MusterProxy

/// Toxics and proxies that take themselves away.
struct DeadlineTests {
    @Test(.timeLimit(.minutes(2))) func removesAToxicWhenItsTimeHasPassed() async throws {
        let api = try await APIUnderTest()
        _ = try await api.ask(
            "POST", "/proxies",
            #"{"name":"p","listen":"127.0.0.1:0","upstream":"u:1","toxics":[{"type":"latency","ttl":1000},{"type":"noop"}]}"#
        )
        api.clock.advance(by: .milliseconds(999))
        await api.registry.expire()
        let before = try await api.ask("GET", "/proxies/p/toxics/latency_downstream")
        #expect(before.body.contains(#""ttl":1000,"expires_in":1}"#))
        api.clock.advance(by: .milliseconds(1))
        try await until("the toxic is gone") {
            try await api.ask("GET", "/proxies/p/toxics/latency_downstream").status == 404
        }
        // What has no deadline stays.
        #expect(try await api.ask("GET", "/proxies/p/toxics/noop_downstream").status == 200)
        await api.stop()
    }

    @Test(.timeLimit(.minutes(2))) func anUpdateBeginsTheTimeAnew() async throws {
        let api = try await APIUnderTest()
        _ = try await api.ask("POST", "/proxies", #"{"name":"p","listen":"127.0.0.1:0","upstream":"u:1"}"#)
        _ = try await api.ask("POST", "/proxies/p/toxics", #"{"name":"t","type":"noop","ttl":1000}"#)
        api.clock.advance(by: .milliseconds(900))
        let kept = try await api.ask("PATCH", "/proxies/p/toxics/t", #"{"toxicity":0.5}"#)
        #expect(kept.body.contains(#""expires_in":100}"#))
        let anew = try await api.ask("PATCH", "/proxies/p/toxics/t", #"{"ttl":2000}"#)
        #expect(anew.body.contains(#""ttl":2000,"expires_in":2000}"#))
        api.clock.advance(by: .milliseconds(1999))
        await api.registry.expire()
        #expect(try await api.ask("GET", "/proxies/p/toxics/t").status == 200)
        api.clock.advance(by: .milliseconds(1))
        try await until("the toxic is gone") { try await api.ask("GET", "/proxies/p/toxics/t").status == 404 }
        await api.stop()
    }

    @Test(.timeLimit(.minutes(2))) func removesAProxyAndLetsGoOfItsPort() async throws {
        let api = try await APIUnderTest()
        let port = try FreePort.next()
        let listen = "127.0.0.1:\(port)"
        _ = try await api.ask(
            "POST", "/proxies", #"{"name":"p","listen":"\#(listen)","upstream":"u:1","ttl":5000}"#)
        #expect(throws: Never.self) { try Wire(port) }
        api.clock.advance(by: .seconds(5))
        try await until("the proxy is gone") { try await api.ask("GET", "/proxies/p").status == 404 }
        #expect(throws: Wire.Trouble.self) { try Wire(port) }
        await api.stop()
    }

    /// One that is held up holds up no deadline of another.
    @Test(.timeLimit(.minutes(2))) func deadlinesDoNotWaitForEachOther() async throws {
        let engine = SlowEngine()
        let api = try await APIUnderTest(engine: engine)
        for name in ["stuck", "free"] {
            _ = try await api.ask("POST", "/proxies", #"{"name":"\#(name)","upstream":"u:1","ttl":1000}"#)
        }
        api.clock.advance(by: .seconds(1))
        try await until("the other is gone") { try await api.ask("GET", "/proxies/free").status == 404 }
        #expect(try await api.ask("GET", "/proxies/stuck").status == 200)
        engine.release()
        try await until("both are gone") { try await api.ask("GET", "/proxies").body == "{}" }
        await api.stop()
    }
}
