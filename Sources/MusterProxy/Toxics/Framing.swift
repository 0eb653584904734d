internal import NIOCore

/// How messages are told apart in a stream.
enum Framing: String, CaseIterable {
    /// Each ends with a line feed.
    case line
    /// Each begins with the length of the rest: one, two or four bytes, big-endian.
    case length8, length16, length32

    static let attribute = Attribute(
        "framing", .text, .text("line"),
        "line, or length8, length16, length32: big-endian length, then so many bytes")

    init(_ values: AttributeValues) throws(AttributeProblem) {
        guard let framing = Framing(rawValue: values.text("framing")) else {
            let known = Framing.allCases.map(\.rawValue).joined(separator: ", ")
            throw AttributeProblem("framing", expected: "one of \(known)")
        }
        self = framing
    }

    /// The length of the first message, its frame included; nil while that cannot be told.
    /// - Parameter searched: how many bytes are known to hold no line feed.
    fileprivate func length(_ bytes: ByteBuffer, after searched: Int) -> Int? {
        let start = bytes.readerIndex
        func prefixed<Length: FixedWidthInteger>(_: Length.Type) -> Int? {
            bytes.getInteger(at: start, as: Length.self).map { Int($0) + MemoryLayout<Length>.size }
        }
        switch self {
        case .line:
            let unsearched = bytes.readableBytesView.dropFirst(searched)
            return unsearched.firstIndex(of: 0x0A).map { $0 - start + 1 }
        case .length8: return prefixed(UInt8.self)
        case .length16: return prefixed(UInt16.self)
        case .length32: return prefixed(UInt32.self)
        }
    }
}

/// Cuts a stream into messages.
struct MessageQueue {
    /// A whole message, or a part of one that is longer than what is held for one.
    struct Piece: Equatable {
        var chunk: Chunk
        var isWhole: Bool
    }

    /// Longer messages pass in parts.
    static let longest = 1_048_576

    let framing: Framing
    private var bytes = ByteBuffer()
    private var arrived = NIODeadline.uptimeNanoseconds(0)
    /// Bytes at the beginning that are known to hold no line feed.
    private var searched = 0
    /// What is still to come of a message that passes in parts; nil: up to its line feed.
    private var rest: Rest = .none

    private enum Rest {
        case none
        case bytes(Int)
        case line
    }

    init(_ framing: Framing) { self.framing = framing }

    var held: Int { bytes.readableBytes }
    /// Memory, in bytes: also what was read and is not yet given back.
    var kept: Int { bytes.capacity }

    mutating func append(_ chunk: Chunk) {
        arrived = chunk.arrived
        bytes.join(chunk.bytes)
    }

    /// The next message, if it has come; at the end of the stream also a part of one.
    mutating func next(isFinished: Bool) -> Piece? {
        guard bytes.readableBytes > 0 else { return nil }
        switch rest {
        case .bytes(let count): return part(count)
        case .line:
            guard let length = framing.length(bytes, after: 0) else {
                return take(bytes.readableBytes, whole: false)
            }
            rest = .none
            return take(length, whole: false)
        case .none: break
        }
        guard let length = framing.length(bytes, after: searched) else {
            searched = bytes.readableBytes
            guard isFinished || searched >= Self.longest else { return nil }
            if !isFinished { rest = .line }
            return take(searched, whole: false)
        }
        if length > Self.longest { return part(length) }
        if length <= bytes.readableBytes { return take(length, whole: true) }
        return isFinished ? take(bytes.readableBytes, whole: false) : nil
    }

    /// Another queue was in the middle of a message that passes in parts, where this one begins.
    mutating func goOn(where old: MessageQueue) {
        if framing == old.framing { rest = old.rest }
    }

    mutating func takeAll() -> [Chunk] {
        guard bytes.readableBytes > 0 else { return [] }
        return take(bytes.readableBytes, whole: false).map { [$0.chunk] } ?? []
    }

    private mutating func part(_ count: Int) -> Piece? {
        let now = min(count, bytes.readableBytes)
        rest = now < count ? .bytes(count - now) : .none
        return take(now, whole: false)
    }

    private mutating func take(_ count: Int, whole: Bool) -> Piece? {
        searched = 0
        guard let slice = bytes.readSlice(length: count) else { return nil }
        if bytes.readableBytes == 0 { bytes = ByteBuffer() }
        return Piece(chunk: Chunk(slice, at: arrived), isWhole: whole)
    }
}
