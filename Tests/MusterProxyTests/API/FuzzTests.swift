import Foundation
import Testing

@testable import MusterProxy

/// Hostile requests, mutated at random from a printed seed: the server answers or hangs up, and what was there
/// before is untouched. `MUSTER_FUZZ_SECONDS` (default 3) makes it longer, `MUSTER_FUZZ_SEED` repeats it.
struct FuzzTests {
    static let corpus: [String] = [
        "GET /proxies HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /proxies HTTP/1.1\r\nHost: x\r\nContent-Length: 44\r\n\r\n{\"name\":\"f\",\"upstream\":\"u:1\",\"enabled\":false}",
        "POST /populate HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2c\r\n[{\"name\":\"f\",\"upstream\":\"u\",\"enabled\":false}]\r\n0\r\n\r\n",
        "PATCH /proxies/f HTTP/1.1\r\nHost: x\r\nContent-Length: 15\r\n\r\n{\"upstream\":\"\"}",
        "POST /proxies/f/toxics HTTP/1.1\r\nHost: x\r\nContent-Length: 61\r\n\r\n{\"type\":\"latency\",\"ttl\":5,\"attributes\":{\"latency\":-1e99999}}",
        "POST /proxies/f/toxics HTTP/1.1\r\nHost: x\r\nContent-Length: 57\r\n\r\n{\"type\":\"http_fault\",\"toxicity\":1,\"attributes\":{\"a\":[\"\\u\"]}",
        "DELETE /proxies/f HTTP/1.1\r\nHost: x\r\n\r\nDELETE /proxies/f HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /proxies HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /",
        "HEAD /version HTTP/1.0\r\nConnection: keep-alive\r\nExpect: 100-continue\r\n\r\n",
        "GET /proxies/%F0%9F%98%80/../%2e%2e/toxics//a?%zz#x HTTP/1.1\r\nHost: x\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}",
    ]

    static let environment = ProcessInfo.processInfo.environment

    @Test(.timeLimit(.minutes(20))) func survivesHostileRequests() async throws {
        let seed = Self.environment["MUSTER_FUZZ_SEED"].flatMap { UInt64($0) } ?? .random(in: 1...1 << 40)
        let seconds = Self.environment["MUSTER_FUZZ_SECONDS"].flatMap { Int($0) } ?? 3
        print("FuzzTests: MUSTER_FUZZ_SEED=\(seed)")
        var limits = APILimits()
        limits.body = 1 << 16
        let api = try await APIUnderTest(limits: limits)
        let kept = try await api.ask(
            "POST", "/proxies", #"{"name":"kept","listen":"127.0.0.1:0","upstream":"127.0.0.1:9"}"#)
        try #require(kept.status == 201)
        let port = api.port
        let count = try await offThePool { () throws -> Int in
            var random = LinkRandom(seed: seed)
            let end = ContinuousClock.now + .seconds(seconds)
            var count = 0
            // On a busy machine a few seconds are nothing.
            while ContinuousClock.now < end || count <= 20 {
                count += 1
                let bytes = Self.mutated(&random)
                // What names the proxy that must stay is not sent.
                guard bytes.firstRange(of: Array("kept".utf8)) == nil,
                    bytes.firstRange(of: Array("/reset".utf8)) == nil
                else { continue }
                let wire = try Wire(port)
                // It may hang up at any byte.
                try? wire.send(bytes)
                if count % 3 != 0 {
                    wire.endSending()
                    _ = try? wire.rest()
                }
            }
            return count
        }
        #expect(count > 20, "seed \(seed)")
        let now = try await api.ask("GET", "/proxies/kept")
        #expect(now.status == 200 && now.body == kept.body, "seed \(seed)")
        await api.stop()
    }

    private static func mutated(_ random: inout LinkRandom) -> [UInt8] {
        var bytes = Array(corpus[Int.random(in: 0..<corpus.count, using: &random)].utf8)
        for _ in 0..<Int.random(in: 0...6, using: &random) where !bytes.isEmpty {
            let at = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<6, using: &random) {
            case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
            case 1: bytes.remove(at: at)
            case 2: bytes.insert(contentsOf: bytes[at...].prefix(20), at: at)
            case 3: bytes.removeSubrange(at...)
            case 4:
                let other = Array(corpus[Int.random(in: 0..<corpus.count, using: &random)].utf8)
                bytes.replaceSubrange(at..., with: other[min(at, other.count)...])
            default: bytes.insert(contentsOf: Array(repeating: bytes[at], count: 3000), at: at)
            }
        }
        return bytes
    }

    /// The decoder alone, which is where bytes are read by index.
    @Test func decodesAnythingOrSaysWhyNot() {
        var random = LinkRandom(seed: 5)
        let bodies = [
            #"[{"name":"a","listen":"l","upstream":"u","toxics":[{"type":"corrupt","attributes":{"rate":0.5,"seed":-1}}]}]"#,
            #"{"name":"\u00fc\ud83d\ude00\n","upstream":"u","enabled":null,"ttl":1e3,"Logger":{"x":[1,{}]}}"#,
        ]
        var good = 0
        for round in 0..<20_000 {
            var bytes = Array(bodies[round % 2].utf8)
            for _ in 0..<Int.random(in: 0...2, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(
                    in: 32..<127, using: &random)
            }
            if round % 5 == 0 { bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random)) }
            if (try? ProxyForm.populate(bytes)) != nil { good += 1 }
            _ = try? ProxyForm.create(bytes)
            _ = try? ProxyForm.update(bytes)
            _ = try? ToxicForm.create(bytes)
        }
        #expect(good > 100)
    }

    @Test func writesNumbersAsGoDoes() {
        let rows: [(Double, String)] = [
            (0, "0"), (-0.0, "-0"), (1, "1"), (0.25, "0.25"), (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1.5e-7, "1.5e-7"), (0.000001, "0.000001"), (123456.789, "123456.789"), (-1e-9, "-1e-9"),
        ]
        for (value, text) in rows {
            var writer = JSONWriter()
            writer.number(value)
            #expect(String(decoding: writer.bytes, as: UTF8.self) == text)
        }
        var writer = JSONWriter()
        writer.number(Float(0.1))
        #expect(String(decoding: writer.bytes, as: UTF8.self) == "0.1")
    }
}
