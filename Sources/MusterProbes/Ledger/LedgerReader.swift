import Glibc
import MusterCore
public import MusterDrills
import MusterSystem

/// What a ledger's file says, as far as it is whole.
public struct RecoveredLedger: Sendable {
    public var workload: String
    public var run: String
    public var seed: UInt64
    public var payloadBytes: Int
    /// Sorted by key. Without an outcome record an entry is `pending`, which must be taken as in doubt.
    public var entries: [LedgerEntry]
    /// What looks at registers found. One that was acknowledged and is not here was made before this was kept.
    public var sights: [EntryKey: RegisterSight]
    /// How many bytes at the end are not whole records; nil when the file ends with a whole one.
    public var tornBytes: Int?

    /// Reads a ledger's file. A torn tail, as a crash leaves it, is not an error.
    /// - Throws: `MeasuringError.ledger` when this is not a ledger.
    public static func read(_ path: String) throws -> RecoveredLedger {
        let scan = try LedgerScan(path)
        var table = EntryTable(path)
        var sights: [EntryKey: RegisterSight] = [:]
        let torn = try scan.read { record in
            try table.add(record)
            if let sight = record.sight { sights[record.key] = sight }
        }
        let header = scan.header
        return RecoveredLedger(
            workload: header.workload, run: header.run, seed: header.seed,
            payloadBytes: header.payloadBytes, entries: table.takeAll(), sights: sights,
            tornBytes: torn == 0 ? nil : torn)
    }
}

/// Entries of a ledger as its records tell of them: a stream counts its writes from 1 without a gap, so a
/// record finds its entry by its place, not through a dictionary of millions of keys.
struct EntryTable {
    private let path: String
    private var streams: [[LedgerEntry]] = []
    /// When the newest acknowledgement came in.
    private(set) var lastAcknowledged: Instant?

    init(_ path: String) { self.path = path }

    /// - Throws: `MeasuringError.ledger` when it cannot come after the records before it.
    mutating func add(_ record: LedgerRecord) throws {
        let key = record.key
        guard let stream = Int(exactly: key.stream), (0..<65_536).contains(stream) else {
            throw MeasuringError.ledger(path: path, "has an entry of stream \(key.stream)")
        }
        while streams.count <= stream { streams.append([]) }
        switch record.kind {
        case .intent:
            guard key.sequence == Int64(streams[stream].count + 1) else {
                throw MeasuringError.ledger(
                    path: path,
                    "entry \(key.sequence) of stream \(stream) comes after "
                        + "\(streams[stream].count) entries")
            }
            streams[stream].append(LedgerEntry(key: key, sent: record.at, finished: nil, outcome: .pending))
        case .outcome: finish(key, record.at, record.outcome)
        }
    }

    /// What is known of the end of an entry; one that is not there is passed over.
    mutating func finish(_ key: EntryKey, _ at: Instant, _ outcome: LedgerEntry.Outcome) {
        let stream = Int(key.stream)
        guard let index = Int(exactly: key.sequence - 1), streams[stream].indices.contains(index) else {
            return
        }
        streams[stream][index].finished = at
        streams[stream][index].outcome = outcome
        if outcome == .ok || outcome == .okWithWarning {
            lastAcknowledged = max(lastAcknowledged ?? at, at)
        }
    }

    func sent(_ key: EntryKey) -> Instant? {
        guard streams.indices.contains(Int(key.stream)),
            streams[Int(key.stream)].indices.contains(Int(key.sequence - 1))
        else { return nil }
        return streams[Int(key.stream)][Int(key.sequence - 1)].sent
    }

    /// All entries, sorted by key. They are in memory once only: each stream is given up when it was taken.
    mutating func takeAll() -> [LedgerEntry] {
        var all: [LedgerEntry] = []
        all.reserveCapacity(streams.reduce(0) { $0 + $1.count })
        for stream in streams.indices {
            all += streams[stream]
            streams[stream] = []
        }
        return all
    }
}

/// Reads a ledger's file record by record, a piece at a time, whatever its size.
struct LedgerScan {
    let header: LedgerHeader
    private let path: String
    private let file: Descriptor
    private let size: Int
    private let start: Int

    private static let piece = 1 << 20

    /// - Throws: `MeasuringError.ledger` when this is not a ledger.
    init(_ path: String) throws {
        self.path = path
        let head: [UInt8]
        do {
            file = try Descriptor(opening: path, O_RDONLY)
            head = try file.read(at: 0, count: LedgerHeader.magic.count + 2 * LedgerRecord.longestPayload)
        } catch {
            throw MeasuringError.ledger(path: path, "\(error)")
        }
        size = Int(lseek(file.number, 0, Int32(SEEK_END)))
        let magic = LedgerHeader.magic.count
        guard head.starts(with: LedgerHeader.magic) else {
            throw MeasuringError.ledger(path: path, "is not a ledger of version 1")
        }
        let found: (LedgerHeader, Int)? = head.withUnsafeBytes { bytes in
            guard let payload = Self.payload(bytes, magic), let header = LedgerHeader(payload: payload) else {
                return nil
            }
            return (header, magic + LedgerRecord.frameHead + payload.count)
        }
        guard let found else { throw MeasuringError.ledger(path: path, "its header is not whole") }
        (header, start) = found
    }

    /// Each whole record in order.
    /// - Parameter limit: how many at most.
    /// - Returns: how many bytes at the end are not whole records; 0 when `limit` came first.
    /// - Throws: `MeasuringError.ledger` when it cannot be read, and what `body` throws.
    func read(limit: Int = .max, _ body: (LedgerRecord) throws -> Void) throws -> Int {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.piece, alignment: 16)
        defer { buffer.deallocate() }
        var place = start
        var left = limit
        while place < size, left > 0 {
            let filled = try fill(buffer, at: place)
            let bytes = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<filled])
            var used = 0
            while left > 0, let payload = Self.payload(bytes, used),
                let record = LedgerRecord(payload: payload)
            {
                try body(record)
                used += LedgerRecord.frameHead + payload.count
                left -= 1
            }
            if used == 0 { return size - place }
            place += used
        }
        return 0
    }

    private func fill(_ buffer: UnsafeMutableRawBufferPointer, at place: Int) throws -> Int {
        var filled = 0
        while filled < buffer.count {
            let got = pread(file.number, buffer.baseAddress! + filled, buffer.count - filled, place + filled)
            if got < 0 && errno == EINTR { continue }
            if got < 0 { throw MeasuringError.ledger(path: path, "cannot be read: \(errorText(errno))") }
            if got == 0 { break }
            filled += got
        }
        return filled
    }

    /// The payload of the frame at `place`; nil when it is not there whole.
    private static func payload(_ bytes: UnsafeRawBufferPointer, _ place: Int) -> UnsafeRawBufferPointer? {
        let start = place + LedgerRecord.frameHead
        guard bytes.count >= start else { return nil }
        let length = Int(bytes.number(at: place) as UInt32)
        guard length <= LedgerRecord.longestPayload, bytes.count - start >= length else { return nil }
        let payload = UnsafeRawBufferPointer(rebasing: bytes[start..<(start + length)])
        return CRC32.of(payload) == bytes.number(at: place + 4) as UInt32 ? payload : nil
    }
}
