import NIOCore
import Testing

@testable import MusterProxy

/// Exactly what the server and the client see.
@Suite struct HTTPFaultTests {
    static let get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
    static let ok = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nServer: s\r\n\r\nbody"

    @Test func answersInsteadOfTheServerAndLeavesTheNextRequest() throws {
        var harness = try FilterHarness([
            "status": .integer(503), "path": .text("/bad*"), "body": .text("no"),
        ])
        harness.client(Self.get + "POST /bad?x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        harness.client("0\r\n\r\n" + Self.get)
        #expect(harness.toServer == Self.get + Self.get)
        #expect(harness.toClient.isEmpty)
        harness.server(Self.ok + Self.ok)
        let bad =
            "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\nContent-Type: text/plain; charset=utf-8\r\n"
            + "Proxy-Status: muster-net; error=proxy_internal_response\r\n\r\nno"
        #expect(harness.toClient == Self.ok + bad + Self.ok)
        #expect(harness.ends.isEmpty)
        #expect(harness.filter.notices == [FilterNotice(.effective, "status 503, body: POST /bad?x")])
    }

    @Test func answersHeadWithoutBodyAndClosesWhereTheClientWouldNotGoOn() throws {
        var harness = try FilterHarness(["status": .integer(500), "body": .text("no")])
        harness.client("HEAD / HTTP/1.1\r\n\r\n")
        #expect(harness.toClient.hasPrefix("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 2\r\n"))
        #expect(harness.toClient.hasSuffix("\r\n\r\n"))
        harness.client("GET / HTTP/1.0\r\n\r\n")
        #expect(harness.toClient.hasSuffix("Connection: close\r\n\r\nno"))
        #expect(harness.ends == [.downstream: .finished])
        harness.pass(HTTPFilter.closingTime)
        #expect(harness.ends == [.upstream: .close, .downstream: .close])
        #expect(harness.toServer.isEmpty)
    }

    @Test func doesNotWaitForABodyThatTheClientHoldsBack() throws {
        var harness = try FilterHarness(["status": .integer(500)])
        harness.client("PUT / HTTP/1.1\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        #expect(harness.toClient.contains("500"))
        #expect(harness.toClient.contains("Connection: close\r\n"))
        harness.client("12345")
        #expect(harness.toServer.isEmpty)
    }

    @Test func changesStatusAndHeadersOfAServersAnswer() throws {
        var harness = try FilterHarness([
            "from": .text("server"), "status": .integer(429), "headers": .list(["Retry-After: 1"]),
            "remove_headers": .list(["server"]), "request_headers": .list(["X: 1"]),
            "remove_request_headers": .list(["Host"]),
        ])
        harness.client(Self.get)
        #expect(harness.toServer == "GET /a HTTP/1.1\r\nX: 1\r\n\r\n")
        harness.server("HTTP/1.1 102 Processing\r\n\r\n" + Self.ok)
        #expect(
            harness.toClient == "HTTP/1.1 102 Processing\r\n\r\n"
                + "HTTP/1.1 429 Too Many Requests\r\nContent-Length: 4\r\nRetry-After: 1\r\n\r\nbody")
    }

    @Test(arguments: [
        "Content-Length: 4\r\n\r\nbody", "Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
    ])
    func replacesABody(_ rest: String) throws {
        var harness = try FilterHarness([
            "body_size": .integer(40_000), "body": .text("ab"), "count": .integer(1),
        ])
        harness.client(Self.get + Self.get)
        for byte in "HTTP/1.1 200 OK\r\nContent-Encoding: x\r\n\(rest)" { harness.server(String(byte)) }
        harness.server(Self.ok)
        #expect(
            harness.toClient == "HTTP/1.1 200 OK\r\nContent-Length: 40000\r\n\r\n"
                + String(repeating: "ab", count: 20_000) + Self.ok)
    }

