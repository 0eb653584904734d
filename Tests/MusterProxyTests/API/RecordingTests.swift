import Foundation
import Testing

@testable import MusterProxy

/// 97 exchanges that were recorded from a real Toxiproxy, in order, each standing on the state that those before
/// it left: status, headers and body must be the same.
struct RecordingTests {
    struct Exchange: Decodable {
        struct Request: Decodable {
            var method: String
            var path: String
            var body: String?
            var headers: [String: String]?
        }
        struct Response: Decodable {
            var status: Int
            var headers: [String: String]
            var body: String
        }
        var request: Request
        var response: Response
    }

    @Test(.timeLimit(.minutes(3))) func answersAsToxiproxyDid() async throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fixtures/toxiproxy-api.jsonl")
        var text = try String(contentsOf: file, encoding: .utf8)
        // The ports of the recording may be taken here; others of five digits keep every length as it is.
        for port in Set(text.matches(of: /127\.0\.0\.1:(233\d\d)/).map { String($0.output.1) }) {
            text = text.replacing(":\(port)", with: ":\(try FreePort.next())")
        }
        let exchanges = try text.split(separator: "\n").map {
            try JSONDecoder().decode(Exchange.self, from: Data($0.utf8))
        }
        #expect(exchanges.count == 97)
        let api = try await APIUnderTest()
        let port = api.port
        try await offThePool {
            let connection = try Wire(port)
            for (index, exchange) in exchanges.enumerated() {
                try compare(exchange, on: connection, "exchange \(index + 1)")
            }
        }
        await api.stop()
    }

    private func compare(_ exchange: Exchange, on connection: Wire, _ name: String) throws {
        let request = exchange.request
        let headers = (request.headers ?? [:]).map { "\($0): \($1)\r\n" }.joined()
        try connection.send(request.method, request.path, request.body, headers: headers)
        var reply = try connection.reply(toHead: request.method == "HEAD")
        var wanted = exchange.response
        #expect(reply.headers.removeValue(forKey: "date") != nil, "\(name)")
        reply.headers["x-toxiproxy-request-id"] =
            reply.headers["x-toxiproxy-request-id"] == nil ? "absent" : "present"
        if let words = wanted.body.range(of: "bad request body: ") {
            // What stands behind is the decoder's own; it must say something.
            let start = wanted.body[..<words.upperBound]
            #expect(reply.body.hasPrefix(start) && reply.body.count > start.count + 15, "\(name)")
            #expect(
                reply.body.hasSuffix(
                    wanted.body.contains("proxies")
                        ? ",\"status\":400,\"proxies\":null}" : ",\"status\":400}\n"), "\(name)")
            wanted.body = reply.body
            wanted.headers["content-length"] = "\(reply.body.utf8.count)"
        }
        if request.path == "/version", request.method == "GET" {
            #expect(reply.body == "{\"version\": \"\(ProxyAPI.compatibleVersion)\"}\n")
            wanted.body = reply.body
            wanted.headers["content-length"] = "\(reply.body.utf8.count)"
        }
        let asked = "\(name): \(request.method) \(request.path) \(request.body ?? "")"
        #expect(reply.status == wanted.status, "\(asked)")
        #expect(reply.headers == wanted.headers, "\(asked)")
        #expect(reply.body == wanted.body, "\(asked)")
    }
}

/// Ports that nobody had a moment ago.
enum FreePort {
    static func next() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) | getsockname(descriptor, $0, &size)
            }
        }
        guard code == 0 else { throw Wire.Trouble(description: "no port is free") }
        let port = Int(in_port_t(bigEndian: address.sin_port))
        return port > 9999 ? port : try next()
    }
}
