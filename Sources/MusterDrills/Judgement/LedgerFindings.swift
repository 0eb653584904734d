public import MusterCore

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
    /// Absent in an early pass, present in a later one; or a register at a version below the last acknowledged.
    case stale
    /// Deleted, which was acknowledged, and present all the same.
    case resurrected
    /// Present, but after an entry that its stream wrote later.
    case reordered
    /// A replica holds something else than its primary, or nothing.
    case divergent
    /// Deleted, and absent, as it should be.
    case deleted
    /// A version of a register that a later one was written over.
    case superseded
    /// Left out of a sample.
    case unsampled

    /// Whether it breaks a promise.
    public var isAnomaly: Bool {
        switch self {
        case .survived, .unread, .recovered, .notApplied, .failed, .deleted, .superseded, .unsampled: false
        case .lostHole, .lostTail, .lostAfterFault, .corrupt, .abortedVisible, .duplicate, .phantom, .stale,
            .resurrected, .reordered, .divergent:
            true
        }
    }

    /// Whether an acknowledged write is gone or unreadable.
    public var isLoss: Bool {
        switch self {
        case .lostHole, .lostTail, .lostAfterFault, .corrupt: true
        default: false
        }
    }

    /// Whether `integrity: strict` forbids it. A loss breaks the recovery point instead.
    public var isViolation: Bool { isAnomaly && !isLoss }
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

/// How one replica differs from its primary.
public struct ReplicaFindings: Hashable, Sendable {
    public var name: String
    /// Intact on the primary, and not here: what a failover to this replica would lose.
    public var missing = 0
    /// On both, and not alike.
    public var different = 0
    /// Here, and not on the primary.
    public var extra = 0
    public var unread = 0
    /// Why nothing can be concluded about it; nil when something can.
    public var inconclusive: String?

    public init(name: String) { self.name = name }

    public var divergent: Int { missing + different + extra }
}

/// How much of a ledger a sample covers.
public struct SampleFindings: Hashable, Sendable {
    /// Acknowledged writes from before the time of which everything was read, and how many of them were drawn.
    public var older: Int
    public var drawn: Int
    /// Drawn, and lost or corrupt.
    public var missing: Int

    public init(older: Int, drawn: Int, missing: Int) {
        self.older = older
        self.drawn = drawn
        self.missing = missing
    }

    /// The most that may be lost of the older ones at 95 % confidence; nil when the sample shows a loss.
    public var mostLost: Int? {
        missing == 0 ? SampleBound.mostLost(of: older, drawn: drawn) : nil
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
    /// Of each class at most as many as `LedgerJudge.classify` was asked for; `counts` has all.
    public var anomalies: [LedgerAnomaly] = []
    /// Recovery point actual: the age of the oldest lost acknowledged write when the fault struck.
    public var rpa: Interval?
    /// The same by the newest survivor.
    public var tailRPA: Interval?
    /// Age of the newest acknowledged write that survived, in the worst stream that lost any.
    public var newestSurvivor: Interval?
    /// How long after the fault the last of those was acknowledged that are lost after it; nil where none is. Stored
    /// among the measurements.
    public var lostAfterFault: Interval?
    /// Of the corrupt, those that were acknowledged after the fault for certain. Not stored: the judgement says it.
    public var corruptAfterFault = 0
    /// How finely the ledger could have seen a loss: the fault minus the sending of the last write acknowledged
    /// before it.
    public var resolution: Duration?
    /// Lost or corrupt entries with, and without, a later survivor from before the fault in their stream; at most
    /// as many of each as anomalies of one class.
    public var holes: [EntryKey] = []
    public var tail: [EntryKey] = []
    /// From the first lost to the last lost acknowledgement.
    public var lossSpan: Duration = .zero
    public var lostBytes: Int64 = 0
    public var blindWindow: Duration = .zero
    /// nil when everything was read.
    public var sample: SampleFindings?
    public var replicas: [ReplicaFindings] = []
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
    /// Anomalies that are counted and not listed.
    public var unlisted: Int {
        counts.reduce(0) { $0 + ($1.key.isAnomaly ? $1.value : 0) } - anomalies.count
    }
    /// Lost and corrupt as a share of the acknowledged writes.
    public var lossRatio: Double { acknowledged == 0 ? 0 : Double(lost + corrupt) / Double(acknowledged) }
}
