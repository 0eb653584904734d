/// What a drill says about its objectives. Not how the run ended: that is `Ending`.
public enum Verdict: String, Sendable, Codable, CaseIterable {
    case pass, fail, inconclusive, error
}

/// How a run ended, whatever its verdict.
public enum Ending: String, Sendable, Codable, CaseIterable {
    case completed, aborted, interrupted
}

/// What became of one objective.
public struct ObjectiveResult: Hashable, Sendable {
    public enum Result: String, Sendable, Codable, CaseIterable {
        /// Even the upper bound meets it.
        case met
        /// Even the lower bound misses it.
        case missed
        case inconclusive
    }

    /// `rto`, `rpo`, `integrity`, `availability`, `latency`, `degradation`.
    public var name: String
    /// As declared: `2s from fault`.
    public var objective: String
    /// As measured, for people: `1.230 s to 1.241 s`.
    public var measured: String
    /// The measured bounds where the objective is a time.
    public var interval: Interval?
    public var result: Result
    /// Why, in a sentence.
    public var reason: String

    public init(
        name: String, objective: String, measured: String, interval: Interval?, result: Result, reason: String
    ) {
        self.name = name
        self.objective = objective
        self.measured = measured
        self.interval = interval
        self.result = result
        self.reason = reason
    }
}

/// What a signal saw of the outage.
public enum RecoveryStatus: String, Sendable, Codable, CaseIterable {
    case noOutage = "no-outage"
    case recovered
    /// It went down again before it was stable.
    case recoveredFlapped = "recovered-flapped"
    /// Up for good, but slower or with less throughput than before the fault, beyond what chance explains.
    case degraded
    /// Not seen to recover before observation ended.
    case notRecovered = "not-recovered"
    /// The fault, the steady state or the effect is not proven.
    case invalid
    case instrumentSuspect = "instrument-suspect"
}

/// One measured figure, as stored and shown.
public struct Measurement: Hashable, Sendable {
    /// Such as `rta`, `rta-declared`, `downtime`, `first-success`, `time-to-stable`, `time-to-performance`, `rpa`:
    /// docs/GLOSSARY.md explains them.
    public var name: String
    /// The signal or workload it belongs to; empty for the drill's own.
    public var subject: String
    public var interval: Interval
    public init(name: String, subject: String, interval: Interval) {
        self.name = name
        self.subject = subject
        self.interval = interval
    }
}

/// Classes of entries after reading back.
public enum EntryClass: String, Sendable, Codable, CaseIterable {
    case survived
    /// Acknowledged and absent; a later acknowledgement from before the fault survived.
    case lostHole = "lost-hole"
    /// Acknowledged and absent; nothing later from before the fault survived.
    case lostTail = "lost-tail"
    /// Acknowledged after the fault was injected, and absent: as when two sides accept writes.
    case lostAfterFault = "lost-after-fault"
    case corrupt
    /// It could not be read, so nobody knows whether it is there. It breaks no promise, and leaves the ledger
    /// inconclusive.
    case unread
    /// In doubt, and present.
    case recovered
    /// In doubt, and absent.
    case notApplied = "not-applied"
    /// Certainly failed, and absent, as it should be.
    case failed
    /// Certainly failed, and present all the same.
    case abortedVisible = "aborted-visible"
    case duplicate
    case phantom
    /// Absent in an early pass, present in a later one; or an older version than was acknowledged.
    case stale
    /// Present, but after an entry that its stream wrote later.
    case reordered
    /// Deleted, which was acknowledged, and present all the same.
    case resurrected
    /// Deleted, and absent, as it should be.
    case deleted
    /// A version that a later one was written over.
    case superseded

    /// Whether it breaks a promise.
    public var isAnomaly: Bool {
        switch self {
        case .survived, .unread, .recovered, .notApplied, .failed, .deleted, .superseded: false
        default: true
        }
    }
}

public struct LedgerAnomaly: Hashable, Sendable {
    public var key: EntryKey
    public var entryClass: EntryClass
    public var sent: Instant?
    public var acknowledged: Instant?
    public init(key: EntryKey, entryClass: EntryClass, sent: Instant?, acknowledged: Instant?) {
        self.key = key
        self.entryClass = entryClass
        self.sent = sent
        self.acknowledged = acknowledged
    }
}

/// What a workload's ledger proves.
public struct LedgerFindings: Hashable, Sendable {
    public var workload: String
    /// Writes sent, acknowledged, refused and in doubt.
    public var sent = 0
    public var acknowledged = 0
    public var refused = 0
    public var inDoubt = 0
    public var counts: [EntryClass: Int] = [:]
    public var anomalies: [LedgerAnomaly] = []
    /// Recovery point actual: the age of the oldest lost acknowledged write when the fault struck.
    public var rpa: Interval?
    /// The same by the newest survivor.
    public var tailRPA: Interval?
    /// Age of the newest acknowledged write that survived, in the worst stream that lost any.
    public var newestSurvivor: Interval?
    /// How finely the ledger could have seen a loss: the fault minus the sending of the last write acknowledged
    /// before it.
    public var resolution: Duration?
    /// Lost or corrupt entries with, and without, a later survivor from before the fault in their stream.
    public var holes: [EntryKey] = []
    public var tail: [EntryKey] = []
    /// From the first lost to the last lost acknowledgement.
    public var lossSpan: Duration = .zero
    public var lostBytes: Int64 = 0
    public var blindWindow: Duration = .zero
    /// Why nothing can be concluded; nil when something can.
    public var inconclusive: String?
    /// Proof of damage beside the entries, in words: a broken invariant, a failed check of the whole store.
    public var violations: [String] = []

    public init(workload: String) { self.workload = workload }

    public func count(_ classes: EntryClass...) -> Int { classes.reduce(0) { $0 + (counts[$1] ?? 0) } }
    public var lost: Int { count(.lostHole, .lostTail, .lostAfterFault) }
    public var corrupt: Int { count(.corrupt) }
    public var unread: Int { count(.unread) }
    public var duplicated: Int { count(.duplicate) }
    /// Lost and corrupt as a share of the acknowledged writes.
    public var lossRatio: Double { acknowledged == 0 ? 0 : Double(lost + corrupt) / Double(acknowledged) }
}

/// The judgement of a whole run.
public struct Judgement: Sendable {
    public var verdict: Verdict
    /// The first sentence of every report.
    public var reason: String
    public var objectives: [ObjectiveResult]
    public var measurements: [Measurement]
    public var ledgers: [LedgerFindings]
    public var status: RecoveryStatus
    /// What became of the figures that were predicted; empty where none were.
    public var predictions: [PredictionResult]
    /// What a reader must know, such as "weak stability", "model wrong or system changed".
    public var warnings: [String]
    /// What the run did not test.
    public var scope: [String]

    public init(
        verdict: Verdict, reason: String, objectives: [ObjectiveResult] = [],
        measurements: [Measurement] = [],
        ledgers: [LedgerFindings] = [], status: RecoveryStatus, predictions: [PredictionResult] = [],
        warnings: [String] = [], scope: [String] = []
    ) {
        self.verdict = verdict
        self.reason = reason
        self.objectives = objectives
        self.measurements = measurements
        self.ledgers = ledgers
        self.status = status
        self.predictions = predictions
        self.warnings = warnings
        self.scope = scope
    }
}
