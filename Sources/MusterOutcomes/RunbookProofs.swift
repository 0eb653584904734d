import GRDB
import MusterCore
public import MusterDrills

extension OutcomeStore {
    /// What drills and runs prove about a runbook.
    ///
    /// Of a drill it is the runbook's own end that counts. Where its steps failed, it failed, whatever the drill came to:
    /// a system may well recover without it. Where they succeeded, the drill must have gone on to its end, and then its
    /// verdict is the runbook's; a drill that failed says nothing of a runbook that began after the recovery. A drill that
    /// was broken off, or never came to the step, proves nothing.
    /// - Parameter isMeant: whether a drill that names its runbook so means this one.
    /// - Throws: `OutcomeStoreError`.
    public func evidence(
        ofRunbook path: String, isMeant: (String) -> Bool
    ) throws -> [RunbookEvidence] {
        let own = try runbookRuns(of: path).compactMap(\.evidence)
        let drilled = try readable { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT runs.number, runs.id, runbooks.path, min(runbooks.exec_hash) AS exec_hash, \
                    count(DISTINCT runbooks.exec_hash) AS hashes, ending, verdict, reason, finished_utc_ns \
                    FROM runbooks JOIN runs ON runs.id = runbooks.run JOIN closings ON closings.run = runs.id \
                    GROUP BY runs.id, runbooks.path
                    """
            ).filter { isMeant($0["path"]) }.compactMap { try Self.proof(database, $0) }
        }
        return own + drilled
    }

    private static func proof(_ database: Database, _ row: Row) throws -> RunbookEvidence? {
        let number: Int = row["number"]
        var proof = RunbookEvidence(
            execHash: row["exec_hash"], isPass: false, finishedAtUTC: row["finished_utc_ns"],
            source: "outcome #\(number)")
        let (hashes, ending): (Int, String) = (row["hashes"], row["ending"])
        // Changed between two of its steps: nobody knows what was proven.
        guard hashes == 1 else { return nil }
        var ends: [RunbookResult.State] = []
        for event in try Row.fetchAll(
            database, sql: "SELECT text, detail FROM events WHERE run = ? AND kind = ? AND subject = ?",
            arguments: [row["id"], Event.Kind.runbookFinished.rawValue, row["path"]])
        {
            let end = try end(detail: json(event["detail"]), text: event["text"])
            ends.append(end)
            if end == .failed {
                proof.reason = event["text"]
                return proof
            }
        }
        guard ending == Ending.completed.rawValue, !ends.isEmpty, ends.allSatisfy({ $0 == .succeeded }) else {
            return nil
        }
        let verdict: Verdict = try word(row, "verdict")
        switch verdict {
        case .pass: proof.isPass = true
        case .fail:
            if try isLate(database, row) { return nil }
            proof.reason = row["reason"]
        case .inconclusive, .error: return nil
        }
        return proof
    }

    /// Whether the runbook began when the system had recovered already.
    private static func isLate(_ database: Database, _ row: Row) throws -> Bool {
        let stable = try Int.fetchOne(
            database, sql: "SELECT min(sequence) FROM events WHERE run = ? AND kind = ?",
            arguments: [row["id"], Event.Kind.stable.rawValue])
        let begun = try Int.fetchOne(
            database, sql: "SELECT min(sequence) FROM events WHERE run = ? AND kind = ? AND subject = ?",
            arguments: [row["id"], Event.Kind.runbookStarted.rawValue, row["path"]])
        guard let stable, let begun else { return false }
        return stable < begun
    }

    /// Events of before say only whether it succeeded; whether it was broken off stands in their text.
    private static func end(detail: Value, text: String) -> RunbookResult.State {
        if let state = detail["state"]?.asText.flatMap(RunbookResult.State.init) { return state }
        if detail["ok"] == true { return .succeeded }
        return text.contains("was cancelled") || text.contains("broken off") ? .cancelled : .failed
    }
}
