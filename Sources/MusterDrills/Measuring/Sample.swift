public import MusterCore

/// One look at a system, or one write to it: when it was due, when it was sent, when it was over, and how it
/// went. Bounds come from `started` and `finished`, latency limits from `due` (coordinated omission).
public struct Sample: Hashable, Sendable {
    public enum Outcome: UInt8, Sendable, CaseIterable {
        case ok = 0
        /// It succeeded, but later than the probe's `slow:` limit.
        case slow = 1
        /// Refused, reset, wrong status, wrong content.
        case error = 2
        case timeout = 3
        /// The instrument itself was in trouble: neither good nor bad.
        case unknown = 4
    }

    public var due: Instant
    public var started: Instant
    public var finished: Instant
    public var outcome: Outcome
    /// What exactly happened: an HTTP status, an errno or a code of the probe's own; 0 for none.
    public var code: Int32
    /// For how much of the time from `started` to `finished`, at most, the instrument itself had not looked at what was
    /// there to be seen. Zero where it looked in time.
    public var blind: Duration {
        get { .nanoseconds(blindNanoseconds) }
        set { blindNanoseconds = newValue.nanoseconds }
    }
    /// A `Duration` takes twice the room, and reckoning with it ten times the time; there are millions of samples.
    var blindNanoseconds: Int64

    public init(
        due: Instant, started: Instant, finished: Instant, outcome: Outcome, code: Int32 = 0,
        blind: Duration = .zero
    ) {
        self.due = due
        self.started = started
        self.finished = finished
        self.outcome = outcome
        self.code = code
        blindNanoseconds = blind.nanoseconds
    }

    public var latency: Duration { finished - started }

    /// How an answer's time stands to a limit.
    public enum Pace: Hashable, Sendable {
        case inTime
        case late
        /// It was late, but the instrument had not looked: the service may have been, or not.
        case unknown
    }

    /// Whether an answer came within `limit` since it was due.
    ///
    /// It is late for certain when even the time in which the instrument would have noticed it was longer. What was
    /// due and not sent waited for nobody but the instrument: a writer that waits for its last answer sends nothing.
    public func pace(within limit: Duration) -> Pace { pace(nanoseconds: limit.nanoseconds) }

    /// - Parameter limit: in nanoseconds.
    @inline(__always)
    func pace(nanoseconds limit: Int64) -> Pace {
        if finished.nanoseconds &- due.nanoseconds <= limit { return .inTime }
        return finished.nanoseconds &- started.nanoseconds &- blindNanoseconds > limit ? .late : .unknown
    }

    /// A brown-out counts as up: slow answers have a timeline of their own.
    public var isUp: Bool { outcome == .ok || outcome == .slow }
    public var isDown: Bool { outcome == .error || outcome == .timeout }
}

/// What one probe, or one writer of a workload, saw over a whole run.
public struct Signal: Sendable {
    /// The probe's name, or the workload's.
    public var name: String
    /// The writer's number within its workload; nil for a probe.
    public var writer: Int?
    /// The period at which samples were due.
    public var every: Duration
    /// In the order in which they were sent.
    public var samples: SampleSeries

    public init(name: String, writer: Int? = nil, every: Duration, samples: SampleSeries) {
        self.name = name
        self.writer = writer
        self.every = every
        self.samples = samples
    }

    public init(name: String, writer: Int? = nil, every: Duration, samples: [Sample] = []) {
        self.init(name: name, writer: writer, every: every, samples: SampleSeries(samples))
    }
}
