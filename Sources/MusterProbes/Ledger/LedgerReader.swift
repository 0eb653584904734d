import Glibc
public import MusterCore
import MusterSystem

/// What a ledger's file says, as far as it is whole.
public struct RecoveredLedger: Sendable {
    public var workload: String
    public var run: String
    public var seed: UInt64
    public var payloadBytes: Int
    /// Sorted by key. Without an outcome record an entry is `pending`, which must be taken as in doubt.
    public var entries: [LedgerEntry]
    /// How many bytes at the end are not whole records; nil when the file ends with a whole one.
    public var tornBytes: Int?

    /// Reads a ledger's file. A torn tail, as a crash leaves it, is not an error.
    /// - Throws: `MeasuringError.ledger` when this is not a ledger.
    public static func read(_ path: String) throws -> RecoveredLedger {
        let bytes: [UInt8]
        do {
            bytes = try Descriptor(opening: path, O_RDONLY).readAll(limit: 1 << 32)
        } catch {
            throw MeasuringError.ledger(path: path, "\(error)")
        }
        guard bytes.starts(with: LedgerRecord.magic) else {
            throw MeasuringError.ledger(path: path, "is not a ledger of version 1")
        }
        var ledger = RecoveredLedger(
            workload: "", run: "", seed: 0, payloadBytes: 0, entries: [], tornBytes: nil)
        var entries: [EntryKey: LedgerEntry] = [:]
        var place = LedgerRecord.magic.count
        while let (record, end) = record(bytes, place) {
            place = end
            switch record {
            case .header(let workload, let run, let seed, let payloadBytes):
                ledger.workload = workload
                ledger.run = run
                ledger.seed = seed
                ledger.payloadBytes = payloadBytes
            case .intent(let key, let sent):
                entries[key] = LedgerEntry(key: key, sent: sent, finished: nil, outcome: .pending)
            case .outcome(let key, let finished, let outcome, _):
                entries[key]?.finished = finished
                entries[key]?.outcome = outcome
            }
        }
        if place < bytes.count { ledger.tornBytes = bytes.count - place }
        ledger.entries = entries.values.sorted { $0.key < $1.key }
        return ledger
    }

    private static func record(_ bytes: [UInt8], _ place: Int) -> (LedgerRecord, Int)? {
        var reader = LedgerRecord.Reader(rest: bytes[place...])
        guard let length = reader.number(UInt32.self), let sum = reader.number(UInt32.self),
            length <= LedgerRecord.longest, reader.rest.count >= length
        else { return nil }
        let payload = reader.rest.prefix(Int(length))
        guard CRC32.of(payload) == sum, let record = LedgerRecord(payload: payload) else { return nil }
        return (record, payload.endIndex)
    }
}
