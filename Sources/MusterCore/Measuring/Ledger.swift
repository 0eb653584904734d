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

/// What the writer knows about one write. 32 bytes, because a ledger may hold ten million of them.
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

    private var stream: Int32
    public var outcome: Outcome
    private var sequence: Int64
    public var sent: Instant
    /// `Int64.min` while there is none.
    private var end: Int64

    public var key: EntryKey {
        get { EntryKey(stream: stream, sequence: sequence) }
        set {
            stream = newValue.stream
            sequence = newValue.sequence
        }
    }

    /// When the answer was in, or was given up.
    public var finished: Instant? {
        get { end == .min ? nil : Instant(nanoseconds: end) }
        set { end = newValue?.nanoseconds ?? .min }
    }

    public init(key: EntryKey, sent: Instant, finished: Instant?, outcome: Outcome) {
        stream = key.stream
        sequence = key.sequence
        self.sent = sent
        end = finished?.nanoseconds ?? .min
        self.outcome = outcome
    }

    public var isAcknowledged: Bool { outcome == .ok || outcome == .okWithWarning }
    /// When it was acknowledged; only for acknowledged entries.
    var acknowledgedAt: Instant { end == .min ? sent : Instant(nanoseconds: end) }
}

/// A workload's whole story.
public struct Ledger: Sendable {
    /// What a stream of writes is to its store.
    public enum Shape: String, Sendable, CaseIterable {
        /// Each write is an entry of its own, for ever.
        case entries
        /// Each stream is one register, and each write its next version, which replaces the one before.
        case registers
    }

    public var workload: String
    public var shape = Shape.entries
    /// By key; in this order classification costs no sorting.
    public var entries: [LedgerEntry]
    /// Deletions of entries: each has the key of the entry that it deletes, and its own times and outcome.
    public var deletions: [LedgerEntry] = []
    public var readBack: ReadBack?
    public var payloadBytes: Int
    /// Time in which acknowledgements may have come that we could not make durable.
    public var blindWindow: Duration
    /// The expected rate of writes.
    public var rate: Rate

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
