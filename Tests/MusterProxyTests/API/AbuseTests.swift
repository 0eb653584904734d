import Foundation
import Testing

@testable import MusterProxy

/// Requests that ask for too much, and clients that do not take what they get: bounded, answered, and what was there
/// before is untouched.
@Suite(.timeLimit(.minutes(3))) struct AbuseTests {
    static let kept = #"{"name":"kept","upstream":"u:1","enabled":false,"toxics":[{"type":"noop"}]}"#

    struct Row: Sendable, CustomTestStringConvertible {
        var what: String
        var path: String
        var body: @Sendable () -> String
        var says: String
        var testDescription: String { what }
    }

    private static func repeated(_ text: String, _ count: Int) -> String {
        "[" + Array(repeating: text, count: count).joined(separator: ",") + "]"
    }

    private static func letters(_ count: Int) -> String { String(repeating: "a", count: count) }

    static let rows: [Row] = [
        Row(
            what: "a proxy too many", path: "/populate", body: { repeated("{}", 65_537) },
            says: "bad request body: expected at most 65536 elements"),
        Row(
            what: "a toxic too many", path: "/proxies",
            body: { #"{"name":"a","upstream":"u:1","toxics":\#(repeated(#"{"type":"noop"}"#, 1025))}"# },
            says: "bad request body: toxics: expected at most 1024 elements"),
        Row(
            what: "a toxic too many in the second", path: "/populate",
            body: {
                #"[{"name":"a","upstream":"u:1"},{"name":"b","upstream":"u:1","toxics":\#(repeated("{}", 1025))}]"#
            },
            says: "bad request body: proxy 2.toxics: expected at most 1024 elements"),
        Row(
            what: "a name too long", path: "/proxies",
            body: { #"{"name":"\#(letters(1025))","upstream":"u:1"}"# },
            says: "bad request body: name: expected at most 1024 bytes, not 1025"),
        Row(
            what: "an upstream too long", path: "/populate",
            body: { #"[{"name":"a","upstream":"\#(letters(2_000_000))"}]"# },
            says: "bad request body: proxy 1.upstream: expected at most 1024 bytes, not 2000000"),
        Row(
            what: "a place too long", path: "/proxies/kept", body: { #"{"listen":"\#(letters(5000))"}"# },
            says: "bad request body: listen: expected at most 1024 bytes, not 5000"),
        Row(
            what: "a toxic's name too long", path: "/proxies/kept/toxics",
            body: { #"{"type":"noop","name":"\#(letters(1025))"}"# },
            says: "bad request body: name: expected at most 1024 bytes, not 1025"),
        Row(
            what: "a field's name too long", path: "/proxies/kept/toxics",
            body: { #"{"\#(letters(3_000_000))":{},"type":"none"}"# }, says: "invalid toxic type"),
        Row(
            what: "too deep", path: "/proxies",
            body: { String(repeating: #"{"toxics":["#, count: 100_000) },
            says: "bad request body: exceeded max depth"),
        Row(
            what: "too heavy", path: "/proxies/kept/toxics",
            body: {
                #"{"type":"http_fault","attributes":{"status":500,"body":"\#(letters(1 << 20))"}}"#
            },
            says: "too many proxies and toxics: names, attributes and all, they may take 1000 KiB"),
    ]

    @Test(arguments: rows) func refuses(_ row: Row) async throws {
        let api = try await APIUnderTest(mostWeight: 1_024_000)
        let made = try await api.ask("POST", "/proxies", Self.kept)
        try #require(made.status == 201)
        let reply = try await api.ask("POST", row.path, row.body())
        #expect(reply.status == 400)
        #expect(reply.body.contains(row.says), "\(reply.body.prefix(300))")
        #expect(try await api.ask("GET", "/proxies").body == "{\"kept\":\(made.body)}")
        await api.stop()
    }

    /// What is at a bound is taken; one more is not, and what is removed makes room.
    @Test func takesAsManyToxicsAsThereMayBe() async throws {
        let api = try await APIUnderTest()
        let toxics = (0..<1024).map { #"{"type":"latency","name":"\#($0)"}"# }.joined(separator: ",")
        let name = Self.letters(1024)
        let made = try await api.ask(
            "POST", "/proxies",
            #"{"name":"\#(name)","listen":"127.0.0.1:0","upstream":"u:1","toxics":[\#(toxics)]}"#)
        #expect(made.status == 201)
        let more = try await api.ask("POST", "/proxies/\(name)/toxics", #"{"type":"noop"}"#)
        #expect(more.status == 400)
        #expect(more.body.contains("too many toxics: a proxy may have 1024"))
        #expect(try await api.ask("DELETE", "/proxies/\(name)/toxics/7").status == 204)
        #expect(try await api.ask("POST", "/proxies/\(name)/toxics", #"{"type":"noop"}"#).status == 200)
        await api.stop()
    }

    /// Beyond what all may weigh nothing is begun, and what is removed makes room.
    @Test func populatesAllOrNothingOfWhatThereIsNoRoomFor() async throws {
        let api = try await APIUnderTest(mostWeight: 100_000)
        func body(_ count: Int, _ prefix: String) -> String {
            let all = (0..<count).map { #"{"name":"\#(prefix)\#($0)","upstream":"u:1","enabled":false}"# }
            return "[\(all.joined(separator: ","))]"
        }
        #expect(try await api.ask("POST", "/populate", body(90, "a")).status == 201)
        let refused = try await api.ask("POST", "/populate", body(20, "b"))
        #expect(refused.status == 400)
        #expect(try await api.ask("GET", "/proxies/b0").status == 404)
        for number in 0..<20 { _ = try await api.ask("DELETE", "/proxies/a\(number)") }
        #expect(try await api.ask("POST", "/populate", body(20, "b")).status == 201)
        await api.stop()
    }

    /// Of many requests whose answers nobody takes, few are carried out.
    @Test func answersDoNotPileUp() async throws {
        let api = try await APIUnderTest()
        let letters = Self.letters(20_000)
        let toxics = (0..<20).map {
            #"{"type":"http_fault","name":"\#($0)","attributes":{"status":500,"body":"\#(letters)"}}"#
        }
        let big =
            #"{"name":"b","upstream":"u:1","enabled":false,"toxics":[\#(toxics.joined(separator: ","))]}"#
        #expect(try await api.ask("POST", "/proxies", big).status == 201)
        let port = api.port
        let answered = api.server.answered
        let count = 80
        let wire = Carried(try Wire(port))
        try await offThePool {
            for _ in 0..<count { try wire.value.send("GET", "/proxies", nil) }
        }
        // 32 MB, of which the kernel holds some: the first ones come, and then no more.
        try await until("the first answer waits") { api.server.answered > answered }
        var last = -1
        try await until("nothing more is answered") {
            defer { last = api.server.answered }
            try await Task.sleep(for: .milliseconds(300))
            return api.server.answered == last
        }
        #expect(api.server.answered - answered < count / 2)
        #expect(try await api.ask("GET", "/version").status == 200)
        // Who reads gets them all.
        try await offThePool {
            for _ in 0..<count {
                let reply = try wire.value.reply()
                #expect(reply.status == 200 && reply.body.utf8.count > 400_000)
            }
        }
        await api.stop()
    }

    /// Bodies of all clients together are bounded, too.
    @Test func bodiesOfManyClientsAreBounded() async throws {
        var limits = APILimits()
        limits.memory = 100_000
        let api = try await APIUnderTest(limits: limits)
        let port = api.port
        try await offThePool {
            let body = #"{"name":"a","upstream":"u:1","enabled":false,"x":"\#(Self.letters(70_000))"}"#
            let slow = try Wire(port)
            try slow.send("POST /proxies HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.utf8.count)\r\n\r\n")
            try slow.send(String(body.prefix(69_000)))
            // Who comes when it is full is refused; the one who was first is not. It may not have been read yet.
            var status = 0
            for _ in 0..<1000 where status != 503 {
                let other = try Wire(port)
                try other.send("POST", "/proxies", body.replacing("\"a\"", with: "\"b\""))
                status = try other.reply().status
                if status == 503 { break }
                try other.send("DELETE", "/proxies/b", nil)
                _ = try other.reply()
            }
            #expect(status == 503)
            try slow.send(String(body.dropFirst(69_000)))
            #expect(try slow.reply().status == 201)
        }
        #expect(
            try await api.ask(
                "POST", "/proxies",
                #"{"name":"c","upstream":"u:1","enabled":false,"x":"\#(Self.letters(70_000))"}"#
            ).status == 201)
        await api.stop()
    }

    /// Neither those who go at any byte nor those who read no events keep a place.
    @Test func clientsThatGoAtAnyByteLeaveNothing() async throws {
        var limits = APILimits()
        limits.connections = 4
        let api = try await APIUnderTest(limits: limits)
        let port = api.port
        let body = #"{"name":"whole","upstream":"u:1","enabled":false}"#
        let request = Array(
            "POST /proxies HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)".utf8)
        try await offThePool {
            for end in 0..<request.count {
                let wire = try Wire(port)
                // One too many is told so, and may already be hung up on.
                try? wire.send(Array(request[..<end]))
                wire.reset()
            }
        }
        try await until("all have gone") { (try? await api.ask("GET", "/proxies").body) == "{}" }
        // All four places are free again.
        try await until("there is room for all") {
            (try? await offThePool {
                let wires = try (0..<4).map { _ in try Wire(port) }
                return try wires.allSatisfy { wire in
                    try wire.send("GET", "/version", nil)
                    return try wire.reply().status == 200
                }
            }) == true
        }
        await api.stop()
    }

    @Test func readersOfEventsAreBoundedAndLoseWhatTheyDoNotTake() async throws {
        var limits = APILimits()
        limits.readers = 2
        let api = try await APIUnderTest(limits: limits)
        let port = api.port
        let wires = try await offThePool {
            try (0..<3).map { index in
                let wire = try Wire(port)
                try wire.send("GET", "/events", nil)
                let status = try wire.line()
                #expect(status == (index < 2 ? "HTTP/1.1 200 OK" : "HTTP/1.1 503 Service Unavailable"))
                return Carried(wire)
            }
        }
        // More than the kernel holds for two readers that do not read; nobody is held up by it.
        let long = Self.letters(1000)
        try await offThePool {
            for _ in 0..<30_000 {
                api.hub.happened(.proxy(.created, name: long, listen: "l", upstream: "u", enabled: true))
            }
        }
        #expect(try await api.ask("GET", "/version").status == 200)
        let told = try await offThePool {
            while true {
                let line = try wires[0].value.line()
                if line.contains(#""event":"lost""#) { return line }
            }
        }
        #expect(told.contains(#""count":"#))
        await api.stop()
    }
}
