/// Which of the two messages of an exchange.
enum MessageRole: Sendable {
    case request
    case answer
}

/// What the first line and the fields of a message say.
struct MessageHead: Sendable, Equatable {
    /// In bytes, with the empty line that ends it.
    var length = 0
    /// 0 or 1: the version is `HTTP/1.minor`.
    var minor = 1
    /// Of a request: where in the head its method is, and its target.
    var method = 0..<0
    var target = 0..<0
    /// Of an answer.
    var status = 0
    var fields = FieldSummary()

    /// The connection may serve another message after this one (RFC 9112, 9.3).
    var persists: Bool { !fields.closes && (minor == 1 || fields.keepsAlive) }
}

/// Reads the head of a message, in whatever pieces it comes, each line once (RFC 9112, 2 to 5).
///
/// Stricter than a server must be: what some servers accept and others do not (a bare line feed, white space before
/// a colon) could be read in two ways, and so is not understood.
struct HeadScanner: Sendable {
    enum Found: Equatable {
        case incomplete
        case head
        case not(Misunderstanding)
    }

    let role: MessageRole
    private(set) var head = MessageHead()
    /// Bytes that need not be looked at again.
    private var scanned = 0
    private var lineStart = 0
    /// The last field line said where the message ends.
    private var afterFraming = false
    private var afterField = false

    init(_ role: MessageRole) { self.role = role }

    /// - Parameter bytes: from the beginning of the head, all that there is.
    mutating func scan(_ bytes: UnsafeRawBufferPointer) -> Found {
        do throws(Misunderstanding) {
            while let feed = bytes.position(of: .lf, from: scanned) {
                guard feed > lineStart, bytes[feed - 1] == .cr else { throw .lineFeed }
                guard feed < HTTPLimits.head else { throw .longHead }
                let line = lineStart..<feed - 1
                scanned = feed + 1
                let isFirst = lineStart == 0
                lineStart = scanned
                if isFirst {
                    try takeFirstLine(bytes.part(line))
                } else if line.isEmpty {
                    head.length = scanned
                    return .head
                } else {
                    try takeField(bytes.part(line))
                }
            }
            scanned = bytes.count
            guard scanned < HTTPLimits.head else { throw .longHead }
            if lineStart == 0 { try lookAtBeginning(bytes) }
            return .incomplete
        } catch {
            return .not(error)
        }
    }

    /// Waits for more only while this can still become a message: the other side may be waiting for an answer to
    /// what it sent in another protocol.
    private func lookAtBeginning(_ bytes: UnsafeRawBufferPointer) throws(Misunderstanding) {
        switch role {
        case .request:
            for byte in bytes.prefix(HTTPLimits.method + 1) {
                if byte == .space { return }
                guard byte.isTokenCharacter else { throw .notHTTP }
            }
            guard bytes.count <= HTTPLimits.method else { throw .notHTTP }
        case .answer:
            let version: StaticString = "HTTP/1."
            for index in 0..<min(bytes.count, version.utf8CodeUnitCount)
            where bytes[index] != version.utf8Start[index] { throw .notHTTP }
        }
    }

    private mutating func takeFirstLine(_ line: UnsafeRawBufferPointer) throws(Misunderstanding) {
        guard line.position(of: .cr) == nil else { throw .notHTTP }
        switch role {
        case .request: try takeRequestLine(line)
        case .answer: try takeStatusLine(line)
        }
    }

    /// `method SP request-target SP HTTP/1.x` (RFC 9112, 3).
    private mutating func takeRequestLine(_ line: UnsafeRawBufferPointer) throws(Misunderstanding) {
        guard let end = line.position(of: .space), (1...HTTPLimits.method).contains(end),
            line[0..<end].allSatisfy(\.isTokenCharacter),
            let second = line.position(of: .space, from: end + 1), second > end + 1,
            line[end + 1..<second].allSatisfy({ $0 > 0x20 && $0 != 0x7F })
        else { throw .notHTTP }
        head.method = 0..<end
        head.target = end + 1..<second
        try takeVersion(line.part(second + 1..<line.count))
    }

    /// `HTTP/1.x SP 3DIGIT SP reason`; the last space is often left out (RFC 9112, 4).
    private mutating func takeStatusLine(_ line: UnsafeRawBufferPointer) throws(Misunderstanding) {
        guard line.count >= 12, line[8] == .space, line.count == 12 || line[12] == .space,
            let status = line.part(9..<12).decimal, (100...599).contains(status)
        else { throw .notHTTP }
        head.status = status
        try takeVersion(line.part(0..<8))
    }

    private mutating func takeVersion(_ version: UnsafeRawBufferPointer) throws(Misunderstanding) {
        guard version.count == 8, version.part(0..<7).elementsEqual("HTTP/1.".utf8),
            let minor = version.part(7..<8).decimal, minor <= 1
        else { throw .notHTTP }
        head.minor = minor
    }

    /// `field-name ":" OWS field-value OWS`, or the continuation of the line before (obs-fold; RFC 9112, 5).
    private mutating func takeField(_ line: UnsafeRawBufferPointer) throws(Misunderstanding) {
        guard line.position(of: .cr) == nil, line.position(of: 0) == nil else { throw .badField }
        if line[0].isBlank {
            guard afterField else { throw .badField }
            guard !afterFraming else { throw .foldedField }
            return
        }
        guard let colon = line.position(of: .colon), colon > 0, line[0..<colon].allSatisfy(\.isTokenCharacter)
        else { throw .badField }
        afterField = true
        afterFraming = try head.fields.take(
            name: line.part(0..<colon), value: line.part(colon + 1..<line.count).trimmed)
    }
}
