/// Finds the first JSON value in a body and says where it is malformed, in the words of Go's `encoding/json`,
/// which clients of Toxiproxy know. What follows the first value is not looked at, as in Go's `Decoder`.
///
/// Syntax is judged as a whole before anything is decoded, and nothing is built: a hostile body costs no more
/// memory than its bytes.
struct JSONScanner {
    /// Deeper nesting is refused; Go allows 10,000, and nothing that the API takes needs more than a handful.
    static let deepest = 128

    private let bytes: [UInt8]
    private var at = 0

    private init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// - Returns: where the first value begins.
    /// - Throws: `JSONProblem` when there is none or it is malformed.
    static func check(_ bytes: [UInt8]) throws(JSONProblem) -> Int {
        var scanner = JSONScanner(bytes)
        scanner.skipSpace()
        guard scanner.at < bytes.count else { throw JSONProblem("EOF", at: scanner.at) }
        let start = scanner.at
        try scanner.value(depth: 0)
        return start
    }

    private mutating func skipSpace() {
        while at < bytes.count, isJSONSpace(bytes[at]) { at += 1 }
    }

    private func peek() throws(JSONProblem) -> UInt8 {
        guard at < bytes.count else { throw JSONProblem("unexpected EOF", at: at) }
        return bytes[at]
    }

    private mutating func take() throws(JSONProblem) -> UInt8 {
        let byte = try peek()
        at += 1
        return byte
    }

    /// The character at the present place is not what the grammar allows there.
    private func wrong(_ context: String) -> JSONProblem {
        let byte = bytes[at]
        let shown: String =
            switch byte {
            case 0x27: #"'\''"#
            case 0x22: #"'"'"#
            case 0x20..<0x7F: "'\(Character(Unicode.Scalar(byte)))'"
            default: "'\\x" + hexadecimal(byte) + "'"
            }
        return JSONProblem("invalid character \(shown) \(context)", at: at)
    }

    private mutating func value(depth: Int) throws(JSONProblem) {
        guard depth <= Self.deepest else { throw JSONProblem("exceeded max depth", at: at) }
        skipSpace()
        switch try peek() {
        case UInt8(ascii: "{"): try object(depth: depth)
        case UInt8(ascii: "["): try array(depth: depth)
        case UInt8(ascii: "\""): try string()
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try number()
        case UInt8(ascii: "t"): try literal("true")
        case UInt8(ascii: "f"): try literal("false")
        case UInt8(ascii: "n"): try literal("null")
        default: throw wrong("looking for beginning of value")
        }
    }

    private mutating func object(depth: Int) throws(JSONProblem) {
        at += 1
        skipSpace()
        if try peek() == UInt8(ascii: "}") {
            at += 1
            return
        }
        while true {
            skipSpace()
            guard try peek() == UInt8(ascii: "\"") else {
                throw wrong("looking for beginning of object key string")
            }
            try string()
            skipSpace()
            guard try peek() == UInt8(ascii: ":") else { throw wrong("after object key") }
            at += 1
            try value(depth: depth + 1)
            skipSpace()
            switch try peek() {
            case UInt8(ascii: ","): at += 1
            case UInt8(ascii: "}"):
                at += 1
                return
            default: throw wrong("after object key:value pair")
            }
        }
    }

    private mutating func array(depth: Int) throws(JSONProblem) {
        at += 1
        skipSpace()
        if try peek() == UInt8(ascii: "]") {
            at += 1
            return
        }
        while true {
            try value(depth: depth + 1)
            skipSpace()
            switch try peek() {
            case UInt8(ascii: ","): at += 1
            case UInt8(ascii: "]"):
                at += 1
                return
            default: throw wrong("after array element")
            }
        }
    }

    private mutating func string() throws(JSONProblem) {
        at += 1
        while true {
            switch try peek() {
            case UInt8(ascii: "\""):
                at += 1
                return
            case UInt8(ascii: "\\"):
                at += 1
                switch try peek() {
                case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"),
                    UInt8(ascii: "f"), UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
                    at += 1
                case UInt8(ascii: "u"):
                    at += 1
                    for _ in 0..<4 {
                        guard hexValue(try peek()) != nil else {
                            throw wrong("in \\u hexadecimal character escape")
                        }
                        at += 1
                    }
                default: throw wrong("in string escape code")
                }
            case 0..<0x20: throw wrong("in string literal")
            default: at += 1
            }
        }
    }

    private mutating func number() throws(JSONProblem) {
        if bytes[at] == UInt8(ascii: "-") { at += 1 }
        if try peek() == UInt8(ascii: "0") {
            at += 1
        } else {
            try digits("in numeric literal")
        }
        if at < bytes.count, bytes[at] == UInt8(ascii: ".") {
            at += 1
            try digits("after decimal point in numeric literal")
        }
        if at < bytes.count, bytes[at] | 0x20 == UInt8(ascii: "e") {
            at += 1
            if let sign = Optional(try peek()), sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") {
                at += 1
            }
            try digits("in exponent of numeric literal")
        }
    }

    /// One digit or more.
    private mutating func digits(_ context: String) throws(JSONProblem) {
        guard isDigit(try peek()) else { throw wrong(context) }
        while at < bytes.count, isDigit(bytes[at]) { at += 1 }
    }

    private mutating func literal(_ word: StaticString) throws(JSONProblem) {
        let letters = Array("\(word)".utf8)
        for letter in letters {
            guard try peek() == letter else {
                let expected = Character(Unicode.Scalar(letter))
                throw wrong("in literal \(word) (expecting '\(expected)')")
            }
            at += 1
        }
    }
}

/// What is wrong with a body; stands after `bad request body: `.
struct JSONProblem: Error, Hashable {
    var message: String
    /// Where in the body, in bytes.
    var offset: Int

    init(_ message: String, at offset: Int) {
        self.message = message
        self.offset = offset
    }
}

func isJSONSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 }

func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

func hexValue(_ byte: UInt8) -> UInt32? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte - UInt8(ascii: "a") + 10)
    case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte - UInt8(ascii: "A") + 10)
    default: nil
    }
}

/// Two digits in lower case.
func hexadecimal(_ byte: UInt8) -> String {
    let digits = String(byte, radix: 16)
    return byte < 16 ? "0" + digits : digits
}
