import MusterCore

/// Gathers findings: everything is counted, and of each class only so many are listed.
struct LedgerTally {
    var findings: LedgerFindings
    private let details: Int
    private var survived = 0
    private var losses = 0
    private var firstLoss: Instant?
    private var lastLoss: Instant?

    init(_ findings: LedgerFindings, details: Int) {
        self.findings = findings
        self.details = details
    }

    /// Counts one write by what became of it.
    mutating func note(_ fate: EntryClass, _ entry: LedgerEntry) {
        if fate == .survived {
            survived += 1
            return
        }
        note(fate, entry.key, entry)
        guard fate.isLoss else { return }
        losses += 1
        let acknowledged = entry.acknowledgedAt
        firstLoss = min(firstLoss ?? acknowledged, acknowledged)
        lastLoss = max(lastLoss ?? acknowledged, acknowledged)
    }

    /// Counts what is wrong with a key beside what became of its write.
    mutating func note(_ fate: EntryClass, _ key: EntryKey, _ entry: LedgerEntry? = nil) {
        let count = findings.counts[fate, default: 0] + 1
        findings.counts[fate] = count
        guard fate.isAnomaly, count <= details else { return }
        let acknowledged = entry.flatMap { $0.isAcknowledged ? $0.acknowledgedAt : nil }
        findings.anomalies.append(
            LedgerAnomaly(key: key, entryClass: fate, sent: entry?.sent, acknowledged: acknowledged))
    }

    /// Counts a loss that was acknowledged after the fault for certain. It was acknowledged between its sending and
    /// the reading of its answer, as the fault lies in its bracket.
    mutating func addLossAfterFault(_ entry: LedgerEntry, isCorrupt: Bool, _ fault: Bracket) {
        if isCorrupt {
            findings.corruptAfterFault += 1
        } else {
            let late = Interval(
                lower: entry.sent - fault.upper, upper: entry.acknowledgedAt - fault.lower)
            findings.lostAfterFault = .worst(findings.lostAfterFault, late)
        }
    }

    mutating func addLoss(_ key: EntryKey, isHole: Bool) {
        if isHole {
            if findings.holes.count < details { findings.holes.append(key) }
        } else if findings.tail.count < details {
            findings.tail.append(key)
        }
    }

    /// - Parameter newest: the last acknowledged write of the stream that survived, from before the fault.
    mutating func add(_ ages: Ages, newest: LedgerEntry?, _ fault: Bracket) {
        guard ages.isAnySuspect else { return }
        findings.rpa = .worst(
            findings.rpa, Self.age(of: ages.firstLoss, after: ages.beforeOldest, fault))
        if ages.firstLoss != nil, let newest {
            let age = Interval(
                lower: fault.lower - newest.acknowledgedAt, upper: fault.upper - newest.acknowledgedAt)
            findings.newestSurvivor = .worst(findings.newestSurvivor, age)
        }
        if let first = ages.firstOfTail {
            findings.tailRPA = .worst(findings.tailRPA, Self.age(of: first, after: newest, fault))
        }
    }

    /// The commit of a write lies between its sending and its acknowledgement, so that the point to which
    /// data was recovered lies between the sending of the predecessor and the acknowledgement of the lost one.
    /// Without a predecessor nothing bounds it from above; without a certain loss, from below.
    private static func age(of lost: LedgerEntry?, after: LedgerEntry?, _ fault: Bracket) -> Interval {
        Interval(
            lower: lost.map { max(.zero, fault.lower - $0.acknowledgedAt) } ?? .zero,
            upper: after.map { fault.upper - $0.sent })
    }

    func finished(payloadBytes: Int) -> LedgerFindings {
        var findings = findings
        if survived > 0 { findings.counts[.survived] = survived }
        if let firstLoss, let lastLoss { findings.lossSpan = lastLoss - firstLoss }
        findings.lostBytes = Int64(losses) * Int64(payloadBytes)
        return findings
    }
}

/// Keys that are asked for in rising order.
struct SortedKeys {
    private let keys: [EntryKey]
    private var next = 0

    /// - Parameter keys: in order.
    init(_ keys: [EntryKey]) { self.keys = keys }

    /// Whether `key` is among them; no later question may be for a smaller one.
    mutating func contains(_ key: EntryKey) -> Bool {
        while next < keys.count, keys[next] < key { next += 1 }
        return next < keys.count && keys[next] == key
    }
}

extension [EntryKey] {
    /// Itself where it is in order, which costs a look at each.
    var inOrder: [EntryKey] {
        for index in indices.dropFirst() where self[index] < self[index - 1] { return sorted() }
        return self
    }
}

extension [LedgerEntry] {
    /// Itself where it is in order, which costs a look at each.
    var inOrder: [LedgerEntry] {
        for index in indices.dropFirst() where self[index].key < self[index - 1].key {
            return sorted { $0.key < $1.key }
        }
        return self
    }

    /// The entry with this key; they must be in order.
    func entry(_ key: EntryKey) -> LedgerEntry? {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if self[middle].key < key { low = middle + 1 } else { high = middle }
        }
        return low < count && self[low].key == key ? self[low] : nil
    }
}
