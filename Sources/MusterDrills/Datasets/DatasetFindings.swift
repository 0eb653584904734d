public import MusterCore

/// One row or file that is not as it was.
public struct DatasetDifference: Hashable, Sendable {
    public enum Kind: String, Sendable, Codable, CaseIterable {
        case missing, extra, changed
    }
    public var kind: Kind
    /// The table; empty in a tree of files.
    public var part: String
    /// The key or path, for people.
    public var key: String
    /// What of it is not as it was, such as `contents` or `attributes`; empty where that is not known.
    public var detail: String

    public init(_ kind: Kind, part: String, key: String, detail: String = "") {
        self.kind = kind
        self.part = part
        self.key = key
        self.detail = detail
    }
}

/// A range of keys in which something is not as it was.
public struct DatasetRange: Hashable, Sendable {
    public var part: String
    /// The keys behind this one, for people; empty: from the beginning.
    public var after: String
    /// Up to this one; empty: to the end.
    public var upTo: String
    public var rowsBefore: Int
    public var rowsAfter: Int

    public init(part: String, after: String, upTo: String, rowsBefore: Int, rowsAfter: Int) {
        self.part = part
        self.after = after
        self.upTo = upTo
        self.rowsBefore = rowsBefore
        self.rowsAfter = rowsAfter
    }
}

/// How much a dataset held when it was read.
public struct DatasetExtent: Hashable, Sendable {
    /// Rows, or files with directories and links.
    public var items: Int
    public var bytes: Int64
    /// Of all of it.
    public var sum: DigestSum
    /// When it was read.
    public var read: Bracket

    public init(items: Int, bytes: Int64, sum: DigestSum, read: Bracket) {
        self.items = items
        self.bytes = bytes
        self.sum = sum
        self.read = read
    }
}

/// What became of a dataset between before the fault and after the recovery.
public struct DatasetFindings: Hashable, Sendable {
    public enum Result: String, Sendable, Codable, CaseIterable {
        /// All of it is as it was, but for what the run itself wrote.
        case equal
        case differs
        /// It could not be read, or changed while it was.
        case inconclusive
    }

    public var name: String
    /// `files`, `postgres` or `sqlite`.
    public var kind: String
    public var result = Result.inconclusive
    /// nil when it was not read to its end.
    public var before: DatasetExtent?
    public var after: DatasetExtent?
    public var missing = 0
    public var extra = 0
    public var changed = 0
    /// The run's own entries that the ledger accounts for: acknowledged, or in doubt.
    public var explained = 0
    /// What is gone, new or another besides rows, such as tables, columns and indices, in words.
    public var structure: [String] = []
    /// The ranges that differ; of more than `mostRanges` the first ones.
    public var ranges: [DatasetRange] = []
    public var differingRanges = 0
    /// Row by row; of more than `mostDifferences` the first ones. The counts have all.
    public var differences: [DatasetDifference] = []
    /// Why nothing can be concluded; empty when something can.
    public var problems: [String] = []
    /// What a reader should know, such as that sockets were not read.
    public var notes: [String] = []

    public static let mostRanges = 16
    public static let mostDifferences = 100
    /// Of `structure`, in one sentence.
    private static let mostTold = 3

    public init(name: String, kind: String) {
        self.name = name
        self.kind = kind
    }

    /// What its items are called.
    public var noun: String { kind == "files" ? "files" : "rows" }

    private var isSame: Bool {
        missing + extra + changed + differingRanges == 0 && structure.isEmpty
    }

    /// Settles the result from what was found. Proof of a difference stands whatever else could not be read.
    public mutating func conclude() {
        if !isSame { result = .differs } else { result = problems.isEmpty ? .equal : .inconclusive }
    }

    /// In one sentence, without a stop.
    public var sentence: String {
        switch result {
        case .inconclusive: return "'\(name)': \(problems.first ?? "it was not read")"
        case .equal:
            let count = before?.items ?? 0
            let own = explained > 0 ? "; \(explained) more are the run's own, and accounted for" : ""
            return "'\(name)': all \(count) \(noun) are as they were\(own)"
        case .differs:
            var words = Array(structure.prefix(Self.mostTold))
            if structure.count > words.count { words.append("\(structure.count - words.count) more like it") }
            if isEmptied { return "'\(name)': it is empty: all \(before?.items ?? 0) \(noun) are gone" }
            let counts = [(missing, "missing"), (changed, "changed"), (extra, "extra")].filter { $0.0 > 0 }
                .map { "\($0.0) \($0.1)" }
            if !counts.isEmpty {
                let of = before.map { " of \($0.items) \(noun)" } ?? " \(noun)"
                words.append(counts.joined(separator: ", ") + of + first)
            } else if words.isEmpty {
                words.append(
                    "\(differingRanges) ranges of keys differ, and their \(noun) cannot be told apart")
            }
            return "'\(name)': " + words.joined(separator: "; ")
        }
    }

    /// Whether nothing is left of what there was.
    public var isEmptied: Bool {
        // The directory itself is one of its items.
        let least = kind == "files" ? 1 : 0
        guard let before, let after, before.items > least, after.items <= least else { return false }
        // What could not be read is not known to be gone.
        return extra == 0 && missing + least >= before.items
    }

    private var first: String {
        guard let one = differences.first else { return "" }
        return " (the first: \(one.part.isEmpty ? "" : one.part + " ")\(one.key))"
    }

    /// Differences that are counted and not listed.
    public var unlisted: Int { missing + extra + changed - differences.count }
}
