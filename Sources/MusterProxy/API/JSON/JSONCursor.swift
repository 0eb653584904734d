/// Walks through a value that `JSONScanner` has found sound, as the form that is to be filled asks for it, by the
/// rules of Go's `encoding/json`: names of fields match without regard to case, the last of several wins, null
/// leaves a field as it was, unknown fields are skipped, numbers are not rounded. Of several wrong fields the
/// first is told.
struct JSONCursor {
    /// In bytes. No host or path of a socket is as long, and a name must fit into a request's head.
    static let longestName = 1024

    private let bytes: [UInt8]
    private var at: Int
    /// The first field of a wrong kind.
    private(set) var problem: JSONProblem?

    /// - Parameter body: anything; only its first value is read.
    /// - Throws: `JSONProblem` when that is malformed or absent.
    init(_ body: [UInt8]) throws(JSONProblem) {
        bytes = body
        at = try JSONScanner.check(body)
    }

    enum Kind: String {
        case object, array, string, number, bool, null

        var phrase: String {
            switch self {
            case .object, .array: "an \(rawValue)"
            case .null: "null"
            default: "a \(rawValue)"
            }
        }
    }

    var kind: Kind {
        switch bytes[at] {
        case UInt8(ascii: "{"): .object
        case UInt8(ascii: "["): .array
        case UInt8(ascii: "\""): .string
        case UInt8(ascii: "t"), UInt8(ascii: "f"): .bool
        case UInt8(ascii: "n"): .null
        default: .number
        }
    }

    /// Remembers a problem and goes on behind the value.
    mutating func refuse(_ field: String, expected: String) {
        let place = field.isEmpty ? "" : "\(field): "
        let start = at
        var found = kind.phrase
        if kind == .number {
            let text = numberText()
            found = "the number \(text.prefix(40))\(text.count > 40 ? "…" : "")"
        } else {
            skip()
        }
        note("\(place)expected \(expected), not \(found)", at: start)
    }

    /// - Parameter offset: where in the body; nil: before the cursor.
    mutating func note(_ message: String, at offset: Int? = nil) {
        if problem == nil { problem = JSONProblem(message, at: offset ?? max(0, at - 1)) }
    }

    /// Calls `field` with each name, the cursor standing before its value, which `field` must read or skip.
    /// - Parameter path: what the value is called in a problem; empty: the whole body.
    mutating func object(
        _ path: String, _ field: (_ name: String, _ cursor: inout JSONCursor) -> Void
    ) {
        guard kind == .object else {
            if kind == .null { return skip() }
            return refuse(path, expected: "an object")
        }
        at += 1
        while true {
            skipSpace()
            if closes(UInt8(ascii: "}")) { return }
            let name = readString()
            skipSpace()
            at += 1
            skipSpace()
            field(name, &self)
        }
    }

    /// Calls `element` with each index, the cursor standing before the element, which it must read or skip.
    /// - Parameter most: what is beyond is a problem, and not read: a few bytes of a body may stand for much memory.
    mutating func array(
        _ path: String, atMost most: Int = .max, _ element: (_ index: Int, _ cursor: inout JSONCursor) -> Void
    ) {
        guard kind == .array else {
            if kind == .null { return skip() }
            return refuse(path, expected: "an array")
        }
        at += 1
        var index = 0
        while true {
            skipSpace()
            if closes(UInt8(ascii: "]")) { return }
            if index < most {
                element(index, &self)
            } else {
                if index == most {
                    note("\(path.isEmpty ? "" : "\(path): ")expected at most \(most) elements")
                }
                skip()
            }
            index += 1
        }
    }

    /// Whether the end stands here; a comma is passed over.
    private mutating func closes(_ end: UInt8) -> Bool {
        if bytes[at] == UInt8(ascii: ",") {
            at += 1
            skipSpace()
        }
        guard bytes[at] == end else { return false }
        at += 1
        return true
    }

    /// nil when it was null or of another kind.
    mutating func text(_ field: String) -> String? {
        guard kind == .string else {
            if kind == .null { skip() } else { refuse(field, expected: "a string") }
            return nil
        }
        return readString()
    }

    /// A text that names something, as a proxy or a host; nil, and a problem, when no name is that long.
    mutating func name(_ field: String) -> String? {
        let start = at
        guard let text = text(field) else { return nil }
        guard text.utf8.count <= Self.longestName else {
            note("\(field): expected at most \(Self.longestName) bytes, not \(text.utf8.count)", at: start)
            return nil
        }
        return text
    }

    mutating func flag(_ field: String) -> Bool? {
        guard kind == .bool else {
            if kind == .null { skip() } else { refuse(field, expected: "true or false") }
            return nil
        }
        let value = bytes[at] == UInt8(ascii: "t")
        skip()
        return value
    }

    /// A whole number of 64 bits: digits only, as Go reads them (`1.0` and `1e3` are none).
    mutating func integer(_ field: String) -> Int64? {
        number(field, "a whole number of 64 bits") { Int64($0) }
    }

    /// A number as near as 64 bits come; one that is beyond them is refused.
    mutating func double(_ field: String) -> Double? {
        number(field, "a number of 64 bits") { Double($0).flatMap { $0.isFinite ? $0 : nil } }
    }

