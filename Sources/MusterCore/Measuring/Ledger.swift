/// Names one entry for ever: the writer's stream and a number that it never uses twice.
public struct EntryKey: Hashable, Comparable, Sendable {
    public var stream: Int32
    /// From 1.
    public var sequence: Int64
    public init(stream: Int32, sequence: Int64) {
        self.stream = stream
        self.sequence = sequence
    }
    public static func < (lhs: Self, rhs: Self) -> Bool {
        (lhs.stream, lhs.sequence) < (rhs.stream, rhs.sequence)
    }
}

/// What the writer knows about one write.
public struct LedgerEntry: Hashable, Sendable {
    public enum Outcome: UInt8, Sendable, CaseIterable {
        /// Sent; nothing is known yet.
        case pending = 0
        /// Acknowledged, and our record of that was durable before it counted.
        case ok = 1
        /// Certainly not applied: refused before it was sent, or refused by an error that says so.
        case fail = 2
        /// In doubt: timeout, reset, end of connection.
        case info = 3
        /// Acknowledged with a warning, such as PostgreSQL's "might not have been replicated".
        case okWithWarning = 4
    }

    public var key: EntryKey
    public var sent: Instant
    /// When the answer was in, or was given up.
    public var finished: Instant?
    public var outcome: Outcome

    public init(key: EntryKey, sent: Instant, finished: Instant?, outcome: Outcome) {
        self.key = key
        self.sent = sent
        self.finished = finished
        self.outcome = outcome
    }

    public var isAcknowledged: Bool { outcome == .ok || outcome == .okWithWarning }
}

/// What reading everything back found.
public struct ReadBack: Sendable {
    /// One entry as it was found.
    public struct Found: Hashable, Sendable {
        public var key: EntryKey
        public var isIntact: Bool
        /// How many times it was there.
        public var count: Int
        /// It stands after an entry that its stream wrote later.
        public var isMisplaced: Bool
        public init(key: EntryKey, isIntact: Bool, count: Int = 1, isMisplaced: Bool = false) {
            self.key = key
            self.isIntact = isIntact
            self.count = count
            self.isMisplaced = isMisplaced
        }
    }

    public var found: [Found]
    /// Whether two passes in a row agreed.
    public var agreed: Bool
    /// Entries absent in an earlier pass and present in a later one.
    public var late: [EntryKey]
    public var passes: Int
    /// Why it is not complete; empty when every entry was asked for and answered.
    public var problems: [String]
    /// Asked for without an answer, or not asked for: whether they are there is not known.
    public var unread: [EntryKey]
    /// The store cannot tell which keys it holds, so that only what was written could be asked for.
    public var cannotList: Bool
    /// Proof of damage beside the entries, in words: a failed check of the whole store, a broken invariant.
    public var violations: [String] = []

    public init(
        found: [Found], agreed: Bool, late: [EntryKey] = [], passes: Int, problems: [String] = [],
        unread: [EntryKey] = [], cannotList: Bool = false
    ) {
        self.found = found
        self.agreed = agreed
        self.late = late
        self.passes = passes
        self.problems = problems
        self.unread = unread
        self.cannotList = cannotList
    }

    public var isComplete: Bool { agreed && problems.isEmpty && unread.isEmpty }
}

/// A workload's whole story.
public struct Ledger: Sendable {
    public var workload: String
    public var entries: [LedgerEntry]
    public var readBack: ReadBack?
    public var payloadBytes: Int
    /// Time in which acknowledgements may have come that we could not make durable.
    public var blindWindow: Duration
    /// The expected rate of writes.
    public var rate: Rate
    /// What each write was.
    public var plan = WorkloadPlan()
    /// Invariants that were seen broken while it ran, in words.
    public var violations: [String] = []

    public init(
        workload: String, entries: [LedgerEntry], readBack: ReadBack?, payloadBytes: Int,
        blindWindow: Duration = .zero, rate: Rate
    ) {
        self.workload = workload
        self.entries = entries
        self.readBack = readBack
        self.payloadBytes = payloadBytes
        self.blindWindow = blindWindow
        self.rate = rate
    }
}

/// The bytes of an entry: they can be made again from the key, and carry a checksum of their own.
///
/// `<stream>.<sequence>.<filler>.<crc32>` in ASCII, so that it survives JSON, SQL and shells.
public enum EntryPayload {
    /// - Parameter seed: of the run; entries of two runs never look alike.
    public static func make(_ key: EntryKey, seed: UInt64, bytes: Int) -> String {
        let head = "\(key.stream).\(key.sequence)."
        var random = SplitMix64(
            seed: seed ^ UInt64(bitPattern: key.sequence) &* 0x9E37_79B9_7F4A_7C15
                ^ UInt64(UInt32(bitPattern: key.stream)) << 40)
        let letters = Array("abcdefghijklmnopqrstuvwxyz234567".utf8)
        var body = Array(head.utf8)
        while body.count < bytes - 9 { body.append(letters[Int(random.next() >> 59)]) }
        let sum = String(CRC32.of(body), radix: 16)
        return String(decoding: body, as: UTF8.self) + "." + String(repeating: "0", count: 8 - sum.count)
            + sum
    }

    /// Whose entry `text` is; nil when it is not exactly what was written under any key.
    public static func key(of text: String, seed: UInt64, bytes: Int) -> EntryKey? {
        let parts = text.split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, let stream = Int32(parts[0]), let sequence = Int64(parts[1]) else {
            return nil
        }
        let key = EntryKey(stream: stream, sequence: sequence)
        return isIntact(text, key, seed: seed, bytes: bytes) ? key : nil
    }

    /// Whether `text` is exactly what was written under `key`.
    public static func isIntact(_ text: String, _ key: EntryKey, seed: UInt64, bytes: Int) -> Bool {
        text == make(key, seed: seed, bytes: bytes)
    }
}

/// CRC-32 as in IEEE 802.3 and zlib: enough to notice a torn or flipped entry.
public enum CRC32 {
    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
    }

    public static func of(_ bytes: some Sequence<UInt8>) -> UInt32 {
        ~bytes.reduce(~0) { $0 >> 8 ^ table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] }
    }
}

/// Steele, Lea, Flood: Fast splittable pseudorandom number generators (OOPSLA 2014). Small, seedable and the
/// same on every machine, so that a recorded seed repeats a run.
public struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64
    public init(seed: UInt64) { state = seed }
    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return Self.mix(state)
    }

    /// A hash of one number, for values that are wanted at any position.
    public static func mix(_ number: UInt64) -> UInt64 {
        var z = number
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }
}
