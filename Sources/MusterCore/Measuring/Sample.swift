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

/// A way of looking at a system from outside, as one of its users would. One probe, one file in MusterProbes.
public protocol Probe: Sendable {
    /// The field named like the form holds what is looked at: `http: "http://…"`.
    static var form: Form<Self> { get }
}

/// A way of writing to a system so that every acknowledged write can be accounted for.
public protocol Workload: Sendable {
    static var form: Form<Self> { get }
    /// What it can do beside writing and reading plain entries.
    static var abilities: Set<WorkloadAbility> { get }
    /// The same workload, reading from a copy of its store; nil where `url` is no place that it can read from.
    func reading(from url: String) -> Self?
}

extension Workload {
    public static var abilities: Set<WorkloadAbility> { [] }
    public func reading(from url: String) -> Self? { nil }
}

/// What every probe has, whatever its kind.
public struct ProbeSetting: Formed, Hashable {
    public var every: Duration
    public var timeout: Duration
    /// A success that took longer than this since it was due is `slow`.
    public var slow: Duration?

    public init(every: Duration = .milliseconds(100), timeout: Duration = .seconds(1), slow: Duration? = nil)
    {
        self.every = every
        self.timeout = timeout
        self.slow = slow
    }

    public static let form = Form(
        "probe", "What every probe has.", blank: ProbeSetting(),
        fields: [
            Field(
                "every", \.every, default: .milliseconds(100),
                "The period; probes are sent on absolute times, whether earlier ones have answered or not.",
                in: { $0 >= .milliseconds(1) && $0 <= .seconds(3600) ? nil : "from 1ms to 1h" }),
            Field(
                "timeout", \.timeout, default: .seconds(1), "When an answer no longer counts.",
                in: { $0 >= .milliseconds(1) && $0 <= .seconds(600) ? nil : "from 1ms to 10m" }),
            Field("slow", \.slow, "A success later than this is counted as slow, not as down."),
        ])
}

/// What every workload has, whatever its kind.
public struct WorkloadSetting: Formed, Hashable {
    public var writers: Int
    public var rate: Rate
    public var timeout: Duration
    /// Bytes of each entry's payload, its checksum included.
    public var payload: ByteCount
    /// Copies of the store that are read back as well.
    public var readback: [String] = []
    public var sample = SampleSetting()
    public var mode = WorkloadMode.entries
    /// The share of writes that take an earlier entry away.
    public var deletes = Percentage(millionths: 0)
    /// Registers of each writer.
    public var keys = 4
    public var bank = BankSetting()

    public init(
        writers: Int = 8, rate: Rate = Rate(perSecondThousandths: 200_000), timeout: Duration = .seconds(1),
        payload: ByteCount = ByteCount(64)
    ) {
        self.writers = writers
        self.rate = rate
        self.timeout = timeout
        self.payload = payload
    }

    public static let form = Form(
        "workload", "What every workload has.", blank: WorkloadSetting(),
        fields: writingFields + readBackFields + modeFields,
        check: checkMode)

    // In parts, because the type of one long list takes the compiler too long.
    private static let writingFields: [Field<WorkloadSetting>] = [
        Field(
            "writers", \.writers, default: 8,
            "Streams of writes, each with one write in flight at a time.",
            in: { (1...1000).contains($0) ? nil : "from 1 to 1000" }),
        Field(
            "rate", \.rate, default: Rate(perSecondThousandths: 200_000),
            "Writes per second of all writers.",
            in: { $0.perSecond <= 20_000 ? nil : "at most 20000/s" }),
        Field(
            "timeout", \.timeout, default: .seconds(1),
            "When a write without an answer is in doubt and its writer goes on."),
        Field(
            "payload", \.payload, default: ByteCount(64), "Size of each entry, its checksum included.",
            in: { (32...65_536).contains($0.bytes) ? nil : "from 32B to 64KiB" }),
    ]

    private static let readBackFields: [Field<WorkloadSetting>] = [
        Field(
            "readback", \.readback, default: [],
            "URLs of the store's replicas: each is read back as well, and must hold what the store holds."
        ),
        Field(
            "sample", \.sample, default: SampleSetting(),
            "What is read back of more entries than can be read."),
    ]

    private static let modeFields: [Field<WorkloadSetting>] = [
        Field(
            "mode", \.mode, default: .entries,
            "What is written: entries (each once), register (versions of a few keys) or bank (transfers)."
        ),
        Field(
            "deletes", \.deletes, default: Percentage(millionths: 0),
            "The share of writes that delete an earlier entry instead; only in mode: entries.",
            in: { $0.millionths <= 250_000 ? nil : "at most 25%" }),
        Field(
            "keys", \.keys, default: 4, "Keys of each writer in mode: register.",
            in: { (1...1000).contains($0) ? nil : "from 1 to 1000" }),
        Field("bank", \.bank, default: BankSetting(), "The accounts of mode: bank."),
    ]

    @Sendable private static func checkMode(_ setting: WorkloadSetting) throws {
        let given: [(field: String, mode: WorkloadMode, isGiven: Bool)] = [
            ("deletes", .entries, setting.deletes.millionths > 0), ("keys", .register, setting.keys != 4),
            ("bank", .bank, setting.bank != BankSetting()),
        ]
        for (field, mode, isGiven) in given where isGiven && setting.mode != mode {
            throw FormProblem(
                "'\(field)' means nothing in mode: \(setting.mode.rawValue)", at: nil, path: field,
                expected: "mode: \(mode.rawValue), or no '\(field)'")
        }
        let isPlain = setting.mode == .entries && setting.deletes.millionths == 0
        if setting.sample != SampleSetting(), !isPlain {
            throw FormProblem(
                "'sample' is only for entries that are never deleted; all others are read whole", at: nil,
                path: "sample", expected: "mode: entries without 'deletes', or no 'sample'")
        }
    }

    /// - Parameter seed: of the run.
    public func plan(seed: UInt64) -> WorkloadPlan {
        WorkloadPlan(mode: mode, deletes: deletes, keys: keys, bank: bank, seed: seed)
    }
}

/// A kind of probe or workload without its type, so that both have one catalogue.
public struct ProbeCatalog: Sendable {
    public let types: [any Probe.Type]
    public init(_ types: [any Probe.Type]) { self.types = types }
    public var descriptions: [FormDescription] { types.map { Self.describe($0) } }
    public func type(named name: String) -> (any Probe.Type)? {
        types.first { Self.describe($0).name == name }
    }
    /// - Parameter others: keys of the same mapping that are read by others, such as `every`.
    /// - Throws: `FormProblems`.
    public func probe(_ name: String, _ node: FormNode, besides others: Set<String>) throws -> (any Probe)? {
        try type(named: name).map { try Self.decode($0, node, others) }
    }
    public static func encode<P: Probe>(_ probe: P) -> Value { P.form.encode(probe) }
    private static func describe<P: Probe>(_ type: P.Type) -> FormDescription { P.form.description }
    private static func decode<P: Probe>(_ type: P.Type, _ node: FormNode, _ others: Set<String>) throws -> P
    {
        try P.form.decode(node, besides: others)
    }
}
