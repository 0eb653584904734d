/// Tells from a ledger and its read-back what became of every write (MEASUREMENT, section 2).
///
/// - Holes and tail are told apart over acknowledgements from before the fault only: a write made after the
///   recovery would turn a lost tail into holes.
/// - The fault happened somewhere in its bracket, and a commit somewhere between a write's sending and its
///   acknowledgement, which a busy instrument may read late. A write is *before* the fault for certain when it was
///   acknowledged up to the lower end, and *after* it for certain when it was sent beyond the upper end. One in
///   between counts as before where it is lost (nobody is accused of losing what it took after the fault without
///   proof), but is no witness that makes an older loss a hole.
/// - Lost is only what was looked for and not there. What could not be read is counted apart, and may be as old
///   as it is.
public enum LedgerJudge {
    /// - Parameter fault: the bracket of the injection that is held to account.
    public static func classify(_ whole: Ledger, fault: Bracket) -> LedgerFindings {
        var findings = LedgerFindings(workload: whole.workload)
        let invariants = InvariantJudge(whole)
        let (writes, ledger) = (invariants.writes, invariants.entries)
        count(writes, &findings)
        guard let readBack = ledger.readBack else {
            findings.violations = whole.violations
            findings.inconclusive = "nothing was read back"
            return findings
        }
        let found = merged(readBack.found)
        let late = Set(readBack.late)
        let unread = Set(readBack.unread).subtracting(found.keys)
        let lines = Dictionary(grouping: ledger.entries, by: \.key.stream).sorted { $0.key < $1.key }
        for (_, entries) in lines {
            let stream = StreamFindings(
                entries.sorted { $0.key < $1.key }, found: found, late: late, unread: unread, fault: fault)
            stream.add(to: &findings)
        }
        let known = Set(ledger.entries.map(\.key))
        for key in found.keys.sorted() where !known.contains(key) {
            findings.note(
                .phantom, LedgerAnomaly(key: key, entryClass: .phantom, sent: nil, acknowledged: nil))
        }
        finish(&findings, writes, fault)
        invariants.add(to: &findings)
        findings.inconclusive = problem(of: readBack, writes, fault)
        return findings
    }

    private static func count(_ ledger: Ledger, _ findings: inout LedgerFindings) {
        findings.sent = ledger.entries.count
        findings.acknowledged = ledger.entries.count { $0.isAcknowledged }
        findings.refused = ledger.entries.count { $0.outcome == .fail }
        findings.inDoubt = findings.sent - findings.acknowledged - findings.refused
        findings.blindWindow = ledger.blindWindow
    }

    /// An entry may be reported once with a count or several times; it is intact when any copy is.
    private static func merged(_ found: [ReadBack.Found]) -> [EntryKey: ReadBack.Found] {
        found.filter { $0.count > 0 }.reduce(into: [:]) { all, one in
            guard let seen = all[one.key] else {
                all[one.key] = one
                return
            }
            all[one.key] = ReadBack.Found(
                key: one.key, isIntact: seen.isIntact || one.isIntact, count: seen.count + one.count,
                isMisplaced: seen.isMisplaced || one.isMisplaced)
        }
    }

    private static func finish(_ findings: inout LedgerFindings, _ ledger: Ledger, _ fault: Bracket) {
        let losses = findings.anomalies.filter { $0.entryClass.isLoss }.compactMap(\.acknowledged)
        if let first = losses.min(), let last = losses.max() { findings.lossSpan = last - first }
        findings.lostBytes = Int64(losses.count) * Int64(ledger.payloadBytes)
        let lastBefore = ledger.entries.filter { $0.isAcknowledged && $0.acknowledgedAt <= fault.upper }
            .max { $0.acknowledgedAt < $1.acknowledgedAt }
        if let lastBefore {
            findings.resolution = fault.upper - lastBefore.sent
            if findings.rpa == nil { findings.rpa = Interval(lower: .zero, upper: .zero) }
        }
    }

    /// Section 6, rule 2: what makes it impossible to conclude that nothing was lost.
    private static func problem(of readBack: ReadBack, _ ledger: Ledger, _ fault: Bracket) -> String? {
        if let problem = readBack.problems.first { return "the read-back is incomplete: \(problem)" }
        if !readBack.unread.isEmpty {
            let keys = readBack.unread.count == 1 ? "key" : "keys"
            return "the read-back is incomplete: \(readBack.unread.count) \(keys) could not be read"
        }
        if !readBack.agreed {
            return "no two passes of the read-back agreed (\(readBack.passes) were made)"
        }
        if ledger.blindWindow != .zero {
            return "acknowledgements of \(ledger.blindWindow.forPeople) may be missing from our own record"
        }
        let recent = max(ledger.rate.period * 10, .seconds(1))
        let hasRecent = ledger.entries.contains {
            $0.isAcknowledged && $0.acknowledgedAt <= fault.lower
                && $0.acknowledgedAt >= fault.lower - recent
        }
        if !hasRecent { return "no write was acknowledged in the last \(recent.forPeople) before the fault" }
        return nil
    }
}

