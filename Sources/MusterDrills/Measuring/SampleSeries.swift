public import MusterCore

/// The samples of one signal in the order of their sending, to the nanosecond and in about eight bytes each: what a
/// long run yields stays small enough to be judged at once. With an archive those bytes lie there, and what stays in
/// memory is some 64 bytes for each 1,024 samples.
///
/// Samples are appended as they are over, which is nearly the order of sending: the newest wait in a short array in
/// which the next ones find their place, older ones lie in chunks of encoded differences. A sample that was so long
/// under way that its place is in a chunk is put there by encoding that chunk anew, while it is in memory. What comes
/// even later waits beside the chunks, and is put in between when they are read: appending never reads an archive.
public struct SampleSeries: Sendable, Sequence {
    private let archive: (any SampleArchive)?
    /// In nanoseconds.
    private let recent: Int64
    private var chunks: [SampleChunk] = []
    /// So many chunks were made large for the archive and offered to it, and do not change any more; those behind them
    /// are small.
    private var settled = 0
    /// Settled chunks that the archive had no room for, in order.
    private var owed: [Int] = []
    /// What waits in memory until the archive has room for it, in bytes.
    public private(set) var owedBytes = 0
    /// What was sent before the chunks that are not settled, and came when those before them were; in order.
    private var stragglers: [Sample] = []
    /// Never empty once there is a chunk, and nothing in it was sent before anything in a chunk.
    private var tail: [Sample] = []
    public private(set) var count = 0
    /// When the last of all was over.
    public private(set) var lastFinished: Instant?

    /// Samples of a chunk in the archive: the more, the less it takes to remember where they lie.
    private static let settledSize = 4 * SampleChunk.size

    /// - Parameters:
    ///   - archive: takes what is older; nil: nothing does.
    ///   - recent: what was sent no longer than this before the newest stays in memory. Longer than any sample is under
    ///     way: then each finds its place there.
    public init(archive: (any SampleArchive)?, keeping recent: Duration = .zero) {
        self.archive = archive
        self.recent = recent.nanoseconds
    }

    /// Keeps everything in memory.
    public init() { self.init(archive: nil) }

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

    private mutating func insert(_ late: Sample) {
        guard settled == 0 || settled < chunks.count && !late.isSent(before: chunks[settled].first) else {
            return stragglers.insert(late, at: stragglers.firstIndex(sorted: { late.isSent(before: $0) }))
        }
        // Into the last chunk that begins before it.
        let place = Swift.max(0, chunks.firstIndex(sorted: { late.isSent(before: $0.first) }) - 1)
        var samples = decoded(place)
        samples.insert(late, at: samples.firstIndex(sorted: { late.isSent(before: $0) }))
        if samples.count < 2 * SampleChunk.size {
            chunks[place] = SampleChunk(samples[...])
        } else {
            let half = samples.count / 2
            chunks.replaceSubrange(
                place...place, with: [SampleChunk(samples[..<half]), SampleChunk(samples[half...])])
        }
    }

    /// One that is not settled, and so in memory.
    private func decoded(_ place: Int) -> [Sample] {
        var samples: [Sample] = []
        let count = chunks[place].decode(into: &samples, from: nil)
        samples.removeLast(samples.count - count)
        return samples
    }

    /// Makes one of small chunks that are no longer recent, wherever there are enough of them.
    private mutating func settle() {
        guard archive != nil, let newest = tail.last else { return }
        offerAgain()
        let oldest = newest.started.nanoseconds &- recent
        var (end, gathered) = (settled, 0)
        // What follows a settled chunk is not recent either, so that nobody who asks for recent ones begins in it.
        while end < chunks.count, first(behind: end).started.nanoseconds < oldest {
            gathered += chunks[end].count
            end += 1
            guard gathered >= Self.settledSize else { continue }
            let samples = (settled..<end).flatMap(decoded)
            chunks.replaceSubrange(settled..<end, with: [SampleChunk(samples[...])])
            if offer(settled) == .full {
                owed.append(settled)
                owedBytes += chunks[settled].bytesInMemory
            }
            settled += 1
            (end, gathered) = (settled, 0)
        }
    }

    private func first(behind chunk: Int) -> Sample {
        chunk + 1 < chunks.count ? chunks[chunk + 1].first : tail[0]
    }

    /// Offers the archive again what it had no room for; for the time in which nothing is appended.
    public mutating func offerAgain() {
        var taken = 0
        for place in owed {
            let bytes = chunks[place].bytesInMemory
            if offer(place) == .full { break }
            owedBytes -= bytes
            taken += 1
        }
        owed.removeFirst(taken)
    }

    private mutating func offer(_ place: Int) -> ArchiveAnswer {
        archive.map { chunks[place].offer(to: $0) } ?? .unneeded
    }

    public func makeIterator() -> Iterator { Iterator(self, from: 0) }
    public var underestimatedCount: Int { count }

    /// Those that were sent at `start` or later, without reading all that were sent before: nothing of an archive, when
    /// `start` is recent.
    public func sent(from start: Instant) -> some Sequence<Sample> {
        let isInTail = tail.first.map { $0.started < start } ?? false
        let chunk =
            isInTail
            ? chunks.count : Swift.max(0, chunks.firstIndex(sorted: { $0.first.started >= start }) - 1)
        return IteratorSequence(Iterator(self, from: chunk)).lazy.drop { $0.started < start }
    }

    /// Reads one chunk at a time.
    public struct Iterator: IteratorProtocol {
        private let series: SampleSeries
        private var nextChunk: Int
        private var nextStraggler = 0
        private var buffer: [Sample] = []
        private var index = 0
        private var filled = 0

        fileprivate init(_ series: SampleSeries, from chunk: Int) {
            self.series = series
            nextChunk = chunk
            if chunk > 0 { nextStraggler = series.stragglers(upTo: chunk - 1) }
        }

        @inline(__always)
        public mutating func next() -> Sample? {
            if index == filled, !refill() { return nil }
            defer { index += 1 }
            return buffer[index]
        }

        @inline(never)
        private mutating func refill() -> Bool {
            guard nextChunk <= series.chunks.count else { return false }
            index = 0
            if nextChunk < series.chunks.count {
                filled = series.chunks[nextChunk].decode(into: &buffer, from: series.archive)
                if nextStraggler < series.stragglers.count { addStragglers() }
            } else {
                buffer = series.tail
                filled = buffer.count
            }
            nextChunk += 1
            return filled > 0
        }

        /// Those whose place is before the next chunk.
        private mutating func addStragglers() {
            let end = series.stragglers(upTo: nextChunk)
            guard end > nextStraggler else { return }
            var merged: [Sample] = []
            merged.reserveCapacity(filled + end - nextStraggler)
            for sample in buffer[..<filled] {
                while nextStraggler < end, series.stragglers[nextStraggler].isSent(before: sample) {
                    merged.append(series.stragglers[nextStraggler])
                    nextStraggler += 1
                }
                merged.append(sample)
            }
            merged += series.stragglers[nextStraggler..<end]
            nextStraggler = end
            buffer = merged
            filled = merged.count
        }
    }

    /// How many of them were sent before what follows a chunk.
    private func stragglers(upTo chunk: Int) -> Int {
        let next = first(behind: chunk)
        return stragglers.firstIndex(sorted: { !$0.isSent(before: next) })
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

extension Array {
    /// The index of the first element that `matches`, where all later ones match as well; `endIndex` without one.
    fileprivate func firstIndex(sorted matches: (Element) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if matches(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
