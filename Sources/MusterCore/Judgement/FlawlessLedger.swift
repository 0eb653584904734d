extension Ledger {
    /// Whether everything was read back and nothing was amiss, so that nobody will want to look at the entries.
    public var isFlawless: Bool {
        guard let readBack, readBack.isComplete else { return false }
        // When the fault struck decides what a loss is called, not whether there is one.
        let anywhere = Bracket(Instant(nanoseconds: 0), Instant(nanoseconds: 0))
        return LedgerJudge.classify(self, fault: anywhere).anomalies.isEmpty
    }
}
