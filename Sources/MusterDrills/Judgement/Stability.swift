import MusterCore

/// Finds S while the samples go by once: the end of the first outage after which the signal stayed good for a whole
/// stability window.
///
/// Every outage that ended is a candidate until its window closes or is spoilt. A candidate remembers how many samples
/// had been counted when it came up, so that what its window holds is a difference, however many candidates there are.
struct Stability {
    enum Result {
        /// Good for a whole window after that outage.
        case proven(Candidate)
        /// Good after that outage, as far as was observed.
        case open(Candidate)
        case none
    }

    /// An outage after which the signal may have been stable.
    struct Candidate {
        /// The number of the outage, from 0.
        var index: Int
        var outage: Outage
        /// Whether an outage before it reached into the time that counts.
        var hadEarlier: Bool
        /// The window.
        var from: Instant
        var end: Instant
        /// Samples, and bad ones, that were counted before the window.
        var all: Int
        var bad: Int
        var isWatched = true
    }

    private let rule: RecoveryRule
    private let every: Duration
    /// A window without samples proves nothing: no gap in it may exceed a third of it (or three periods, where the
    /// probe is as slow as that).
    private let allowedGap: Int64
    /// In the order in which their windows end.
    private var pending: [Candidate] = []
    private var best: (candidate: Candidate, isProven: Bool)?
    private var all = 0
    private var bad = 0
    private var run = 0
    private var lastStarted: Instant?

    init(_ rule: RecoveryRule, every: Duration) {
        self.rule = rule
        self.every = every
        allowedGap = rule.allowedGap(every: every).nanoseconds
    }

    /// - Parameters:
    ///   - sample: known, and sent after those before it.
    ///   - timeline: with this sample in it.
    ///   - isNews: whether the sample changed what is known of the last outage.
    @inline(__always)
    mutating func add(_ sample: Sample, _ timeline: OutageTimeline, isNews: Bool) {
        // What was over before the fault is not its doing and spoils nothing.
        if sample.isDown, !isNews { return }
        if !pending.isEmpty { closeWindows(before: sample.started) }
        all += 1
        if sample.isDown {
            spoil()
        } else {
            run = 0
            if isNews { nominate(timeline) }
        }
        lastStarted = sample.started
    }

    /// What is known once there are no more samples.
    mutating func finish() -> Result {
        // The window of the last sample's time may have closed before observation ended.
        while let next = pending.first { settle(next) }
        guard let best else { return .none }
        return best.isProven ? .proven(best.candidate) : .open(best.candidate)
    }

    private mutating func closeWindows(before now: Instant) {
        while let next = pending.first, next.end < now { settle(next) }
        guard let lastStarted, now.nanoseconds &- lastStarted.nanoseconds > allowedGap else { return }
        for index in pending.indices where now > pending[index].from {
            if (now - max(lastStarted, pending[index].from)).nanoseconds > allowedGap {
                pending[index].isWatched = false
            }
        }
    }

    /// Section 6, rule 6: bad samples up to the tolerated share, in runs shorter than three.
    private mutating func spoil() {
        bad += 1
        run += 1
        if run >= 3 || rule.tolerance == 0 { pending.removeAll(keepingCapacity: true) }
    }

    /// The last outage is over: from now on it may have been the last one. Samples overtake each other, so that a
    /// later one may show that it was over earlier still.
    private mutating func nominate(_ timeline: OutageTimeline) {
        guard best == nil, let outage = timeline.last, let ended = outage.ended else { return }
        // With `recovery: after`, stability counts from the lift on, whatever was before.
        let from = max(ended.upper, rule.origin.lower)
        var candidate = Candidate(
            index: timeline.count - 1, outage: outage,
            hadEarlier: timeline.lastEndBeforeLast.map { $0 > rule.origin.lower } ?? false, from: from,
            end: from + rule.stable, all: all - 1, bad: bad)
        if let index = pending.lastIndex(where: { $0.index == candidate.index }) {
            candidate.all = pending[index].all
            candidate.bad = pending[index].bad
            pending.remove(at: index)
        }
        let place = pending.lastIndex { $0.end <= candidate.end }.map { $0 + 1 } ?? 0
        pending.insert(candidate, at: place)
    }

    /// Its window is over, or observation is.
    private mutating func settle(_ candidate: Candidate) {
        pending.removeFirst()
        let isWhole = candidate.end <= rule.until
        guard isTolerable(candidate, isWhole: isWhole) else { return }
        let last = max(lastStarted ?? candidate.from, candidate.from)
        let isWatched = candidate.isWatched && (candidate.end - last).nanoseconds <= allowedGap
        if best.map({ candidate.index < $0.candidate.index }) ?? true {
            best = (candidate, isWhole && isWatched)
        }
        pending.removeAll { $0.index > candidate.index }
    }

    private func isTolerable(_ candidate: Candidate, isWhole: Bool) -> Bool {
        let bad = bad - candidate.bad
        if bad == 0 { return true }
        let all = all - candidate.all
        // A window that was cut short is not blamed for a share that it could still have made good.
        let due = isWhole ? all : max(all, Int(rule.stable.nanoseconds / max(1, every.nanoseconds)))
        // A hair of slack for shares such as 1 - 0.99 that floating point cannot hold.
        return Double(bad) <= rule.tolerance * Double(due) + 1e-9
    }
}
