import Foundation
import NIOCore
import Testing

@testable import MusterProxy

/// The HTTP server: what clients do, well and badly.
struct ServerTests {
    @Test func answersPipelinedRequestsInOrder() async throws {
        let api = try await APIUnderTest()
        let port = api.port
        try await offThePool {
            let wire = try Wire(port)
            let body = #"{"name":"p","upstream":"u:1","enabled":false}"#
            try wire.send(
                "POST /proxies HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
                    + "GET /proxies/p HTTP/1.1\r\nHost: x\r\n\r\nDELETE /proxies/p HTTP/1.1\r\nHost: x\r\n\r\n"
                    + "GET /proxies/p HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try (0..<4).map { _ in try wire.reply().status } == [201, 200, 204, 404])
        }
        await api.stop()
    }

    @Test func takesChunkedBodiesAndOldAndHalfClosedClients() async throws {
        let api = try await APIUnderTest()
        let port = api.port
        try await offThePool {
            let wire = try Wire(port)
            try wire.send(
                "POST /proxies HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                    + "5\r\n{\"nam\r\n2b\r\ne\":\"c\",\"upstream\":\"u:1\",\"enabled\":false }  \r\n0\r\n\r\n"
            )
            #expect(try wire.reply().status == 201)
            let old = try Wire(port)
            try old.send("GET /version HTTP/1.0\r\n\r\n")
            #expect(try old.reply().headers["connection"] == "close")
            #expect(try old.rest() == "")
            let half = try Wire(port)
            try half.send("GET", "/proxies/c", nil)
            half.endSending()
            #expect(try half.reply().status == 200)
            #expect(try half.rest() == "")
            let expecting = try Wire(port)
            try expecting.send("POST", "/populate", "[]", headers: "Expect: 100-continue\r\n")
            #expect(try expecting.reply().status == 100)
            #expect(try expecting.reply().body == "{\"proxies\":null}")
        }
        await api.stop()
    }

    /// Left over from a program that was killed: bound, and nobody listens. One on which somebody listens stays his.
    @Test func takesTheSocketFileOfAProgramThatIsGone() async throws {
        let path = "/tmp/muster-api-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        defer { unlink(path) }
        try TestServer(SocketAddress(unixDomainSocketPath: path)).socket.close()
        #expect(access(path, F_OK) == 0)
        let api = try await APIUnderTest()
        func start() async throws -> APIServer {
            try await APIServer.start(
                ProxyAPI(registry: api.registry, version: "1", seed: 1), events: api.hub,
                listen: "unix:\(path)",
                on: testGroup)
        }
        let server = try await start()
        try await blocking {
            let client = try Socket(connecting: "unix:\(path)")
            try client.send(Array("GET /version HTTP/1.0\r\n\r\n".utf8))
            #expect(String(decoding: try client.receiveAll(), as: UTF8.self).contains(" 200 OK"))
        }
        await #expect(throws: BindProblem.self) { _ = try await start() }
        #expect(throws: Never.self) { try Socket(connecting: "unix:\(path)") }
        await server.stop()
        #expect(access(path, F_OK) == -1)
        await api.stop()
    }

    @Test func refusesWhatIsNotHTTP() async throws {
        let api = try await APIUnderTest()
        let port = api.port
        try await offThePool {
            for (text, status) in [
                ("nonsense\r\n\r\n", 400), ("GET / HTTP/1.1\r\n\r\n", 400),
                ("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
                ("GET / HTTP/1.1\r\nHost: x\r\nA: \(String(repeating: "a", count: 200_000))\r\n\r\n", 431),
            ] {
                let wire = try Wire(port)
                // It may close before all was sent.
                try? wire.send(text)
                #expect(try wire.reply().status == status, "\(text.prefix(60))")
            }
        }
        #expect(try await api.ask("GET", "/version").status == 200)
        await api.stop()
    }

    /// Memory stays bounded however large the body is; the answer is one that a client reads.
    @Test func refusesABodyThatIsTooLarge() async throws {
        var limits = APILimits()
        limits.body = 1 << 16
        let api = try await APIUnderTest(limits: limits)
        let port = api.port
        try await offThePool {
            let wire = try Wire(port)
            let size = 100 << 20
            try wire.send("POST /proxies HTTP/1.1\r\nHost: x\r\nContent-Length: \(size)\r\n\r\n")
            let part = [UInt8](repeating: UInt8(ascii: "["), count: 1 << 20)
            for _ in 0..<100 { try wire.send(part) }
            let reply = try wire.reply()
            #expect(reply.status == 413)
            #expect(reply.body.contains("larger than 65536 bytes"))
            let polite = try Wire(port)
            try polite.send(
                "POST /proxies HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: \(size)\r\n\r\n"
            )
            #expect(try polite.reply().status == 413)
        }
        await api.stop()
    }

    @Test func endsWhoDribbles() async throws {
        var limits = APILimits()
        limits.reading = .milliseconds(300)
        limits.idle = .milliseconds(300)
        let api = try await APIUnderTest(limits: limits)
        let port = api.port
        try await offThePool {
            for start in [
                "", "GET /vers", "POST /proxies HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{",
            ] {
                let wire = try Wire(port)
                try wire.send(start)
                // The end of the stream, or it fails after a minute.
                #expect(try wire.rest() == "", "\(start)")
            }
            let idle = try Wire(port)
            try idle.send("GET", "/version", nil)
            #expect(try idle.reply().status == 200)
            #expect(try idle.rest() == "")
        }
        await api.stop()
    }

    @Test func turnsAwayOneClientTooMany() async throws {
        var limits = APILimits()
        limits.connections = 3
        let api = try await APIUnderTest(limits: limits)
        let port = api.port
        try await offThePool {
            var wires = try (0..<3).map { _ in try Wire(port) }
            for wire in wires {
                try wire.send("GET", "/version", nil)
                #expect(try wire.reply().status == 200)
            }
            let more = try Wire(port)
            #expect(try more.reply().status == 503)
            wires.removeAll()
        }
        try await until("there is room again") { (try? await api.ask("GET", "/version").status) == 200 }
        await api.stop()
    }

    /// What hangs is answered for; it holds up nothing else, and happens in the end.
    @Test func answersForWhatTakesTooLong() async throws {
        let engine = SlowEngine()
        var limits = APILimits()
        limits.handling = .seconds(2)
        let api = try await APIUnderTest(limits: limits, engine: engine)
        let reply = try await api.ask("POST", "/proxies", #"{"name":"slow","upstream":"u:1"}"#)
        #expect(reply.status == 503)
        #expect(reply.body.contains("<title>Timeout</title>"))
        #expect(try await api.ask("POST", "/proxies", #"{"name":"other","upstream":"u:1"}"#).status == 201)
        engine.release()
        try await until("it was created") { try await api.ask("GET", "/proxies/slow").status == 200 }
        await api.stop()
    }

    @Test func tellsWhatHappens() async throws {
        let api = try await APIUnderTest()
        let port = api.port
        let wire = try Wire(port)
        try wire.send("GET", "/events", nil)
        let head = try await offThePool { [wire = Carried(wire)] in
            try (0..<6).map { _ in try wire.value.line() }
        }
        #expect(head[0] == "HTTP/1.1 200 OK")
        #expect(head.contains("Content-Type: application/x-ndjson"))
        _ = try await api.ask(
            "POST", "/proxies", #"{"name":"p","listen":"127.0.0.1:0","upstream":"127.0.0.1:\#(port)"}"#)
        _ = try await api.ask("POST", "/proxies/p/toxics", #"{"type":"noop","ttl":50}"#)
        api.clock.advance(by: .milliseconds(50))
        let events = try await offThePool { [wire = Carried(wire)] in
            var events: [String] = []
            while events.count < 3 {
                let line = try wire.value.line()
                if line.hasPrefix("{") { events.append(line) }
            }
            return events
        }
        #expect(events[0].contains(#""event":"proxy_created","proxy":"p""#))
        #expect(
            events[1].contains(
                #""event":"toxic_added","proxy":"p","toxic":"noop_downstream","type":"noop","stream":"downstream"}"#
            ))
        #expect(events[2].contains(#""event":"toxic_expired""#))
        await api.stop()
    }

    @Test func aReaderThatIsTooSlowLosesAndIsTold() throws {
        let hub = EventHub()
        let reader = EventReader {}
        hub.add(reader)
        for _ in 0..<5000 {
            hub.happened(.proxy(.created, name: "p", listen: "l", upstream: "u", enabled: true))
        }
        let bytes = reader.take()
        #expect(bytes.count < EventReader.most + 200)
        let lines = bytes.split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) }
        let last = try #require(lines.last)
        #expect(last.contains(#""event":"lost","count":\#(5000 - lines.count + 1)}"#))
        hub.remove(reader)
        #expect(!hub.isListening)
    }
}

/// A wire that is used by one thread at a time.
struct Carried: @unchecked Sendable {
    let value: Wire
    init(_ value: Wire) { self.value = value }
}
