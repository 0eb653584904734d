public import MusterCore

/// What a workload's writes are, beside plain entries.
public enum WorkloadMode: String, FormWord, Codable {
    /// Each write is an entry of its own, never written again.
    case entries
    /// Each writer writes increasing versions to a few keys of its own.
    case register
    /// Each write is an entry, and moves money between accounts in the same transaction.
    case bank
}

/// What a kind of workload can do beside writing and reading plain entries.
public enum WorkloadAbility: String, Sendable, CaseIterable {
    case register, bank, deletes
    /// Reads copies of its store: `readback:`.
    case replicas

    /// As a drill asks for it.
    var words: String {
        switch self {
        case .register, .bank: "mode: \(rawValue)"
        case .deletes: "deletes"
        case .replicas: "readback"
        }
    }
    /// The field that asks for it, of every workload.
    var field: String { String(words.prefix { $0 != ":" }) }
}

/// The accounts of `mode: bank`.
public struct BankSetting: Formed, Hashable {
    public var accounts = 8
    public var balance = 100
    public var negative = false
    public init() {}

    public static let form = Form(
        "bank", "The accounts of mode: bank.", blank: BankSetting(),
        fields: [
            Field(
                "accounts", \.accounts, default: 8, "How many accounts there are.",
                in: { (2...1000).contains($0) ? nil : "from 2 to 1000" }),
            Field(
                "balance", \.balance, default: 100, "What is on each at first.",
                in: { (1...1_000_000).contains($0) ? nil : "from 1 to 1000000" }),
            Field(
                "negative", \.negative, default: false,
                "Whether an account may be overdrawn; where it may not, no more is moved than is there."),
        ])

    public var total: Int64 { Int64(accounts) * Int64(balance) }
}

/// What a look at a register found while a workload ran.
public enum RegisterSight: Hashable, Sendable {
    /// The register was not there.
    case nothing
    /// The number of the write that it showed.
    case version(Int64)
    /// Something that no write of its stream had put there.
    case other
}

/// What each write of a workload is. Drawn from the seed, so that the ledger need not say it.
public struct WorkloadPlan: Hashable, Sendable {
    public enum Operation: Hashable, Sendable {
        /// Writes an entry.
        case put
        /// Takes away an entry that the same stream wrote before.
        case delete(EntryKey)
        /// Writes a version, which is the sequence number, to one of the stream's registers, from 0.
        case set(register: Int)
        /// Changes nothing: a look at one of the stream's registers.
        case readRegister(Int)
        /// Writes an entry and moves money, from one account to another, numbered from 0.
        case transfer(from: Int, to: Int, amount: Int64)
        /// Changes nothing: a look at all accounts.
        case readAccounts
    }

    public var mode: WorkloadMode
    /// The share of writes that take an entry away; only in mode `entries`.
    public var deletes: Percentage
    /// Registers of each stream; only in mode `register`.
    public var keys: Int
    public var bank: BankSetting
    public var seed: UInt64

    public init(
        mode: WorkloadMode = .entries, deletes: Percentage = Percentage(millionths: 0), keys: Int = 4,
        bank: BankSetting = BankSetting(), seed: UInt64 = 0
    ) {
        self.mode = mode
        self.deletes = deletes
        self.keys = keys
        self.bank = bank
        self.seed = seed
    }

    /// Nothing but entries, which are judged one by one.
    public var isPlain: Bool { mode == .entries && deletes.millionths == 0 }

    /// An entry is taken away by the eighth write after it, if at all.
    static let deleteDistance: Int64 = 8
    /// One write in so many is a look instead.
    public static let readEvery: Int64 = 10

    public func operation(_ key: EntryKey) -> Operation {
        switch mode {
        case .entries:
            return isDelete(key)
                ? .delete(EntryKey(stream: key.stream, sequence: key.sequence - Self.deleteDistance)) : .put
        case .register:
            let register = self.register(of: key.sequence)
            return isRead(key) ? .readRegister(register) : .set(register: register)
        case .bank:
            if isRead(key) { return .readAccounts }
            let from = Int(draw(key, 1) % UInt64(bank.accounts))
            let step = 1 + Int(draw(key, 2) % UInt64(bank.accounts - 1))
            return .transfer(
                from: from, to: (from + step) % bank.accounts, amount: 1 + Int64(draw(key, 3) % 5))
        }
    }

    /// Whether it changes nothing.
    public func isRead(_ key: EntryKey) -> Bool {
        mode != .entries && key.sequence % Self.readEvery == 0
    }

    /// Of a version, and of the look that stands in its place. Looks are left out of the count, or some register
    /// would never be written.
    public func register(of sequence: Int64) -> Int {
        let looks = sequence / Self.readEvery
        return Int((sequence % Self.readEvery == 0 ? looks - 1 : sequence - looks - 1) % Int64(keys))
    }

    /// The deleted entry must not itself be a delete, so more is drawn than `deletes`, to come out at that share.
    private func isDelete(_ key: EntryKey) -> Bool {
        let drawn = UInt64(deletes.millionths * 1_000_000 / (1_000_000 - deletes.millionths))
        var key = key
        var isDelete = false
        var flips = 0
        while key.sequence > Self.deleteDistance, draw(key, 0) % 1_000_000 < drawn {
            isDelete = true
            flips += 1
            key.sequence -= Self.deleteDistance
        }
        // In a row of draws every second one finds an entry to delete.
        return isDelete && flips % 2 == 1
    }

    private func draw(_ key: EntryKey, _ purpose: UInt64) -> UInt64 {
        SplitMix64.mix(
            seed ^ UInt64(bitPattern: key.sequence) &* 0x9E37_79B9_7F4A_7C15
                ^ (UInt64(UInt32(bitPattern: key.stream)) << 8 | purpose) &* 0xD1B5_4A32_D192_ED03)
    }
}
