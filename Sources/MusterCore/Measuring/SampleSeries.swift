/// The samples of one signal in the order of their sending, to the nanosecond and in about eight bytes each: what a
/// long run yields stays small enough to be judged at once. With an archive those bytes lie there, and what stays in
/// memory is some 64 bytes for each 1,024 samples.
///
/// Samples are appended as they are over, which is nearly the order of sending: the newest wait in a short array in
/// which the next ones find their place, older ones lie in chunks of encoded differences. A sample that was so long
/// under way that its place is in a chunk is put there by encoding that chunk anew.
public struct SampleSeries: Sendable, Sequence {
    private let archive: (any SampleArchive)?
    private var chunks: [SampleChunk] = []
    /// So many chunks were made large for the archive and offered to it; those behind them are small and wait.
    private var settled = 0
    /// A settled chunk that was taken back for a late sample, and that more are likely to follow into.
    private var opened: Int?
    /// Never empty once there is a chunk, and nothing in it was sent before anything in a chunk.
    private var tail: [Sample] = []
    public private(set) var count = 0
    /// When the last of all was over.
    public private(set) var lastFinished: Instant?

    /// Samples of a chunk in the archive: the more, the less it takes to remember where they lie.
    private static let settledSize = 4 * SampleChunk.size

    /// - Parameter archive: takes what is older; nil keeps everything in memory.
    public init(archive: (any SampleArchive)? = nil) { self.archive = archive }

    /// - Parameter samples: in any order.
    public init(_ samples: some Sequence<Sample>) {
        self.init()
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
    /// What the encoded part takes in memory, in bytes.
    public var encodedBytes: Int { chunks.reduce(0) { $0 + $1.bytesInMemory } }

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
        settle()
    }

    /// Into the last chunk that begins before it.
    private mutating func insert(_ late: Sample) {
        let place = Swift.max(0, firstChunk { late.isSent(before: $0) } - 1)
        if opened != place { closeOpened() }
        var samples = decoded(place)
        let index = samples.firstIndex { late.isSent(before: $0) } ?? samples.count
        samples.insert(late, at: index)
        let isSettled = place < settled
        if samples.count < 2 * (isSettled ? Self.settledSize : SampleChunk.size) {
            chunks[place] = SampleChunk(samples[...])
            if isSettled { opened = place }
            return
        }
        let half = samples.count / 2
        chunks.replaceSubrange(
            place...place, with: [SampleChunk(samples[..<half]), SampleChunk(samples[half...])])
        guard isSettled else { return }
        settled += 1
        opened = nil
        offer(place)
        offer(place + 1)
    }

    private func decoded(_ place: Int) -> [Sample] {
        var samples: [Sample] = []
        let count = chunks[place].decode(into: &samples, from: archive)
        samples.removeLast(samples.count - count)
        return samples
    }

    /// Makes one of the small chunks, once there are enough of them.
    private mutating func settle() {
        guard archive != nil, chunks[settled...].reduce(0, { $0 + $1.count }) >= Self.settledSize else {
            return
        }
        let samples = (settled..<chunks.count).flatMap(decoded)
        chunks.replaceSubrange(settled..., with: [SampleChunk(samples[...])])
        offer(settled)
        settled += 1
    }

    private mutating func closeOpened() {
        if let opened { offer(opened) }
        opened = nil
    }

    private mutating func offer(_ place: Int) {
        if let archive { chunks[place].move(to: archive) }
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

    public func makeIterator() -> Iterator { Iterator(chunks, tail, archive, from: 0) }
    public var underestimatedCount: Int { count }

    /// Those that were sent at `start` or later, without reading all that were sent before.
    public func sent(from start: Instant) -> some Sequence<Sample> {
        let chunk = Swift.max(0, firstChunk { $0.started >= start } - 1)
        return IteratorSequence(Iterator(chunks, tail, archive, from: chunk)).lazy.drop { $0.started < start }
    }

    /// Reads one chunk at a time.
    public struct Iterator: IteratorProtocol {
        private let chunks: [SampleChunk]
        private let tail: [Sample]
        private let archive: (any SampleArchive)?
        private var nextChunk: Int
        private var buffer: [Sample] = []
        private var index = 0
        private var filled = 0

        fileprivate init(
            _ chunks: [SampleChunk], _ tail: [Sample], _ archive: (any SampleArchive)?, from chunk: Int
        ) {
            self.chunks = chunks
            self.tail = tail
            self.archive = archive
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
                filled = chunks[nextChunk].decode(into: &buffer, from: archive)
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
