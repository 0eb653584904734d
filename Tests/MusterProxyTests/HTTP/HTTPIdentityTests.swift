import NIOCore
import Testing

@testable import MusterProxy

/// What is not meant passes byte by byte.
@Suite struct HTTPIdentityTests {
    /// Requests and answers, in the order in which they are sent.
    struct Talk: Sendable, CustomTestStringConvertible {
        var name: String
        var request: String
        var answer: String
        var testDescription: String { name }
    }

    static let talks = [
        Talk(
            name: "plain", request: "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            answer: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"),
        Talk(
            name: "pipelined",
            request:
                "POST /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc\r\nHEAD /b HTTP/1.1\r\n\r\nGET /c HTTP/1.1\r\n\r\n",
            answer: "HTTP/1.1 204 No\r\n\r\nHTTP/1.1 200 \r\nContent-Length: 9\r\n\r\nHTTP/1.1 304\r\n\r\n"),
        Talk(
            name: "chunked",
            request:
                "PUT / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n3;x=\"y\"\r\nabc\r\n0\r\nT: 1\r\n\r\n",
            answer:
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nA  \r\n0123456789\r\n0\r\n\r\n"
        ),
        Talk(
            name: "old", request: "GET / HTTP/1.0\r\n\r\n",
            answer: "HTTP/1.0 200 OK\r\nX: 1\r\n  folded\r\n\r\nuntil the end"),
        Talk(
            name: "upgraded", request: "GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
            answer: "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n\u{1}\u{2}not HTTP"),
        Talk(
            name: "tunnel", request: "CONNECT a:1 HTTP/1.1\r\n\r\n\u{16}\u{3}",
            answer: "HTTP/1.1 200 OK\r\n\r\n\u{16}\u{3}"),
        Talk(
            name: "no tunnel", request: "CONNECT a:1 HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n",
            answer:
                "HTTP/1.1 403 No\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        Talk(name: "TLS", request: "\u{16}\u{3}\u{1}\u{2}\u{0}", answer: "\u{16}\u{3}\u{3}"),
        Talk(
            name: "HTTP/2", request: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\u{0}\u{0}", answer: "\u{0}\u{0}\u{6}"),
        Talk(
            name: "bare line feeds", request: "GET / HTTP/1.1\nHost: a\n\n", answer: "HTTP/1.1 200 OK\n\nhi"),
        Talk(
            name: "two lengths",
            request: "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            answer: "HTTP/1.1 400 B\r\n\r\n"),
        Talk(
            name: "length and coding",
            request: "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            answer: "?"),
        Talk(
            name: "bad chunk",
            request: "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n",
            answer: "HTTP/1.1 400 B\r\nContent-Length: 0\r\n\r\nx"),
        Talk(
            name: "huge chunk",
            request: "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\nabc",
            answer: "HTTP/1.1 400 B\r\nContent-Length: 99999999999999999999\r\n\r\nx"),
        Talk(
            name: "folded length", request: "POST / HTTP/1.1\r\nContent-Length:\r\n 3\r\n\r\nabc",
            answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n chunked\r\n\r\n"),
        Talk(
            name: "space before colon", request: "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
            answer: "HTTP/1.1 200 OK\r\nA b: c\r\n\r\n"),
        Talk(name: "server first", request: "EHLO a\r\n", answer: "220 hello\r\n250 ok\r\n"),
        Talk(name: "cut head", request: "GET / HT", answer: "HTTP/1.1 2"),
    ]

    /// A fault that strikes nothing that is said here.
    static let elsewhere: AttributeValues = ["path": .text("/elsewhere"), "status": .integer(503)]

    @Test(arguments: talks) func passesWhereverItIsSplit(_ talk: Talk) throws {
        for first in 0...talk.request.utf8.count {
            for second in stride(from: 0, through: talk.answer.utf8.count, by: first % 3 + 1) {
                var harness = try FilterHarness(Self.elsewhere)
                let (request, answer) = (Array(talk.request.utf8), Array(talk.answer.utf8))
                for part in [request[..<first], request[first...]] where !part.isEmpty {
                    harness.client(String(decoding: part, as: UTF8.self))
                }
                for part in [answer[..<second], answer[second...]] where !part.isEmpty {
                    harness.server(String(decoding: part, as: UTF8.self))
                }
                harness.finish(.upstream)
                harness.finish(.downstream)
                try #require(harness.toServer == talk.request, "split at \(first), \(second)")
                try #require(harness.toClient == talk.answer, "split at \(first), \(second)")
                try #require(harness.ends == [.upstream: .finished, .downstream: .finished])
            }
        }
    }

    /// Talks run together, damaged at random and cut into random pieces that come in random order of direction.
    @Test(arguments: 0..<40) func passesWhateverComes(_ seed: Int) throws {
        var random = LinkRandom(seed: UInt64(seed))
        for _ in 0..<50 {
            var sides: [[UInt8]] = [[], []]
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let talk = Self.talks.randomElement(using: &random)!
                sides[0] += talk.request.utf8
                sides[1] += talk.answer.utf8
            }
            for side in 0...1 {
                for _ in 0..<Int.random(in: 0...3, using: &random) {
                    let place = Int.random(in: 0..<sides[side].count, using: &random)
                    sides[side][place] = UInt8.random(in: 0...127, using: &random)
                }
            }
            var harness = try FilterHarness(Self.elsewhere)
            var rest = sides.map { $0[...] }
            while rest.contains(where: { !$0.isEmpty }) {
                let side = Int.random(in: 0...1, using: &random)
                let piece = rest[side].prefix(Int.random(in: 1...30, using: &random))
                rest[side] = rest[side].dropFirst(piece.count)
                if piece.isEmpty { continue }
                harness.feed(String(decoding: piece, as: UTF8.self), side == 0 ? .upstream : .downstream)
                for stream in Stream.allCases { try #require(harness.filter.held(stream) <= 8192) }
            }
            harness.finish(.downstream)
            harness.finish(.upstream)
            try #require(Array(harness.toServer.utf8) == sides[0])
            try #require(Array(harness.toClient.utf8) == sides[1])
        }
    }

    @Test func holdsNoMoreThanAHeadOfWhatNeverEnds() throws {
        var harness = try FilterHarness(Self.elsewhere)
        let line = "X: " + String(repeating: "y", count: 997) + "\r\n"
        harness.client("GET / HTTP/1.1\r\n")
        for _ in 0..<200 { harness.client(line) }
        #expect(harness.toServer.utf8.count == 16 + 200 * line.utf8.count)
        #expect(harness.filter.notices.map(\.kind) == [.passive])
    }

    @Test func readsNoMoreRequestsThanItCanRemember() throws {
        var harness = try FilterHarness(Self.elsewhere)
        let request = "GET / HTTP/1.1\r\n\r\n"
        harness.client(String(repeating: request, count: 1000))
        #expect(harness.toServer.utf8.count == HTTPLimits.waiting * request.utf8.count)
        #expect(harness.filter.held(.upstream) == (1000 - HTTPLimits.waiting) * request.utf8.count)
        harness.server(String(repeating: "HTTP/1.1 204 N\r\n\r\n", count: 100))
        #expect(harness.toServer.utf8.count == (HTTPLimits.waiting + 100) * request.utf8.count)
    }

    /// A filter that comes late lets what is under way be, and strikes what comes after it.
    @Test func joinsWhereMessagesBegin() throws {
        var watch = HTTPWatch()
        watch.saw(ByteBuffer(string: "POST / HTTP/1.1\r\nContent-Len"), .upstream)
        #expect(!watch.isAtRest)
        var harness = try FilterHarness(["status": .integer(503)], after: watch)
        harness.client("gth: 3\r\n\r\nabc")
        harness.server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        #expect(harness.toServer == "gth: 3\r\n\r\nabc")
        #expect(harness.toClient == "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        harness.client("GET / HTTP/1.1\r\n\r\n")
        #expect(harness.toServer == "gth: 3\r\n\r\nabc")
        #expect(harness.toClient.contains("HTTP/1.1 503 Service Unavailable\r\n"))
    }
}
