import Glibc
import MusterCore
import MusterDrills
import MusterSystem

/// Rows as they were read, by key and hash, in a file without a name: so that a difference can be told row by row after
/// the fault, when nobody can ask for the rows of before any more. It is gone with the process.
final class RowIndex {
    private let file: Descriptor
    private var unwritten: [UInt8] = []
    private var written: Int64 = 0
    private static let block = 256 << 10

    /// - Throws: `SystemError`.
    init(in directory: String) throws(SystemError) {
        // O_TMPFILE is not everywhere; a name that is gone at once is.
        let path = "\(directory)/.rows-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        file = try Descriptor(opening: path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW)
        unlink(path)
        unwritten.reserveCapacity(Self.block + 4096)
    }

    /// Where the next row will stand.
    var end: Int64 { written + Int64(unwritten.count) }

    func append(_ key: [UInt8], _ hash: DigestSum, _ aspect: UInt64) throws(SystemError) {
        Self.put(UInt32(key.count), &unwritten)
        Self.put(aspect, &unwritten)
        Self.put(hash.value, &unwritten)
        unwritten += key
        if unwritten.count >= Self.block { try flush() }
    }

    func flush() throws(SystemError) {
        try file.write(unwritten, at: written)
        written += Int64(unwritten.count)
        unwritten.removeAll(keepingCapacity: true)
    }

    private static func put(_ number: some FixedWidthInteger, _ bytes: inout [UInt8]) {
        withUnsafeBytes(of: number) { bytes.append(contentsOf: $0) }
    }

    /// Reads rows again, from one place to another.
    final class Reader {
        private let index: RowIndex
        private var next: Int64
        private let end: Int64
        private var block: [UInt8] = []
        private var place = 0

        /// - Parameter range: as the starts of buckets say; everything must have been flushed.
        init(_ index: RowIndex, _ range: Range<Int64>) {
            self.index = index
            next = range.lowerBound
            end = range.upperBound
        }

        /// - Returns: nil at the end.
        func row() throws(SystemError) -> IndexedRow? {
            guard try has(28) else { return nil }
            let length = Int(take(UInt32.self))
            let aspect = take(UInt64.self)
            let hash = take(UInt128.self)
            guard try has(length) else {
                throw SystemError("read the index of rows", code: EIO)
            }
            let key = Array(block[place..<place + length])
            place += length
            return IndexedRow(key: key, hash: DigestSum(hash), aspect: aspect)
        }

        private func take<Number: FixedWidthInteger>(_ type: Number.Type) -> Number {
            defer { place += MemoryLayout<Number>.size }
            return block.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: place, as: type) }
        }

        private func has(_ count: Int) throws(SystemError) -> Bool {
            if block.count - place >= count { return true }
            block.removeFirst(place)
            place = 0
            while block.count < count, next < end {
                let wanted = Int(min(end - next, Int64(max(RowIndex.block, count))))
                let bytes = try index.file.read(at: next, count: wanted)
                if bytes.isEmpty { break }
                next += Int64(bytes.count)
                block += bytes
            }
            return block.count >= count
        }
    }
}
