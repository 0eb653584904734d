import MusterCore

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
    /// Of those, what was acknowledged after the fault, as by the wrong side of a split brain.
    private var afterFault: PostFaultLosses {
        PostFaultLosses(
            drill.objectives.allowPostFaultLoss, findings,
            isComplete: ledgers.map { facts.invalid == nil && $0.readBack?.isComplete == true },
            strikes: facts.strikes.count)
    }
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
                    name: "rpo", objective: afterFault.objective(rpo == .zero ? "0 lost" : rpo.forPeople),
                    measured: measured, interval: rpa, result: result, reason: reason))
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
        guard !findings.isEmpty else { return "not measured" }
        return loss + (unread > 0 ? "; \(unread) unread" : "") + (notDrawn.map { "; " + $0 } ?? "")
    }

    /// What samples leave open. Bounds of several ledgers are told one by one: their sum would hold less surely.
    private var notDrawn: String? {
        let bounds = findings.compactMap(\.sample).map(\.mostLost)
        guard !bounds.isEmpty else { return nil }
        guard !bounds.contains(nil) else { return "how many more is unknown: a sample lacks some" }
        let texts = bounds.compactMap { $0.map(String.init) }
        return texts.count == 1
            ? "a sample leaves at most \(texts[0]) more (95 % confidence)"
            : "samples leave at most \(texts.joined(separator: " and ")) more (95 % confidence each)"
    }

    private var loss: String {
        guard lost > 0 else { return "0 lost" }
        guard let rpa, findings.contains(where: { !$0.holes.isEmpty || !$0.tail.isEmpty }) else {
            return lossWords + afterFault.words
        }
        return "\(lossWords), \(rpa.forPeople) old\(afterFault.words)"
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

    /// The least age of what is certainly lost although a sample left entries out.
    private var provenAge: Duration {
        guard facts.invalid == nil else { return .zero }
        return zip(ledgers, findings).reduce(.zero) { oldest, pair in
            let (ledger, finding) = pair
            guard ledger.readBack?.isComplete == true, finding.sample != nil else { return oldest }
            return max(oldest, finding.rpa?.lower ?? .zero)
        }
    }

    private func judge(_ rpo: Duration) -> (ObjectiveResult.Result, String) {
        if let missed = certainMiss(of: rpo) { return (.missed, missed) }
        if let blind { return (.inconclusive, blind) }
        let after = afterFault
        let (result, reason) = judgeBefore(rpo, after)
        guard result == .met else { return (result, reason) }
        if after.result(rpo: rpo) == .inconclusive {
            return (.inconclusive, loss + after.verdict(.inconclusive))
        }
        if corruptAfterFault > 0 {
            return (.inconclusive, "\(loss); with several faults the age of the corrupt cannot be told")
        }
        return (.met, reason)
    }

    /// Why the objective is missed whatever else is unknown; nil when it is not.
    private func certainMiss(of rpo: Duration) -> String? {
        let after = afterFault
        if after.isMissed(rpo: rpo) { return loss + after.verdict(.missed) }
        if rpo == .zero { return proven > after.provenCount ? loss : nil }
        if provenAge > rpo { return "\(loss), not within the \(rpo.forPeople) allowed" }
        // They have no age before the fault that could lie within what is allowed.
        guard facts.invalid == nil, after.isDatable, corruptAfterFault > 0 else { return nil }
        return "\(loss), \(corruptAfterFault) of the corrupt acknowledged after the fault"
    }

    private var corruptAfterFault: Int { findings.reduce(0) { $0 + $1.corruptAfterFault } }

    /// What was acknowledged before the fault, when everything is known.
    private func judgeBefore(
        _ rpo: Duration, _ after: PostFaultLosses
    ) -> (ObjectiveResult.Result, String) {
        guard lost > after.count else {
            let what = after.count == 0 ? "acknowledged write" : "write acknowledged before the fault"
            return (.met, "no \(what) was lost or corrupted\(after.permitted)")
        }
        guard let rpa else { return (.inconclusive, "\(lossWords), of unknown age") }
        let result = ObjectiveResult.Result(rpa, within: rpo)
        let age = "\(lossWords), the oldest \(rpa.forPeople) before the fault"
        return switch result {
        case .met: (result, "\(age), within the \(rpo.forPeople) allowed\(after.permitted)")
        case .missed: (result, "\(age), not within the \(rpo.forPeople) allowed")
        case .inconclusive: (result, "\(age): these bounds lie on both sides of the \(rpo.forPeople) allowed")
        }
    }

    private var violations: [String] {
        let counted: [String] = EntryClass.allCases.filter(\.isViolation).compactMap { kind in
            let count = findings.reduce(0) { $0 + $1.count(kind) }
            let word = kind == .abortedVisible ? "aborted but visible" : kind.rawValue
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
            + (findings.contains { !$0.replicas.isEmpty } ? ", and no replica holds anything else" : "")
    }

    func measurements() -> [Measurement] {
        var all: [Measurement] = []
        for finding in findings {
            func add(_ name: String, _ interval: Interval?) {
                guard let interval else { return }
                all.append(Measurement(name: name, subject: finding.workload, interval: interval))
            }
            add("rpa", finding.rpa)
            add(Measurement.lostAfterFault, finding.lostAfterFault)
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
