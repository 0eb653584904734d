import MusterCore

extension Ledger {
    /// Whether everything was read back and nothing was amiss, so that nobody will want to look at the entries.
    public var isFlawless: Bool {
        guard let readBack, readBack.isComplete, readBack.sample == nil else { return false }
        // When the fault struck decides what a loss is called, not whether there is one.
        let anywhere = Bracket(Instant(nanoseconds: 0), Instant(nanoseconds: 0))
        let findings = LedgerJudge.classify(self, fault: anywhere, details: 1)
        return findings.anomalies.isEmpty && findings.violations.isEmpty
    }
}
