import MusterCore

/// Samples as differences from the one before, each number as a LEB128 varint with its sign in the lowest bit.
///
/// A byte of flags comes first: the outcome, whether it was due one period after the one before, whether the code is
/// the same, and whether the instrument had not looked. Differences wrap around, so that every instant comes back
/// exactly.
struct SampleChunk: Sendable {
    private enum Place: Sendable {
        case memory([UInt8])
        case archive(Int)
    }

    // In this order they take 64 bytes, and 72 with `place` at the end: a long run has many.
    private var place: Place
    /// CRC-32 of the bytes: what an archive gives back is believed only when it is what it was given.
    private let sum: UInt32
    private let samples: Int32
    private let length: Int32
    let first: Sample

    static let size = 256
    private static let isOnTime: UInt8 = 1 << 3
    private static let isSameCode: UInt8 = 1 << 4
    private static let isBlind: UInt8 = 1 << 5

    var count: Int { Int(samples) }

    /// What it takes in memory beside its fixed size.
    var bytesInMemory: Int { if case .memory = place { Int(length) } else { 0 } }

    /// - Parameter samples: at least one.
    init(_ samples: ArraySlice<Sample>) {
        first = samples[samples.startIndex]
        self.samples = Int32(samples.count)
        var writer = VarintWriter(capacity: samples.count * 10)
        var due: Int64 = 0
        var step: Int64 = 0
        var code: Int32 = 0
        for sample in samples {
            let difference = sample.due.nanoseconds &- due
            var flags = sample.outcome.rawValue
            if difference == step { flags |= Self.isOnTime }
            if sample.code == code { flags |= Self.isSameCode }
            if sample.blindNanoseconds != 0 { flags |= Self.isBlind }
            writer.bytes.append(flags)
            if difference != step { writer.add(difference &- step) }
            writer.add(sample.started.nanoseconds &- sample.due.nanoseconds)
            writer.add(sample.finished.nanoseconds &- sample.started.nanoseconds)
            if sample.code != code { writer.add(Int64(sample.code)) }
            if sample.blindNanoseconds != 0 { writer.add(sample.blindNanoseconds) }
            due = sample.due.nanoseconds
            step = difference
            code = sample.code
        }
        // Exactly as large as needed: there are many of them.
        let bytes = [UInt8](unsafeUninitializedCapacity: writer.bytes.count) { buffer, count in
            count = writer.bytes.count
            _ = buffer.initialize(from: writer.bytes)
        }
        length = Int32(bytes.count)
        sum = CRC32.of(bytes)
        place = .memory(bytes)
    }

    /// Offers its bytes, and gives them away if they are taken.
    mutating func offer(to archive: any SampleArchive) -> ArchiveAnswer {
        guard case .memory(let bytes) = place else { return .unneeded }
        let answer = archive.keep(bytes)
        if case .kept(let kept) = answer { place = .archive(kept) }
        return answer
    }

    /// - Parameter archive: the one that it was moved to.
    /// - Returns: how many samples `samples` begins with; what stands behind them has no meaning. What the archive
    ///   cannot give back is there as unknown, all sent with the first: nothing is known of it.
    func decode(into samples: inout [Sample], from archive: (any SampleArchive)?) -> Int {
        if samples.count < count {
            samples = [Sample](repeating: first, count: Swift.max(count, 2 * Self.size))
        }
        switch place {
        case .memory(let bytes): bytes.withUnsafeBytes { decode($0, into: &samples) }
        case .archive(let kept):
            withUnsafeTemporaryAllocation(byteCount: Int(length), alignment: 1) { buffer in
                if archive?.read(at: kept, into: buffer) ?? false,
                    CRC32.of(UnsafeRawBufferPointer(buffer)) == sum
                {
                    decode(UnsafeRawBufferPointer(buffer), into: &samples)
                } else {
                    for index in 0..<count { samples[index] = unknown }
                }
            }
        }
        return count
    }

    private var unknown: Sample {
        Sample(due: first.due, started: first.started, finished: first.started, outcome: .unknown)
    }

    private func decode(_ bytes: UnsafeRawBufferPointer, into samples: inout [Sample]) {
        samples.withUnsafeMutableBufferPointer { samples in
            var reader = VarintReader(bytes: bytes)
            var due: Int64 = 0
            var step: Int64 = 0
            var code: Int32 = 0
            for index in 0..<count {
                let flags = reader.byte()
                if flags & Self.isOnTime == 0 { step &+= reader.next() }
                due &+= step
                let started = due &+ reader.next()
                let finished = started &+ reader.next()
                if flags & Self.isSameCode == 0 { code = Int32(truncatingIfNeeded: reader.next()) }
                let blind = flags & Self.isBlind == 0 ? 0 : reader.next()
                samples[index] = Sample(
                    due: Instant(nanoseconds: due), started: Instant(nanoseconds: started),
                    finished: Instant(nanoseconds: finished),
                    outcome: Sample.Outcome(rawValue: flags & 7) ?? .unknown, code: code,
                    blind: .nanoseconds(blind))
            }
        }
    }
}

private struct VarintWriter {
    var bytes: [UInt8] = []

    init(capacity: Int) { bytes.reserveCapacity(capacity) }

    mutating func add(_ number: Int64) {
        var left = UInt64(bitPattern: number << 1 ^ number >> 63)
        while left >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: left) | 0x80)
            left >>= 7
        }
        bytes.append(UInt8(left))
    }
}

private struct VarintReader {
    let bytes: UnsafeRawBufferPointer
    private var position = 0

    init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    @inline(__always)
    mutating func byte() -> UInt8 {
        defer { position += 1 }
        return bytes[position]
    }

    @inline(__always)
    mutating func next() -> Int64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let part = byte()
            value |= UInt64(part & 0x7F) << shift
            if part < 0x80 { break }
            shift += 7
        }
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }
}
