import Glibc
import MusterCore

/// Reads JSON (RFC 8259) out of what a server sent, in one pass whose time and memory grow with its length only.
///
/// `JSONDecoder` tries one type after the other for each value and throws in between: some thousand hostile
/// values would hold up a loop for longer than a probe's period. Objects keep the last of equal keys.
struct JSONText {
    struct Malformed: Error {}
    /// Deeper nesting is refused: it serves nothing but exhausting a stack.
    static let deepest = 64

    private let bytes: UnsafeBufferPointer<UInt8>
    private var place = 0

    /// - Throws: `Malformed` for everything but one value with blanks around it.
    static func value(_ bytes: [UInt8]) throws(Malformed) -> Value {
        let result: Result<Value, Malformed> = bytes.withUnsafeBufferPointer { buffer in
            var text = JSONText(bytes: buffer)
            do throws(Malformed) {
                let value = try text.value(depth: 0)
                text.skipBlanks()
                return text.place == buffer.count ? .success(value) : .failure(Malformed())
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private init(bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    private var next: UInt8? { place < bytes.count ? bytes[place] : nil }

    private mutating func skipBlanks() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { place += 1 }
    }

    private mutating func take(_ wanted: UInt8) -> Bool {
        skipBlanks()
        guard next == wanted else { return false }
        place += 1
        return true
    }

    private mutating func value(depth: Int) throws(Malformed) -> Value {
        skipBlanks()
        guard let first = next, depth <= Self.deepest else { throw Malformed() }
        switch first {
        case UInt8(ascii: "{"): return try object(depth)
        case UInt8(ascii: "["): return try list(depth)
        case UInt8(ascii: "\""): return .text(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    private mutating func word(_ text: StaticString, _ value: Value) throws(Malformed) -> Value {
        let end = place + text.utf8CodeUnitCount
        guard end <= bytes.count else { throw Malformed() }
        for index in place..<end where bytes[index] != text.utf8Start[index - place] { throw Malformed() }
        place = end
        return value
    }

    private mutating func list(_ depth: Int) throws(Malformed) -> Value {
        place += 1
        var items: [Value] = []
        if take(UInt8(ascii: "]")) { return .list(items) }
        while true {
            items.append(try value(depth: depth + 1))
            if take(UInt8(ascii: "]")) { return .list(items) }
            guard take(UInt8(ascii: ",")) else { throw Malformed() }
        }
    }

    private mutating func object(_ depth: Int) throws(Malformed) -> Value {
        place += 1
        var members: [String: Value] = [:]
        if take(UInt8(ascii: "}")) { return .map(members) }
        while true {
            skipBlanks()
            guard next == UInt8(ascii: "\"") else { throw Malformed() }
            let key = try string()
            guard take(UInt8(ascii: ":")) else { throw Malformed() }
            members[key] = try value(depth: depth + 1)
            if take(UInt8(ascii: "}")) { return .map(members) }
            guard take(UInt8(ascii: ",")) else { throw Malformed() }
        }
    }

    private mutating func number() throws(Malformed) -> Value {
        let start = place
        var isWhole = true
        if next == UInt8(ascii: "-") { place += 1 }
        let digits = try digits()
        if digits > 1, bytes[place - digits] == UInt8(ascii: "0") { throw Malformed() }
        if next == UInt8(ascii: ".") {
            isWhole = false
            place += 1
            _ = try self.digits()
        }
        if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
            isWhole = false
            place += 1
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { place += 1 }
            _ = try self.digits()
        }
        let text = String(decoding: bytes[start..<place], as: UTF8.self)
        if isWhole, let whole = Int64(text) { return .int(whole) }
        guard let number = Double(text), number.isFinite else { throw Malformed() }
        // Written 5.0 or 5e0, it is 5, as it is to JSONDecoder.
        return Int64(exactly: number).map { .int($0) } ?? .double(number)
    }

    private mutating func digits() throws(Malformed) -> Int {
        let start = place
        while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { place += 1 }
        guard place > start else { throw Malformed() }
        return place - start
    }

    private mutating func string() throws(Malformed) -> String {
        place += 1
        let start = place
        while let byte = next, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 {
            place += 1
        }
        if next == UInt8(ascii: "\"") {
            place += 1
            return try Self.text(bytes[start..<place - 1])
        }
        var unescaped = Array(bytes[start..<place])
        while let byte = next, byte >= 0x20 {
            place += 1
            switch byte {
            case UInt8(ascii: "\""): return try Self.text(unescaped[...])
            case UInt8(ascii: "\\"): unescaped += String(try escape()).utf8
            default: unescaped.append(byte)
            }
        }
        throw Malformed()
    }

    private static func text(_ bytes: some Collection<UInt8>) throws(Malformed) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw Malformed() }
        return text
    }

    private mutating func escape() throws(Malformed) -> Unicode.Scalar {
        guard let byte = next else { throw Malformed() }
        place += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try codePoint()
        default: throw Malformed()
        }
    }

    private mutating func codePoint() throws(Malformed) -> Unicode.Scalar {
        let first = try fourDigits()
        if let scalar = Unicode.Scalar(first) { return scalar }
        // Half of a pair that UTF-16 needs beyond U+FFFF; the other half must follow.
        guard (0xD800...0xDBFF).contains(first), next == UInt8(ascii: "\\") else { throw Malformed() }
        place += 1
        guard next == UInt8(ascii: "u") else { throw Malformed() }
        place += 1
        let second = try fourDigits()
        guard (0xDC00...0xDFFF).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw Malformed() }
        return scalar
    }

    private mutating func fourDigits() throws(Malformed) -> UInt32 {
        guard place + 4 <= bytes.count else { throw Malformed() }
        var number: UInt32 = 0
        for index in place..<place + 4 {
            guard let digit = Character(Unicode.Scalar(bytes[index])).hexDigitValue else { throw Malformed() }
            number = number << 4 | UInt32(digit)
        }
        place += 4
        return number
    }
}
