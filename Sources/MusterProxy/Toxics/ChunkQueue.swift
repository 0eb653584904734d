internal import NIOCore

/// Chunks in order, and how many bytes they are.
struct ChunkQueue {
    private var chunks = CircularBuffer<Chunk>(initialCapacity: 0)
    private(set) var bytes = 0

    /// What a chunk takes besides its bytes, about: its place in the queue, the object behind its buffer, and what the
    /// allocator adds.
    private static let overhead = 256

    /// Memory, in bytes.
    var cost: Int { bytes + chunks.count * Self.overhead }

    init() {}

    var first: Chunk? { chunks.first }
    var isEmpty: Bool { chunks.isEmpty }

    mutating func append(_ chunk: Chunk) {
        chunks.append(chunk)
        bytes += chunk.bytes.readableBytes
    }

    mutating func append(_ more: [Chunk]) {
        for chunk in more { append(chunk) }
    }

    mutating func takeFirst() -> Chunk? {
        guard let chunk = chunks.popFirst() else { return nil }
        bytes -= chunk.bytes.readableBytes
        return chunk
    }

    /// Takes at most so many bytes from the first chunk.
    mutating func takeFirst(upTo count: Int) -> Chunk? {
        guard let chunk = chunks.first, chunk.bytes.readableBytes > count else { return takeFirst() }
        guard let slice = chunks[chunks.startIndex].bytes.readSlice(length: count) else { return nil }
        bytes -= count
        return Chunk(slice, at: chunk.arrived)
    }

    mutating func takeAll() -> [Chunk] {
        let all = Array(chunks)
        chunks.removeAll(keepingCapacity: false)
        bytes = 0
        return all
    }
}
