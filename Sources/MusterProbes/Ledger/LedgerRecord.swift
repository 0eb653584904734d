public import MusterCore

/// One record of a ledger's file.
///
/// Each lies in a frame: length and CRC-32 of the payload, both 32 bits, then the payload; little endian. Length
/// and checksum tell a torn tail from a record, wherever a crash cut it.
public enum LedgerRecord: Hashable, Sendable {
    /// The first record of every file.
    case header(workload: String, run: String, seed: UInt64, payloadBytes: Int)
    /// Written before the write is sent.
    case intent(EntryKey, sent: Instant)
    /// Written after the reply, or when it was given up.
    case outcome(EntryKey, finished: Instant, LedgerEntry.Outcome, code: Int32)

    static let magic = Array("muster ledger 1\n".utf8)
    static let longest = 4096

    func frame(into bytes: inout [UInt8]) {
        var payload: [UInt8] = []
        payload.reserveCapacity(32)
        switch self {
        case .header(let workload, let run, let seed, let payloadBytes):
            payload.append(1)
            Self.put(seed, &payload)
            Self.put(Int64(payloadBytes), &payload)
            for text in [workload, run] {
                Self.put(UInt32(text.utf8.count), &payload)
                payload += text.utf8
            }
        case .intent(let key, let sent):
            payload.append(2)
            Self.put(key.stream, &payload)
            Self.put(key.sequence, &payload)
            Self.put(sent.nanoseconds, &payload)
        case .outcome(let key, let finished, let outcome, let code):
            payload.append(3)
            Self.put(key.stream, &payload)
            Self.put(key.sequence, &payload)
            Self.put(finished.nanoseconds, &payload)
            payload.append(outcome.rawValue)
            Self.put(code, &payload)
        }
        Self.put(UInt32(payload.count), &bytes)
        Self.put(CRC32.of(payload), &bytes)
        bytes += payload
    }

    private static func put(_ number: some FixedWidthInteger, _ bytes: inout [UInt8]) {
        var rest = number.littleEndian
        withUnsafeBytes(of: &rest) { bytes.append(contentsOf: $0) }
    }

    /// Reads a payload; nil when it is of no kind that this version knows.
    init?(payload: ArraySlice<UInt8>) {
        var reader = Reader(rest: payload)
        switch reader.number(UInt8.self) {
        case 1:
            guard let seed = reader.number(UInt64.self), let size = reader.number(Int64.self),
                let workload = reader.text(), let run = reader.text()
            else { return nil }
            self = .header(workload: workload, run: run, seed: seed, payloadBytes: Int(size))
        case 2:
            guard let key = reader.key(), let sent = reader.number(Int64.self) else { return nil }
            self = .intent(key, sent: Instant(nanoseconds: sent))
        case 3:
            guard let key = reader.key(), let finished = reader.number(Int64.self),
                let outcome = reader.number(UInt8.self).flatMap(LedgerEntry.Outcome.init(rawValue:)),
                let code = reader.number(Int32.self)
            else { return nil }
            self = .outcome(key, finished: Instant(nanoseconds: finished), outcome, code: code)
        default: return nil
        }
    }

    struct Reader {
        var rest: ArraySlice<UInt8>

        mutating func number<N: FixedWidthInteger>(_ type: N.Type) -> N? {
            let size = MemoryLayout<N>.size
            guard rest.count >= size else { return nil }
            var value = N.zero
            withUnsafeMutableBytes(of: &value) { $0.copyBytes(from: rest.prefix(size)) }
            rest = rest.dropFirst(size)
            return N(littleEndian: value)
        }

        mutating func key() -> EntryKey? {
            guard let stream = number(Int32.self), let sequence = number(Int64.self) else { return nil }
            return EntryKey(stream: stream, sequence: sequence)
        }

        mutating func text() -> String? {
            guard let length = number(UInt32.self), rest.count >= length else { return nil }
            defer { rest = rest.dropFirst(Int(length)) }
            return String(decoding: rest.prefix(Int(length)), as: UTF8.self)
        }
    }
}
