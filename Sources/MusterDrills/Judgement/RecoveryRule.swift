public import MusterCore

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
    /// λ: a success that was over later than this since it was due is slow. nil: slow is what was recorded so.
    public var slow: Duration?
    /// When the instrument itself was in trouble: samples of these times are unknown.
    public var blackouts: Blackouts

    public init(
        fault: Bracket, lifted: Bracket? = nil, stable: Duration, tolerance: Double = 0, until: Instant,
        ending: ObservationEnd = .samples, slow: Duration? = nil, blackouts: Blackouts = Blackouts()
    ) {
        self.fault = fault
        self.lifted = lifted
        self.stable = stable
        self.tolerance = tolerance
        self.until = until
        self.ending = ending
        self.slow = slow
        self.blackouts = blackouts
    }

    /// For how long a signal with this period may have looked away without anything being made of it: a window without
    /// samples proves nothing.
    func allowedGap(every: Duration) -> Duration { max(stable / 3, every * 3) }

    /// From when the recovery time runs.
    public var origin: Bracket { lifted ?? fault }

    /// What was sent after the lift says nothing about the fault, nor does a success that came only after it; a
    /// failure does, however long it took.
    @inline(__always)
    func knows(_ sample: Sample) -> Bool {
        sample.outcome != .unknown && sample.started <= until
            && (ending == .samples || sample.isDown || sample.finished <= until)
            && !blackouts.cover(sample)
    }
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
