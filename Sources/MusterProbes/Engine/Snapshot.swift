public import MusterCore
public import MusterDrills

/// What the live view and the state machine of a run look at, ten times a second.
public struct MeasuringSnapshot: Sendable {
    public var at: Instant
    /// In the order of `MeasuringEngine.signalList`.
    public var signals: [SignalStatus]
    public var workloads: [WorkloadStatus]
    public var instrument: InstrumentStatus
}

/// One signal as it stands.
public struct SignalStatus: Sendable {
    public var name: String
    public var writer: Int?
    public var every: Duration
    /// Attempts that are over, `unknown` ones included.
    public var sent = 0
    /// `ok` and `slow`.
    public var ok = 0
    public var slow = 0
    /// `error` and `timeout`.
    public var failed = 0
    public var unknown = 0
    public var last: Sample?
    /// Latency of the last attempt that was up.
    public var lastLatency: Duration?
    /// Good samples in a row, and when the first and the latest of them were sent; by order of sending, so
    /// that the timeouts of an outage that come in after the recovery do not undo it. `unknown` breaks
    /// nothing.
    public var goodInARow = 0
    public var goodSince: Sample?
    public var lastGood: Sample?
    public var lastBad: Sample?
    /// The first sample of the present unbroken run of bad ones; nil while it is good.
    public var badSince: Sample?
    /// The first bad sample sent after `MeasuringEngine.mark`.
    public var firstBadAfterMark: Sample?
    /// The first good sample sent after that one, and over after it was over.
    public var firstGoodAfterBad: Sample?

    init(name: String, writer: Int?, every: Duration) {
        self.name = name
        self.writer = writer
        self.every = every
    }

    mutating func add(_ sample: Sample, mark: Instant?) {
        sent += 1
        last = sample
        if sample.isUp {
            addGood(sample)
        } else if sample.isDown {
            addBad(sample, mark: mark)
        } else {
            unknown += 1
        }
    }

    private mutating func addGood(_ sample: Sample) {
        ok += 1
        if sample.outcome == .slow { slow += 1 }
        lastLatency = sample.latency
        if lastGood.map({ sample.started > $0.started }) ?? true { lastGood = sample }
        if lastBad.map({ sample.started > $0.started }) ?? true {
            if goodSince.map({ sample.started < $0.started }) ?? true { goodSince = sample }
            goodInARow += 1
            badSince = nil
        }
        if firstGoodAfterBad == nil, let bad = firstBadAfterMark, sample.started > bad.started {
            firstGoodAfterBad = sample
        }
    }

    private mutating func addBad(_ sample: Sample, mark: Instant?) {
        failed += 1
        if lastBad.map({ sample.started > $0.started }) ?? true { lastBad = sample }
        if let since = goodSince, sample.started >= since.started {
            goodSince = nil
            goodInARow = 0
        }
        if goodSince == nil, badSince == nil { badSince = sample }
        if let mark, sample.started >= mark,
            firstBadAfterMark.map({ sample.started < $0.started }) ?? true
        {
            firstBadAfterMark = sample
        }
    }
}

/// One workload as it stands.
public struct WorkloadStatus: Sendable {
    public var name: String
    /// Writes that were sent.
    public var sent = 0
    /// Acknowledged, and durable in the ledger.
    public var acknowledged = 0
    /// Acknowledged, and not yet durable.
    public var awaitingDisk = 0
    public var inDoubt = 0
    public var refused = 0
    /// Writes that were due and not sent, because their writer still waited or the ledger was full.
    public var missed = 0
    public var isWriting = false
    /// Why nothing more becomes durable; nothing more is sent then.
    public var ledgerFailure: String?
}

/// How well the instrument itself does.
public struct InstrumentStatus: Sendable {
    /// From due to sent, of probes.
    public var latenessP50: Duration = .zero
    public var latenessP99: Duration = .zero
    public var latenessMax: Duration = .zero
    /// Samples that were lost because nothing took them off the queue.
    public var dropped = 0
    /// Whether so many samples wait in memory for their file that no more are handed on; what finds no room on the queue
    /// then is lost.
    var isHeldUp = false
    /// Why samples are about to be lost, for people; nil while none are.
    public var samplesTrouble: String?
    /// Probes that were due and not sent, because the instrument was late or too many were in flight.
    public var missed = 0
    /// Looks at our own server that failed.
    public var canaryFailures = 0
    /// What it cannot tell of itself here, for people; it makes no figure suspect. The same from the start to the end.
    public var shortcomings: [String] = []
    /// When it was in trouble, as far as that is over; only ever added to. The last one comes after `stop`.
    public var windows: [InstrumentWindow] = []
    /// Steps of the wall clock; they change no figure. Only ever added to.
    public var clockSteps: [ClockStep] = []
    public var pressure = Pressure()
    /// Why nothing of it can be trusted; empty when it can, outside of `windows`.
    public var suspicions: [String] = []
    public var isSuspect: Bool { !suspicions.isEmpty || !windows.isEmpty }
}
