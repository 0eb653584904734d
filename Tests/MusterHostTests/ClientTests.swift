import Glibc
import MusterCore
import MusterHost
import MusterSystem
import Synchronization
import Testing

/// How this host asks interfaces and looks at servers, against servers that behave in every way but well.
@Suite struct ClientTests {
    /// Answers each connection of a Unix socket in a way of the test's, until it goes.
    private final class Server: Sendable {
        let address: StreamAddress
        let asked = Mutex<[String]>([])
        private let isOver = Atomic(false)

        init(at path: String, _ answer: @escaping @Sendable (Descriptor, String) -> Void) throws {
            address = .unix(path)
            let listener = try UnixSocket.listen(at: path)
            try listener.setNonblocking()
            try startThread(name: "server", stackSize: 1 << 18) { [self] in
                while !isOver.load(ordering: .relaxed) {
                    guard let connection = try? UnixSocket.accept(from: listener) else {
                        SystemTimekeeper().sleep(for: .milliseconds(1))
                        continue
                    }
                    var text: [UInt8] = []
                    while !String(decoding: text, as: UTF8.self).contains("\r\n\r\n") {
                        guard case .bytes(let bytes)? = try? connection.read(upTo: 4096) else { break }
                        text += bytes
                    }
                    let request = String(decoding: text, as: UTF8.self)
                    asked.withLock { $0.append(request) }
                    answer(connection, request)
                }
            }
        }

        func stop() { isOver.store(true, ordering: .relaxed) }
    }

    private func serving<R>(
        _ pieces: [String], _ body: (HostUnderTest, Server) throws -> R
    ) throws -> R {
        let test = try HostUnderTest()
        let server = try Server(at: test.path("api")) { connection, _ in
            for piece in pieces { try? connection.send(Array(piece.utf8)) }
        }
        defer { server.stop() }
        return try body(test, server)
    }

