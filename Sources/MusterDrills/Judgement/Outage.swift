public import MusterCore

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

    init(_ bad: Sample, after lastGood: Instant) {
        firstBadStarted = bad.started
        lastBadStarted = bad.started
        lastBadFinished = bad.finished
        samples = 1
        began = Bracket(min(lastGood, bad.finished), bad.finished)
    }

    mutating func extend(by bad: Sample) {
        lastBadStarted = bad.started
        lastBadFinished = max(lastBadFinished, bad.finished)
        samples += 1
        // A refusal may be known before an earlier sample has timed out.
        began.upper = max(began.lower, min(began.upper, bad.finished))
    }

    /// Open-loop samples overtake each other: any completion of a good one sent after the last bad one counts.
    mutating func noteGood(_ good: Sample) {
        firstGoodStarted = firstGoodStarted ?? good.started
        ended = Bracket(lastBadStarted, min(ended?.upper ?? good.finished, good.finished))
    }
}

/// Figures of several outages.
public struct OutageFigures: Hashable, Sendable {
    public var count = 0
    public var total = Interval(lower: .zero, upper: .zero)
    /// As seen, see `Outage.seen`.
    public var seenTotal: Duration = .zero
    public var seenLongest: Duration = .zero
    /// From the first bad sample to the end of the last outage.
    public var span: Duration = .zero
}
