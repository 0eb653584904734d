/// A value of the Redis protocol, version 2 (https://redis.io/docs/latest/develop/reference/protocol-spec).
indirect enum RedisReply: Hashable {
    case simple(String)
    case error(String)
    case integer(Int64)
    case bulk(String?)
    case array([RedisReply])

    /// A command as an array of bulk strings.
    static func command(_ words: [String]) -> [UInt8] {
        var text = "*\(words.count)\r\n"
        for word in words { text += "$\(word.utf8.count)\r\n\(word)\r\n" }
        return Array(text.utf8)
    }
}

/// Cuts replies out of a stream of bytes.
struct RedisParser {
    struct Malformed: Error {}
    private var buffer: [UInt8] = []
    private var start = 0

    mutating func append(_ bytes: [UInt8]) {
        if start > 65_536 || start == buffer.count {
            buffer.removeFirst(start)
            start = 0
        }
        buffer += bytes
    }

    /// The next whole reply; nil when it is not all there yet.
    /// - Throws: `Malformed` when this is not the protocol of Redis.
    mutating func next() throws -> RedisReply? {
        var place = start
        guard let reply = try parse(&place, depth: 0) else { return nil }
        start = place
        return reply
    }

    private func parse(_ place: inout Int, depth: Int) throws -> RedisReply? {
        guard place < buffer.count else { return nil }
        let kind = buffer[place]
        guard "+-:$*".utf8.contains(kind), depth < 8 else { throw Malformed() }
        guard let line = try line(&place) else { return nil }
        let text = String(decoding: line.dropFirst(), as: UTF8.self)
        switch kind {
        case UInt8(ascii: "+"): return .simple(text)
        case UInt8(ascii: "-"): return .error(text)
        default: break
        }
        guard let number = Int64(text) else { throw Malformed() }
        if kind == UInt8(ascii: ":") { return .integer(number) }
        guard number >= 0 else { return .bulk(nil) }
        guard number <= 512 << 20 else { throw Malformed() }
        if kind == UInt8(ascii: "$") {
            let end = place + Int(number)
            guard end + 2 <= buffer.count else { return nil }
            defer { place = end + 2 }
            return .bulk(String(decoding: buffer[place..<end], as: UTF8.self))
        }
        var items: [RedisReply] = []
        for _ in 0..<number {
            guard let item = try parse(&place, depth: depth + 1) else { return nil }
            items.append(item)
        }
        return .array(items)
    }

    private func line(_ place: inout Int) throws -> ArraySlice<UInt8>? {
        guard let end = buffer[place...].firstIndex(of: UInt8(ascii: "\r")) else {
            if buffer.count - place > 65_536 { throw Malformed() }
            return nil
        }
        guard end + 1 < buffer.count else { return nil }
        guard buffer[end + 1] == UInt8(ascii: "\n") else { throw Malformed() }
        defer { place = end + 2 }
        return buffer[place..<end]
    }
}