    @Test func givesAnEmptyBodyAndOneToAnAnswerWithout() throws {
        var harness = try FilterHarness(["body_size": .integer(0)])
        harness.client(Self.get)
        harness.server("HTTP/1.1 200 OK\r\n\r\nuntil the end")
        harness.finish(.downstream)
        #expect(harness.toClient == "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        #expect(harness.ends == [.downstream: .finished])
    }

    @Test func truncates() throws {
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n01234567\r\n0\r\n\r\n"
        let long = "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n01234567"
        for answer in [chunked, long] {
            for values: AttributeValues in [
                ["truncate_bytes": .integer(2)], ["truncate_percent": .number(25)],
            ] {
                var harness = try FilterHarness(
                    values.merging(["ending": .text("reset"), "linger": .integer(50)]) { $1 })
                harness.client(Self.get)
                harness.server(answer)
                #expect(harness.toClient == answer.split(separator: "01234567")[0] + "01")
                #expect(harness.ends.isEmpty)
                harness.pass(.milliseconds(50))
                #expect(harness.ends == [.upstream: .reset, .downstream: .reset])
            }
        }
        var whole = try FilterHarness(["truncate_bytes": .integer(8)])
        whole.client(Self.get + Self.get)
        whole.server(long + chunked)
        #expect(whole.toClient == long + chunked)
        #expect(whole.ends.isEmpty)
    }

