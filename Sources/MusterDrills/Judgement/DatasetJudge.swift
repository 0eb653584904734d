import MusterCore

/// Holds the datasets against what was promised of them: to be after the recovery as they were before the fault.
struct DatasetJudge {
    let facts: RunFacts
    let findings: [DatasetFindings]
    /// As the drill names them.
    let declared: [String]

    /// - Returns: nil where the drill names no dataset.
    func objective() -> ObjectiveResult? {
        guard !declared.isEmpty else { return nil }
        let (result, reason) = judge()
        let words = findings.map { "\($0.name) \($0.result.rawValue)" }.joined(separator: ", ")
        return ObjectiveResult(
            name: "datasets", objective: "as before the fault",
            measured: findings.isEmpty ? "not measured" : words, interval: nil, result: result, reason: reason
        )
    }

    /// What is not as it was is so whatever else could not be told, but only after a fault that struck.
    private func judge() -> (ObjectiveResult.Result, String) {
        if let invalid = facts.invalid { return (.inconclusive, invalid) }
        let differing = findings.filter { $0.result == .differs }
        if !differing.isEmpty { return (.missed, sentences(differing)) }
        if let open = findings.first(where: { $0.result == .inconclusive }) {
            return (.inconclusive, open.sentence)
        }
        let known = Set(findings.map(\.name))
        if let name = declared.first(where: { !known.contains($0) }) {
            return (.inconclusive, "'\(name)' was not compared")
        }
        return (.met, sentences(findings))
    }

    private func sentences(_ findings: [DatasetFindings]) -> String {
        findings.map(\.sentence).joined(separator: "; ")
    }
}
