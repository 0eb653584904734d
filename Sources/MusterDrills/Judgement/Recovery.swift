public import MusterCore

/// What one signal saw of an outage and of its end (MEASUREMENT, section 1). Errors and timeouts are down;
/// slow answers are up and have a timeline of their own.
public struct Recovery: Sendable {
    public var name: String
    public var writer: Int?
    public var status: RecoveryStatus
    /// Hard-down: errors and timeouts.
    public private(set) var hard: OutageTimeline
    /// SLO-down: errors, timeouts and slow answers.
    public private(set) var slow: OutageTimeline
    /// S: came up for good in `[a_lastbad, c_firstgood]`; nil when it was not seen to.
    public private(set) var sustained: Bracket?
    /// Certainly not recovered before this; only when it was not seen to recover.
    public private(set) var notBefore: Instant?
    /// First completion of a success sent after the first bad sample.
    public private(set) var firstSuccess: Instant?
    /// By how much the instrument itself, not the target's answers, widened the bounds at the edge.
    public private(set) var lateness: Duration
    /// Whether it went down again after it had been stable.
    public private(set) var wentDownAgain: Bool
    public var rule: RecoveryRule
    /// The period at which samples were due.
    let every: Duration
    private let samples: SampleSeries
    private var lastStarted: Instant?

    /// - Parameter signal: of one probe or one writer.
    public init(of signal: Signal, by rule: RecoveryRule) {
        name = signal.name
        writer = signal.writer
        self.rule = rule
        every = signal.every
        samples = signal.samples
        status = .noOutage
        lateness = .zero
        wentDownAgain = false
        hard = OutageTimeline(since: rule.fault)
        slow = OutageTimeline(since: rule.fault)
        var stability = Stability(rule, every: signal.every)
        let limit = rule.slow?.nanoseconds ?? .max
        var firstBad = Instant(nanoseconds: .max)
        for sample in samples {
            if sample.started > rule.until { break }
            guard rule.knows(sample) else { continue }
            let isDown = sample.isDown
            let isNews = hard.add(sample, isBad: isDown)
            let pace = sample.pace(nanoseconds: limit)
            // Late only because the instrument had not looked: neither slow nor not.
            if isDown || sample.outcome == .slow || pace != .unknown {
                _ = slow.add(sample, isBad: isDown || sample.outcome == .slow || pace == .late)
            }
            if !isDown, sample.started > firstBad {
                firstSuccess = min(firstSuccess ?? sample.finished, sample.finished)
            } else if isDown, hard.count == 1, let first = hard.last?.firstBadStarted {
                firstBad = first
            }
            stability.add(sample, hard, isNews: isNews)
            lastStarted = sample.started
        }
        conclude(stability.finish(), signal)
    }

    private mutating func conclude(_ found: Stability.Result, _ signal: Signal) {
        guard let last = hard.last else { return }
        switch found {
        case .proven(let stable):
            sustained = stable.outage.ended
            status = stable.hadEarlier ? .recoveredFlapped : .recovered
            wentDownAgain = hard.count > stable.index + 1 && last.firstBadStarted > stable.end
            lateness = Self.lateness(at: stable.outage, signal, rule)
        case .open(let stable):
            status = .notRecovered
            // Section 6, rule 1: what was not stable before the lift is censored at it. But who aborts a system
            // that is up does not make it down: there only what was seen counts.
            notBefore = rule.ending == .lifted ? rule.until : stable.outage.lastBadStarted
        case .none:
            status = .notRecovered
            notBefore = rule.ending == .samples ? last.lastBadStarted : rule.until
        }
    }

    /// Probes are sent whatever the target does; a writer waits for its answer first.
    private static func lateness(at outage: Outage, _ signal: Signal, _ rule: RecoveryRule) -> Duration {
        guard let good = outage.firstGoodStarted else { return .zero }
        let bad =
            signal.writer == nil ? outage.lastBadStarted : max(outage.lastBadFinished, outage.lastBadStarted)
        return max(.zero, good - bad - signal.every) + rule.origin.width
    }

    /// The time from `origin` to the recovery; nil without an outage.
    public func time(since origin: Bracket) -> Interval? {
        if let sustained {
            return Interval(
                lower: max(.zero, sustained.lower - origin.upper),
                upper: max(.zero, sustained.upper - origin.lower))
        }
        return notBefore.map { Interval(lower: max(.zero, $0 - origin.upper), upper: nil) }
    }

    /// Recovery time actual.
    public var rta: Interval? { time(since: rule.origin) }

    /// S − B.
    public var downtime: Interval? {
        guard let first = hard.outages.first, let last = hard.last else { return nil }
        let end = sustained?.lower ?? last.lastBadStarted
        return Interval(
            lower: max(.zero, end - first.began.upper), upper: sustained.map { $0.upper - first.began.lower })
    }

    /// S − S₁: how long it wavered.
    public var timeToStable: Interval? {
        guard let sustained, let firstSuccess else { return nil }
        return Interval(
            lower: max(.zero, sustained.lower - firstSuccess),
            upper: max(.zero, sustained.upper - firstSuccess))
    }

    /// S₁ − F.
    public var timeToFirstSuccess: Interval? {
        firstSuccess.map {
            Interval(
                lower: max(.zero, $0 - rule.origin.upper), upper: max(.zero, $0 - rule.origin.lower))
        }
    }

    /// B − F: how long the fault was latent.
    public var latent: Interval? {
        hard.outages.first.map {
            Interval(
                lower: max(.zero, $0.began.lower - rule.fault.upper),
                upper: max(.zero, $0.began.upper - rule.fault.lower))
        }
    }

    /// The first outages, hard-down, in order.
    public var outages: [Outage] { hard.outages }
    public var figures: OutageFigures { hard.figures(until: rule.until) }
    public var slowFigures: OutageFigures { slow.figures(until: rule.until) }

    /// For how long at most nobody looked: the longest time between two neighbouring samples of known outcome, of those
    /// that `start ... end` lies in or between. One before it and one behind it bound the gaps that reach beyond it;
    /// without them `start` and `end` themselves do.
    /// - Parameter paced: samples do not count of which it is not known whether they were slow.
    public func largestGap(from start: Instant, to end: Instant, paced: Bool = false) -> Duration {
        var last = start
        var gap = Duration.zero
        let limit = paced ? rule.slow?.nanoseconds ?? .max : .max
        for sample in samples where rule.knows(sample) {
            if sample.isUp, sample.pace(nanoseconds: limit) == .unknown { continue }
            if sample.started <= start {
                last = sample.started
                continue
            }
            // The next sample, where there is one, ends the gap that the end of the window falls into.
            gap = max(gap, sample.started - last)
            last = sample.started
            if last > end { return gap }
        }
        return max(gap, end - last)
    }

    /// Whether it saw anything of the time after the fault.
    public var hasEvidence: Bool {
        hard.count > 0 || (lastStarted.map { $0 >= rule.fault.upper } ?? false)
    }
}
