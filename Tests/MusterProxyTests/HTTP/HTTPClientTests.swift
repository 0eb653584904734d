import Foundation
import Synchronization
import Testing

@testable import MusterProxy

/// What curl and Python's http.client see, of a real server through the real proxy.
@Suite struct HTTPClientTests {
    /// Says on which port it serves, is told that of the proxy, and says what both clients got for `/bad`, and one of
    /// them for `/good` before and after.
    private static let script = """
        import http.client, http.server, subprocess, threading
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Length", "1000")
                self.end_headers()
                self.wfile.write(b"x" * 1000)
            def log_message(self, *_):
                pass
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(server.server_port, flush=True)
        proxy = int(input())
        def get(connection, path):
            try:
                connection.request("GET", path)
                answer = connection.getresponse()
                return f"{answer.status} {len(answer.read())}"
            except Exception as problem:
                return type(problem).__name__
        connection = http.client.HTTPConnection("127.0.0.1", proxy, timeout=20)
        seen = [get(connection, "/good"), get(connection, "/bad")]
        connection.close()
        curl = subprocess.run(
            ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code} %{size_download}", "--max-time", "20",
             f"http://127.0.0.1:{proxy}/bad"], stdout=subprocess.PIPE, text=True)
        seen.append(f"{curl.returncode} {curl.stdout}")
        seen.append(get(http.client.HTTPConnection("127.0.0.1", proxy, timeout=20), "/good"))
        print(", ".join(seen), flush=True)
        """

    struct Case: Sendable, CustomTestStringConvertible {
        var values: AttributeValues
        var python: String
        /// Exit code, status, bytes.
        var curl: String
        var testDescription: String { "\(python), \(curl)" }
    }

    @Test(arguments: [
        Case(values: ["status": .integer(503)], python: "503 0", curl: "0 503 0"),
        Case(
            values: ["status": .integer(503), "from": .text("server")], python: "503 1000", curl: "0 503 1000"
        ),
        Case(values: ["body": .text("hi")], python: "200 2", curl: "0 200 2"),
        Case(values: ["truncate_bytes": .integer(10)], python: "IncompleteRead", curl: "18 200 10"),
        Case(values: ["wrong_length": .integer(5)], python: "IncompleteRead", curl: "18 200 1000"),
        Case(values: ["wrong_length": .integer(-5)], python: "200 995", curl: "0 200 995"),
        Case(values: ["abort": .flag(true)], python: "RemoteDisconnected", curl: "52 000 0"),
        Case(
            values: ["abort": .flag(true), "ending": .text("reset"), "from": .text("server")],
            python: "ConnectionResetError", curl: "56 000 0"),
    ])
    func seeTheFault(_ test: Case) async throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", "-c", Self.script]
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        defer { process.terminate() }
        let port = try await line(output)
        let log = EventLog()
        let engine = SocketEngine(group: testGroup, seed: 1, events: log)
        let values = test.values.merging(["path": .text("/bad")]) { $1 }
        let proxy = try await engine.start(
            "p", listen: "127.0.0.1:0", upstream: "127.0.0.1:\(port)",
            toxics: [try toxic(HTTPFaultToxic.self, values)])
        let own = try #require(proxy.address.split(separator: ":").last)
        try input.fileHandleForWriting.write(contentsOf: Data("\(own)\n".utf8))
        let seen = try await line(output)
        #expect(seen == "200 1000, \(test.python), \(test.curl), 200 1000")
        await proxy.stop(draining: .zero)
        #expect(await eventually { log.closed.count == 3 })
        let noticed = log.events.withLock {
            $0.compactMap { if case .noticed("http_fault", let notice) = $0.kind { notice } else { nil } }
        }
        #expect(noticed.map(\.kind) == [.effective, .effective])
        #expect(noticed.allSatisfy { $0.detail.hasSuffix(": GET /bad") })
        #expect(log.closed.reduce(0) { $0 + $1.effects.values.reduce(0, +) } == 2)
    }

    /// A fault that comes while a connection is open strikes its next request, and none when it is gone.
    @Test func strikesAConnectionThatIsOpen() async throws {
        let server = try TestServer()
        let engine = SocketEngine(group: testGroup, seed: 1, events: EventLog())
        let proxy = try await engine.start("p", listen: "127.0.0.1:0", upstream: server.address, toxics: [])
        let (client, peer) = try await blocking {
            (try Socket(connecting: proxy.address), try server.accept())
        }
        let get = Array("GET / HTTP/1.1\r\n\r\n".utf8)
        let ok = Array("HTTP/1.1 204 No Content\r\n\r\n".utf8)
        let exchange: @Sendable () throws -> Void = {
            try client.send(get)
            #expect(try peer.receive(exactly: get.count) == get)
            try peer.send(ok)
            #expect(try client.receive(exactly: ok.count) == ok)
        }
        try await blocking { try exchange() }
        let fault = try toxic(HTTPFaultToxic.self, ["status": .integer(500)])
        await proxy.add(fault)
        try await blocking {
            try client.send(get)
            let start = "HTTP/1.1 500 Internal Server Error\r\n"
            #expect(try client.receive().starts(with: Array(start.utf8)))
        }
        await proxy.remove(fault.name)
        try await blocking { try exchange() }
        await proxy.stop(draining: .zero)
    }

    private func line(_ pipe: Pipe) async throws -> String {
        let handle = pipe.fileHandleForReading
        return try await blocking {
            var line = Data()
            while let byte = try handle.read(upToCount: 1), !byte.isEmpty, byte[0] != UInt8.lf {
                line += byte
            }
            return String(decoding: line, as: UTF8.self)
        }
    }
}
