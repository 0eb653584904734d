import Foundation
import Testing

@testable import MusterProxy

/// What the recording does not cover: request, status, and what the answer must hold.
struct TableTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var method: String
        var path: String
        var body: String?
        var status: Int
        var holds: String
        var testDescription: String { "\(method) \(path) \(body ?? "")" }

        init(_ method: String, _ path: String, _ body: String?, _ status: Int, _ holds: String) {
            self.method = method
            self.path = path
            self.body = body
            self.status = status
            self.holds = holds
        }

        init(_ method: String, _ path: String, _ status: Int, _ holds: String) {
            self.init(method, path, nil, status, holds)
        }
    }

    static let toxics = "/proxies/p/toxics"
    static let rows = [
        // Go's decoder: names without regard to case, the last wins, what follows the value is not read.
        Row("POST", "/proxies", #"{"NAME":"x","Upstream":"u:1","enabled":false} rest"#, 201, #""name":"x""#),
        Row(
            "POST", "/proxies", #"{"name":"a","name":"b","upstream":"u:1","enabled":false}"#, 201,
            #""name":"b""#),
        Row(
            "POST", "/proxies", #"{"name":"<&>","upstream":"u:1","enabled":false}"#, 201,
            #""name":"\u003c\u0026\u003e""#),
        Row(
            "POST", "/proxies", #"{"name":"\ud83d\ude00\ud800","upstream":"u:1","enabled":false}"#, 201,
            "\u{1F600}\u{FFFD}"),
        Row(
            "POST", "/proxies", #"{"name":"x","upstream":"u:1","enabled":"yes"}"#, 400,
            "bad request body: enabled: expected true or false, not a string"),
        Row(
            "POST", "/proxies", #"{"name":"x","upstream":"u:1","Logger":1}"#, 400,
            "Logger: expected an object"),
        Row(
            "POST", "/proxies", #"{"name":"x","upstream":"u:1","listen":"127.0.0.1:1"#, 400, "unexpected EOF"),
        Row("POST", "/proxies", "null", 400, "missing required field: name"),
        Row("POST", "/proxies", String(repeating: "[", count: 5000), 400, "exceeded max depth"),
        Row(
            "POST", "/proxies", #"{"name":"x","upstream":"u:1","listen":"nobody.invalid:1"}"#, 500,
            "listen tcp: lookup nobody.invalid"),
        // Beyond Toxiproxy: all in one request, or nothing.
        Row(
            "POST", "/proxies",
            #"{"name":"x","upstream":"u:1","listen":"127.0.0.1:0","toxics":[{"type":"latency"},{"type":"nope"}]}"#,
            400, "toxics[1]: invalid toxic type"),
        Row(
            "POST", "/proxies", #"{"name":"x","upstream":"u:1","toxics":[{"type":"noop"},{"type":"noop"}]}"#,
            409, "toxics[1]: toxic already exists"),
        Row(
            "POST", "/proxies",
            #"{"name":"x","upstream":"u:1","toxics":[{"type":"latency","attributes":{"latency":"1"}}]}"#, 400,
            "toxics[0].attributes.latency: expected a whole number"),
        Row(
            "POST", "/proxies",
            #"{"name":"x","upstream":"u:1","enabled":false,"toxics":[{"type":"latency","attributes":{"latency":9}}]}"#,
            201, #""latency":9"#),
        Row(
            "POST", "/proxies", #"{"name":"x","upstream":"u:1","enabled":false,"toxics":null}"#, 201,
            #""toxics":[]"#),
        Row(
            "POST", "/proxies", #"{"name":"x","upstream":"u:1","ttl":0}"#, 400,
            "ttl: expected milliseconds from 1"),
        Row(
            "POST", "/proxies", #"{"name":"x","upstream":"u:1","ttl":-5}"#, 400,
            "ttl: expected milliseconds from 1"),
        Row(
            "POST", "/proxies", #"{"name":"x","upstream":"u:1","ttl":1.5}"#, 400,
            "ttl: expected a whole number"),
        Row(
            "POST", "/proxies", #"{"name":"x","upstream":"u:1","enabled":false,"ttl":5000}"#, 201,
            #""toxics":[],"ttl":5000,"expires_in":5000}"#),
        Row(
            "PATCH", "/proxies/p", #"{"listen":"nonsense"}"#, 500, "address nonsense: missing port in address"
        ),
        Row(
            "PATCH", "/proxies/p", #"{"upstream":"nonsense"}"#, 500,
            "upstream: address nonsense: missing port"),
        Row(
            "POST", "/proxies", #"{"name":"x","upstream":"original/x"}"#, 500,
            "upstream: address x: missing port"),
        Row(
            "POST", "/populate", #"[{"name":"p","listen":"127.0.0.1:0","upstream":"nonsense"}]"#, 500,
            "upstream: address nonsense: missing port"),
        Row("PATCH", "/proxies/p", #"{"toxics":[{"type":"latency"}]}"#, 200, #""toxics":[{"attributes":{}"#),
        Row(
            "POST", toxics, #"{"type":"latency","attributes":{"latency":9223372036854775808}}"#, 400,
            "attributes.latency: expected a whole number of 64 bits, not the number 9223372036854775808"),
        Row(
            "POST", toxics, #"{"type":"latency","attributes":{"latency":1e3}}"#, 400,
            "attributes.latency: expected a whole number"),
        Row(
            "POST", toxics, #"{"type":"latency","attributes":5}"#, 400,
            "attributes: expected an object, not the number 5"),
        Row("POST", toxics, #"{"type":"latency","toxicity":"1"}"#, 400, "toxicity: expected a number"),
        Row(
            "POST", toxics, #"{"type":"latency","toxicity":1e39}"#, 400,
            "toxicity: expected a number of 32 bits"),
        Row("POST", toxics, #"{"type":"latency","toxicity":1e-9}"#, 200, #""toxicity":1e-9}"#),
        Row("POST", toxics, #"{"type":"latency","toxicity":0.1}"#, 200, #""toxicity":0.1}"#),
        Row("POST", toxics, #"{"type":"latency","stream":""}"#, 400, "stream was invalid"),
        Row(
            "POST", toxics, #"{"type":"latency","stream":"UpStream"}"#, 200,
            #""name":"latency_UpStream","type":"latency","stream":"UpStream""#),
        Row("POST", toxics, #"{"attributes":{"latency":5},"type":"latency"}"#, 200, #""latency":5"#),
        Row(
            "POST", toxics, #"{"name":"n","type":"corrupt","attributes":{"rate":2}}"#, 400,
            "attributes.rate: expected 0 to 1, not 2"),
        Row(
            "POST", toxics, #"{"name":"n","type":"noop","ttl":60000}"#, 200,
            #""toxicity":1,"ttl":60000,"expires_in":60000}"#),
        Row("PATCH", "\(toxics)/one", #"{"ttl":10}"#, 200, #""ttl":10,"expires_in":10}"#),
        Row("PATCH", "\(toxics)/one", "", 400, "bad request body: EOF"),
        Row("PATCH", "\(toxics)/one", #"{"toxicity":null}"#, 200, #""toxicity":1}"#),
        Row(
            "POST", "/populate", #"[{"name":"x","upstream":"u:1"},{"name":7}]"#, 400,
            #""error":"bad request body: proxy 2.name: expected a string, not the number 7","status":400,"proxies":null}"#
        ),
        Row(
            "POST", "/populate", #"[{"name":"p","listen":"elsewhere","upstream":"u:1"}]"#, 500,
            #""proxies":null"#),
        // The router.
        Row("GET", "/proxies//p", 301, ""),
        Row("GET", "/proxies/./p/../p/toxics", 301, ""),
        Row("GET", "/proxies/%zz", 400, "400 Bad Request"),
        Row("GET", "/proxies/p/toxics/one/more", 404, "404 page not found"),
        Row("GET", "/proxies/p?x=1", 200, #""name":"p""#),
        Row("GET", "http://host:1/version", 200, "2.12.0"),
        Row("PATCH", "/proxies/p/toxics", "{}", 405, ""),
        Row("GET", "/populate", 405, ""),
        Row("POST", "/events", 405, ""),
        Row(
            "GET", "/muster", 200,
            #"{"version":"1.2.3","compatible_with":"toxiproxy 2.12.0","seed":7,"held_bytes":0,"#),
    ]

    @Test(arguments: rows) func answers(_ row: Row) async throws {
        let api = try await APIUnderTest()
        let listen = "127.0.0.1:0"
        let made = try await api.ask(
            "POST", "/proxies",
            #"{"name":"p","listen":"\#(listen)","upstream":"127.0.0.1:9","toxics":[{"name":"one","type":"noop"}]}"#
        )
        try #require(made.status == 201)
        let reply = try await api.ask(row.method, row.path, row.body)
        #expect(reply.status == row.status)
        #expect(row.holds.isEmpty ? reply.body.isEmpty : reply.body.contains(row.holds), "\(reply.body)")
        // Whatever was refused left what there was as it was.
        if row.status >= 400 {
            let proxies = try await api.ask("GET", "/proxies")
            #expect(proxies.body == "{\"p\":\(made.body)}")
        }
        await api.stop()
    }

    /// Names are equal when their bytes are; Swift's strings would be equal here.
    @Test func tellsNamesApartThatLookAlike() async throws {
        let api = try await APIUnderTest()
        for name in ["\u{E9}", "e\u{301}"] {
            let reply = try await api.ask(
                "POST", "/proxies", #"{"name":"\#(name)","upstream":"u:1","enabled":false}"#)
            #expect(reply.status == 201)
        }
        #expect(try await api.ask("GET", "/proxies/%C3%A9").body.contains("\u{E9}"))
        #expect(try await api.ask("DELETE", "/proxies/e%CC%81").status == 204)
        #expect(try await api.ask("GET", "/proxies/%C3%A9").status == 200)
        await api.stop()
    }

    /// A redirect names the clean path.
    @Test func redirectsToTheCleanPath() {
        #expect(Route("/proxies//a%20b?x=1") == .redirect("/proxies/a%20b?x=1"))
        #expect(Route("/../version") == .redirect("/version"))
        #expect(Route("/proxies/s%2Fl") == .unknown)
        #expect(Route("/proxies/a/toxics/b%3F") == .toxic("b?", of: "a"))
    }

    /// Where one cannot listen, the others are reset nevertheless.
    @Test func resetsWhatItCan() async throws {
        let api = try await APIUnderTest()
        let port = try FreePort.next()
        _ = try await api.ask(
            "POST", "/proxies", #"{"name":"a","listen":"127.0.0.1:\#(port)","upstream":"u:1"}"#)
        _ = try await api.ask("PATCH", "/proxies/a", #"{"enabled":false}"#)
        _ = try await api.ask(
            "POST", "/proxies",
            #"{"name":"b","listen":"127.0.0.1:\#(port)","upstream":"u:1","toxics":[{"type":"timeout"}]}"#)
        let reply = try await api.ask("POST", "/reset")
        #expect(reply.status == 500)
        #expect(reply.body.contains("listen tcp 127.0.0.1:\(port): bind: address already in use"))
        #expect(try await api.ask("GET", "/proxies/b/toxics").body == "[]")
        await api.stop()
    }
}
