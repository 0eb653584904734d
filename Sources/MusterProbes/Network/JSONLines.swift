import FoundationEssentials
import MusterCore

/// Lines of JSON out of a stream of bytes.
struct JSONLines {
    private var buffer: [UInt8] = []
    static let longest = 1 << 20

    /// - Returns: nil when a line is longer than 1 MiB.
    mutating func add(_ bytes: [UInt8]) -> [Value?]? {
        buffer += bytes
        var values: [Value?] = []
        while let end = buffer.firstIndex(of: UInt8(ascii: "\n")) {
            let line = Data(buffer[..<end])
            buffer.removeFirst(end + 1)
            values.append(try? JSONDecoder().decode(Value.self, from: line))
        }
        return buffer.count > Self.longest ? nil : values
    }
}
