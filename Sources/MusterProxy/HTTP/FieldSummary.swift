import Glibc

/// What the fields of a head say about where its message ends and what comes after it.
struct FieldSummary: Sendable, Equatable {
    enum Coding: Sendable {
        case none
        /// Chunked is the last coding (RFC 9112, 6.1).
        case chunked
        /// There are codings, but the last is not chunked: an answer then ends with its connection (6.3).
        case other
    }

    private(set) var contentLength: Int?
    private(set) var coding = Coding.none
    /// `Connection: close`.
    private(set) var closes = false
    /// `Connection: keep-alive`, which HTTP/1.0 needs (RFC 9112, C.2.2).
    private(set) var keepsAlive = false
    /// Another protocol is offered (RFC 9110, 7.8).
    private(set) var upgrades = false
    /// `Expect: 100-continue` (RFC 9110, 10.1.1): the body may never come.
    private(set) var expectsContinue = false

    /// - Parameter value: without white space at its ends.
    /// - Returns: whether the field says where a message ends.
    mutating func take(
        name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer
    ) throws(Misunderstanding) -> Bool {
        switch name.count {
        case 6 where name.isWord("expect"): expectsContinue = value.isWord("100-continue")
        case 7 where name.isWord("upgrade"): upgrades = true
        case 10 where name.isWord("connection"):
            value.eachElement { element in
                if element.isWord("close") { closes = true }
                if element.isWord("keep-alive") { keepsAlive = true }
            }
            return true
        case 14 where name.isWord("content-length"):
            try takeLength(value)
            return true
        case 17 where name.isWord("transfer-encoding"):
            try takeCoding(value)
            return true
        default: break
        }
        return false
    }

    /// The same number several times counts as once (RFC 9112, 6.3, case 5).
    private mutating func takeLength(_ value: UnsafeRawBufferPointer) throws(Misunderstanding) {
        guard coding == .none else { throw .lengthAndCoding }
        var lengths: [Int?] = contentLength.map { [$0] } ?? []
        value.eachElement { lengths.append($0.decimal) }
        guard let first = lengths.first, let length = first, lengths.allSatisfy({ $0 == length }) else {
            throw .badLength
        }
        contentLength = length
    }

    private mutating func takeCoding(_ value: UnsafeRawBufferPointer) throws(Misunderstanding) {
        guard contentLength == nil else { throw .lengthAndCoding }
        guard coding != .chunked else { throw .badCoding }
        var wrong = false
        value.eachElement { element in
            wrong = wrong || coding == .chunked
            coding = element.isWord("chunked") ? .chunked : .other
        }
        guard !wrong, coding != .none else { throw .badCoding }
    }
}

extension UInt8 {
    static let cr = UInt8(ascii: "\r")
    static let lf = UInt8(ascii: "\n")
    static let space = UInt8(ascii: " ")
    static let tab = UInt8(ascii: "\t")
    static let colon = UInt8(ascii: ":")

    /// `tchar` of RFC 9110, 5.6.2, as two words of bits.
    var isTokenCharacter: Bool {
        if self < 64 { return (0x03FF_6CFA_0000_0000 as UInt64 >> UInt64(self)) & 1 == 1 }
        return self < 128 && (0x57FF_FFFF_C7FF_FFFE as UInt64 >> UInt64(self - 64)) & 1 == 1
    }

    var isBlank: Bool { self == .space || self == .tab }

    var lowercased: UInt8 { self >= UInt8(ascii: "A") && self <= UInt8(ascii: "Z") ? self | 0x20 : self }

    var hexDigit: Int? {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(self) - 48
        case UInt8(ascii: "a")...UInt8(ascii: "f"): Int(self) - 87
        case UInt8(ascii: "A")...UInt8(ascii: "F"): Int(self) - 55
        default: nil
        }
    }
}

extension UnsafeRawBufferPointer {
    /// The same but for the case of ASCII letters.
    /// - Parameter word: in lower case.
    func isWord(_ word: StaticString) -> Bool {
        count == word.utf8CodeUnitCount
            && (0..<count).allSatisfy { self[$0].lowercased == word.utf8Start[$0] }
    }

    func position(of byte: UInt8, from start: Int = 0) -> Int? {
        guard start < count, let base = baseAddress,
            let found = memchr(base + start, Int32(byte), count - start)
        else { return nil }
        return UnsafeRawPointer(found) - base
    }

    func part(_ range: Range<Int>) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: self[range]) }

    /// Without spaces and tabs at both ends.
    var trimmed: UnsafeRawBufferPointer {
        var range = 0..<count
        while let first = range.first, self[first].isBlank { range = first + 1..<range.upperBound }
        while let last = range.last, self[last].isBlank { range = range.lowerBound..<last }
        return part(range)
    }

    /// The elements of a list with commas; empty ones are skipped (RFC 9110, 5.6.1).
    func eachElement(_ body: (UnsafeRawBufferPointer) -> Void) {
        var start = 0
        while start <= count {
            let end = position(of: UInt8(ascii: ","), from: start) ?? count
            let element = part(start..<end).trimmed
            if !element.isEmpty { body(element) }
            start = end + 1
        }
    }

    /// Digits only, at most 18 of them; nil otherwise.
    var decimal: Int? {
        guard (1...18).contains(count) else { return nil }
        var number = 0
        for byte in self {
            guard byte >= 48, byte <= 57 else { return nil }
            number = number * 10 + Int(byte - 48)
        }
        return number
    }
}
