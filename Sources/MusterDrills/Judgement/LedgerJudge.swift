public import MusterCore

/// Tells from a ledger and its read-back what became of every write (MEASUREMENT, section 2).
///
/// - Holes and tail are told apart over acknowledgements from before the fault only: a write made after the
///   recovery would turn a lost tail into holes.
/// - The fault happened somewhere in its bracket, and a commit somewhere between a write's sending and its
///   acknowledgement, which a busy instrument may read late. A write is *before* the fault for certain when it was
///   acknowledged up to the lower end, and *after* it for certain when it was sent beyond the upper end. One in
///   between counts as before where it is lost (nobody is accused of losing what it took after the fault without
///   proof), but is no witness that makes an older loss a hole.
/// - Lost is only what was looked for and not there. What could not be read, or was left out of a sample, is counted
///   apart, and may be as old as it is.
///
/// Entries and what was found lie sorted by key and are walked through side by side, so that ten million take
/// seconds, and no memory beyond their own.
public enum LedgerJudge {
    /// - Parameters:
    ///   - fault: the bracket of the injection that is held to account.
    ///   - details: how many anomalies of each class are listed one by one; all are counted.
    public static func classify(
        _ whole: Ledger, fault: Bracket, details: Int = 1000
    ) -> LedgerFindings {
        var findings = LedgerFindings(workload: whole.workload)
        findings.blindWindow = whole.blindWindow
        let invariants = InvariantJudge(whole)
        let (writes, ledger) = (invariants.writes, invariants.entries)
        let seen = Acknowledgements(writes.entries, fault, &findings)
        guard let all = whole.readBack, let readBack = ledger.readBack else {
            findings.violations = whole.violations
            findings.inconclusive = "nothing was read back"
            return findings
        }
        var tally = LedgerTally(findings, details: details)
        var walk = LedgerWalk(ledger, readBack, fault)
        walk.run(into: &tally)
        invariants.add(to: &tally)
        // What the modes settle was taken out of the one, and is still among what replicas hold.
        compare(all, with: whole.entries, into: &tally)
        findings = tally.finished(payloadBytes: ledger.payloadBytes)
        if let last = seen.last {
            findings.resolution = fault.upper - last.sent
            if findings.rpa == nil { findings.rpa = Interval(lower: .zero, upper: .zero) }
        }
        findings.sample = readBack.sample.map {
            SampleFindings(older: $0.older, drawn: $0.drawn, missing: walk.missingFromSample)
        }
        findings.inconclusive =
            problem(of: readBack, writes, fault, seen) ?? findings.replicas.lazy.compactMap(\.inconclusive)
            .first
            ?? findings.sample?.sentence
        return findings
    }

    /// Section 6, rule 2: what makes it impossible to conclude that nothing was lost.
    private static func problem(
        of readBack: ReadBack, _ ledger: Ledger, _ fault: Bracket, _ seen: Acknowledgements
    ) -> String? {
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
        if seen.newestBefore.map({ $0 < fault.lower - recent }) ?? true {
            return "no write was acknowledged in the last \(recent.forPeople) before the fault"
        }
        return nil
    }

    /// What a replica holds is held against what its primary was found to hold: a loss of both is no divergence.
    private static func compare(
        _ readBack: ReadBack, with entries: [LedgerEntry], into tally: inout LedgerTally
    ) {
        guard !readBack.replicas.isEmpty else { return }
        let primary = merged(readBack.found)
        let entries = entries.inOrder
        let unread = readBack.unread.inOrder
        for replica in readBack.replicas {
            var findings = ReplicaFindings(name: replica.name)
            findings.unread = replica.unread.count
            findings.inconclusive = problem(of: replica)
            var unknown = [SortedKeys(unread), SortedKeys(replica.unread.inOrder)]
            eachPair(primary, merged(replica.found)) { ours, theirs in
                guard let key = ours?.key ?? theirs?.key, ours != theirs else { return }
                let isUnknown = unknown.indices.reduce(false) { unknown[$1].contains(key) || $0 }
                let isPresence = ours != nil && theirs != nil
                // A replica that still changes may yet get what it lacks.
                guard isPresence || !isUnknown && replica.agreed else { return }
                if isPresence {
                    findings.different += 1
                } else if ours == nil {
                    findings.extra += 1
                } else {
                    findings.missing += 1
                }
                tally.note(.divergent, key, entries.entry(key))
            }
            tally.findings.replicas.append(findings)
        }
    }

    private static func problem(of replica: ReadBack.Replica) -> String? {
        let name = "the replica \(replica.name)"
        if let problem = replica.problems.first { return "\(name) could not be read: \(problem)" }
        if !replica.unread.isEmpty {
            let keys = replica.unread.count == 1 ? "key" : "keys"
            return "\(name): \(replica.unread.count) \(keys) could not be read"
        }
        return replica.agreed
            ? nil : "\(name) did not settle: no two passes agreed (\(replica.passes) were made)"
    }

    private static func eachPair(
        _ left: [ReadBack.Found], _ right: [ReadBack.Found],
        _ body: (ReadBack.Found?, ReadBack.Found?) -> Void
    ) {
        var (a, b) = (0, 0)
        while a < left.count || b < right.count {
            if b == right.count || a < left.count && left[a].key < right[b].key {
                body(left[a], nil)
                a += 1
            } else if a == left.count || right[b].key < left[a].key {
                body(nil, right[b])
                b += 1
            } else {
                body(left[a], right[b])
                a += 1
                b += 1
            }
        }
    }

    /// By key, each once: an entry may be reported with a count or several times, and is intact when any copy is.
    static func merged(_ found: [ReadBack.Found]) -> [ReadBack.Found] {
        var isReady = true
        for index in found.indices {
            if found[index].count == 0 || index > 0 && found[index - 1].key >= found[index].key {
                isReady = false
                break
            }
        }
        if isReady { return found }
        var all: [ReadBack.Found] = []
        for one in found.filter({ $0.count > 0 }).sorted(by: { $0.key < $1.key }) {
            if let seen = all.last, seen.key == one.key {
                all[all.count - 1] = ReadBack.Found(
                    key: one.key, isIntact: seen.isIntact || one.isIntact, count: seen.count + one.count,
                    isMisplaced: seen.isMisplaced || one.isMisplaced)
            } else {
                all.append(one)
            }
        }
        return all
    }
}

/// What can be said of a ledger without its read-back.
private struct Acknowledgements {
    /// The last that was certainly not after the fault.
    var last: LedgerEntry?
    /// When the last one came that was certainly before it.
    var newestBefore: Instant?

    init(_ entries: [LedgerEntry], _ fault: Bracket, _ findings: inout LedgerFindings) {
        findings.sent = entries.count
        for entry in entries {
            if entry.outcome == .fail { findings.refused += 1 }
            guard entry.isAcknowledged else { continue }
            findings.acknowledged += 1
            let acknowledged = entry.acknowledgedAt
            guard acknowledged <= fault.upper else { continue }
            if last.map({ $0.acknowledgedAt <= acknowledged }) ?? true { last = entry }
            if acknowledged <= fault.lower { newestBefore = max(newestBefore ?? acknowledged, acknowledged) }
        }
        findings.inDoubt = findings.sent - findings.acknowledged - findings.refused
    }
}

extension SampleFindings {
    /// What a sample proves, in words.
    public var sentence: String {
        let part = "\(drawn) of \(older) older writes were read, drawn at random"
        guard let mostLost else { return "\(part); \(missing) of them are lost" }
        return "\(part): at 95 % confidence at most \(mostLost) of them are lost"
    }
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
