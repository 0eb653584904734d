internal import NIOCore

/// What the first message of a TLS client says (RFC 8446, 4.1.2; its form is that of TLS 1.0).
struct ClientHello: Equatable {
    /// The name of the server that the client means (RFC 6066, 3), in lower case; nil: none, or no host name.
    var serverName: String?
    /// What it would speak inside (ALPN, RFC 7301), in its order; those that are not printable, which browsers send
    /// to keep servers tolerant (RFC 8701), are left out.
    var protocols: [String] = []

    enum Reading: Equatable {
        /// So far it may be one.
        case incomplete
        /// It is none; why.
        case none(String)
        case whole(ClientHello)
    }

    /// Bytes that it may take at most, with its records; real ones have 200 to 2,000.
    static let most = 32_768

    /// Records that it may come in. Real ones come in one or two; each is looked at again whenever more has come.
    private static let mostRecords = 256

    /// Reads the beginning of what a client sent. It is asked again with more bytes after `incomplete`, so what is not
    /// there yet costs no more than a look at each record's head.
    static func read(_ bytes: ByteBuffer) -> Reading {
        let all = bytes.readableBytesView
        var records = Bytes(all)
        var message: [Range<Int>] = []
        var count = 0
        while let kind = records.number(1) {
            guard kind == 22 else { return .none(beginning(all)) }
            guard let major = records.number(1) else { return .incomplete }
            guard major == 3 else { return .none(beginning(all)) }
            guard records.number(1) != nil, let length = records.number(2) else { return .incomplete }
            guard (1...16_384).contains(length) else { return .none("a TLS record of \(length) bytes") }
            if count == 0, let type = all[records.place...].first, type != 1 {
                return .none("a TLS message of type \(type)")
            }
            guard message.count < mostRecords else {
                return .none("a ClientHello in more than \(mostRecords) records")
            }
            let part = records.place..<min(records.place + length, all.endIndex)
            message.append(part)
            count += part.count
            if let size = size(message, of: all), count >= size { return body(message, of: all, size) }
            guard records.take(length) != nil else { break }
        }
        return all.count < most ? .incomplete : .none("a ClientHello of more than \(most) bytes")
    }

    /// The size of the message with its head, once that is there.
    private static func size(_ message: [Range<Int>], of all: ByteBufferView) -> Int? {
        let head = message.lazy.joined().prefix(4).map { Int(all[$0]) }
        guard head.count == 4 else { return nil }
        return 4 + head.dropFirst().reduce(0) { $0 << 8 | $1 }
    }

    private static func body(_ message: [Range<Int>], of all: ByteBufferView, _ size: Int) -> Reading {
        let whole = ByteBuffer(bytes: message.lazy.joined().prefix(size).dropFirst(4).map { all[$0] })
        guard let hello = ClientHello(Bytes(whole.readableBytesView)) else {
            return .none("a malformed ClientHello")
        }
        return .whole(hello)
    }

    private static func beginning(_ all: ByteBufferView) -> String {
        "it begins with " + all.prefix(4).map { hexadecimal($0) }.joined(separator: " ")
    }

    init() {}

    /// - Returns: nil when it is malformed.
    private init?(_ bytes: Bytes) {
        var bytes = bytes
        // The version and the random number, the session, the cipher suites, the compressions.
        guard bytes.take(34) != nil, bytes.vector(1) != nil, bytes.vector(2) != nil, bytes.vector(1) != nil
        else { return nil }
        if bytes.isEmpty { return }
        guard var extensions = bytes.vector(2) else { return nil }
        while !extensions.isEmpty {
            guard let type = extensions.number(2), let content = extensions.vector(2) else { return nil }
            switch type {
            case 0: takeServerName(content)
            case 16: takeProtocols(content)
            default: continue
            }
        }
    }

    private mutating func takeServerName(_ content: Bytes) {
        var content = content
        guard var names = content.vector(2), names.number(1) == 0, let name = names.vector(2) else { return }
        guard case .host(let name)? = ServerName(name.text) else { return }
        serverName = name
    }

    private mutating func takeProtocols(_ content: Bytes) {
        var content = content
        guard var list = content.vector(2) else { return }
        while protocols.count < 16, let name = list.vector(1), !name.isEmpty {
            if name.all.allSatisfy({ (0x21...0x7e).contains($0) }) { protocols.append(name.text) }
        }
    }
}

/// Reads numbers and vectors in network order (RFC 8446, 3.4).
private struct Bytes {
    private let view: ByteBufferView
    private(set) var place: Int
    private let end: Int

    init(_ view: ByteBufferView) {
        self.view = view
        (place, end) = (view.startIndex, view.endIndex)
    }

    var isEmpty: Bool { place == end }
    var all: ByteBufferView { view[place..<end] }
    var text: String { String(decoding: all, as: UTF8.self) }

    mutating func take(_ count: Int) -> ByteBufferView? {
        guard count <= end - place else { return nil }
        defer { place += count }
        return view[place..<place + count]
    }

    mutating func number(_ count: Int) -> Int? { take(count)?.reduce(0) { $0 << 8 | Int($1) } }

    /// Bytes behind their number.
    /// - Parameter count: the bytes of the number.
    mutating func vector(_ count: Int) -> Bytes? {
        guard let length = number(count), let bytes = take(length) else { return nil }
        return Bytes(bytes)
    }
}
