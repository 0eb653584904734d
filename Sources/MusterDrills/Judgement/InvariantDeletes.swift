import MusterCore

/// Holds acknowledged deletes to their promise: what was taken away must stay away.
///
/// An entry and its delete are judged together and taken out of the ledger that is judged entry by entry:
///
/// | put | delete | present | absent |
/// |---|---|---|---|
/// | acknowledged or refused | acknowledged | resurrected | deleted |
/// | in doubt | acknowledged | recovered: it may have landed late | deleted |
/// | any | in doubt | as if there were no delete | deleted |
/// | any | refused | as if there were no delete | as if there were no delete |
enum InvariantDeletes {
    struct Split {
        /// What is judged as if nothing were ever deleted.
        var ledger: Ledger
        /// What was taken away and is there, with its delete.
        var resurrected: [(key: EntryKey, delete: LedgerEntry)] = []
        /// Of the others.
        var counts: [EntryClass: Int] = [:]
    }

    static func split(_ ledger: Ledger) -> Split {
        var split = Split(ledger: ledger)
        guard ledger.plan.deletes.millionths > 0, ledger.plan.mode == .entries, let readBack = ledger.readBack
        else { return split }
        var deletes: [EntryKey: LedgerEntry] = [:]
        for entry in ledger.entries {
            if case .delete(let key) = ledger.plan.operation(entry.key) { deletes[key] = entry }
        }
        let own = Set(deletes.values.map(\.key))
        let found = Set(readBack.found.filter { $0.count > 0 }.map(\.key))
        let unread = Set(readBack.unread)
        var settled: Set<EntryKey> = []
        for put in ledger.entries where !own.contains(put.key) {
            guard let delete = deletes[put.key], delete.outcome != .fail, !unread.contains(put.key) else {
                continue
            }
            guard let fate = fate(put, delete, isPresent: found.contains(put.key)) else { continue }
            settled.insert(put.key)
            if fate == .resurrected {
                split.resurrected.append((put.key, delete))
            } else {
                split.counts[fate, default: 0] += 1
            }
        }
        split.ledger.entries.removeAll { own.contains($0.key) || settled.contains($0.key) }
        split.ledger.readBack?.found.removeAll { settled.contains($0.key) }
        // The keys of deletes were never written; what was not read there is not missed.
        split.ledger.readBack?.unread.removeAll { own.contains($0) || settled.contains($0) }
        return split
    }

    /// - Returns: nil where the delete says nothing about the entry.
    private static func fate(
        _ put: LedgerEntry, _ delete: LedgerEntry, isPresent: Bool
    ) -> EntryClass? {
        if !isPresent { return .deleted }
        guard delete.isAcknowledged else { return nil }
        return put.outcome == .info || put.outcome == .pending ? .recovered : .resurrected
    }
}
