import MusterCore
import MusterDrills

/// What a ledger's file begins with.
struct LedgerHeader: Hashable, Sendable {
    var workload: String
    var run: String
    var seed: UInt64
    var payloadBytes: Int

    static let magic = Array("muster ledger 1\n".utf8)
    static let kind: UInt8 = 1

    /// The header in its frame.
    var frame: [UInt8] {
        var payload: [UInt8] = [Self.kind]
        func put(_ number: some FixedWidthInteger) {
            withUnsafeBytes(of: number.littleEndian) { payload.append(contentsOf: $0) }
        }
        put(seed)
        put(Int64(payloadBytes))
        for text in [workload, run] {
            put(UInt32(text.utf8.count))
            payload += text.utf8
        }
        let head = UInt64(UInt32(payload.count)) | UInt64(CRC32.of(payload)) << 32
        return withUnsafeBytes(of: head.littleEndian, Array.init) + payload
    }

    init(workload: String, run: String, seed: UInt64, payloadBytes: Int) {
        self.workload = workload
        self.run = run
        self.seed = seed
        self.payloadBytes = payloadBytes
    }

    /// Reads a payload; nil when it is no header.
    init?(payload: UnsafeRawBufferPointer) {
        guard payload.count >= 21, payload[0] == Self.kind else { return nil }
        seed = payload.number(at: 1)
        payloadBytes = Int(payload.number(at: 9) as Int64)
        var texts: [String] = []
        var place = 17
        while texts.count < 2 {
            guard payload.count >= place + 4 else { return nil }
            let length = Int(payload.number(at: place) as UInt32)
            guard payload.count - place - 4 >= length else { return nil }
            texts.append(String(decoding: payload[(place + 4)..<(place + 4 + length)], as: UTF8.self))
            place += 4 + length
        }
        (workload, run) = (texts[0], texts[1])
    }
}

/// One record of a ledger's file: what was about to be written, or what came of it. Plain bytes of fixed
/// size, so that it goes through a ring.
///
/// Each lies in a frame: length and CRC-32 of the payload, both 32 bits, then the payload; little endian.
/// Length and checksum tell a torn tail from a record, wherever a crash cut it.
struct LedgerRecord: Hashable, Sendable, BitwiseCopyable {
    enum Kind: UInt8, BitwiseCopyable {
        /// Written before the write is sent.
        case intent = 2
        /// Written after the reply, or when it was given up.
        case outcome = 3
    }
    let kind: Kind
    /// Of an outcome; `pending` of an intent.
    private let word: UInt8
    private let stream: Int32
    let code: Int32
    /// What a look at a register found: the version that it showed, or one of the numbers of `Seen`.
    private let seen: Int32
    private let sequence: Int64
    private let time: Int64

    private enum Seen {
        static let notKept: Int32 = 0
        static let nothing: Int32 = -1
        static let other: Int32 = -2
    }

    var key: EntryKey { EntryKey(stream: stream, sequence: sequence) }
    /// When the write was sent, or was over.
    var at: Instant { Instant(nanoseconds: time) }
    var outcome: LedgerEntry.Outcome { LedgerEntry.Outcome(rawValue: word) ?? .pending }
    /// Of an outcome of a look at a register that was answered; nil of all others, and where the version does not
    /// fit in the record: one writer would have to write for days.
    var sight: RegisterSight? {
        switch seen {
        case 1...: .version(Int64(seen))
        case Seen.nothing: .nothing
        case Seen.other: .other
        default: nil
        }
    }
    var isAcknowledgement: Bool { kind == .outcome && (outcome == .ok || outcome == .okWithWarning) }

    static func intent(_ key: EntryKey, sent: Instant) -> Self {
        Self(.intent, key, sent, .pending, code: 0)
    }

    static func outcome(
        _ key: EntryKey, finished: Instant, _ outcome: LedgerEntry.Outcome, code: Int32,
        sight: RegisterSight? = nil
    ) -> Self {
        Self(.outcome, key, finished, outcome, code: code, seen: sight.map(number(of:)) ?? Seen.notKept)
    }

    private static func number(of sight: RegisterSight) -> Int32 {
        switch sight {
        case .nothing: Seen.nothing
        case .other: Seen.other
        case .version(let version): Int32(exactly: version) ?? Seen.notKept
        }
    }

    private init(
        _ kind: Kind, _ key: EntryKey, _ at: Instant, _ outcome: LedgerEntry.Outcome, code: Int32,
        seen: Int32 = Seen.notKept
    ) {
        self.kind = kind
        word = outcome.rawValue
        stream = key.stream
        self.code = code
        self.seen = seen
        sequence = key.sequence
        time = at.nanoseconds
    }

    private static let intentBytes = 21
    private static let outcomeBytes = 26
    /// With what a look found. A version that does not know of it passes over the bytes at the end.
    private static let lookBytes = 30
    static let frameHead = 8
    static let longestFrame = frameHead + lookBytes
    /// No payload is longer, the header's included.
    static let longestPayload = 4096

    /// - Parameter bytes: has room for `longestFrame`.
    /// - Returns: how many bytes the frame takes.
    func frame(into bytes: UnsafeMutableRawPointer) -> Int {
        let payload = bytes + Self.frameHead
        payload.storeBytes(of: kind.rawValue, as: UInt8.self)
        payload.storeBytes(of: stream.littleEndian, toByteOffset: 1, as: Int32.self)
        payload.storeBytes(of: sequence.littleEndian, toByteOffset: 5, as: Int64.self)
        payload.storeBytes(of: time.littleEndian, toByteOffset: 13, as: Int64.self)
        var count = Self.intentBytes
        if kind == .outcome {
            payload.storeBytes(of: word, toByteOffset: 21, as: UInt8.self)
            payload.storeBytes(of: code.littleEndian, toByteOffset: 22, as: Int32.self)
            count = Self.outcomeBytes
            if seen != Seen.notKept {
                payload.storeBytes(of: seen.littleEndian, toByteOffset: count, as: Int32.self)
                count = Self.lookBytes
            }
        }
        let sum = CRC32.of(UnsafeRawBufferPointer(start: payload, count: count))
        bytes.storeBytes(of: UInt32(count).littleEndian, as: UInt32.self)
        bytes.storeBytes(of: sum.littleEndian, toByteOffset: 4, as: UInt32.self)
        return Self.frameHead + count
    }

    /// Reads a payload; nil when it is of no kind that this version knows.
    init?(payload: UnsafeRawBufferPointer) {
        guard let first = payload.first, let kind = Kind(rawValue: first),
            payload.count >= (kind == .intent ? Self.intentBytes : Self.outcomeBytes)
        else { return nil }
        self.kind = kind
        stream = payload.number(at: 1)
        sequence = payload.number(at: 5)
        time = payload.number(at: 13)
        word = kind == .intent ? 0 : payload[21]
        code = kind == .intent ? 0 : payload.number(at: 22)
        seen =
            kind == .outcome && payload.count >= Self.lookBytes
            ? payload.number(at: Self.outcomeBytes) : Seen.notKept
        if LedgerEntry.Outcome(rawValue: word) == nil { return nil }
    }
}

extension UnsafeRawBufferPointer {
    /// A little-endian number, wherever it lies.
    func number<N: FixedWidthInteger & BitwiseCopyable>(at place: Int) -> N {
        N(littleEndian: loadUnaligned(fromByteOffset: place, as: N.self))
    }
}
