import MusterCore

/// The outages of one signal, found while its samples go by once. Their figures are kept for all of them, the outages
/// themselves only for the first ones: a system that flaps for hours has more of them than should lie in memory.
public struct OutageTimeline: Hashable, Sendable {
    /// So many outages are kept whole.
    public static let kept = 1000

    /// The first ones, in order.
    public private(set) var outages: [Outage] = []
    public private(set) var count = 0
    /// The latest one; it may not be over.
    public private(set) var last: Outage?
    /// The end of the latest outage that is followed by another one.
    private(set) var lastEndBeforeLast: Instant?
    /// Figures of all but the last.
    private var lower: Int64 = 0
    private var upper: Int64 = 0
    private var seen: Int64 = 0
    private var seenLongest: Int64 = 0
    private var firstBadStarted: Instant?
    private var lastGood: Instant?
    private var isBad = false
    /// Good samples sent from then on cannot tell more about when the last outage ended.
    private var settled = Instant(nanoseconds: .max)
    private let fault: Bracket

    /// - Parameter fault: a bad sample that was over before it is not its doing.
    init(since fault: Bracket) { self.fault = fault }

    /// - Parameter sample: sent after those before it, and known: not `unknown`.
    /// - Returns: whether it changed what is known of the last outage.
    @inline(__always)
    mutating func add(_ sample: Sample, isBad bad: Bool) -> Bool {
        if bad { return addBad(sample) }
        lastGood = sample.started
        let refines = isBad || sample.started < settled
        if refines { addGood(sample) }
        return refines
    }

    private mutating func addBad(_ sample: Sample) -> Bool {
        guard sample.finished >= fault.lower else { return false }
        if isBad {
            last?.extend(by: sample)
        } else {
            close()
            last = Outage(sample, after: lastGood ?? fault.lower)
            count += 1
            if firstBadStarted == nil { firstBadStarted = sample.started }
            isBad = true
        }
        if count <= Self.kept { keepLast() }
        return true
    }

    private mutating func addGood(_ sample: Sample) {
        isBad = false
        guard last != nil else {
            settled = Instant(nanoseconds: .min)
            return
        }
        last?.noteGood(sample)
        settled = last?.ended?.upper ?? settled
        if count <= Self.kept { keepLast() }
    }

    private mutating func keepLast() {
        guard let last else { return }
        if outages.count < count { outages.append(last) } else { outages[count - 1] = last }
    }

    private mutating func close() {
        guard let last else { return }
        settled = Instant(nanoseconds: .max)
        lastEndBeforeLast = max(
            lastEndBeforeLast ?? last.lastBadStarted, last.ended?.upper ?? last.lastBadStarted)
        let duration = last.duration
        lower += duration.lower.nanoseconds
        upper += duration.upper?.nanoseconds ?? 0
        let seen = last.seen(until: last.lastBadFinished).nanoseconds
        self.seen += seen
        seenLongest = max(seenLongest, seen)
    }

    /// - Parameter end: of observation; an outage that is not over lasted until then at least.
    func figures(until end: Instant) -> OutageFigures {
        guard let last, let firstBadStarted else { return OutageFigures() }
        let duration = last.duration
        let seen = last.seen(until: end)
        return OutageFigures(
            count: count,
            total: Interval(
                lower: .nanoseconds(lower) + duration.lower,
                upper: duration.upper.map { .nanoseconds(upper) + $0 }),
            seenTotal: .nanoseconds(self.seen) + seen, seenLongest: max(.nanoseconds(seenLongest), seen),
            span: (last.ended?.upper ?? end) - firstBadStarted)
    }
}
