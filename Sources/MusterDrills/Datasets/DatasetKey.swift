import MusterCore

/// The key of a row as bytes that lie in the order of the keys: whoever compares bytes compares keys, whatever they are
/// made of. Written one part behind the other; NULL comes before numbers, those before text, that before other bytes.
public enum DatasetKey {
    private enum Tag {
        static let null: UInt8 = 1
        static let integer: UInt8 = 2
        static let text: UInt8 = 3
        static let bytes: UInt8 = 4
        static let path: UInt8 = 5
    }

    public static func appendNull(to key: inout [UInt8]) { key.append(Tag.null) }

    public static func append(_ integer: Int64, to key: inout [UInt8]) {
        key.append(Tag.integer)
        // Negative numbers first: the sign turned over, and the greatest weight first.
        let bits = UInt64(bitPattern: integer) ^ 1 << 63
        for shift in stride(from: UInt64(56), through: 0, by: -8) {
            key.append(UInt8(truncatingIfNeeded: bits >> shift))
        }
    }

    /// - Parameter isText: other bytes come behind all text, as in SQLite.
    public static func append(_ bytes: UnsafeRawBufferPointer, isText: Bool = true, to key: inout [UInt8]) {
        key.append(isText ? Tag.text : Tag.bytes)
        for byte in bytes {
            key.append(byte)
            // The end must come before whatever else may stand there.
            if byte == 0 { key.append(0xFF) }
        }
        key.append(0)
        key.append(0)
    }

    public static func append(_ text: String, to key: inout [UInt8]) {
        var text = text
        text.withUTF8 { append(UnsafeRawBufferPointer($0), to: &key) }
    }

    /// A path below some directory, which is the whole key: what is in a directory comes right behind it.
    /// - Parameter path: without a `/` at its beginning or end; empty for the directory itself.
    public static func path(_ path: [UInt8]) -> [UInt8] {
        [Tag.path] + path.map { $0 == UInt8(ascii: "/") ? 0 : $0 }
    }

    /// The directory in which a path lies; nil for the tree's own, and for what is no path.
    public static func directory(of key: [UInt8]) -> [UInt8]? {
        guard key.first == Tag.path, key.count > 1 else { return nil }
        return key.lastIndex(of: 0).map { Array(key[..<$0]) } ?? [Tag.path]
    }

    /// Whether a path lies in a directory, or deeper.
    public static func isBelow(_ key: [UInt8], _ directory: [UInt8]) -> Bool {
        guard key.first == Tag.path, key.count > directory.count, key.starts(with: directory) else {
            return false
        }
        return directory.count == 1 || key[directory.count] == 0
    }

    /// Whether a key comes before another one.
    public static func isBefore(_ one: [UInt8], _ other: [UInt8]) -> Bool {
        let common = min(one.count, other.count)
        return one.withUnsafeBufferPointer { a in
            other.withUnsafeBufferPointer { b in
                for index in 0..<common where a[index] != b[index] { return a[index] < b[index] }
                return a.count < b.count
            }
        }
    }

    /// For people: `42`, `"anna", 7`, `docs/a.txt`. What cannot be read is shown as it is.
    public static func words(_ key: [UInt8]) -> String {
        guard let first = key.first else { return "the beginning" }
        if first == Tag.path {
            let path = key.dropFirst().map { $0 == 0 ? UInt8(ascii: "/") : $0 }
            return path.isEmpty ? "." : String(decoding: path, as: UTF8.self)
        }
        var parts: [String] = []
        var rest = key[...]
        while let tag = rest.popFirst() {
            switch tag {
            case Tag.null: parts.append("NULL")
            case Tag.integer:
                let bits = rest.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
                parts.append(String(Int64(bitPattern: bits ^ 1 << 63)))
                rest = rest.dropFirst(8)
            default:
                let bytes = unescaped(&rest)
                parts.append(
                    tag == Tag.text
                        ? "\"" + String(decoding: bytes.prefix(120), as: UTF8.self) + "\""
                        : "x'" + bytes.prefix(60).map { padded(hexadecimal: $0) }.joined() + "'")
            }
        }
        return parts.joined(separator: ", ")
    }

    private static func unescaped(_ rest: inout ArraySlice<UInt8>) -> [UInt8] {
        var bytes: [UInt8] = []
        while let byte = rest.popFirst() {
            if byte == 0, rest.popFirst() != 0xFF { break }
            bytes.append(byte)
        }
        return bytes
    }

    private static func padded(hexadecimal byte: UInt8) -> String {
        (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
}
