import MusterCore

/// What a workload's mode promises beside its entries, taken apart from what is judged entry by entry.
struct InvariantJudge {
    /// Every write, without looks: what is counted, and what shows that the workload was at work.
    let writes: Ledger
    /// What stands by itself, and is judged entry by entry.
    let entries: Ledger
    private let deletes: InvariantDeletes.Split
    private let registers: InvariantRegisters.Split

    init(_ whole: Ledger) {
        if whole.plan.isPlain {
            (writes, entries) = (whole, whole)
            deletes = InvariantDeletes.Split(ledger: whole)
            registers = InvariantRegisters.Split(ledger: whole)
            return
        }
        var writes = whole
        writes.entries.removeAll { whole.plan.isRead($0.key) }
        writes.readBack?.unread.removeAll { whole.plan.isRead($0) }
        self.writes = writes
        deletes = InvariantDeletes.split(writes)
        registers = InvariantRegisters.split(deletes.ledger)
        entries = registers.ledger
    }

    /// - Parameter tally: of `entries`.
    func add(to tally: inout LedgerTally) {
        tally.findings.violations = (writes.readBack?.violations ?? []) + writes.violations
        for (fate, count) in deletes.counts { tally.findings.counts[fate, default: 0] += count }
        for (key, delete) in deletes.resurrected { tally.note(.resurrected, key, delete) }
        if registers.superseded > 0 {
            tally.findings.counts[.superseded, default: 0] += registers.superseded
        }
        for entry in registers.stale { tally.note(.stale, entry.key, entry) }
    }
}

extension LedgerFindings {
    /// The first violation of each workload, and how many there are.
    var violationsInWords: [String] {
        guard let first = violations.first else { return [] }
        return [violations.count == 1 ? first : "\(first), and \(violations.count - 1) more like it"]
    }
}
