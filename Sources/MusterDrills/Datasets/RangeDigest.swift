import MusterCore

/// The hashes of rows, added modulo 2¹²⁸: the sum of a set is the same in whatever order it was read, and two rows that
/// are alike do not cancel each other, as they would with XOR (Bellare and Micciancio, "A New Paradigm for
/// Collision-Free Hashing: Incrementality at Reduced Cost", EUROCRYPT '97).
///
/// It tells damage from none. Somebody who chooses rows for the purpose can make two sets with one sum.
public struct DigestSum: Hashable, Sendable {
    public var value: UInt128
    public init(_ value: UInt128 = 0) { self.value = value }

    public static func + (lhs: Self, rhs: Self) -> Self { Self(lhs.value &+ rhs.value) }
    public static func - (lhs: Self, rhs: Self) -> Self { Self(lhs.value &- rhs.value) }
    public static func += (lhs: inout Self, rhs: Self) { lhs.value &+= rhs.value }

    /// 32 hexadecimal digits.
    public var hex: String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 32 - digits.count) + digits
    }
}

/// The digest of rows that were read in the order of their keys: sums over ranges of keys, so that a difference is
/// known to lie in one of them.
public struct RangeDigest: Hashable, Sendable {
    /// All rows behind the last key of the bucket before, up to `last`.
    public struct Bucket: Hashable, Sendable {
        /// The key of its last row, as `DatasetKey` writes it. Of the very last bucket nothing follows.
        public var last: [UInt8]
        public var rows: Int
        public var sum: DigestSum
        /// Where its first row stands in the index of rows, in bytes.
        public var start: Int64

        public init(last: [UInt8], rows: Int, sum: DigestSum, start: Int64) {
            self.last = last
            self.rows = rows
            self.sum = sum
            self.start = start
        }

        public func isAlike(_ other: Bucket) -> Bool { rows == other.rows && sum == other.sum }
    }

    public var buckets: [Bucket]
    public init(buckets: [Bucket] = []) { self.buckets = buckets }

    public var rows: Int { buckets.reduce(0) { $0 + $1.rows } }
    public var sum: DigestSum { buckets.reduce(DigestSum()) { $0 + $1.sum } }

    /// The buckets of which the other digest, which must have been built along this one, holds something else.
    public func differing(from other: RangeDigest) -> [Int] {
        precondition(buckets.count == other.buckets.count, "two digests over the same ranges")
        return buckets.indices.filter { !buckets[$0].isAlike(other.buckets[$0]) }
    }
}

/// Adds rows up, in the order of their keys, in memory that does not grow with them.
public struct RangeDigestBuilder: Sendable {
    /// How many buckets there are at most, and half as many at least once there are as many rows.
    public static let mostBuckets = 2048

    private var digest = RangeDigest()
    private var open: RangeDigest.Bucket?
    /// Rows of a bucket while it grows; doubled whenever there are too many buckets.
    private var capacity = 1
    private let most: Int
    /// Where the ranges of an earlier digest end; nil: they are made as the rows come.
    private let ends: [[UInt8]]?
    private var previous: [UInt8] = []
    private var hasRow = false
    /// Whether a row had the same key as the one before it.
    public private(set) var hasTwins = false
    /// Whether a row came before one with a smaller key: what was added then means nothing.
    public private(set) var isDisordered = false

    /// - Parameter most: an even number.
    public init(most: Int = RangeDigestBuilder.mostBuckets) {
        precondition(most >= 2 && most.isMultiple(of: 2), "an even number of buckets")
        self.most = most
        ends = nil
    }

    /// Over the same ranges of keys as an earlier digest; its last range has no end.
    public init(along earlier: RangeDigest) {
        most = max(2, earlier.buckets.count)
        ends = earlier.buckets.dropLast().map(\.last)
    }

    /// - Parameters:
    ///   - key: as `DatasetKey` writes it; not before that of the row before it.
    ///   - start: where the row stands in the index of rows.
    public mutating func add(_ key: [UInt8], _ hash: DigestSum, at start: Int64) {
        if hasRow {
            if key == previous {
                hasTwins = true
            } else if DatasetKey.isBefore(key, previous) {
                isDisordered = true
            }
        }
        hasRow = true
        if let ends {
            while digest.buckets.count < ends.count, DatasetKey.isBefore(ends[digest.buckets.count], key) {
                close(with: ends[digest.buckets.count], start)
            }
        } else if let bucket = open, bucket.rows >= capacity, key != previous {
            // Rows with one key stay together, or a later digest would put them elsewhere.
            close(with: previous, start)
            if digest.buckets.count >= most { halve() }
        }
        if open == nil { open = RangeDigest.Bucket(last: [], rows: 0, sum: DigestSum(), start: start) }
        open?.rows += 1
        open?.sum += hash
        previous.removeAll(keepingCapacity: true)
        previous.append(contentsOf: key)
    }

    /// - Parameter end: where the index of rows ends.
    public mutating func finish(at end: Int64) -> RangeDigest {
        if let ends {
            while digest.buckets.count < ends.count { close(with: ends[digest.buckets.count], end) }
            close(with: previous, end)
        } else if open != nil || digest.buckets.isEmpty {
            close(with: previous, end)
        }
        return digest
    }

    private mutating func close(with last: [UInt8], _ start: Int64) {
        var bucket = open ?? RangeDigest.Bucket(last: [], rows: 0, sum: DigestSum(), start: start)
        bucket.last = last
        digest.buckets.append(bucket)
        open = nil
    }

    private mutating func halve() {
        var halved: [RangeDigest.Bucket] = []
        halved.reserveCapacity(most)
        for index in stride(from: 0, to: digest.buckets.count, by: 2) {
            var bucket = digest.buckets[index]
            if index + 1 < digest.buckets.count {
                let next = digest.buckets[index + 1]
                bucket.last = next.last
                bucket.rows += next.rows
                bucket.sum += next.sum
            }
            halved.append(bucket)
        }
        digest.buckets = halved
        capacity *= 2
    }
}
