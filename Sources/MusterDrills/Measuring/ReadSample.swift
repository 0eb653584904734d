public import MusterCore

/// Which entries of a ledger are read back when reading all of them would take too long.
///
/// Losses lie where the fault struck, so every write from a while before it to the end is read; of those that are
/// older, a random sample.
public struct ReadSample: Hashable, Sendable {
    /// Consecutive entries of one stream.
    public struct Run: Hashable, Sendable {
        public var stream: Int32
        public var numbers: ClosedRange<Int64>
        public init(stream: Int32, numbers: ClosedRange<Int64>) {
            self.stream = stream
            self.numbers = numbers
        }
    }

    /// What is asked for, by key.
    public var runs: [Run]
    /// Every write that was answered later than this is among them.
    public var since: Instant
    /// Acknowledged writes from before `since`.
    public var older: Int
    /// How many of those are asked for.
    public var drawn: Int

    public init(runs: [Run], since: Instant, older: Int, drawn: Int) {
        self.runs = runs
        self.since = since
        self.older = older
        self.drawn = drawn
    }

    /// Draws without replacement, every set of `count` older acknowledged writes alike in probability.
    /// - Parameters:
    ///   - entries: by key.
    ///   - seed: repeats the draw.
    /// - Returns: nil when that would be all of them.
    public static func draw(
        _ count: Int, from entries: [LedgerEntry], since: Instant, seed: UInt64
    ) -> ReadSample? {
        let recent = recentRuns(entries, since)
        var older = 0
        eachOlder(entries, recent) { _ in older += 1 }
        guard older > max(0, count) else { return nil }
        var wanted = ranks(max(0, count), of: older, seed).makeIterator()
        var next = wanted.next()
        var rank = 0
        var runs = recent.values.map(\.self)
        eachOlder(entries, recent) { entry in
            if rank == next {
                runs.append(
                    Run(stream: entry.key.stream, numbers: entry.key.sequence...entry.key.sequence))
                next = wanted.next()
            }
            rank += 1
        }
        runs.sort { ($0.stream, $0.numbers.lowerBound) < ($1.stream, $1.numbers.lowerBound) }
        return ReadSample(runs: runs, since: since, older: older, drawn: max(0, count))
    }

    /// By stream, from its first entry that was not answered before `since` to its last.
    private static func recentRuns(_ entries: [LedgerEntry], _ since: Instant) -> [Int32: Run] {
        var runs: [Int32: Run] = [:]
        var open: Run?
        for entry in entries {
            let key = entry.key
            if let run = open, run.stream == key.stream {
                open?.numbers = run.numbers.lowerBound...key.sequence
            } else if entry.finished.map({ $0 >= since }) ?? true {
                if let open { runs[open.stream] = open }
                open = Run(stream: key.stream, numbers: key.sequence...key.sequence)
            }
        }
        if let open { runs[open.stream] = open }
        return runs
    }

    private static func eachOlder(
        _ entries: [LedgerEntry], _ recent: [Int32: Run], _ body: (LedgerEntry) -> Void
    ) {
        var stream: Int32?
        var end = Int64.max
        for entry in entries {
            let key = entry.key
            if key.stream != stream {
                stream = key.stream
                end = recent[key.stream]?.numbers.lowerBound ?? .max
            }
            if entry.isAcknowledged, key.sequence < end { body(entry) }
        }
    }

    /// `count` different numbers below `limit`, in order (Floyd: A sample of brilliance, CACM 30(9), 1987).
    private static func ranks(_ count: Int, of limit: Int, _ seed: UInt64) -> [Int] {
        var random = SplitMix64(seed: seed)
        var chosen: Set<Int> = []
        for top in (limit - count)..<limit {
            let number = Int.random(in: 0...top, using: &random)
            chosen.insert(chosen.contains(number) ? top : number)
        }
        return chosen.sorted()
    }
}
