public import MusterCore
public import MusterDrills

/// What the instrument says of a ledger, by key.
public struct LedgerClaim: Sendable {
    /// Every entry that breaks a promise.
    public var anomalies: [EntryClass: Set<EntryKey>]
    public var counts: [EntryClass: Int]
    public var acknowledged: Int
    /// Recovery point, counted back from when the store forgot.
    public var rpa: Interval?

    public init(_ findings: LedgerFindings) {
        anomalies = Dictionary(grouping: findings.anomalies, by: \.entryClass).mapValues {
            Set($0.map(\.key))
        }
        counts = findings.counts
        acknowledged = findings.acknowledged
        rpa = findings.rpa
    }

    public init(
        anomalies: [EntryClass: Set<EntryKey>], counts: [EntryClass: Int], acknowledged: Int, rpa: Interval?
    ) {
        self.anomalies = anomalies
        self.counts = counts
        self.acknowledged = acknowledged
        self.rpa = rpa
    }
}

extension StoreTruth {
    /// Everything in which the instrument's ledger differs from what the store did; empty when it is exact.
    public func differences(from claim: LedgerClaim) -> [String] {
        let expected: [EntryClass: Set<EntryKey>] = [
            .lostTail: tail, .lostHole: holes, .corrupt: corrupt, .duplicate: duplicate,
            .abortedVisible: refusedKept,
        ]
        var found: [String] = []
        for entryClass in EntryClass.allCases where entryClass.isAnomaly {
            let wanted = expected[entryClass] ?? []
            let got = claim.anomalies[entryClass] ?? []
            if wanted != got {
                found.append(
                    "\(entryClass.rawValue): \(got.intersection(wanted).count) of \(wanted.count) found, "
                        + "\(got.subtracting(wanted).count) false")
            }
        }
        let counts: [(EntryClass, Int)] = [
            (.recovered, inDoubtKept.count), (.notApplied, inDoubtDropped.count), (.failed, refused.count),
            (.unread, 0),
        ]
        for (entryClass, wanted) in counts where (claim.counts[entryClass] ?? 0) != wanted {
            found.append("\(entryClass.rawValue): \(claim.counts[entryClass] ?? 0), not \(wanted)")
        }
        if let age = age, let rpa = claim.rpa {
            if rpa.lower > age.most || rpa.upper.map({ $0 < age.least }) ?? false {
                found.append("recovery point \(rpa.forPeople); the truth is \(age.least.exactText)")
            }
        } else if (age == nil) != (claim.rpa.map { $0.upper == .zero } ?? true) {
            found.append("recovery point \(claim.rpa?.forPeople ?? "none"), which is not so")
        }
        return found
    }

    /// How old the oldest write that was lost was then.
    private var age: (least: Duration, most: Duration)? {
        guard let forgot, let oldestLoss else { return nil }
        return (forgot.lower - oldestLoss, forgot.upper - oldestLoss)
    }
}