    @Test(arguments: [
        ["HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{\"a\":1}"],
        ["HTTP/1.1 200 OK\r\nContent-Le", "ngth: 7\r\n", "\r\n{\"a\"", ":1}and more"],
        ["HTTP/1.1 200 OK\r\n\r\n{\"a\":1}"],
        [
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\n{\"a\r\n",
            "4;x=y\r\n\":1}\r\n0\r\n\r\n",
        ],
        ["HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length:7\r\n\r\n{\"a\":1}"],
    ])
    func answersAreReadHoweverTheyCome(_ pieces: [String]) throws {
        try serving(pieces) { test, server in
            let answer = try test.host.fetch("/proxies", from: server.address, deadline: .seconds(60))
            #expect(answer == APIAnswer(status: 200, body: ["a": 1]))
            let asked = server.asked.withLock { $0.first ?? "" }
            #expect(asked.hasPrefix("GET /proxies HTTP/1.1\r\nHost: "), "\(asked)")
        }
    }

    @Test func whatIsNoJSONIsTextAndWhatIsEmptyIsNothing() throws {
        try serving(["HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nnot found"]) { test, server in
            let answer = try test.host.fetch("/", from: server.address, deadline: .seconds(60))
            #expect(answer == APIAnswer(status: 404, body: "not found"))
        }
        try serving(["HTTP/1.1 204 No Content\r\n\r\n"]) { test, server in
            let request = APIRequest(.delete, "/proxies/a")
            let answer = try test.host.send(request, to: server.address, deadline: .seconds(60))
            #expect(answer == APIAnswer(status: 204, body: .null))
        }
    }

    @Test func aBodyIsSentWithItsLength() throws {
        try serving(["HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"]) { test, server in
            let request = APIRequest(.post, "/proxies", body: ["enabled": false])
            _ = try test.host.send(request, to: server.address, deadline: .seconds(60))
            let asked = server.asked.withLock { $0.first ?? "" }
            #expect(asked.contains("\r\nContent-Length: 17\r\n"), "\(asked)")
            #expect(asked.hasSuffix("\r\n\r\n{\"enabled\":false}"), "\(asked)")
        }
    }

    @Test(arguments: [
        [], ["HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}"], ["220 ready\r\n\r\n"],
        ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}"],
        ["HTTP/1.1 200 OK\r\n\r\n" + String(repeating: "[", count: 100)],
    ])
    func answersThatAreNoneAreErrors(_ pieces: [String]) throws {
        try serving(pieces) { test, server in
            let error = try #require(throws: HostError.self) {
                try test.host.fetch("/proxies", from: server.address, deadline: .seconds(60))
            }
            #expect(error.code == .failed)
            #expect(error.operation == "GET /proxies at \(server.address.text)")
        }
    }

    @Test func nobodyThereIsToldFromNobodyWhoAnswers() throws {
        let test = try HostUnderTest()
        let missing = try #require(throws: HostError.self) {
            try test.host.fetch("/", from: .unix(test.path("none")), deadline: .seconds(60))
        }
        #expect(missing.code == .notFound)
        // A listener that never accepts.
        let listener = try UnixSocket.listen(at: test.path("mute"))
        let mute = try #require(throws: HostError.self) {
            try test.host.fetch("/", from: .unix(test.path("mute")), deadline: .milliseconds(50))
        }
        #expect(mute.code == .timedOut)
        // One whose queue is full.
        let full = try UnixSocket.listen(at: test.path("full"), backlog: 0)
        let waiting = try UnixSocket.connect(to: test.path("full"))
        let turnedAway = try #require(throws: HostError.self) {
            try test.host.fetch("/", from: .unix(test.path("full")), deadline: .milliseconds(50))
        }
        #expect(turnedAway.code == .timedOut)
        withExtendedLifetime((listener, full, waiting)) {}
    }

    @Test func portsWithoutAListenerRefuse() throws {
        let test = try HostUnderTest()
        for host in ["127.0.0.1", "::1"] {
            let address = StreamAddress.tcp(host: host, port: 1)
            let error = try #require(throws: HostError.self) {
                try test.host.fetch("/", from: address, deadline: .seconds(60))
            }
            #expect(error.code == .notFound, "\(error)")
            #expect(test.host.visit(Visit(address, deadline: .seconds(60)) { _ in true }).ending == .refused)
        }
    }

    @Test func aVisitTellsAnswersFromEndsAndSilence() throws {
        let test = try HostUnderTest()
        let server = try Server(at: test.path("s")) { connection, request in
            if request.hasPrefix("answer") { try? connection.send(Array("pong".utf8)) }
            if request.hasPrefix("silence") { SystemTimekeeper().sleep(for: .milliseconds(200)) }
        }
        defer { server.stop() }
        func see(_ word: String, _ deadline: Duration = .seconds(60)) -> Sighting {
            test.host.visit(
                Visit(server.address, says: Array("\(word)\r\n\r\n".utf8), deadline: deadline) {
                    $0.count >= 4
                })
        }
        let answered = see("answer")
        #expect(answered.ending == .answered && answered.bytes == Array("pong".utf8), "\(answered)")
        #expect(answered.connected != nil && answered.pieces >= 1 && answered.ended >= .zero)
        #expect(see("end").ending == .closed)
        let silent = see("silence", .milliseconds(50))
        #expect(silent.ending == .silent && silent.ended >= .milliseconds(50), "\(silent)")
    }

    @Test func addressesAreReadAndNamesAreNot() {
        for text in ["127.0.0.1:80", "[::1]:6379", "unix:/run/a.sock", "0.0.0.0:1"] {
            #expect(StreamAddress(text)?.text == text)
        }
        #expect(StreamAddress("localhost:8474") == .tcp(host: "127.0.0.1", port: 8474))
        #expect(StreamAddress("[::]:8474")?.fromHere == .tcp(host: "::1", port: 8474))
        for text in [
            "", "80", ":80", "redis:6379", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:65536", "1.2.3:80",
            "1.2.3.256:80", "::1:80", "[::1]", "[x]:80", "unix:relative", "127.0.0.1:+80", "127.0.0.1: 80",
        ] {
            #expect(StreamAddress(text) == nil, "\(text)")
        }
    }
}
