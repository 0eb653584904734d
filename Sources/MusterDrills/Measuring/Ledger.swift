public import MusterCore

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
    public var workload: String
    /// By key; in this order classification costs no sorting.
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
        // Made for every write on the thread that sends it, so nothing but the string itself is allocated.
        String(unsafeUninitializedCapacity: max(bytes, 48)) { buffer in
            var count = ASCIIDigits.put(Int64(key.stream), buffer, at: 0)
            buffer[count] = UInt8(ascii: ".")
            count = ASCIIDigits.put(key.sequence, buffer, at: count + 1)
            buffer[count] = UInt8(ascii: ".")
            count += 1
            var random = SplitMix64(
                seed: seed ^ UInt64(bitPattern: key.sequence) &* 0x9E37_79B9_7F4A_7C15
                    ^ UInt64(UInt32(bitPattern: key.stream)) << 40)
            while count < bytes - 9 {
                // One of a…z, 2…7.
                let letter = UInt8(truncatingIfNeeded: random.next() >> 59)
                buffer[count] = letter < 26 ? UInt8(ascii: "a") + letter : UInt8(ascii: "2") + letter - 26
                count += 1
            }
            let sum = CRC32.of(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<count]))
            buffer[count] = UInt8(ascii: ".")
            for place in 0..<8 {
                let digit = UInt8(truncatingIfNeeded: sum >> UInt32(28 - 4 * place) & 15)
                buffer[count + 1 + place] =
                    digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
            }
            return count + 9
        }
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

/// Decimal numbers as bytes, without a string for each.
enum ASCIIDigits {
    /// Room that any number needs.
    static let longest = 20

    /// - Returns: where the number ends in `buffer`.
    static func put(_ number: Int64, _ buffer: UnsafeMutableBufferPointer<UInt8>, at place: Int) -> Int {
        var place = place
        if number < 0 {
            buffer[place] = UInt8(ascii: "-")
            place += 1
        }
        var rest = number.magnitude
        let start = place
        repeat {
            buffer[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
            place += 1
        } while rest > 0
        buffer[start..<place].reverse()
        return place
    }
}

/// CRC-32 as in IEEE 802.3 and zlib: enough to notice a torn or flipped entry.
///
/// Eight bytes at a time from eight tables: Kounavis and Berry, "Novel Table Lookup-Based Algorithms for
/// High-Performance CRC Generation" (IEEE Transactions on Computers 57, 2008).
public enum CRC32 {
    /// 256 values for each of the eight places of a byte.
    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 8 * 256)
        for index in 0..<256 {
            tables[index] = (0..<8).reduce(UInt32(index)) { value, _ in
                value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1
            }
        }
        for index in 256..<2048 {
            let before = tables[index - 256]
            tables[index] = before >> 8 ^ tables[Int(before & 255)]
        }
        return tables
    }()

    public static func of(_ bytes: some Sequence<UInt8>) -> UInt32 {
        bytes.withContiguousStorageIfAvailable { of(UnsafeRawBufferPointer($0)) }
            ?? Array(bytes).withUnsafeBytes { of($0) }
    }

    /// The same, for bytes that lie in memory already.
    public static func of(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        tables.withUnsafeBufferPointer { table in
            var sum = ~UInt32(0)
            var place = 0
            while place + 8 <= bytes.count {
                let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self))
                let low = UInt32(truncatingIfNeeded: word) ^ sum
                let high = UInt32(truncatingIfNeeded: word >> 32)
                // The last byte has come through one table, the first through all eight.
                let first = table[1792 + Int(low & 255)] ^ table[1536 + Int(low >> 8 & 255)]
                let second = table[1280 + Int(low >> 16 & 255)] ^ table[1024 + Int(low >> 24)]
                let third = table[768 + Int(high & 255)] ^ table[512 + Int(high >> 8 & 255)]
                let fourth = table[256 + Int(high >> 16 & 255)] ^ table[Int(high >> 24)]
                sum = first ^ second ^ third ^ fourth
                place += 8
            }
            while place < bytes.count {
                sum = sum >> 8 ^ table[Int(UInt8(truncatingIfNeeded: sum) ^ bytes[place])]
                place += 1
            }
            return ~sum
        }
    }
}