    @Test func liesAboutTheLength() throws {
        var more = try FilterHarness(["wrong_length": .integer(3), "linger": .integer(-1)])
        more.client(Self.get)
        more.server(Self.ok)
        #expect(more.toClient == "HTTP/1.1 200 OK\r\nServer: s\r\nContent-Length: 7\r\n\r\nbody")
        more.pass(.hours(1))
        #expect(more.ends.isEmpty)
        more.finish(.upstream)
        #expect(more.ends == [.upstream: .close, .downstream: .close])
        var less = try FilterHarness(["wrong_length": .integer(-9)])
        less.client(Self.get)
        less.server(Self.ok)
        #expect(
            less.toClient
                == "HTTP/1.1 200 OK\r\nServer: s\r\nContent-Length: 0\r\nConnection: close\r\n\r\nbody")
        #expect(less.ends == [.downstream: .finished])
        var chunk = try FilterHarness(["wrong_length": .integer(1)])
        chunk.client(Self.get)
        chunk.server("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n")
        #expect(chunk.toClient.hasPrefix("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbody"))
        #expect(chunk.ends == [.downstream: .finished])
    }

    @Test func abortsBeforeOrAfterTheServer() throws {
        var before = try FilterHarness([
            "abort": .flag(true), "ending": .text("reset"), "methods": .list(["post"]),
        ])
        before.client(Self.get + "POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\nx")
        #expect(before.toServer == Self.get)
        #expect(before.ends.isEmpty)
        before.server(Self.ok)
        #expect(before.toClient == Self.ok)
        #expect(before.ends == [.upstream: .reset, .downstream: .reset])
        var after = try FilterHarness(["abort": .flag(true), "from": .text("server")])
        after.client(Self.get)
        after.server(Self.ok)
        #expect(after.toServer == Self.get)
        #expect(after.toClient.isEmpty)
        #expect(after.ends == [.downstream: .finished])
    }

    @Test func delaysARequestOrAnAnswer() throws {
        for (place, late) in [("request", true), ("response", false)] {
            var harness = try FilterHarness([
                "delay": .integer(100), "delay_at": .text(place), "path": .text("/a"),
            ])
            harness.client(Self.get)
            #expect(harness.toServer.isEmpty == late)
            if late {
                harness.pass(.milliseconds(99))
                #expect(harness.toServer.isEmpty)
                harness.pass(.milliseconds(1))
            }
            #expect(harness.toServer == Self.get)
            harness.server(Self.ok)
            #expect(harness.toClient.isEmpty != late)
            harness.runOut()
            #expect(harness.toClient == Self.ok)
        }
    }

    @Test func slowsABodyDown() throws {
        var harness = try FilterHarness(["body_rate": .integer(1000)])
        let began = harness.now
        harness.client(Self.get)
        harness.server(
            "HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + String(repeating: "x", count: 2000))
        #expect(harness.toClient.utf8.count == 41 + 50)
        harness.runOut()
        #expect(harness.toClient.utf8.count == 2041)
        #expect(harness.now - began == .milliseconds(2000))
    }

    @Test func strikesTheShareAndTheNumberThatWereAsked() throws {
        var some = try FilterHarness(["status": .integer(500), "percent": .number(20)], seed: 7)
        for _ in 0..<1000 {
            some.client(Self.get)
            if !some.toServer.isEmpty, some.filter.exchanges.count > 0 { some.server(Self.ok) }
        }
        #expect((160...240).contains(some.filter.effects))
        var few = try FilterHarness(["status": .integer(500), "after": .integer(2), "count": .integer(3)])
        for _ in 0..<10 {
            few.client(Self.get)
            if few.filter.exchanges.count > 0 { few.server(Self.ok) }
        }
        #expect(few.filter.effects == 3)
        #expect(few.toClient.hasPrefix(Self.ok + Self.ok + "HTTP/1.1 500"))
        #expect(few.toServer.count == 7 * Self.get.count)
    }

    @Test func matchesByHeaderAndQuery() throws {
        var harness = try FilterHarness([
            "status": .integer(500), "path": .text("/a?*id=1*"), "match_headers": .list(["x-user: T*"]),
        ])
        for request in [
            "GET /a?id=1 HTTP/1.1\r\nX-User: other\r\n\r\n", "GET /a?id=2 HTTP/1.1\r\nX-User: Tom\r\n\r\n",
            "GET /a HTTP/1.1\r\nX-User: Tom\r\n\r\n",
        ] { harness.client(request) }
        #expect(harness.filter.effects == 0)
        harness.server(Self.ok + Self.ok + Self.ok)
        harness.client("GET http://host/a?id=1 HTTP/1.1\r\nX-User:  Tom \r\n\r\n")
        #expect(harness.filter.effects == 1)
    }

    @Test func endsWhatItBeganWhenItIsTakenAway() throws {
        var harness = try FilterHarness(["status": .integer(503), "delay": .integer(60_000)])
        harness.client("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\na")
        harness.filter.change(to: nil)
        harness.client("bc" + Self.get)
        #expect(harness.toClient.hasPrefix("HTTP/1.1 503"))
        #expect(harness.toServer == Self.get)
        harness.server(Self.ok)
        #expect(harness.toClient.hasSuffix(Self.ok))
    }

    @Test(
        arguments: [
            (["status": .integer(101)], "status"), (["status": .integer(600)], "status"), ([:], "status"),
            (["from": .text("proxy")], "status"), (["delay": .integer(-1)], "delay"),
            (["status": .integer(500), "from": .text("x")], "from"),
            (["status": .integer(500), "percent": .number(101)], "percent"),
            (["headers": .list(["Content-Length: 1"])], "headers"),
            (["headers": .list(["no colon"])], "headers"),
            (["headers": .list(["A: b\r\nC: d"])], "headers"),
            (["remove_headers": .list(["a b"])], "remove_headers"),
            (["truncate_bytes": .integer(1), "truncate_percent": .number(1)], "truncate_percent"),
            (["truncate_bytes": .integer(1), "wrong_length": .integer(1)], "wrong_length"),
            (["status": .integer(500), "methods": .list(["G T"])], "methods"),
            (["status": .integer(500), "path": .text("")], "path"),
            (["status": .integer(204), "body": .text("x")], "body"),
        ] as [(AttributeValues, String)])
    func refusesWhatCannotBe(_ values: AttributeValues, _ name: String) {
        let all = HTTPFaultToxic.initialValues.merging(values) { $1 }
        #expect { try HTTPFaultToxic(all) } throws: { ($0 as? AttributeProblem)?.name == name }
    }
}
