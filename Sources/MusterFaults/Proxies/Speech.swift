public import MusterCore

/// What the server behind a proxy understands, so that a client of ours can say something harmless to it and see what
/// comes of that.
public enum Speech: String, FormWord {
    case redis, http, postgres, tls

    /// What servers on that port usually speak; nil when nobody can say.
    static func usual(onPort port: Int) -> Speech? {
        switch port {
        case 6379, 6380, 16_379, 26_379: .redis
        case 80, 3000, 8000, 8080, 8081, 8888, 9200: .http
        case 5432, 6432: .postgres
        case 443, 8443: .tls
        default: nil
        }
    }

    /// Something to say.
    /// - Parameters:
    ///   - upstream: how many bytes the client should say at least.
    ///   - downstream: how many bytes the server should answer at least.
    /// - Returns: nil when this protocol has nothing harmless that is as long.
    func exchange(upstream: Int = 0, downstream: Int = 0) -> Exchange? {
        switch self {
        case .redis: Self.redis(max(upstream, downstream))
        case .http: Self.http(upstream, downstream)
        // SSLRequest; answered by one byte (PostgreSQL, "Message Formats").
        case .postgres:
            upstream > 8 || downstream > 1
                ? nil
                : Exchange(says: [0, 0, 0, 8, 4, 210, 22, 47], expected: nil, least: 1) { !$0.isEmpty }
        case .tls:
            upstream > TLSGreeting.client().count || downstream > 5
                ? nil : Exchange(says: TLSGreeting.client(), expected: nil, least: 5) { $0.count >= 5 }
        }
    }

    /// PING, or an ECHO as long as asked for; neither touches the data.
    private static func redis(_ count: Int) -> Exchange? {
        guard count > 0 else {
            return Exchange(
                says: Array("*1\r\n$4\r\nPING\r\n".utf8), expected: Array("+PONG\r\n".utf8), least: 7,
                isWhole: isRedisReply)
        }
        guard count <= Exchange.longest else { return nil }
        // Not all the same, so that damage and loss show.
        let payload = (0..<count).map { UInt8(ascii: "a") + UInt8($0 % 26) }
        let reply = Array("$\(count)\r\n".utf8) + payload + Array("\r\n".utf8)
        return Exchange(
            says: Array("*2\r\n$4\r\nECHO\r\n".utf8) + reply, expected: reply, least: reply.count,
            isWhole: isRedisReply)
    }

    /// One reply: a line, or a text of known length (the Redis serialization protocol).
    private static func isRedisReply(_ bytes: [UInt8]) -> Bool {
        guard bytes.first == UInt8(ascii: "$") else { return bytes.suffix(2).elementsEqual([13, 10]) }
        guard let end = bytes.firstIndex(of: 10),
            let count = Int(String(decoding: bytes[1..<end].dropLast(), as: UTF8.self)), count >= 0
        else { return false }
        return bytes.count - end - 3 >= count
    }

    /// HEAD of the front page, several at once where a long answer is wanted.
    private static func http(_ upstream: Int, _ downstream: Int) -> Exchange? {
        // Servers take 8 KiB of headers; an answer to HEAD has rarely less than 80 bytes.
        guard upstream <= 7000 else { return nil }
        let count = downstream == 0 ? 1 : downstream / 80 + 1
        guard count <= 200 else { return nil }
        let padding = upstream > 100 ? "X-Muster: \(String(repeating: "m", count: upstream - 90))\r\n" : ""
        let one = "HEAD / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: muster\r\n\(padding)\r\n"
        return Exchange(says: Array(String(repeating: one, count: count).utf8), expected: nil, least: 40) {
            heads(in: $0) >= count
        }
    }

    private static func heads(in bytes: [UInt8]) -> Int {
        var found = 0
        var matched = 0
        let mark: [UInt8] = [13, 10, 13, 10]
        for byte in bytes {
            matched = byte == mark[matched] ? matched + 1 : (byte == 13 ? 1 : 0)
            if matched == 4 {
                found += 1
                matched = 0
            }
        }
        return found
    }
}

/// Something that a client says, and how it knows that it was answered.
struct Exchange {
    var says: [UInt8]
    /// The whole answer where it can be known beforehand.
    var expected: [UInt8]?
    /// The bytes that an answer has at least.
    var least: Int
    var isWhole: ([UInt8]) -> Bool

    /// What is neither too much for a server nor for the time that a look may take.
    static let longest = 200_000

    /// Words of the drill's own; whatever comes is an answer.
    static func words(_ text: String) -> Exchange {
        Exchange(says: Array(text.utf8), expected: nil, least: 1) { !$0.isEmpty }
    }
}
