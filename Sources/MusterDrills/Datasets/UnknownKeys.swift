/// What a reading could not tell: keys of which it is not known whether they are there, or what they hold. What lies there
/// proves nothing, and a difference elsewhere still does. In memory that does not grow with the dataset.
public struct UnknownKeys: Hashable, Sendable {
    /// So many places are kept apart; from the next one on nothing is known.
    public static let most = 10_000

    private var trees: Set<[UInt8]> = []
    private var listings: Set<[UInt8]> = []
    private var rest: [UInt8]?

    public init() {}
    public var isEmpty: Bool { trees.isEmpty && listings.isEmpty && rest == nil }

    /// What is unknown itself, and with it whatever is below it.
    public mutating func add(tree key: [UInt8]) { if hasRoom(for: key) { trees.insert(key) } }

    /// A directory of which it is not known which names are in it. What was read of those that were seen stands.
    public mutating func add(listing key: [UInt8]) { if hasRoom(for: key) { listings.insert(key) } }

    /// Nothing is known of any key.
    public mutating func addAll() { rest = [] }

    private mutating func hasRoom(for key: [UInt8]) -> Bool {
        if trees.count + listings.count < Self.most { return true }
        // What is in a directory comes behind it, so its names are among the rest too.
        if rest.map({ DatasetKey.isBefore(key, $0) }) ?? true { rest = key }
        return false
    }

    func hides(_ key: [UInt8]) -> Bool {
        if let rest, !DatasetKey.isBefore(key, rest) { return true }
        guard !trees.isEmpty else { return false }
        var place: [UInt8]? = key
        while let one = place {
            if trees.contains(one) { return true }
            place = DatasetKey.directory(of: one)
        }
        return false
    }

    func hidesNames(in directory: [UInt8]) -> Bool { listings.contains(directory) }
}

/// Tells the differences that are proven from those that a reading could not know.
public struct ProvenDifferences {
    private let unknown: UnknownKeys
    /// Of which it is not known whether it is there, and so of nothing below it.
    private var hidden: [UInt8]?
    /// How many proved nothing.
    public private(set) var dismissed = 0

    public init(besides unknown: UnknownKeys) { self.unknown = unknown }

    /// - Parameter difference: not before an earlier one in the order of the keys.
    public mutating func includes(_ difference: RowMerge.Difference) -> Bool {
        if isProven(difference) { return true }
        dismissed += 1
        return false
    }

    private mutating func isProven(_ difference: RowMerge.Difference) -> Bool {
        let key = difference.key
        if unknown.isEmpty { return true }
        if unknown.hides(key) { return false }
        // Both were read whole, wherever they lie.
        if case .changed = difference { return true }
        if let hidden, DatasetKey.isBelow(key, hidden) { return false }
        guard let directory = DatasetKey.directory(of: key), unknown.hidesNames(in: directory) else {
            return true
        }
        hidden = key
        return false
    }
}
