import FlyingFox
import Foundation
import GRDB

/// The HTTP side: paths, limits, status codes.
struct KeyValueHandler: HTTPHandler {
    static let longestKey = 512
    static let largestValue = 1 << 20
    static let largestPage = 1000

    let store: any KeyValueStore

    func handleRequest(_ request: HTTPRequest) async throws -> HTTPResponse {
        do {
            return try await route(request)
        } catch let problem as Problem {
            return answer(problem)
        } catch let error as DatabaseError where error.resultCode == .SQLITE_FULL {
            return answer(
                Problem(
                    HTTPStatusCode(507, phrase: "Insufficient Storage"),
                    "no space left for the database; nothing was stored"))
        } catch {
            return answer(Problem(.serviceUnavailable, "\(error)"))
        }
    }

    private func route(_ request: HTTPRequest) async throws -> HTTPResponse {
        // The raw target: `request.path` has dot segments and percent codes resolved, and a key may hold both.
        let path = request.target.path()
        if path == "/health" {
            try allow("GET", request)
            try await store.check()
            return try json(Health(ok: true, mode: store.mode, pid: getpid()))
        }
        if path == "/metrics" {
            try allow("GET", request)
            try await store.check()
            // Prometheus' text format 0.0.4.
            return HTTPResponse(
                statusCode: .ok, headers: [.contentType: "text/plain; version=0.0.4"],
                body: Data("# TYPE sample_service_up gauge\nsample_service_up 1\n".utf8))
        }
        if path == "/kv" {
            try allow("GET", request)
            return try await list(request)
        }
        guard path.hasPrefix("/kv/") else {
            throw Problem(
                .notFound, "no such path: \(path); expected /kv/KEY, /kv?prefix=, /health or /metrics")
        }
        return try await one(try key(from: path.dropFirst(4)), request)
    }

    private func one(_ key: String, _ request: HTTPRequest) async throws -> HTTPResponse {
        switch request.method {
        case .PUT:
            try await store.put(key, try await value(of: request))
            return HTTPResponse(statusCode: .noContent)
        case .GET:
            guard let value = try await store.get(key) else { throw noSuchKey(key) }
            return HTTPResponse(
                statusCode: .ok, headers: [.contentType: "application/octet-stream"], body: value)
        case .DELETE:
            guard try await store.delete(key) else { throw noSuchKey(key) }
            return HTTPResponse(statusCode: .noContent)
        default:
            throw Problem(
                .methodNotAllowed, "\(request.method.rawValue) is not possible here",
                allow: "GET, PUT, DELETE")
        }
    }

    private func list(_ request: HTTPRequest) async throws -> HTTPResponse {
        var prefix = ""
        var after: String?
        var limit = Self.largestPage
        for item in request.query {
            switch item.name {
            case "prefix": prefix = item.value
            case "after": after = item.value
            case "limit":
                guard let number = Int(item.value), (1...Self.largestPage).contains(number) else {
                    throw Problem(.badRequest, "limit is \(item.value); expected 1 to \(Self.largestPage)")
                }
                limit = number
            default:
                throw Problem(.badRequest, "unknown parameter \(item.name); expected prefix, after or limit")
            }
        }
        // One more than asked for tells whether there is another page.
        let keys = try await store.keys(prefix: prefix, after: after, limit: limit + 1)
        let page = Array(keys.prefix(limit))
        return try json(Page(keys: page, next: keys.count > limit ? page.last : nil))
    }

    private func allow(_ method: String, _ request: HTTPRequest) throws {
        guard request.method.rawValue == method else {
            throw Problem(.methodNotAllowed, "\(request.method.rawValue) is not possible here", allow: method)
        }
    }

    private func key(from encoded: Substring) throws -> String {
        guard let key = String(encoded).removingPercentEncoding else {
            throw Problem(.badRequest, "the key is not percent-encoded UTF-8: \(encoded)")
        }
        guard (1...Self.longestKey).contains(key.utf8.count) else {
            throw Problem(
                .badRequest, "the key has \(key.utf8.count) bytes; expected 1 to \(Self.longestKey)")
        }
        guard key.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7f }) else {
            throw Problem(.badRequest, "the key holds a control character")
        }
        return key
    }

    private func value(of request: HTTPRequest) async throws -> Data {
        let tooLarge = Problem(.payloadTooLarge, "the value is larger than \(Self.largestValue) bytes")
        if let declared = request.headers[.contentLength].flatMap(Int.init), declared > Self.largestValue {
            throw tooLarge
        }
        var value = Data()
        for try await chunk in request.bodySequence {
            value.append(chunk)
            if value.count > Self.largestValue { throw tooLarge }
        }
        return value
    }

    private func noSuchKey(_ key: String) -> Problem { Problem(.notFound, "no such key: \(key)") }
}

extension KeyValueHandler {
    private struct Health: Encodable {
        let ok: Bool
        let mode: String
        let pid: Int32
    }

    private struct Page: Encodable {
        let keys: [String]
        let next: String?

        /// By hand, so that the last page says `"next":null` instead of leaving the word out.
        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(keys, forKey: .keys)
            try container.encode(next, forKey: .next)
        }

        private enum CodingKeys: CodingKey {
            case keys
            case next
        }
    }

    private struct Failure: Encodable {
        let error: String
    }

    private struct Problem: Error {
        let status: HTTPStatusCode
        let message: String
        let allow: String?

        init(_ status: HTTPStatusCode, _ message: String, allow: String? = nil) {
            self.status = status
            self.message = message
            self.allow = allow
        }
    }

    private func answer(_ problem: Problem) -> HTTPResponse {
        let body = try? encode(Failure(error: problem.message))
        var headers: HTTPHeaders = [.contentType: "application/json"]
        if let allow = problem.allow { headers[HTTPHeader("Allow")] = allow }
        return HTTPResponse(statusCode: problem.status, headers: headers, body: body ?? Data())
    }

    private func json(_ value: some Encodable) throws -> HTTPResponse {
        HTTPResponse(
            statusCode: .ok, headers: [.contentType: "application/json"], body: try encode(value))
    }

    private func encode(_ value: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(value)
    }
}
