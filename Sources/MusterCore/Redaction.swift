/// Keeps secrets out of what is shown and stored, wherever the text comes from: programs repeat what they were
/// given in their errors, and encode it on the way.
public struct Redaction: Hashable, Sendable {
    /// The longest first: hiding a part of another would leave the rest of that one readable.
    private let secrets: [String]
    private let needles: [[UInt8]]

    /// - Parameter secrets: those of one or two characters are not hidden, because little would be left to read. Those
    ///   of at least six bytes are hidden in base64 and percent encoding, too.
    public init(_ secrets: some Sequence<String>) {
        var all: Set<String> = []
        for secret in secrets where secret.count > 2 {
            all.insert(secret)
            if secret.utf8.count >= 6 { all.formUnion(SecretEncodings.of(secret)) }
        }
        self.secrets = all.sorted { ($1.count, $0) < ($0.count, $1) }
        needles = self.secrets.map { Array($0.utf8) }
    }

    /// The text with `***` in place of every secret.
    public func text(_ text: String) -> String {
        secrets.reduce(text) { $0.replacing($1, with: "***") }
    }

    /// The same for bytes, whatever their encoding is.
    public func bytes(_ bytes: [UInt8]) -> [UInt8] {
        needles.reduce(bytes) { Self.replace($1, in: $0) }
    }

    private static func replace(_ needle: [UInt8], in bytes: [UInt8]) -> [UInt8] {
        guard bytes.count >= needle.count else { return bytes }
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            if bytes[index] == needle[0], bytes.count - index >= needle.count,
                bytes[index..<index + needle.count].elementsEqual(needle)
            {
                result += [0x2A, 0x2A, 0x2A]
                index += needle.count
            } else {
                result.append(bytes[index])
                index += 1
            }
        }
        return result
    }

    /// The value with the same done to every text in it; keys are our own and stay.
    public func value(_ value: Value) -> Value {
        switch value {
        case .text(let text): .text(self.text(text))
        case .list(let list): .list(list.map(self.value))
        case .map(let map): .map(map.mapValues(self.value))
        case .null, .bool, .int, .double: value
        }
    }
}

/// How a secret looks when a program has encoded it.
enum SecretEncodings {
    private static let plain = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let urlSafe = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    /// Base64 (RFC 4648, sections 4 and 5), also as a part of something longer, as in `user:secret`; percent encoding
    /// (RFC 3986, section 2.1); and with the escapes of JSON.
    static func of(_ secret: String) -> Set<String> {
        let bytes = Array(secret.utf8)
        var all: Set<String> = []
        for alphabet in [plain, urlSafe] {
            for offset in 0..<3 { all.insert(base64(bytes, after: offset, alphabet)) }
        }
        all.insert(percent(bytes))
        let quoted = Value.text(secret).canonicalJSON
        all.insert(String(quoted.dropFirst().dropLast()))
        all.remove(secret)
        return all
    }

    /// The letters that depend on nothing but the secret, when `offset` other bytes (modulo 3) stand before it.
    private static func base64(_ bytes: [UInt8], after offset: Int, _ alphabet: [UInt8]) -> String {
        let padded = [UInt8](repeating: 0, count: offset) + bytes
        let first = (offset * 8 + 5) / 6
        let end = padded.count * 8 / 6
        let letters = (first..<end).map { letter -> UInt8 in
            let bit = letter * 6
            let high = UInt16(padded[bit / 8]) << 8
            let low = bit / 8 + 1 < padded.count ? UInt16(padded[bit / 8 + 1]) : 0
            return alphabet[Int((high | low) >> UInt16(10 - bit % 8)) & 63]
        }
        return String(decoding: letters, as: UTF8.self)
    }

    private static func percent(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        let text = bytes.flatMap { byte -> [UInt8] in
            let isPlain =
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || [0x2D, 0x2E, 0x5F, 0x7E].contains(byte)
            return isPlain ? [byte] : [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
        return String(decoding: text, as: UTF8.self)
    }
}

/// The end of what a program said, without secrets. What does not fit is dropped from the front, and only after secrets
/// were taken out: cutting through one would leave the rest of it readable.
public struct OutputTail: Sendable {
    private let redaction: Redaction
    private let limit: Int
    private var held: [UInt8] = []
    /// Whether something was dropped.
    public private(set) var isCut = false

    /// - Parameter limit: bytes that are kept, at least.
    public init(_ redaction: Redaction, limit: Int) {
        self.redaction = redaction
        self.limit = limit
    }

    public mutating func add(_ bytes: [UInt8]) {
        held += bytes
        guard held.count > limit * 2 else { return }
        held = redaction.bytes(held)
        guard held.count > limit else { return }
        held.removeFirst(held.count - limit)
        isCut = true
    }

    /// What is left, as text.
    public var text: String {
        String(decoding: redaction.bytes(held).suffix(limit), as: UTF8.self)
    }
}