    /// A number as near as 32 bits come; one that is beyond them is refused.
    mutating func float(_ field: String) -> Float? {
        number(field, "a number of 32 bits") { Float($0).flatMap { $0.isFinite ? $0 : nil } }
    }

    private mutating func number<Number>(
        _ field: String, _ expected: String, _ convert: (String) -> Number?
    ) -> Number? {
        guard kind == .number else {
            if kind == .null { skip() } else { refuse(field, expected: expected) }
            return nil
        }
        let start = at
        let text = numberText()
        if let value = convert(text) { return value }
        at = start
        refuse(field, expected: expected)
        return nil
    }

    private mutating func numberText() -> String {
        let start = at
        skip()
        return String(decoding: bytes[start..<at], as: UTF8.self)
    }

    /// Where something else than space stands behind what was read; nil when nothing does.
    var offsetOfMore: Int? { bytes[at...].firstIndex { !isJSONSpace($0) } }

    private mutating func skipSpace() {
        while at < bytes.count, isJSONSpace(bytes[at]) { at += 1 }
    }

    /// Goes behind the value, whatever it is. The scanner has seen that it ends.
    mutating func skip() {
        var depth = 0
        repeat {
            switch bytes[at] {
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                at += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                at += 1
            case UInt8(ascii: "\""): skipString()
            case UInt8(ascii: ","), UInt8(ascii: ":"), 0x20, 0x0A, 0x0D, 0x09: at += 1
            default: skipWord()
            }
        } while depth > 0
    }

    /// A number, or true, false, null.
    private mutating func skipWord() {
        while at < bytes.count {
            switch bytes[at] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "E"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
                at += 1
            default: return
            }
        }
    }

    private mutating func skipString() {
        at += 1
        while bytes[at] != UInt8(ascii: "\"") { at += bytes[at] == UInt8(ascii: "\\") ? 2 : 1 }
        at += 1
    }

    private mutating func readString() -> String {
        let start = at + 1
        skipString()
        let inside = bytes[start..<(at - 1)]
        // What is not UTF-8 becomes U+FFFD, as in Go.
        guard inside.contains(UInt8(ascii: "\\")) else { return String(decoding: inside, as: UTF8.self) }
        return unescaped(inside)
    }

    private func unescaped(_ text: ArraySlice<UInt8>) -> String {
        var result: [UInt8] = []
        result.reserveCapacity(text.count)
        var index = text.startIndex
        while index < text.endIndex {
            guard text[index] == UInt8(ascii: "\\") else {
                result.append(text[index])
                index += 1
                continue
            }
            index += 2
            switch text[index - 1] {
            case UInt8(ascii: "b"): result.append(0x08)
            case UInt8(ascii: "f"): result.append(0x0C)
            case UInt8(ascii: "n"): result.append(0x0A)
            case UInt8(ascii: "r"): result.append(0x0D)
            case UInt8(ascii: "t"): result.append(0x09)
            case UInt8(ascii: "u"):
                let (scalar, after) = Self.escapedScalar(text, index)
                result += Array(String(Character(scalar)).utf8)
                index = after
            default: result.append(text[index - 1])
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// The character of one `\u` escape or of two that are a pair; half a pair becomes U+FFFD, as in Go.
    private static func escapedScalar(_ text: ArraySlice<UInt8>, _ index: Int) -> (Unicode.Scalar, Int) {
        let replacement: Unicode.Scalar = "\u{FFFD}"
        func unit(_ from: Int) -> UInt32 {
            text[from..<(from + 4)].reduce(0) { $0 << 4 | (hexValue($1) ?? 0) }
        }
        let first = unit(index)
        if let scalar = Unicode.Scalar(first) { return (scalar, index + 4) }
        let next = index + 4
        guard first < 0xDC00, next + 6 <= text.endIndex, text[next] == UInt8(ascii: "\\"),
            text[next + 1] == UInt8(ascii: "u"), case let second = unit(next + 2),
            (0xDC00..<0xE000).contains(second)
        else { return (replacement, next) }
        let value = 0x1_0000 + (first - 0xD800) << 10 + (second - 0xDC00)
        return (Unicode.Scalar(value) ?? replacement, next + 6)
    }
}

/// Whether Go's decoder takes `name` for the field `field`, which is in ASCII: without regard to case, and with
/// the two letters beyond ASCII that fold into it (U+017F, U+212A).
func isField(_ name: String, _ field: String) -> Bool {
    if name == field { return true }
    // A body may have a million names, or one of a million bytes: what is copied below is short, and seldom.
    let count = name.utf8.count
    if count == field.utf8.count {
        return zip(name.utf8, field.utf8).allSatisfy { a, b in
            a == b || ((0x41...0x5A).contains(a) ? a | 0x20 : a) == ((0x41...0x5A).contains(b) ? b | 0x20 : b)
        }
    }
    guard count > field.utf8.count, count <= 3 * field.utf8.count, name.utf8.contains(where: { $0 >= 0x80 })
    else { return false }
    func folded(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { scalar in
                    switch scalar {
                    case "\u{017F}": "s"
                    case "\u{212A}": "k"
                    case "A"..."Z": Unicode.Scalar(scalar.value + 32) ?? scalar
                    default: scalar
                    }
                }))
    }
    return folded(name) == folded(field)
}
