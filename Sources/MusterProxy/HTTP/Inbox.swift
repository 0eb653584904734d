internal import NIOCore

/// What has come on one direction and has not left: the first chunk is read piece by piece.
struct Inbox {
    private var chunks = CircularBuffer<Chunk>()
    private(set) var bytes = 0
    /// Memory, in bytes: a chunk costs some besides its own.
    var cost: Int { bytes + chunks.count * 256 }
    /// Of the first chunk, bytes that were read and may leave: they leave together.
    private(set) var run = 0
    var isFinished = false

    init() {}

    var isEmpty: Bool { bytes == 0 }
    /// When the first chunk came.
    var arrived: NIODeadline? { chunks.first?.arrived }
    /// Of the first chunk, bytes that were not read.
    var unread: Int { (chunks.first?.bytes.readableBytes ?? 0) - run }

    mutating func append(_ chunk: Chunk) {
        bytes += chunk.bytes.readableBytes
        chunks.append(chunk)
    }

    /// Shows what has not been read of the first chunk; nothing when there is none.
    func look<Answer>(_ body: (UnsafeRawBufferPointer) throws -> Answer) rethrows -> Answer {
        guard let first = chunks.first else { return try body(UnsafeRawBufferPointer(start: nil, count: 0)) }
        return try first.bytes.withUnsafeReadableBytes { all in try body(all.part(run..<all.count)) }
    }

    /// So many bytes may leave.
    mutating func pass(_ count: Int) { run += count }

    /// Takes what may leave.
    mutating func takeRun() -> Chunk? {
        guard run > 0 else { return nil }
        defer { run = 0 }
        return take(run)
    }

    /// Takes the first chunk away, whatever was read of it.
    mutating func takeChunk() -> Chunk? {
        run = 0
        guard let first = chunks.popFirst() else { return nil }
        bytes -= first.bytes.readableBytes
        return first
    }

    /// Takes bytes off the first chunk that do not leave. What may leave has been taken.
    mutating func drop(_ count: Int) {
        precondition(run == 0)
        _ = take(count)
    }

    mutating func removeAll() {
        chunks.removeAll()
        (bytes, run) = (0, 0)
    }

    /// Puts the second chunk to the first, so that what lies across both can be read. What may leave has been taken.
    /// - Returns: false when there is no second.
    mutating func join() -> Bool {
        guard run == 0, chunks.count > 1 else { return false }
        var first = chunks.removeFirst()
        let second = chunks.removeFirst()
        first.bytes.join(second.bytes)
        first.arrived = max(first.arrived, second.arrived)
        chunks.prepend(first)
        return true
    }

    private mutating func take(_ count: Int) -> Chunk? {
        guard count > 0, !chunks.isEmpty else { return nil }
        bytes -= count
        let start = chunks.startIndex
        if count == chunks[start].bytes.readableBytes { return chunks.removeFirst() }
        let arrived = chunks[start].arrived
        guard let slice = chunks[start].bytes.readSlice(length: count) else { return nil }
        return Chunk(slice, at: arrived)
    }
}
