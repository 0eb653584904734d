import MusterCore

/// A signal that nobody looked at for so long that something could have been missed.
struct LookedAway {
    var signal: String
    var gap: Duration
    var allowed: Duration

    /// To be followed by what that was.
    var words: String { "'\(signal)' looked away for \(gap.forPeople) and could have missed" }
}

extension [RulingSignal] {
    /// The first that looked away after a fault; nil where none did.
    /// - Parameters:
    ///   - allowed: for how long it may.
    ///   - end: of the time that matters.
    ///   - paced: see `Recovery.largestGap`.
    func lookedAway(
        longerThan allowed: (Recovery) -> Duration, until end: (Recovery) -> Instant = { $0.rule.until },
        paced: Bool = false
    ) -> LookedAway? {
        for signal in self {
            for recovery in signal.recoveries {
                let allowed = allowed(recovery)
                let gap = recovery.largestGap(
                    from: recovery.rule.fault.lower, to: Swift.min(recovery.rule.until, end(recovery)),
                    paced: paced)
                if gap > allowed { return LookedAway(signal: signal.name, gap: gap, allowed: allowed) }
            }
        }
        return nil
    }
}
