public import MusterCore

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
