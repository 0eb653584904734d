/// By what the recovery of one signal is judged.
public struct RecoveryRule: Hashable, Sendable {
    /// The fault, F. Bad samples that were over before it are not its doing.
    public var fault: Bracket
    /// When the fault was lifted, for `recovery: after`: what was stable earlier does not count.
    public var lifted: Bracket?
    /// The stability window, W.
    public var stable: Duration
    /// The share of bad samples, 0 to 1, that the window tolerates, in runs shorter than three.
    public var tolerance: Double
    /// The end of observation.
    public var until: Instant
    public var ending: ObservationEnd

    public init(
        fault: Bracket, lifted: Bracket? = nil, stable: Duration, tolerance: Double = 0, until: Instant,
        ending: ObservationEnd = .samples
    ) {
        self.fault = fault
        self.lifted = lifted
        self.stable = stable
        self.tolerance = tolerance
        self.until = until
        self.ending = ending
    }

    /// From when the recovery time runs.
    public var origin: Bracket { lifted ?? fault }
}

/// Why observation ended. What comes up because the fault was taken away was lifted; it did not recover.
public enum ObservationEnd: Hashable, Sendable {
    /// There are no more samples.
    case samples
    /// The fault was lifted, though the system should have recovered despite it.
    case lifted
    /// The run was aborted, and what was broken was put back.
    case abortUndone
}

/// What one signal saw of an outage and of its end (MEASUREMENT, section 1). Errors and timeouts are down;
/// slow answers are up and have a timeline of their own.
public struct Recovery: Hashable, Sendable {
    public var name: String
    public var writer: Int?
    public var status: RecoveryStatus
    /// Hard-down: errors and timeouts.
    public var outages: [Outage]
    /// SLO-down: errors, timeouts and slow answers.
    public var slowOutages: [Outage]
    /// S: came up for good in `[a_lastbad, c_firstgood]`; nil when it was not seen to.
    public var sustained: Bracket?
    /// Certainly not recovered before this; only when it was not seen to recover.
    public var notBefore: Instant?
    /// First completion of a success sent after the first bad sample.
    public var firstSuccess: Instant?
    /// By how much the instrument itself, not the target's answers, widened the bounds at the edge.
    public var lateness: Duration
    /// Whether it went down again after it had been stable.
    public var wentDownAgain: Bool
    public var rule: RecoveryRule
    private var starts: [Instant]

    /// - Parameter signal: of one probe or one writer; samples in the order in which they were sent.
    public init(of signal: Signal, by rule: RecoveryRule) {
        name = signal.name
        writer = signal.writer
        self.rule = rule
        // What was sent after the lift says nothing about the fault, nor does a success that came only after
        // it; a failure does, however long it took.
        let known = signal.samples.filter {
            $0.outcome != .unknown && $0.started <= rule.until
                && (rule.ending == .samples || $0.isDown || $0.finished <= rule.until)
        }
        starts = known.map(\.started)
        outages = Outage.all(in: known, since: rule.fault) { $0.isDown }
        slowOutages = Outage.all(in: known, since: rule.fault) { $0.outcome != .ok }
        if let first = outages.first {
            firstSuccess = known.filter { $0.isUp && $0.started > first.firstBadStarted }.map(\.finished)
                .min()
        }
        let found = Stability(known, outages, rule, every: signal.every).find()
        status = .noOutage
        lateness = .zero
        wentDownAgain = false
        switch found {
        case _ where outages.isEmpty: break
        case .proven(let index):
            sustained = outages[index].ended
            let came = outages[index].ended?.upper ?? rule.until
            let flapped = outages[..<index].contains { ($0.ended?.upper ?? came) > rule.origin.lower }
            status = flapped ? .recoveredFlapped : .recovered
            let closed = max(came, rule.origin.lower) + rule.stable
            wentDownAgain = outages[(index + 1)...].contains { $0.firstBadStarted > closed }
            lateness = Self.lateness(at: outages[index], signal, rule)
        case .open(let index):
            status = .notRecovered
            // Section 6, rule 1: what was not stable before the lift is censored at it. But who aborts a system
            // that is up does not make it down: there only what was seen counts.
            notBefore = rule.ending == .lifted ? rule.until : outages[index].lastBadStarted
        case .none:
            status = .notRecovered
            notBefore = rule.ending == .samples ? outages.last?.lastBadStarted : rule.until
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
        guard let first = outages.first else { return nil }
        let end = sustained?.lower ?? outages.last?.lastBadStarted ?? first.lastBadStarted
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

    /// B − F.
    public var latent: Interval? {
        outages.first.map {
            Interval(
                lower: max(.zero, $0.began.lower - rule.fault.upper),
                upper: max(.zero, $0.began.upper - rule.fault.lower))
        }
    }

    public var figures: OutageFigures { OutageFigures(outages, until: rule.until) }
    public var slowFigures: OutageFigures { OutageFigures(slowOutages, until: rule.until) }

    /// The longest time in `from ... to` in which no sample was sent of which the outcome is known.
    public func largestGap(from start: Instant, to end: Instant) -> Duration {
        var last = starts.last { $0 <= start } ?? start
        var gap = Duration.zero
        for instant in starts where instant > start && instant <= end {
            gap = max(gap, instant - last)
            last = instant
        }
        // The next sample, where there is one, ends the gap that the end of the window falls into.
        let next = starts.first { $0 > end } ?? end
        return max(gap, next - last)
    }

    /// Whether it saw anything of the time after the fault.
    public var hasEvidence: Bool { !outages.isEmpty || starts.contains { $0 >= rule.fault.upper } }
}
