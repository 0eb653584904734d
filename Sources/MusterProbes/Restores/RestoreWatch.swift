public import MusterCore
public import MusterDrills

/// Watches one restore: that its place is clean, and that what it restores from is afterwards what it was before. Used by
/// one thread at a time.
public struct RestoreWatch {
    private let plan: RestorePlan
    private let isCancelled: @Sendable () -> Bool
    private let taker: DatasetTaker

    /// Reads the source for the first time.
    /// - Parameters:
    ///   - directory: where indices of files are kept, without names, for as long as this lives.
    ///   - note: hears of each source that was read.
    /// - Throws: `RestoreRefusal` where the place is not clean, before the source was read or afterwards, and where the
    ///   source cannot be read.
    public init(
        _ plan: RestorePlan, directory: String, isCancelled: @escaping @Sendable () -> Bool,
        note: (DatasetTaker.Reading) -> Void
    ) throws(RestoreRefusal) {
        self.plan = plan
        self.isCancelled = isCancelled
        try RestorePlace.check(plan)
        var setting = DatasetSetting()
        setting.within = plan.within
        // Nothing that is restored from carries the names of this run's entries as its own.
        taker = DatasetTaker(
            plan.source.map { path in
                DrillDataset(
                    name: path, kind: "files", dataset: FilesDataset(untouched: path), setting: setting)
            }, run: "none", directory: directory)
        if let problem = taker.takeBefore(isCancelled: isCancelled, note: note) {
            throw RestoreRefusal(
                description:
                    "refused to restore from what cannot be looked at: \(problem); name in 'source' what the "
                    + "backup consists of, and in 'within' how long reading it may take")
        }
        // Reading may have taken long, and somebody have come meanwhile.
        try RestorePlace.check(plan)
    }

    /// Reads the source again.
    /// - Parameter note: hears of each source that was read.
    /// - Returns: what the judge wants to know of its end: see `RestoreFacts`.
    public func end(note: (DatasetTaker.Reading) -> Void) -> Value {
        var detail: [String: Value] = [:]
        if let count = RestorePlace.files(in: plan.into) { detail["restored"] = .int(Int64(count)) }
        if case .missing = RestorePlace.look(at: plan.into) {
            detail["restoredProblem"] = "it is not there at the end, and must stay where it was restored to"
        }
        let found = taker.takeAfter(ledger: nil, isCancelled: isCancelled, note: note)
        detail["sourceChanged"] = .text(
            found.filter { $0.result == .differs }.map(\.sentence).joined(separator: "; "))
        if let open = found.first(where: { $0.result == .inconclusive }) {
            detail["sourceProblem"] = .text(open.sentence)
        }
        detail["source"] = .map(
            Dictionary(
                found.compactMap { one in one.before.map { (one.name, .text($0.sum.hex)) } },
                uniquingKeysWith: { first, _ in first }))
        detail["sourceAfter"] = .map(
            Dictionary(
                found.compactMap { one in one.after.map { (one.name, .text($0.sum.hex)) } },
                uniquingKeysWith: { first, _ in first }))
        return .map(detail)
    }
}
