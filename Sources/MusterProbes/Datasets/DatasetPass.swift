import Glibc
import MusterCore
import MusterDrills
import MusterSystem

/// Why a dataset was not read to its end.
struct DatasetFailure: Error {
    var reason: String
    /// Nothing at all is left of what there was; what cannot be reached is not known to be gone.
    var isGone = false
    init(_ reason: String, isGone: Bool = false) {
        self.reason = reason
        self.isGone = isGone
    }
    init(_ error: SystemError) { reason = error.description }
}

/// A dataset that this program can read.
protocol ReadableDataset: Dataset {
    /// Tells the pass of everything that there is, in the order of the keys. It must not change what it reads.
    /// - Throws: `DatasetFailure` when it cannot be read, or not in time.
    func read(into pass: DatasetPass) throws(DatasetFailure)
}

/// One reading of a dataset, from its beginning to its end, in memory that does not grow with it. Used by one thread.
final class DatasetPass {
    /// A table, or a tree of files.
    struct Part {
        var name: String
        /// Its columns; other ones are a difference by themselves.
        var shape: String
        /// What belongs to it, such as its indices.
        var objects: [DatasetObject] = []
        /// The columns by which rows are told apart; empty where the whole row is the key, and rows may be alike.
        var key: [String]?
        var digest = RangeDigest()
        var ownRows = 0
        /// The keys came in another order than the one in which they compare: ranges mean nothing, the sum of all does.
        var isDisordered = false
        var unknown = UnknownKeys()
    }

    private(set) var parts: [Part] = []
    private(set) var problems: [String] = []
    private(set) var notes: [String] = []
    private(set) var explained = 0
    /// The run's own that its ledger does not explain.
    private(set) var unexplained: [DatasetDifference] = []
    private(set) var unexplainedCount = 0
    var bytes: Int64 = 0
    /// What belongs to no part.
    var objects: [DatasetObject] = []
    let index: RowIndex
    let names: KeyNames
    let began = monotonicNow()
    private(set) var ended: Instant

    private let earlier: [String: Part]
    private let account: LedgerAccount?
    private let isFirst: Bool
    private let limit: Duration
    private let deadline: Instant
    private let isCancelled: () -> Bool
    private var builder: RangeDigestBuilder?
    private var rowsSinceLook = 0

