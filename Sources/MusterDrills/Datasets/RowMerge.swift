import MusterCore

/// One row as an index keeps it.
public struct IndexedRow: Hashable, Sendable {
    public var key: [UInt8]
    public var hash: DigestSum
    /// Of a part of it, so that two rows can be told to differ in it or in the rest; 0 where there is none.
    public var aspect: UInt64

    public init(key: [UInt8], hash: DigestSum, aspect: UInt64 = 0) {
        self.key = key
        self.hash = hash
        self.aspect = aspect
    }
}

/// Tells rows before from rows after, both in the order of their keys, in the memory of one row each. Of rows with one
/// key, those count as changed that stand against each other, and the rest as missing or extra.
public struct RowMerge {
    public enum Difference: Hashable, Sendable {
        case missing(IndexedRow)
        case extra(IndexedRow)
        case changed(before: IndexedRow, after: IndexedRow)

        /// Of the row that is not as it was.
        public var key: [UInt8] {
            switch self {
            case .missing(let row), .extra(let row), .changed(_, let row): row.key
            }
        }
    }

    /// - Parameters:
    ///   - before: the next row from before; nil at the end.
    ///   - found: called for each difference, in the order of the keys.
    public static func run(
        _ before: () throws -> IndexedRow?, _ after: () throws -> IndexedRow?,
        _ found: (Difference) -> Void
    ) rethrows {
        var old = try before()
        var new = try after()
        while old != nil || new != nil {
            guard let left = old else {
                if let new { found(.extra(new)) }
                new = try after()
                continue
            }
            guard let right = new else {
                found(.missing(left))
                old = try before()
                continue
            }
            if DatasetKey.isBefore(left.key, right.key) {
                found(.missing(left))
                old = try before()
            } else if DatasetKey.isBefore(right.key, left.key) {
                found(.extra(right))
                new = try after()
            } else {
                if left.hash != right.hash { found(.changed(before: left, after: right)) }
                old = try before()
                new = try after()
            }
        }
    }
}
