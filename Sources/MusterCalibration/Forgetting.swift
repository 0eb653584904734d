public import MusterCore
public import MusterDrills

/// How much a forgetful store forgets.
public struct ForgettingPlan: Hashable, Sendable {
    /// Acknowledged writes that it drops: the newest ones, and older ones with survivors behind them.
    public var tail = 30
    public var holes = 7
    public var corrupt = 3
    public var duplicate = 2
    /// Writes that it leaves without an answer, and keeps, or does not keep.
    public var inDoubtKept = 5
    public var inDoubtDropped = 5
    /// Writes that it refuses, and does not keep, or keeps all the same.
    public var refused = 4
    public var refusedKept = 1
    public init() {}

    /// The null drill: every write is kept and answered.
    public static var nothing: ForgettingPlan {
        var plan = ForgettingPlan()
        (plan.tail, plan.holes, plan.corrupt, plan.duplicate) = (0, 0, 0, 0)
        (plan.inDoubtKept, plan.inDoubtDropped, plan.refused, plan.refusedKept) = (0, 0, 0, 0)
        return plan
    }

    public var lost: Int { tail + holes }
}

/// What a forgetful store did with each write, by key: the truth that a ledger is held against.
public struct StoreTruth: Hashable, Sendable {
    public var tail: Set<EntryKey> = []
    public var holes: Set<EntryKey> = []
    public var corrupt: Set<EntryKey> = []
    public var duplicate: Set<EntryKey> = []
    public var inDoubtKept: Set<EntryKey> = []
    public var inDoubtDropped: Set<EntryKey> = []
    public var refused: Set<EntryKey> = []
    public var refusedKept: Set<EntryKey> = []
    public var acknowledged = 0
    /// When the oldest write that was then lost or corrupted was kept.
    public var oldestLoss: Instant?
    /// Between these it forgot.
    public var forgot: Bracket?
    public init() {}
}

/// The books of a forgetful store: which writes it keeps, and which of those it betrays. Pure, so that its arithmetic
/// can be tested without a socket.
public struct ForgetfulBooks: Sendable {
    /// What is done with a write.
    public enum Treatment: Hashable, Sendable {
        case acknowledge
        /// Ends the connection without an answer.
        case leaveInDoubt
        case refuse
    }
    struct Kept: Sendable {
        var value: String
        var copies = 1
        var at: Instant
    }

    public let plan: ForgettingPlan
    public private(set) var truth = StoreTruth()
    private(set) var entries: [String: Kept] = [:]
    private let writers: Int
    private var random: SplitMix64
    /// By number of the write: what is done with it instead of acknowledging it.
    private var special: [Int: (Treatment, isKept: Bool)] = [:]
    private var count = 0
    private var acknowledged: [Int32: [EntryKey]] = [:]
    private var names: [EntryKey: String] = [:]

    /// - Parameters:
    ///   - writers: streams with this number or a higher one are not the workload's and are always served well.
    ///   - seed: which writes it betrays.
    public init(_ plan: ForgettingPlan = ForgettingPlan(), writers: Int, seed: UInt64) {
        self.plan = plan
        self.writers = writers
        random = SplitMix64(seed: seed)
        let kinds: [(Treatment, Bool, Int)] = [
            (.leaveInDoubt, true, plan.inDoubtKept), (.leaveInDoubt, false, plan.inDoubtDropped),
            (.refuse, false, plan.refused), (.refuse, true, plan.refusedKept),
        ]
        let all = kinds.reduce(0) { $0 + $1.2 }
        var numbers = Array((10..<(10 + 8 * max(1, all))).shuffled(using: &random).prefix(all))
        for (treatment, isKept, share) in kinds {
            for _ in 0..<share { special[numbers.removeLast()] = (treatment, isKept) }
        }
    }

    /// How many writes must have come for all of the plan to be carried out.
    public var wanted: Int { 100 + 8 * special.count + 8 * plan.lost }
    public var written: Int { count }

    /// - Parameter name: of the entry, as the workload calls it: `muster-<run>-<stream>-<sequence>`.
    public mutating func write(_ name: String, _ value: String, at now: Instant) -> Treatment {
        guard let key = Self.key(name), key.stream < writers else {
            entries[name] = Kept(value: value, at: now)
            return .acknowledge
        }
        names[key] = name
        count += 1
        let (treatment, isKept) = special[count] ?? (.acknowledge, true)
        if isKept { entries[name] = Kept(value: value, at: now) }
        switch treatment {
        case .acknowledge:
            acknowledged[key.stream, default: []].append(key)
            truth.acknowledged += 1
        case .leaveInDoubt:
            if isKept { truth.inDoubtKept.insert(key) } else { truth.inDoubtDropped.insert(key) }
        case .refuse: if isKept { truth.refusedKept.insert(key) } else { truth.refused.insert(key) }
        }
        return treatment
    }

    /// The value under a name, once for each copy; nil when there is none.
    public func read(_ name: String) -> [String]? {
        entries[name].map { Array(repeating: $0.value, count: $0.copies) }
    }

    /// Betrays what was acknowledged so far.
    /// - Returns: false when there was too little of it; then nothing was done.
    public mutating func forget() -> Bool {
        if plan.lost + plan.corrupt + plan.duplicate == 0 { return true }
        let streams = acknowledged.keys.sorted()
        guard !streams.isEmpty else { return false }
        var shares: [Int32: Int] = [:]
        let first = Int(random.next() % UInt64(streams.count))
        for index in 0..<plan.tail { shares[streams[(first + index) % streams.count], default: 0] += 1 }
        var older: [EntryKey] = []
        var tail: [EntryKey] = []
        for stream in streams {
            let keys = acknowledged[stream] ?? []
            let share = shares[stream] ?? 0
            // One behind all holes survives, else they would be part of the tail.
            guard keys.count > share + 1 else { return false }
            tail += keys.suffix(share)
            older += keys.dropLast(share + 1)
        }
        older.shuffle(using: &random)
        guard older.count >= plan.holes + plan.corrupt + plan.duplicate else { return false }
        truth.tail = Set(tail)
        truth.holes = Set(older.prefix(plan.holes))
        truth.corrupt = Set(older.dropFirst(plan.holes).prefix(plan.corrupt))
        truth.duplicate = Set(older.dropFirst(plan.holes + plan.corrupt).prefix(plan.duplicate))
        carryOut()
        return true
    }

    private mutating func carryOut() {
        let losses = truth.tail.union(truth.holes).union(truth.corrupt)
        truth.oldestLoss = losses.compactMap { names[$0].flatMap { entries[$0]?.at } }.min()
        for key in truth.tail.union(truth.holes) { names[key].map { entries[$0] = nil } }
        for key in truth.corrupt {
            guard let name = names[key], var kept = entries[name] else { continue }
            var bytes = Array(kept.value.utf8)
            if let last = bytes.last { bytes[bytes.count - 1] = last ^ 1 }
            kept.value = String(decoding: bytes, as: UTF8.self)
            entries[name] = kept
        }
        for key in truth.duplicate { names[key].map { entries[$0]?.copies = 2 } }
    }

    mutating func note(forgot bracket: Bracket) { truth.forgot = bracket }

    static func key(_ name: String) -> EntryKey? {
        let parts = name.split(separator: "-")
        guard parts.count >= 3, let stream = Int32(parts[parts.count - 2]),
            let sequence = Int64(parts[parts.count - 1])
        else { return nil }
        return EntryKey(stream: stream, sequence: sequence)
    }
}
