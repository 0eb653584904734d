/// Finds the messages of one direction of a connection, without changing or keeping a byte.
///
/// Whoever feeds it passes bytes on, or does not, piece by piece; what it does not understand it says once, and for
/// ever.
struct MessageReader: Sendable {
    enum Piece: Equatable {
        /// More must come before anything can be said about these bytes: the head of a message is not complete.
        case more
        /// A complete head of so many bytes; it is in `head`.
        case head(Int)
        /// Bytes that hold a body together, or empty lines between messages.
        case framing(Int)
        case data(Int)
        /// The message is over, before the next byte.
        case end
        case not(Misunderstanding)
    }

    /// How the end of a body is found (RFC 9112, 6.3).
    enum Body: Equatable, Sendable {
        case none
        /// That many bytes are still to come.
        case length(Int)
        case chunked(ChunkedBody)
        case untilClose
    }

    /// What makes answers look different (RFC 9110, 9.3.2 and 9.3.6).
    enum Asked: Sendable {
        case head
        case connect
        case other
    }

    private enum Place: Sendable {
        case between
        case head
        case body
        case lost(Misunderstanding)
    }

    let role: MessageRole
    private var place = Place.between
    private var scanner: HeadScanner
    private(set) var body = Body.none
    /// Of answers: what the next one answers.
    var asked = Asked.other

    init(_ role: MessageRole) {
        self.role = role
        scanner = HeadScanner(role)
    }

    /// The head read last.
    var head: MessageHead { scanner.head }
    /// Of a chunked body: content of the present chunk that is still to come.
    var remaining: Int { if case .chunked(let chunked) = body { chunked.remaining } else { 0 } }
    var isBetween: Bool { if case .between = place { true } else { false } }
    var isInHead: Bool { if case .head = place { true } else { false } }

    /// - Parameters:
    ///   - bytes: all that has come and was not yet accounted for; may be empty.
    ///   - limit: no piece of content is larger.
    mutating func read(_ bytes: UnsafeRawBufferPointer, limit: Int = .max) -> Piece {
        switch place {
        case .lost(let why): return .not(why)
        case .body: return readBody(bytes, limit: limit)
        case .between:
            guard !bytes.isEmpty else { return .more }
            // Empty lines before a request are to be ignored (RFC 9112, 2.2).
            if role == .request, bytes[0] == .cr {
                guard bytes.count > 1 else { return .more }
                if bytes[1] == .lf { return .framing(2) }
            }
            scanner = HeadScanner(role)
            place = .head
            return readHead(bytes)
        case .head: return bytes.isEmpty ? .more : readHead(bytes)
        }
    }

    /// The source has ended. Only a body that lasts until then is over with it.
    /// - Returns: whether a message ended with it.
    mutating func finish() -> Bool {
        guard case .body = place, body == .untilClose else { return false }
        place = .between
        return true
    }

    private mutating func readHead(_ bytes: UnsafeRawBufferPointer) -> Piece {
        switch scanner.scan(bytes) {
        case .incomplete: return .more
        case .not(let why): return lose(why)
        case .head:
            guard let body = bodyOfHead() else { return lose(.badCoding) }
            self.body = body
            place = .body
            return .head(head.length)
        }
    }

    private mutating func readBody(_ bytes: UnsafeRawBufferPointer, limit: Int) -> Piece {
        switch body {
        case .none, .length(0):
            place = .between
            return .end
        case .length(let left):
            guard !bytes.isEmpty else { return .more }
            let count = min(left, bytes.count, limit)
            body = .length(left - count)
            return .data(count)
        case .untilClose: return bytes.isEmpty ? .more : .data(min(bytes.count, limit))
        case .chunked(var chunked):
            let piece = chunked.read(bytes, limit: limit)
            body = .chunked(chunked)
            switch piece {
            case .framing(0): return .more
            case .framing(let count): return .framing(count)
            case .data(let count): return .data(count)
            case .bad: return lose(.badChunk)
            case .end:
                place = .between
                return .end
            }
        }
    }

    private mutating func lose(_ why: Misunderstanding) -> Piece {
        place = .lost(why)
        return .not(why)
    }

    /// - Returns: nil when the head says nothing that can be relied on (RFC 9112, 6.1 and 6.3).
    private func bodyOfHead() -> Body? {
        let fields = head.fields
        if role == .answer {
            let hasNone = head.status < 200 || head.status == 204 || head.status == 304
            let opensTunnel = asked == .connect && head.status < 300
            if asked == .head || hasNone || opensTunnel { return Body.none }
        }
        switch fields.coding {
        case .none: break
        case .chunked: return head.minor == 1 ? .chunked(ChunkedBody()) : nil
        case .other: return head.minor == 1 && role == .answer ? .untilClose : nil
        }
        if let length = fields.contentLength { return length == 0 ? Body.none : .length(length) }
        return role == .request ? Body.none : .untilClose
    }
}
