/// Finds S: the end of the first outage after which the signal stayed good for a whole stability window.
struct Stability {
    enum Result {
        /// Good for a whole window after the outage of this index.
        case proven(Int)
        /// Good after that outage, as far as was observed.
        case open(Int)
        case none
    }

    private let known: [Sample]
    private let outages: [Outage]
    private let rule: RecoveryRule
    private let every: Duration

    init(_ known: [Sample], _ outages: [Outage], _ rule: RecoveryRule, every: Duration) {
        self.known = known
        self.outages = outages
        self.rule = rule
        self.every = every
    }

    func find() -> Result {
        for (index, outage) in outages.enumerated() {
            guard let ended = outage.ended else { continue }
            // With `recovery: after`, stability counts from the lift on, whatever was before.
            let from = max(ended.upper, rule.origin.lower)
            let end = from + rule.stable
            let isWhole = end <= rule.until
            guard isTolerable(after: outage, before: end, isWhole: isWhole) else { continue }
            return isWhole && isWatched(from: from, to: end) ? .proven(index) : .open(index)
        }
        return .none
    }

    /// Section 6, rule 6: bad samples up to the tolerated share, in runs shorter than three.
    private func isTolerable(after outage: Outage, before end: Instant, isWhole: Bool) -> Bool {
        var bad = 0
        var all = 0
        var run = 0
        for sample in known where sample.started > outage.lastBadStarted && sample.started <= end {
            all += 1
            run = sample.isDown ? run + 1 : 0
            bad += sample.isDown ? 1 : 0
            if run >= 3 { return false }
        }
        if bad == 0 { return true }
        // A window that was cut short is not blamed for a share that it could still have made good.
        let due = isWhole ? all : max(all, Int(rule.stable.nanoseconds / max(1, every.nanoseconds)))
        // A hair of slack for shares such as 1 - 0.99 that floating point cannot hold.
        return Double(bad) <= rule.tolerance * Double(due) + 1e-9
    }

    /// A window without samples proves nothing: no gap in it may exceed a third of it (or three periods, where
    /// the probe is as slow as that).
    private func isWatched(from start: Instant, to end: Instant) -> Bool {
        let allowed = max(.nanoseconds(rule.stable.nanoseconds / 3), every * 3)
        var last = start
        for sample in known where sample.started > start && sample.started <= end {
            if sample.started - last > allowed { return false }
            last = sample.started
        }
        return end - last <= allowed
    }
}
