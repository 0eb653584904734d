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

/// Cuts replies out of a stream of bytes. Each byte is looked at once, however it is cut into pieces, and what is
/// kept never exceeds a limit, whatever lengths a server announces.
struct RedisParser {
    enum Failure: Error {
        case malformed
        /// One reply is longer than the limit.
        case tooLong
    }

    /// An array that is not complete yet.
    private struct Open {
        var missing: Int64
        var items: [RedisReply]
    }

    private let limit: Int
    private var buffer: [UInt8] = []
    private var start = 0
    /// From where on no end of a line has been looked for.
    private var searched = 0
    private var open: [Open] = []
    /// Of the present reply, in bytes; an item of an array counts for what it takes at the least.
    private var size = 0
    private static let deepest = 8
    private static let longestLine = 65_536
    private static let leastItem = 64

    /// - Parameter limit: bytes of one reply.
    init(limit: Int = 64 << 20) { self.limit = limit }

    /// Whether everything that came was taken out as replies.
    var isAtRest: Bool { start == buffer.count && open.isEmpty }

    mutating func append(_ bytes: [UInt8]) {
        if start > 65_536 || start == buffer.count {
            buffer.removeFirst(start)
            searched = max(0, searched - start)
            start = 0
        }
        buffer += bytes
    }

    /// The next whole reply; nil when it is not all there yet.
    mutating func next() throws(Failure) -> RedisReply? {
        while let element = try element() {
            guard var whole = element.reply else { continue }
            while var outer = open.popLast() {
                outer.items.append(whole)
                outer.missing -= 1
                if outer.missing > 0 {
                    open.append(outer)
                    break
                }
                whole = .array(outer.items)
            }
            if open.isEmpty {
                size = 0
                return whole
            }
        }
        return nil
    }

    /// A value, or the beginning of an array.
    private struct Element {
        var reply: RedisReply?
    }

    private mutating func element() throws(Failure) -> Element? {
        guard start < buffer.count else { return nil }
        guard "+-:$*".utf8.contains(buffer[start]) else { throw .malformed }
        guard let end = try endOfLine() else { return nil }
        let kind = buffer[start]
        let text = String(decoding: buffer[start + 1..<end], as: UTF8.self)
        if kind == UInt8(ascii: "+") || kind == UInt8(ascii: "-") {
            try grow(by: text.utf8.count)
            pass(end + 2)
            return Element(reply: kind == UInt8(ascii: "+") ? .simple(text) : .error(text))
        }
        guard let number = Int64(text) else { throw .malformed }
        if kind == UInt8(ascii: ":") {
            try grow(by: 0)
            pass(end + 2)
            return Element(reply: .integer(number))
        }
        guard number >= 0 else {
            try grow(by: 0)
            pass(end + 2)
            return Element(reply: .bulk(nil))
        }
        // Refused as soon as it is announced: nothing of it is waited for.
        guard number <= Int64(limit) else { throw .tooLong }
        return kind == UInt8(ascii: "$") ? try bulk(Int(number), from: end + 2) : try array(number, end + 2)
    }

    private mutating func bulk(_ count: Int, from first: Int) throws(Failure) -> Element? {
        guard size + count <= limit else { throw .tooLong }
        let end = first + count
        guard end + 2 <= buffer.count else { return nil }
        guard buffer[end] == UInt8(ascii: "\r"), buffer[end + 1] == UInt8(ascii: "\n") else {
            throw .malformed
        }
        try grow(by: count)
        pass(end + 2)
        return Element(reply: .bulk(String(decoding: buffer[first..<end], as: UTF8.self)))
    }

    private mutating func array(_ count: Int64, _ first: Int) throws(Failure) -> Element {
        guard open.count < Self.deepest else { throw .malformed }
        try grow(by: 0)
        pass(first)
        if count == 0 { return Element(reply: .array([])) }
        open.append(Open(missing: count, items: []))
        return Element(reply: nil)
    }

    private mutating func grow(by count: Int) throws(Failure) {
        size += Self.leastItem + count
        guard size <= limit + Self.leastItem else { throw .tooLong }
    }

    private mutating func pass(_ place: Int) {
        start = place
        searched = place
    }

    /// Where CR LF stands; nil when it has not come yet.
    private mutating func endOfLine() throws(Failure) -> Int? {
        searched = max(searched, start)
        guard let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\r")) else {
            searched = buffer.count
            if buffer.count - start > Self.longestLine { throw .malformed }
            return nil
        }
        searched = end
        guard end - start <= Self.longestLine else { throw .malformed }
        guard end + 1 < buffer.count else { return nil }
        guard buffer[end + 1] == UInt8(ascii: "\n") else { throw .malformed }
        return end
    }
}
