/// A run of bad samples, with the bounds that its neighbours give. Unknown samples neither begin, continue
/// nor end one.
public struct Outage: Hashable, Sendable {
    /// The first bad sample was sent then.
    public var firstBadStarted: Instant
    /// The last one was sent then: until here it was certainly not up again.
    public var lastBadStarted: Instant
    /// How many samples were bad.
    public var samples: Int
    /// Went down between the sending of the last good sample before and the first completion of a bad one.
    public var began: Bracket
    /// Came up between the sending of the last bad sample and the first completion of a good one sent after
    /// it; nil when none was seen.
    public var ended: Bracket?
    /// When the good sample that ended it was sent.
    public var firstGoodStarted: Instant?
    /// When the last bad sample was over.
    public var lastBadFinished: Instant

    /// As it was seen: from sending the first bad sample to the first success after the last.
    public func seen(until end: Instant) -> Duration { (ended?.upper ?? end) - firstBadStarted }

    public var duration: Interval {
        Interval(
            lower: max(.zero, (ended?.lower ?? lastBadStarted) - began.upper),
            upper: ended.map { $0.upper - began.lower })
    }

    /// All outages that `samples` show from `fault` on. A bad sample that was over before the fault is not the
    /// fault's doing.
    /// - Parameters:
    ///   - samples: in the order of sending, and known: neither good nor bad is left out beforehand.
    ///   - isBad: what counts as down.
    static func all(
        in samples: [Sample], since fault: Bracket, isBad: (Sample) -> Bool
    ) -> [Outage] {
        var outages: [Outage] = []
        var lastGood: Instant?
        var isOpen = false
        for sample in samples {
            if isBad(sample) {
                guard sample.finished >= fault.lower else { continue }
                if isOpen {
                    outages[outages.count - 1].extend(by: sample)
                } else {
                    outages.append(Outage(sample, after: lastGood ?? fault.lower))
                    isOpen = true
                }
            } else {
                if !outages.isEmpty { outages[outages.count - 1].noteGood(sample) }
                lastGood = sample.started
                isOpen = false
            }
        }
        return outages
    }

    private init(_ bad: Sample, after lastGood: Instant) {
        firstBadStarted = bad.started
        lastBadStarted = bad.started
        lastBadFinished = bad.finished
        samples = 1
        began = Bracket(min(lastGood, bad.finished), bad.finished)
    }

    private mutating func extend(by bad: Sample) {
        lastBadStarted = bad.started
        lastBadFinished = max(lastBadFinished, bad.finished)
        samples += 1
        // A refusal may be known before an earlier sample has timed out.
        began.upper = max(began.lower, min(began.upper, bad.finished))
    }

    /// Open-loop samples overtake each other: any completion of a good one sent after the last bad one counts.
    private mutating func noteGood(_ good: Sample) {
        firstGoodStarted = firstGoodStarted ?? good.started
        ended = Bracket(lastBadStarted, min(ended?.upper ?? good.finished, good.finished))
    }
}

/// Figures of several outages.
public struct OutageFigures: Hashable, Sendable {
    public var count: Int
    public var total: Interval
    /// As seen, see `Outage.seen`.
    public var seenTotal: Duration
    public var seenLongest: Duration
    /// From the first bad sample to the end of the last outage.
    public var span: Duration

    init(_ outages: [Outage], until end: Instant) {
        let seen = outages.map { $0.seen(until: end) }
        count = outages.count
        seenTotal = seen.reduce(.zero, +)
        seenLongest = seen.max() ?? .zero
        span =
            if let first = outages.first, let last = outages.last {
                (last.ended?.upper ?? end) - first.firstBadStarted
            } else { .zero }
        let isOpen = outages.contains { $0.ended == nil }
        total = Interval(
            lower: outages.reduce(.zero) { $0 + $1.duration.lower },
            upper: isOpen ? nil : outages.reduce(.zero) { $0 + ($1.duration.upper ?? .zero) })
    }
}
