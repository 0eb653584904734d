import FoundationEssentials
import MusterCore

/// What is wrong with a line of the protocol.
public enum FrameProblem: Error, Hashable, Sendable {
    case tooLong(Int)
    case tooDeep
    case unreadable(String)

    public var inWords: String {
        switch self {
        case .tooLong(let bytes): "a line of \(bytes) bytes or more; at most \(Frame.limit) are allowed"
        case .tooDeep: "JSON nested deeper than \(Frame.deepest) levels"
        case .unreadable(let why): "not a frame of the guard's protocol: \(why)"
        }
    }
}

/// One line of UTF-8 JSON, at most 1 MiB, nested at most 32 deep.
public enum Frame {
    public static let limit = 1 << 20
    public static let deepest = 32

    /// A value as one line, with the line feed at its end.
    /// - Throws: `FrameProblem.tooLong`.
    public static func encode(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var bytes: [UInt8]
        do {
            bytes = Array(try encoder.encode(value))
        } catch {
            throw FrameProblem.unreadable("\(error)")
        }
        bytes.append(0x0A)
        guard bytes.count <= limit else { throw FrameProblem.tooLong(bytes.count) }
        return bytes
    }

    /// Reads a line, with or without its line feed. Fields that are not known are ignored.
    /// - Throws: `FrameProblem`.
    public static func decode<T: Decodable>(_ type: T.Type, from line: [UInt8]) throws -> T {
        guard line.count <= limit else { throw FrameProblem.tooLong(line.count) }
        guard jsonDepth(of: line) <= deepest else { throw FrameProblem.tooDeep }
        do {
            return try JSONDecoder().decode(type, from: Data(line))
        } catch {
            throw FrameProblem.unreadable("\(error)")
        }
    }
}

/// Cuts a stream of bytes into lines, and refuses a line that never ends.
public struct LineReader: Sendable {
    private var buffer: [UInt8] = []
    private var scanned = 0
    private let limit: Int

    public init(limit: Int = Frame.limit) { self.limit = limit }

    public mutating func append(_ bytes: [UInt8]) { buffer += bytes }

    /// The next whole line without its line feed; nil until there is one.
    /// - Throws: `FrameProblem.tooLong`.
    public mutating func next() throws(FrameProblem) -> [UInt8]? {
        guard let end = buffer[scanned...].firstIndex(of: 0x0A) else {
            scanned = buffer.count
            if buffer.count >= limit { throw FrameProblem.tooLong(buffer.count) }
            return nil
        }
        guard end < limit else { throw FrameProblem.tooLong(end) }
        let line = Array(buffer[..<end])
        buffer.removeFirst(end + 1)
        scanned = 0
        return line
    }

    /// Bytes that are not yet a line.
    public var pending: [UInt8] { buffer }
}
