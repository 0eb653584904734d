/// The samples of one signal in the order of their sending, to the nanosecond and in about eight bytes each: what a
/// long run yields stays small enough to be judged at once.
///
/// Samples are appended as they are over, which is nearly the order of sending: the newest wait in a short array in
/// which the next ones find their place, older ones lie in chunks of encoded differences. A sample that was so long
/// under way that its place is in a chunk is put there by encoding that chunk anew.
public struct SampleSeries: Sendable, Sequence {
    private var chunks: [SampleChunk] = []
    /// Never empty once there is a chunk, and nothing in it was sent before anything in a chunk.
    private var tail: [Sample] = []
    public private(set) var count = 0
    /// When the last of all was over.
    public private(set) var lastFinished: Instant?

    public init() {}

    /// - Parameter samples: in any order.
    public init(_ samples: some Sequence<Sample>) {
        for sample in samples { append(sample) }
    }

    public var isEmpty: Bool { count == 0 }
    /// The one that was sent first.
    public var first: Sample? {
        var iterator = makeIterator()
        return iterator.next()
    }
    /// The one that was sent last.
    public var last: Sample? { tail.last }
    /// What the encoded part takes, in bytes.
    public var encodedBytes: Int { chunks.reduce(0) { $0 + $1.bytes.count } }

    /// Puts a sample behind all that were sent before it, or with it.
    public mutating func append(_ sample: Sample) {
        count += 1
        lastFinished = lastFinished.map { Swift.max($0, sample.finished) } ?? sample.finished
        if let first = tail.first, !chunks.isEmpty, sample.isSent(before: first) {
            insert(sample)
            return
        }
        var index = tail.count
        while index > 0, sample.isSent(before: tail[index - 1]) { index -= 1 }
        tail.insert(sample, at: index)
        guard tail.count == 2 * SampleChunk.size else { return }
        chunks.append(SampleChunk(tail[..<SampleChunk.size]))
        tail.removeFirst(SampleChunk.size)
    }

    /// Into the last chunk that begins before it.
    private mutating func insert(_ late: Sample) {
        let place = Swift.max(0, firstChunk { late.isSent(before: $0) } - 1)
        var samples: [Sample] = []
        let count = chunks[place].decode(into: &samples)
        samples.removeLast(samples.count - count)
        let index = samples.firstIndex { late.isSent(before: $0) } ?? samples.count
        samples.insert(late, at: index)
        if samples.count < 2 * SampleChunk.size {
            chunks[place] = SampleChunk(samples[...])
        } else {
            let half = samples.count / 2
            chunks.replaceSubrange(
                place...place, with: [SampleChunk(samples[..<half]), SampleChunk(samples[half...])])
        }
    }

    /// The index of the first chunk whose first sample `matches`; those of later chunks must match as well.
    private func firstChunk(_ matches: (Sample) -> Bool) -> Int {
        var low = 0
        var high = chunks.count
        while low < high {
            let middle = (low + high) / 2
            if matches(chunks[middle].first) { high = middle } else { low = middle + 1 }
        }
        return low
    }

    public func makeIterator() -> Iterator { Iterator(chunks, tail, from: 0) }
    public var underestimatedCount: Int { count }

    /// Those that were sent at `start` or later, without reading all that were sent before.
    public func sent(from start: Instant) -> some Sequence<Sample> {
        let chunk = Swift.max(0, firstChunk { $0.started >= start } - 1)
        return IteratorSequence(Iterator(chunks, tail, from: chunk)).lazy.drop { $0.started < start }
    }

    /// Reads one chunk at a time.
    public struct Iterator: IteratorProtocol {
        private let chunks: [SampleChunk]
        private let tail: [Sample]
        private var nextChunk: Int
        private var buffer: [Sample] = []
        private var index = 0
        private var filled = 0

        fileprivate init(_ chunks: [SampleChunk], _ tail: [Sample], from chunk: Int) {
            self.chunks = chunks
            self.tail = tail
            nextChunk = chunk
        }

        @inline(__always)
        public mutating func next() -> Sample? {
            if index == filled, !refill() { return nil }
            defer { index += 1 }
            return buffer[index]
        }

        @inline(never)
        private mutating func refill() -> Bool {
            guard nextChunk <= chunks.count else { return false }
            index = 0
            if nextChunk < chunks.count {
                filled = chunks[nextChunk].decode(into: &buffer)
            } else {
                buffer = tail
                filled = tail.count
            }
            nextChunk += 1
            return filled > 0
        }
    }
}

