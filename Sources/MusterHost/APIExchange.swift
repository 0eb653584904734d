import FoundationEssentials
import Glibc
public import MusterCore
import MusterSystem

extension LinuxHost {
    public func fetch(_ path: String, from api: StreamAddress, deadline: Duration) throws -> APIAnswer {
        try APIExchange(method: "GET", path: path, body: nil, api: api).run(within: deadline)
    }

    public func send(_ request: APIRequest, to api: StreamAddress, deadline: Duration) throws -> APIAnswer {
        try APIExchange(
            method: request.method.rawValue, path: request.path, body: request.body?.canonicalJSON, api: api
        ).run(within: deadline)
    }
}

/// One request and its answer on a connection of its own (HTTP/1.1, RFC 9110 and 9112), with a limit for everything
/// that a strange server could make endless.
struct APIExchange {
    var method: String
    var path: String
    var body: String?
    var api: StreamAddress

    static let limit = 4 << 20
    private static let deepest = 32
    /// Of an answer that is no JSON, such as a certificate, this is kept.
    private static let longestText = 16 << 10

    private var operation: String { "\(method) \(path) at \(api.text)" }

    func run(within limit: Duration) throws -> APIAnswer {
        let deadline = SystemTimekeeper().monotonic() + limit
        let text = try port { () throws(SystemError) in try exchange(until: deadline) }
        let answer = try answer(in: text)
        guard jsonDepth(of: answer.body) <= Self.deepest else {
            throw HostError(.failed, operation, "its answer is nested deeper than \(Self.deepest) levels")
        }
        let value =
            answer.body.isEmpty
            ? Value.null
            : (try? JSONDecoder().decode(Value.self, from: Data(answer.body)))
                ?? .text(String(decoding: answer.body.prefix(Self.longestText), as: UTF8.self))
        return APIAnswer(status: answer.status, body: value)
    }

    private var request: [UInt8] {
        var head = "\(method) \(path) HTTP/1.1\r\n"
        if case .tcp = api { head += "Host: \(api.text)\r\n" } else { head += "Host: localhost\r\n" }
        head += "User-Agent: muster\r\nAccept: application/json\r\nConnection: close\r\n"
        if let body {
            head += "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n"
        }
        return Array((head + "\r\n" + (body ?? "")).utf8)
    }

    /// - Throws: ENOENT when nobody listens.
    private func exchange(until deadline: Instant) throws(SystemError) -> [UInt8] {
        do throws(SystemError) {
            let socket = try StreamSocket.connect(to: api, until: deadline)
            try write(request[...], to: socket, until: deadline)
            var text: [UInt8] = []
            while text.count < Self.limit, !Self.isWhole(text) {
                guard try !waitFor([Interest(socket.number, .readable)], until: deadline)[0].isEmpty else {
                    throw SystemError(operation, code: ETIMEDOUT)
                }
                switch try socket.read(upTo: 65536) {
                case .bytes(let bytes): text += bytes
                case .end: return text
                case .wouldBlock: continue
                }
            }
            return text
        } catch {
            throw SystemError(operation, code: error.code == ECONNREFUSED ? ENOENT : error.code)
        }
    }

    private func write(
        _ bytes: ArraySlice<UInt8>, to socket: Descriptor, until deadline: Instant
    ) throws(SystemError) {
        var rest = bytes
        while !rest.isEmpty {
            if let taken = try socket.sendSome(rest) {
                rest = rest.dropFirst(taken)
            } else if try waitFor([Interest(socket.number, .writable)], until: deadline)[0].isEmpty {
                throw SystemError(operation, code: ETIMEDOUT)
            }
        }
    }

    // MARK: The answer

    private func answer(in text: [UInt8]) throws -> (status: Int, body: [UInt8]) {
        guard let head = HTTPHead(text) else {
            let said = String(decoding: text.prefix(100), as: UTF8.self)
            throw HostError(
                .failed, operation,
                text.isEmpty ? "it closed the connection without an answer" : "no answer of HTTP: '\(said)'")
        }
        guard let body = head.body(in: text, isEnded: true) else {
            throw HostError(.failed, operation, "its answer is cut short")
        }
        return (head.status, body)
    }

    private static func isWhole(_ text: [UInt8]) -> Bool {
        HTTPHead(text).map { $0.body(in: text, isEnded: false) != nil } ?? false
    }
}

/// The head of an answer, and where its body lies (RFC 9112, section 6).
struct HTTPHead {
    var status: Int
    /// Where the body begins.
    var end: Int
    var length: Int?
    var isChunked = false

    /// - Returns: nil while the head is not whole, or is none. Interim answers (1xx) are skipped.
    init?(_ text: [UInt8]) {
        var start = 0
        while true {
            guard let end = Self.end(of: start, in: text) else { return nil }
            let lines = String(decoding: text[start..<end], as: UTF8.self).split(separator: "\r\n")
            let words = lines.first?.split(separator: " ", maxSplits: 2) ?? []
            guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else {
                return nil
            }
            start = end + 4
            if (100..<200).contains(status) { continue }
            self.status = status
            self.end = start
            for line in lines.dropFirst() { read(line) }
            if status == 204 || status == 304 {
                length = 0
                isChunked = false
            }
            return
        }
    }

    private static func end(of start: Int, in text: [UInt8]) -> Int? {
        let mark: [UInt8] = [13, 10, 13, 10]
        guard text.count >= start + 4 else { return nil }
        return (start...(text.count - 4)).first { text[$0..<($0 + 4)].elementsEqual(mark) }
    }

    private mutating func read(_ line: Substring) {
        let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { return }
        let value = parts[1].filter { $0 != " " && $0 != "\t" }.lowercased()
        switch parts[0].lowercased() {
        case "content-length": length = Int(value)
        case "transfer-encoding": isChunked = value.hasSuffix("chunked")
        default: break
        }
    }

    /// - Parameter isEnded: whether nothing more will come.
    /// - Returns: nil when it is not whole yet.
    func body(in text: [UInt8], isEnded: Bool) -> [UInt8]? {
        let rest = text[end...]
        if isChunked { return Self.chunks(rest) }
        guard let length else { return isEnded ? Array(rest) : nil }
        return length >= 0 && rest.count >= length ? Array(rest.prefix(length)) : nil
    }

    private static func chunks(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        var body: [UInt8] = []
        var rest = text
        while let line = rest.firstIndex(of: 0x0A) {
            let size = String(decoding: rest[..<line], as: UTF8.self).prefix { $0.isHexDigit }
            guard let count = Int(size, radix: 16), count <= APIExchange.limit else { return nil }
            rest = rest[(line + 1)...]
            if count == 0 { return body }
            guard rest.count >= count + 2 else { return nil }
            body += rest.prefix(count)
            rest = rest.dropFirst(count + 2)
        }
        return nil
    }
}
