/// Which requests are meant.
struct RequestMatch: Sendable, Equatable {
    /// A field that a request must have.
    struct Field: Sendable, Equatable {
        /// In lower case.
        var name: [UInt8]
        var value: Glob
    }

    /// Empty: all. Compared without regard to case.
    var methods: [[UInt8]] = []
    var path = Glob("*")
    /// The pattern is held against path and query, not against the path alone.
    var pathHasQuery = false
    /// All of them must be there.
    var fields: [Field] = []

    func matches(_ head: MessageHead, _ bytes: UnsafeRawBufferPointer) -> Bool {
        if !methods.isEmpty {
            let method = bytes.part(head.method)
            guard methods.contains(where: { $0.elementsEqual(method.lazy.map(\.lowercased)) }) else {
                return false
            }
        }
        if !path.isAll {
            var target = bytes.part(Self.path(of: head.target, in: bytes))
            if !pathHasQuery, let query = target.position(of: UInt8(ascii: "?")) {
                target = target.part(0..<query)
            }
            guard path.matches(target) else { return false }
        }
        return fields.allSatisfy { field in
            FieldLines(bytes.part(0..<head.length)).contains { line in
                line.name.count == field.name.count
                    && line.name.lazy.map(\.lowercased).elementsEqual(field.name)
                    && field.value.matches(line.value)
            }
        }
    }

    /// Of a target in absolute form (RFC 9112, 3.2.2) the part from the path on; other targets whole.
    private static func path(of target: Range<Int>, in bytes: UnsafeRawBufferPointer) -> Range<Int> {
        guard bytes[target.lowerBound] != UInt8(ascii: "/"),
            let colon = bytes.position(of: .colon, from: target.lowerBound), colon + 2 < target.upperBound,
            bytes[colon + 1] == UInt8(ascii: "/"), bytes[colon + 2] == UInt8(ascii: "/")
        else { return target }
        let rest = colon + 3..<target.upperBound
        let path = rest.first { bytes[$0] == UInt8(ascii: "/") || bytes[$0] == UInt8(ascii: "?") }
        return (path ?? rest.upperBound)..<rest.upperBound
    }
}

/// The field lines of a head that has been understood, with their continuations.
struct FieldLines: Sequence, IteratorProtocol {
    struct Line {
        var name: UnsafeRawBufferPointer
        /// Without white space at its ends; a folded value with its folds.
        var value: UnsafeRawBufferPointer
        /// With the line end.
        var whole: UnsafeRawBufferPointer
    }

    private let head: UnsafeRawBufferPointer
    private var start: Int

    /// - Parameter head: from the first line to the empty one.
    init(_ head: UnsafeRawBufferPointer) {
        self.head = head
        start = (head.position(of: .lf) ?? head.count - 1) + 1
    }

    mutating func next() -> Line? {
        guard start + 2 < head.count, var end = head.position(of: .lf, from: start) else { return nil }
        while end + 1 < head.count, head[end + 1].isBlank, let more = head.position(of: .lf, from: end + 1) {
            end = more
        }
        defer { start = end + 1 }
        guard let colon = head.position(of: .colon, from: start), colon < end else { return nil }
        return Line(
            name: head.part(start..<colon), value: head.part(colon + 1..<end - 1).trimmed,
            whole: head.part(start..<end + 1))
    }
}
