import Glibc
import MusterCore
import MusterDrills
import MusterSystem
import Testing

@testable import MusterProbes

/// A target that misbehaves, and what a probe must say about it.
struct BadTarget: Sendable, CustomTestStringConvertible {
    /// A probe, and what ends its target.
    typealias Made = (probe: any Probe, stop: () -> Void)

    let name: String
    /// Codes of errors that are right; a timeout is right where they hold 0.
    let codes: Set<Int32>
    let make: @Sendable () throws -> Made
    var testDescription: String { name }

    private static func http(
        _ name: String, _ codes: Set<Int32>,
        asking change: @escaping @Sendable (inout HTTPProbe) -> Void = { _ in },
        serve: @escaping @Sendable (RawServer.Connection) -> Void
    ) -> BadTarget {
        BadTarget(name: name, codes: codes) {
            let server = try RawServer { connection in
                guard connection.receive() != nil else { return }
                serve(connection)
            }
            var probe = httpProbe("http://127.0.0.1:\(server.port)/")
            change(&probe)
            return (probe, server.stop)
        }
    }

    private static func redis(
        _ name: String, _ codes: Set<Int32>, _ serve: @escaping @Sendable (RawServer.Connection) -> Void
    ) -> BadTarget {
        BadTarget(name: name, codes: codes) {
            let server = try RawServer { connection in
                guard connection.receive() != nil else { return }
                serve(connection)
            }
            var probe = RedisProbe()
            probe.redis = "redis://127.0.0.1:\(server.port)"
            return (probe, server.stop)
        }
    }

    private static func dns(
        _ name: String, _ codes: Set<Int32>, _ answer: @escaping @Sendable ([UInt8]) -> [[UInt8]]
    ) -> BadTarget {
        BadTarget(name: name, codes: codes) {
            let server = try RawNameServer(answer)
            var probe = DNSProbe()
            probe.dns = "db.example.org"
            probe.server = "127.0.0.1:\(server.port)"
            return (probe, server.stop)
        }
    }

    private static func noise(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }

    private static let ok = "HTTP/1.1 200 OK\r\n"
    private static let zeros = [UInt8](repeating: 0x20, count: 65_536)

    private static let closedPortOfRedis = BadTarget(name: "redis refuses connections", codes: [ECONNREFUSED])
    {
        var probe = RedisProbe()
        probe.redis = "redis://127.0.0.1:\(try closedPort())"
        return (probe, {})
    }

    static let all: [BadTarget] =
        overHTTP + [
            BadTarget(name: "refuses connections", codes: [ECONNREFUSED]) {
                (httpProbe("http://127.0.0.1:\(try closedPort())/"), {})
            },
            closedPortOfRedis,
            BadTarget(name: "stalls the TLS handshake", codes: [0]) {
                let server = try RawServer { $0.hang() }
                return (httpProbe("https://127.0.0.1:\(server.port)/"), server.stop)
            },
            BadTarget(
                name: "answers the TLS handshake with half a record", codes: [0, SampleCode.handshakeFailed]
            ) {
                let server = try RawServer { connection in
                    connection.receive()
                    connection.send([0x16, 0x03, 0x03, 0x40, 0x00, 0x02, 0x00])
                    connection.hang()
                }
                var probe = TLSProbe()
                probe.tls = "127.0.0.1:\(server.port)"
                return (probe, server.stop)
            },
            redis("redis sends garbage", [SampleCode.protocolViolation]) { $0.send([0x00] + noise(4096)) },
            redis("redis announces a gigabyte", [SampleCode.answerTooLong]) {
                $0.send("$1073741824\r\n")
                while $0.send(zeros) {}
            },
            redis("redis sends a line without an end", [SampleCode.protocolViolation]) {
                $0.send("+")
                while $0.send(zeros) {}
            },
            redis("redis sends arrays in arrays", [SampleCode.protocolViolation]) {
                while $0.send(String(repeating: "*1\r\n", count: 4096)) {}
            },
            redis("redis sends half a reply", [SampleCode.endOfStream]) { $0.send("$4\r\nPO") },
            dns("a name server sends garbage", [SampleCode.protocolViolation]) { _ in [noise(100)] },
            dns("a name server sends a flood", [SampleCode.protocolViolation]) { _ in
                (0..<200).map { _ in noise(40) }
            },
            dns("a name server sends names in circles", [SampleCode.protocolViolation]) { query in
                [
                    Array(query[0...1]) + [0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0] + query[12...] + [
                        0xC0, UInt8(query.count),
                    ]
                ]
            },
            dns("a name server says nothing", [0]) { _ in [] },
        ]

    private static let overHTTP: [BadTarget] = [
        http("sends garbage", [SampleCode.protocolViolation]) { $0.send([0x01] + noise(4096)) },
        http("sends half a body", [SampleCode.cutShort]) { $0.send(ok + "Content-Length: 100\r\n\r\nhalf") },
        http("sends half a head", [SampleCode.cutShort]) {
            $0.send(ok + "Content-Le")
        },
        http("closes without a word", [SampleCode.endOfStream]) { _ in },
        http("never answers", [0]) { $0.hang() },
        http("sends a gigabyte", [SampleCode.answerTooLong]) {
            $0.send(ok + "Content-Length: 1073741824\r\n\r\n")
            for _ in 0..<16_384 where !$0.send(zeros) { return }
        },
        http(
            "sends a gigabyte that is looked through", [SampleCode.answerTooLong],
            asking: { $0.contains = "x" },
            serve: {
                $0.send(ok + "\r\n")
                for _ in 0..<16_384 where !$0.send(zeros) { return }
            }),
        http(
            "redirects for ever", [SampleCode.tooManyRedirects], asking: { $0.redirects = 5 },
            serve: {
                $0.send("HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n")
            }),
        http(
            "redirects to another protocol", [SampleCode.protocolViolation], asking: { $0.redirects = 5 },
            serve: {
                $0.send("HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n")
            }),
        http("sends headers for ever", [SampleCode.answerTooLong]) {
            $0.send(ok)
            while $0.send(String(repeating: "X-Filler: 0123456789\r\n", count: 500)) {}
        },
        http("sends a header without an end", [SampleCode.answerTooLong]) {
            $0.send(ok + "X-Filler: ")
            while $0.send(zeros) {}
        },
        http("sends interim answers for ever", [SampleCode.answerTooLong]) {
            while $0.send(String(repeating: "HTTP/1.1 100 Continue\r\n\r\n", count: 500)) {}
        },
        http("drips its body", [0]) {
            $0.send(ok + "Content-Length: 1000000\r\n\r\n")
            while $0.send(" ") { pass(.milliseconds(20)) }
        },
        http(
            "sends a nest of JSON", [SampleCode.notJSON], asking: { $0.json = ["/a": ""] },
            serve: {
                $0.send(ok + "Content-Length: 1000000\r\n\r\n" + String(repeating: "[", count: 1_000_000))
            }),
        http("sends chunks that are none", [1056]) {
            $0.send(ok + "Transfer-Encoding: chunked\r\n\r\nZZZ\r\n\r\n")
        },
        // Where the whole answer is out before the reset, it may be good.
        http("resets anywhere", [ECONNRESET, SampleCode.endOfStream, SampleCode.cutShort, 1056, 200]) {
            let answer = Array((ok + "Content-Length: 400\r\n\r\n" + String(repeating: "x", count: 400)).utf8)
            $0.send(answer.prefix(Int.random(in: 0...answer.count)))
            $0.reset()
        },
    ]
}
