/// Holds what the ledgers prove against the recovery point objective and the integrity of the data.
struct DataJudge {
    let drill: Drill
    let facts: RunFacts
    let ledgers: [Ledger]
    let findings: [LedgerFindings]

    init(_ drill: Drill, _ facts: RunFacts, _ ledgers: [Ledger]) {
        self.drill = drill
        self.facts = facts
        self.ledgers = ledgers
        findings =
            facts.strikes.first.map { first in
                ledgers.map { LedgerJudge.classify($0, fault: first.injected) }
            } ?? []
    }

    var lost: Int { findings.reduce(0) { $0 + $1.lost + $1.corrupt } }
    private var unread: Int { findings.reduce(0) { $0 + $1.unread } }
    var isConclusive: Bool { !findings.isEmpty && blind == nil }

    /// Worst of all workloads.
    private var rpa: Interval? { findings.reduce(nil) { .worst($0, $1.rpa) } }

    /// Results for what was declared.
    func objectives() -> [ObjectiveResult] {
        var results: [ObjectiveResult] = []
        if let rpo = drill.objectives.rpo {
            let (result, reason) = judge(rpo)
            results.append(
                ObjectiveResult(
                    name: "rpo", objective: rpo == .zero ? "0 lost" : rpo.forPeople, measured: measured,
                    interval: rpa, result: result, reason: reason))
        }
        if drill.objectives.strictIntegrity {
            let (result, reason) = integrity()
            let words = violations.isEmpty ? "no violation" : violations.joined(separator: ", ")
            results.append(
                ObjectiveResult(
                    name: "integrity", objective: "strict",
                    measured: findings.isEmpty ? "not measured" : words, interval: nil, result: result,
                    reason: reason))
        }
        return results
    }

    private var measured: String {
        findings.isEmpty ? "not measured" : loss + (unread > 0 ? "; \(unread) unread" : "")
    }

    private var loss: String {
        guard lost > 0 else { return "0 lost" }
        guard let rpa, findings.contains(where: { !$0.holes.isEmpty || !$0.tail.isEmpty }) else {
            return lossWords
        }
        return "\(lossWords), \(rpa.forPeople) old"
    }

    /// `4 lost and 1 corrupt of 500 acknowledged writes`.
    private var lossWords: String {
        let lost = findings.reduce(0) { $0 + $1.lost }
        let corrupt = findings.reduce(0) { $0 + $1.corrupt }
        let all = findings.reduce(0) { $0 + $1.acknowledged }
        let words = [lost > 0 ? "\(lost) lost" : nil, corrupt > 0 ? "\(corrupt) corrupt" : nil]
        return words.compactMap(\.self).joined(separator: " and ") + " of \(all) acknowledged writes"
    }

    /// Why nothing can be concluded from the ledgers.
    private var blind: String? {
        if let invalid = facts.invalid { return invalid }
        if findings.isEmpty { return "no workload wrote anything that could be read back" }
        for finding in findings {
            if let why = facts.suspicion(of: finding.workload, until: Instant(nanoseconds: .max)) {
                return "the instrument is suspect: \(why)"
            }
            if let why = finding.inconclusive { return "'\(finding.workload)': \(why)" }
        }
        return nil
    }

    /// Losses that stand whatever else is unknown: absence proves nothing where not everything was read.
    var proven: Int {
        guard facts.invalid == nil else { return 0 }
        return zip(ledgers, findings).reduce(0) { sum, pair in
            let (ledger, finding) = pair
            return sum + finding.corrupt + (ledger.readBack?.isComplete == true ? finding.lost : 0)
        }
    }

    private func judge(_ rpo: Duration) -> (ObjectiveResult.Result, String) {
        if rpo == .zero {
            if proven > 0 { return (.missed, loss + afterFault) }
            if let blind { return (.inconclusive, blind) }
            return (.met, "no acknowledged write was lost or corrupted")
        }
        if let blind { return (.inconclusive, blind) }
        if findings.contains(where: { $0.count(.lostAfterFault) > 0 }) {
            return facts.strikes.count > 1
                ? (.inconclusive, "\(lossWords); with several faults its age cannot be told")
                : (.missed, lossWords + afterFault)
        }
        guard lost > 0 else { return (.met, "no acknowledged write was lost or corrupted") }
        guard let rpa else { return (.inconclusive, "\(lossWords), of unknown age") }
        let result = ObjectiveResult.Result(rpa, within: rpo)
        let age = "\(lossWords), the oldest \(rpa.forPeople) before the fault"
        return switch result {
        case .met: (result, "\(age), within the \(rpo.forPeople) allowed")
        case .missed: (result, "\(age), not within the \(rpo.forPeople) allowed")
        case .inconclusive: (result, "\(age): these bounds lie on both sides of the \(rpo.forPeople) allowed")
        }
    }

    /// What is known is when they were acknowledged; how they were lost is not.
    private var afterFault: String {
        let count = findings.reduce(0) { $0 + $1.count(.lostAfterFault) }
        return count == 0
            ? "" : ", \(count) of them acknowledged after the fault (as when two sides accept writes)"
    }

    private var violations: [String] {
        let kinds: [(EntryClass, String)] = [
            (.duplicate, "duplicate"), (.phantom, "phantom"), (.abortedVisible, "aborted but visible"),
            (.stale, "stale"), (.reordered, "reordered"), (.resurrected, "resurrected"),
        ]
        let counted: [String] = kinds.compactMap { kind, word in
            let count = findings.reduce(0) { $0 + $1.count(kind) }
            return count == 0 ? nil : "\(count) \(word)"
        }
        return counted + findings.flatMap(\.violationsInWords)
    }

    /// What is there that should not be is proven by its being there, whatever could not be read.
    private func integrity() -> (ObjectiveResult.Result, String) {
        if facts.invalid == nil, !violations.isEmpty { return (.missed, violations.joined(separator: ", ")) }
        if let blind { return (.inconclusive, blind) }
        return (.met, "no duplicate, phantom, aborted or stale entry\(beside)")
    }

    /// What else was looked at, in the words of a sentence's end.
    private var beside: String {
        let modes = Set(ledgers.map(\.plan.mode))
        return (modes.contains(.bank) ? ", and no money made or lost" : "")
            + (ledgers.contains { $0.plan.deletes.millionths > 0 } ? ", and nothing deleted came back" : "")
    }

    func measurements() -> [Measurement] {
        var all: [Measurement] = []
        for finding in findings {
            func add(_ name: String, _ interval: Interval?) {
                guard let interval else { return }
                all.append(Measurement(name: name, subject: finding.workload, interval: interval))
            }
            add("rpa", finding.rpa)
            add("tail-rpa", finding.tailRPA)
            add("newest-survivor", finding.newestSurvivor)
            add("rpa-resolution", finding.resolution.map { Interval(lower: .zero, upper: $0) })
        }
        if findings.count > 1, let rpa {
            all.append(Measurement(name: "rpa", subject: "", interval: rpa))
        }
        return all
    }
}