/// One stream's entries in the order in which they were written.
private struct StreamFindings {
    private var classes: [(EntryClass, LedgerEntry)] = []
    private var holes: [EntryKey] = []
    private var tail: [EntryKey] = []
    private var rpa: Interval?
    private var tailRPA: Interval?
    private var newestSurvivor: Interval?

    init(
        _ entries: [LedgerEntry], found: [EntryKey: ReadBack.Found], late: Set<EntryKey>,
        unread: Set<EntryKey>, fault: Bracket
    ) {
        let survives = { (entry: LedgerEntry) in found[entry.key]?.isIntact == true }
        let acknowledged = entries.filter(\.isAcknowledged)
        let newest = acknowledged.last { survives($0) && $0.acknowledgedAt <= fault.lower }
        let suspects = acknowledged.filter { !survives($0) && $0.sent <= fault.upper }
        let losses = suspects.filter { !unread.contains($0.key) }
        let isHole = { (entry: LedgerEntry) in newest.map { entry.key < $0.key } ?? false }
        holes = losses.filter(isHole).map(\.key)
        tail = losses.filter { !isHole($0) }.map(\.key)
        for entry in entries {
            let fate =
                unread.contains(entry.key)
                ? .unread : Self.fate(of: entry, found[entry.key], isHole(entry), fault)
            classes.append((fate, entry))
            if let copies = found[entry.key]?.count, copies > 1 { classes.append((.duplicate, entry)) }
            // An entry in doubt may land late; only what was promised can be stale.
            if entry.isAcknowledged, survives(entry), late.contains(entry.key) {
                classes.append((.stale, entry))
            }
            if found[entry.key]?.isMisplaced == true { classes.append((.reordered, entry)) }
        }
        if let oldest = suspects.first {
            let before = acknowledged.last { $0.key < oldest.key }
            rpa = Self.age(of: losses.first, after: before, fault)
        }
        if !losses.isEmpty {
            newestSurvivor = newest.map {
                Interval(
                    lower: fault.lower - $0.acknowledgedAt, upper: fault.upper - $0.acknowledgedAt)
            }
        }
        if let first = losses.first(where: { !isHole($0) }) {
            tailRPA = Self.age(of: first, after: newest, fault)
        }
    }

    private static func fate(
        of entry: LedgerEntry, _ found: ReadBack.Found?, _ isHole: Bool, _ fault: Bracket
    ) -> EntryClass {
        switch (entry.outcome, found) {
        case (.ok, .none), (.okWithWarning, .none):
            entry.sent > fault.upper ? .lostAfterFault : isHole ? .lostHole : .lostTail
        case (.ok, .some(let found)), (.okWithWarning, .some(let found)):
            found.isIntact ? .survived : .corrupt
        case (.fail, .none): .failed
        case (.fail, .some): .abortedVisible
        case (.info, .none), (.pending, .none): .notApplied
        // Half of a write is neither of the two things that a write in doubt may become.
        case (.info, .some(let found)), (.pending, .some(let found)):
            found.isIntact ? .recovered : .abortedVisible
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

    func add(to findings: inout LedgerFindings) {
        for (fate, entry) in classes {
            let acknowledged = entry.isAcknowledged ? entry.acknowledgedAt : nil
            findings.note(
                fate,
                LedgerAnomaly(key: entry.key, entryClass: fate, sent: entry.sent, acknowledged: acknowledged))
        }
        findings.holes += holes
        findings.tail += tail
        findings.rpa = .worst(findings.rpa, rpa)
        findings.tailRPA = .worst(findings.tailRPA, tailRPA)
        findings.newestSurvivor = .worst(findings.newestSurvivor, newestSurvivor)
    }
}

extension LedgerFindings {
    fileprivate mutating func note(_ fate: EntryClass, _ anomaly: LedgerAnomaly) {
        counts[fate, default: 0] += 1
        if fate.isAnomaly { anomalies.append(anomaly) }
    }
}

extension EntryClass {
    /// Whether an acknowledged write is gone or unreadable.
    public var isLoss: Bool {
        switch self {
        case .lostHole, .lostTail, .lostAfterFault, .corrupt: true
        default: false
        }
    }
}

extension LedgerEntry {
    /// When it was acknowledged; only for acknowledged entries.
    fileprivate var acknowledgedAt: Instant { finished ?? sent }
}

extension Interval {
    /// The later of two ends: each bound is the greater one, and one that is open stays open.
    public static func worst(_ a: Interval?, _ b: Interval?) -> Interval? {
        guard let a, let b else { return a ?? b }
        let upper: Duration? =
            if let first = a.upper, let second = b.upper { max(first, second) } else { nil }
        return Interval(lower: max(a.lower, b.lower), upper: upper)
    }
}