extension SampleSeries: Equatable, ExpressibleByArrayLiteral {
    public init(arrayLiteral elements: Sample...) { self.init(elements) }
    public static func == (lhs: Self, rhs: Self) -> Bool { lhs.count == rhs.count && lhs.elementsEqual(rhs) }
}

extension Sample {
    /// The order of sending; what was sent at once is in the order in which it was due.
    fileprivate func isSent(before other: Sample) -> Bool { (started, due) < (other.started, other.due) }
}

/// Samples as differences from the one before, each number as a LEB128 varint with its sign in the lowest bit.
///
/// A byte of flags comes first: the outcome, whether it was due one period after the one before, whether the code is the
/// same, and whether the instrument had not looked. Differences wrap around, so that every instant comes back exactly.
private struct SampleChunk: Sendable {
    static let size = 256

    var first: Sample
    var count: Int
    var bytes: [UInt8]

    private static let isOnTime: UInt8 = 1 << 3
    private static let isSameCode: UInt8 = 1 << 4
    private static let isBlind: UInt8 = 1 << 5

    /// - Parameter samples: at least one.
    init(_ samples: ArraySlice<Sample>) {
        first = samples[samples.startIndex]
        count = samples.count
        var writer = VarintWriter()
        var due: Int64 = 0
        var step: Int64 = 0
        var code: Int32 = 0
        for sample in samples {
            let difference = sample.due.nanoseconds &- due
            var flags = sample.outcome.rawValue
            if difference == step { flags |= Self.isOnTime }
            if sample.code == code { flags |= Self.isSameCode }
            if sample.blindNanoseconds != 0 { flags |= Self.isBlind }
            writer.bytes.append(flags)
            if difference != step { writer.add(difference &- step) }
            writer.add(sample.started.nanoseconds &- sample.due.nanoseconds)
            writer.add(sample.finished.nanoseconds &- sample.started.nanoseconds)
            if sample.code != code { writer.add(Int64(sample.code)) }
            if sample.blindNanoseconds != 0 { writer.add(sample.blindNanoseconds) }
            due = sample.due.nanoseconds
            step = difference
            code = sample.code
        }
        // Exactly as large as needed: there are many of them.
        bytes = [UInt8](unsafeUninitializedCapacity: writer.bytes.count) { buffer, count in
            count = writer.bytes.count
            _ = buffer.initialize(from: writer.bytes)
        }
    }

    /// - Returns: how many samples `samples` begins with; what stands behind them has no meaning.
    func decode(into samples: inout [Sample]) -> Int {
        if samples.count < count {
            samples = [Sample](repeating: first, count: Swift.max(count, 2 * Self.size))
        }
        samples.withUnsafeMutableBufferPointer { samples in
            bytes.withUnsafeBufferPointer { bytes in
                var reader = VarintReader(bytes: bytes)
                var due: Int64 = 0
                var step: Int64 = 0
                var code: Int32 = 0
                for index in 0..<count {
                    let flags = reader.byte()
                    if flags & Self.isOnTime == 0 { step &+= reader.next() }
                    due &+= step
                    let started = due &+ reader.next()
                    let finished = started &+ reader.next()
                    if flags & Self.isSameCode == 0 { code = Int32(truncatingIfNeeded: reader.next()) }
                    let blind = flags & Self.isBlind == 0 ? 0 : reader.next()
                    samples[index] = Sample(
                        due: Instant(nanoseconds: due), started: Instant(nanoseconds: started),
                        finished: Instant(nanoseconds: finished),
                        outcome: Sample.Outcome(rawValue: flags & 7) ?? .unknown, code: code,
                        blind: .nanoseconds(blind))
                }
            }
        }
        return count
    }
}

private struct VarintWriter {
    var bytes: [UInt8] = []

    init() { bytes.reserveCapacity(SampleChunk.size * 10) }

    mutating func add(_ number: Int64) {
        var left = UInt64(bitPattern: number << 1 ^ number >> 63)
        while left >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: left) | 0x80)
            left >>= 7
        }
        bytes.append(UInt8(left))
    }
}

private struct VarintReader {
    let bytes: UnsafeBufferPointer<UInt8>
    private var position = 0

    init(bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    @inline(__always)
    mutating func byte() -> UInt8 {
        defer { position += 1 }
        return bytes[position]
    }

    @inline(__always)
    mutating func next() -> Int64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let part = byte()
            value |= UInt64(part & 0x7F) << shift
            if part < 0x80 { break }
            shift += 7
        }
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }
}
