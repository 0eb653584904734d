import MusterCore

/// Accounts for rows and files that carry the keys of a run's own entries: what its ledger explains is no corruption.
public struct LedgerAccount: Sendable {
    public enum Verdict: Hashable, Sendable {
        /// Acknowledged, or in doubt: it may be there.
        case explained
        /// It should not be there, or not like this: why.
        case unexplained(String)
    }

    private let entries: [LedgerEntry]
    private let plan: WorkloadPlan
    private let payloadBytes: Int

    public init(_ ledger: Ledger) {
        entries = ledger.entries.inOrder
        plan = ledger.plan
        payloadBytes = ledger.payloadBytes
    }

    /// - Parameters:
    ///   - key: what it says it is; nil for what carries the run's name and no entry's number, such as an account.
    ///   - value: what it holds; nil where that was not looked at.
    public func verdict(on key: EntryKey?, holding value: String?) -> Verdict {
        // Versions, balances and what was deleted are judged with their modes, by the ledger.
        guard plan.isPlain, let key else { return .explained }
        // What the read-back wrote to see whether the store takes writes: one stream after the last writer's.
        if key.stream == (entries.last?.key.stream ?? -1) + 1 { return .explained }
        guard let entry = entries.entry(key) else { return .unexplained("the run never wrote it") }
        if entry.outcome == .fail { return .unexplained("its write was refused") }
        if let value, !EntryPayload.isIntact(value, key, seed: plan.seed, bytes: payloadBytes) {
            return .unexplained("it is not what was written")
        }
        return .explained
    }
}
