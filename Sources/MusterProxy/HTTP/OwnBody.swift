internal import NIOCore

/// A body that stands in for a server's: a text, or any number of bytes.
struct OwnBody: Sendable, Equatable {
    /// Bytes that repeat; shared by all that write it.
    private let block: ByteBuffer
    let size: Int
    private(set) var written = 0

    init(_ text: String) {
        block = ByteBuffer(string: text)
        size = block.readableBytes
    }

    /// - Parameters:
    ///   - size: bytes, 0 or more; none of them is kept twice, however many there are.
    ///   - text: is repeated; empty: the letter x.
    init(size: Int, of text: String) {
        let unit = ByteBuffer(string: text.isEmpty ? "x" : text)
        var block = ByteBuffer()
        repeat { block.writeImmutableBuffer(unit) } while block.readableBytes < min(size, 16_384)
        self.block = block
        self.size = size
    }

    var left: Int { size - written }

    /// The next piece, of at most `limit` bytes.
    mutating func take(limit: Int) -> ByteBuffer? {
        let start = block.readableBytes == 0 ? 0 : written % block.readableBytes
        let count = min(left, block.readableBytes - start, limit)
        guard count > 0 else { return nil }
        written += count
        return block.getSlice(at: block.readerIndex + start, length: count)
    }
}
