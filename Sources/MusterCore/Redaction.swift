/// Keeps secrets out of what is shown and stored, wherever the text comes from: programs repeat what they were
/// given in their errors, and encode it on the way.
///
/// Takes time in proportion to the text, however many secrets there are and however long.
public struct Redaction: Hashable, Sendable {
    /// Secrets as they are, line by line, and escaped.
    private let literal: ByteMatcher
    /// Secrets in base64, also where that is broken into lines.
    private let encoded: ByteMatcher
    private let isEmpty: Bool

    /// - Parameter secrets: those of one or two characters are not hidden, because little would be left to read. Those
    ///   of at least six bytes are hidden in base64, percent encoding and JSON, too, and each of their lines.
    public init(_ secrets: some Sequence<String>) {
        let all = Set(secrets.filter { $0.count > 2 })
        let long = all.filter { $0.utf8.count >= 6 }
        let literals = all.union(long.flatMap(SecretEncodings.lines)).union(
            long.flatMap(SecretEncodings.escaped))
        literal = ByteMatcher(literals.sorted().map { Array($0.utf8) })
        encoded = ByteMatcher(long.sorted().flatMap(SecretEncodings.base64), ignoringLineEnds: true)
        isEmpty = all.isEmpty
    }

    /// The most bytes that one secret may take up, in whatever form it is found.
    var longest: Int { max(literal.longest, encoded.longest) }

    /// The text with `***` in place of every secret.
    public func text(_ text: String) -> String {
        isEmpty ? text : String(decoding: bytes(Array(text.utf8)), as: UTF8.self)
    }

    /// The same for bytes, whatever their encoding is.
    public func bytes(_ bytes: [UInt8]) -> [UInt8] { self.bytes(bytes, from: 0) }

    /// - Parameter start: what lies before it is left out, though a secret may begin there.
    func bytes(_ bytes: [UInt8], from start: Int) -> [UInt8] {
        let found = isEmpty ? [] : literal.ranges(in: bytes) + encoded.ranges(in: bytes)
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var end = start
        for range in Self.merged(found) where range.upperBound > start {
            if range.lowerBound > end { result += bytes[end..<range.lowerBound] }
            result += [0x2A, 0x2A, 0x2A]
            end = range.upperBound
        }
        if end < bytes.count { result += bytes[end...] }
        return result
    }

    /// In order, and where some overlap, the whole stretch.
    private static func merged(_ ranges: [Range<Int>]) -> [Range<Int>] {
        var merged: [Range<Int>] = []
        for range in ranges.sorted(by: { ($0.lowerBound, $0.upperBound) < ($1.lowerBound, $1.upperBound) }) {
            if let last = merged.last, range.lowerBound < last.upperBound {
                merged[merged.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
            } else {
                merged.append(range)
            }
        }
        return merged
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

/// The end of what a program said, without secrets. What does not fit is dropped from the front, with enough of it kept
/// in mind that nothing of a secret is left that was cut through.
public struct OutputTail: Sendable {
    private let redaction: Redaction
    private let limit: Int
    /// Bytes before the kept ones in which a secret may begin that reaches into them.
    private let margin: Int
    private var held: [UInt8] = []
    /// Whether something was dropped.
    public private(set) var isCut = false
    /// How often the program ended a line, dropped or not.
    public private(set) var lineEnds = 0

    /// - Parameter limit: bytes that are kept, before secrets are taken out of them.
    public init(_ redaction: Redaction, limit: Int) {
        self.redaction = redaction
        self.limit = limit
        margin = redaction.longest
    }

    public mutating func add(_ bytes: [UInt8]) {
        lineEnds += Self.lineEnds(in: bytes)
        held += bytes
        guard held.count > (limit + margin) * 2 else { return }
        held.removeFirst(held.count - limit - margin)
        isCut = true
    }

    /// What is left, as text.
    public var text: String {
        String(decoding: redaction.bytes(held, from: isCut ? margin : 0).suffix(limit), as: UTF8.self)
    }

    /// Eight bytes at once: programs that say hundreds of megabytes are not to wait for this.
    private static func lineEnds(in bytes: [UInt8]) -> Int {
        bytes.withUnsafeBytes { raw in
            let low: UInt64 = 0x7F7F_7F7F_7F7F_7F7F
            var count = 0
            var place = 0
            while place + 8 <= raw.count {
                let word = raw.loadUnaligned(fromByteOffset: place, as: UInt64.self) ^ 0x0A0A_0A0A_0A0A_0A0A
                // The high bit of each byte that is 0 now, and of no other.
                count += (~(((word & low) + low) | word | low)).nonzeroBitCount
                place += 8
            }
            while place < raw.count {
                if raw[place] == 0x0A { count += 1 }
                place += 1
            }
            return count
        }
    }
}
