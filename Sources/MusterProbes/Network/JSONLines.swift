import MusterCore

/// Lines of JSON out of a stream of bytes.
struct JSONLines {
    private var buffer: [UInt8] = []
    static let longest = 1 << 20

    /// - Returns: one value a line, nil for what is not JSON; nil for all when a line is longer than 1 MiB.
    mutating func add(_ bytes: [UInt8]) -> [Value?]? {
        var values: [Value?] = []
        var start = bytes.startIndex
        while let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
            guard buffer.count + (end - start) <= Self.longest else { return nil }
            values.append(try? JSONText.value(buffer + bytes[start..<end]))
            buffer.removeAll()
            start = end + 1
        }
        buffer += bytes[start...]
        return buffer.count > Self.longest ? nil : values
    }
}