    /// - Parameters:
    ///   - earlier: the pass from before the fault, whose ranges of keys are taken; nil for the first one.
    ///   - ledger: what the run wrote meanwhile; nil before it has written anything.
    ///   - directory: where the index of rows is kept.
    init(
        after earlier: DatasetPass?, _ names: KeyNames, ledger: Ledger?, directory: String,
        within limit: Duration,
        isCancelled: @escaping () -> Bool
    ) throws(SystemError) {
        self.names = names
        self.earlier = Dictionary(
            (earlier?.parts ?? []).map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        isFirst = earlier == nil
        account = ledger.map { LedgerAccount($0) }
        index = try RowIndex(in: directory)
        deadline = began + limit
        ended = began
        self.limit = limit
        self.isCancelled = isCancelled
    }

    // MARK: What readers tell

    /// - Parameter key: as `Part` has it; nil in a tree of files.
    func begin(_ name: String, shape: String, objects: [DatasetObject] = [], key: [String]? = nil) {
        finishPart()
        parts.append(Part(name: name, shape: shape, objects: objects, key: key))
        builder = earlier[name].map { RangeDigestBuilder(along: $0.digest) } ?? RangeDigestBuilder()
    }

    /// By which columns the rows of a table were told apart before the fault; nil where nobody did.
    func earlierKey(of name: String) -> [String]? { earlier[name]?.key }

    /// - Parameters:
    ///   - key: as `DatasetKey` writes it; not before that of the row before it.
    ///   - aspect: a hash of some part of it, such as a file's contents.
    func add(_ key: [UInt8], _ hash: UInt128, aspect: UInt64 = 0) throws(DatasetFailure) {
        rowsSinceLook += 1
        if rowsSinceLook >= 1000 { try look() }
        let sum = DigestSum(hash)
        builder?.add(key, sum, at: index.end)
        do throws(SystemError) {
            try index.append(key, sum, aspect)
        } catch {
            throw DatasetFailure(error)
        }
    }

    /// Whether something is the run's own, and so for the ledger to account for. It is not added then.
    /// - Parameter value: what it holds, where that is known.
    func isOwn(_ name: String, holding value: @autoclosure () -> String?) -> Bool {
        let isEntry = name.hasPrefix(names.prefix)
        guard isEntry || name.hasPrefix("bank-" + names.prefix) else { return false }
        if !parts.isEmpty { parts[parts.count - 1].ownRows += 1 }
        // Before the fault nothing was written; whatever carries the run's name then is told at the end.
        guard let account else { return true }
        let key = isEntry ? names.key(name) : nil
        switch account.verdict(on: key, holding: key == nil ? nil : value()) {
        case .explained: explained += 1
        case .unexplained(let why):
            unexplainedCount += 1
            if unexplained.count < DatasetFindings.mostDifferences {
                unexplained.append(
                    DatasetDifference(.extra, part: parts.last?.name ?? "", key: name, detail: why))
            }
        }
        return true
    }

    func problem(_ text: String) { if problems.count < 20 { problems.append(text) } }
    func note(_ text: String) { if notes.count < 20 { notes.append(text) } }

    /// Something of the part that is being read cannot be told: nothing in it counts as a difference then.
    /// - Parameter why: nil where it is a problem only when something was read there before.
    func doubt(_ why: String?, _ place: (inout UnknownKeys) -> Void) {
        if let why { problem(why) }
        if !parts.isEmpty { place(&parts[parts.count - 1].unknown) }
    }

    /// - Throws: when the time is over or somebody breaks it off.
    func look() throws(DatasetFailure) {
        rowsSinceLook = 0
        if isCancelled() { throw DatasetFailure("reading it was broken off") }
        if monotonicNow() >= deadline {
            throw DatasetFailure("it could not be read within \(limit.forPeople)")
        }
    }

    /// When it must be over.
    var end: Instant { deadline }

    /// A table that the drill names is not there. After the fault that is a finding, and before it nothing to compare with.
    func lacks(_ table: String) { if isFirst { problem("there is no table '\(table)'") } }

    // MARK: Its end

    private func finishPart() {
        guard var builder, !parts.isEmpty else { return }
        let place = parts.count - 1
        parts[place].digest = builder.finish(at: index.end)
        let what = parts[place].name.isEmpty ? "" : " of \(parts[place].name)"
        if builder.isDisordered {
            parts[place].isDisordered = true
            problem(
                "the keys\(what) did not come in the order in which they compare: no range can be told from another"
            )
        } else if builder.hasTwins, parts[place].key?.isEmpty != true {
            problem("a key\(what) is there twice: rows cannot be told apart by it")
        }
        self.builder = nil
    }

    func finish() {
        finishPart()
        do throws(SystemError) {
            try index.flush()
        } catch {
            problem("the index of rows cannot be kept: \(error)")
        }
        ended = monotonicNow()
    }

    var extent: DatasetExtent {
        DatasetExtent(
            items: parts.reduce(0) { $0 + $1.digest.rows }, bytes: bytes,
            sum: parts.reduce(DigestSum()) { $0 + $1.digest.sum }, read: Bracket(began, ended))
    }

    /// The end of a range in the index.
    func range(of bucket: Int, in part: Int) -> Range<Int64> {
        let buckets = parts[part].digest.buckets
        let start = buckets[bucket].start
        if bucket + 1 < buckets.count { return start..<max(start, buckets[bucket + 1].start) }
        let next = parts.dropFirst(part + 1).first?.digest.buckets.first?.start
        return start..<max(start, next ?? index.end)
    }
}
