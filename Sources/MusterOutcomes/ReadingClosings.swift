import GRDB
import MusterCore
import MusterDrills

extension OutcomeStore {
    /// - Parameter withEntries: without them ledgers have their counts, and not each broken entry.
    func closing(_ database: Database, _ run: String, withEntries: Bool = true) throws -> RunClosing? {
        guard
            let row = try Row.fetchOne(
                database, sql: "SELECT * FROM closings WHERE run = ?", arguments: [run])
        else { return nil }
        let measurements = try self.measurements(database, run)
        var ledgers = try self.ledgers(database, run, withEntries)
        for index in ledgers.indices {
            ledgers[index].lostAfterFault =
                measurements.first {
                    $0.name == Measurement.lostAfterFault && $0.subject == ledgers[index].workload
                }?.interval
        }
        let judgement = Judgement(
            verdict: try word(row, "verdict"), reason: row["reason"],
            objectives: try objectives(database, run), measurements: measurements,
            ledgers: ledgers, datasets: try datasets(database, run),
            status: try word(row, "status"),
            predictions: try predictions(database, run),
            warnings: try jsonTexts(row["warnings"]), scope: try jsonTexts(row["scope"]))
        return RunClosing(
            ending: try word(row, "ending"), judgement: judgement, exitCode: row["exit_code"],
            residue: try jsonTexts(row["residue"]),
            finishedAt: Instant(nanoseconds: row["finished_monotonic_ns"]),
            finishedAtUTC: row["finished_utc_ns"])
    }

    func objectives(_ database: Database, _ run: String) throws -> [ObjectiveResult] {
        try Row.fetchAll(
            database, sql: "SELECT * FROM objectives WHERE run = ? ORDER BY position", arguments: [run]
        ).map { row in
            ObjectiveResult(
                name: row["name"], objective: row["objective"], measured: row["measured"],
                interval: interval(row, censored: "censored"), result: try word(row, "result"),
                reason: row["reason"])
        }
    }

    private func measurements(_ database: Database, _ run: String) throws -> [Measurement] {
        try Row.fetchAll(
            database, sql: "SELECT * FROM measurements WHERE run = ? ORDER BY position", arguments: [run]
        ).compactMap { row in
            interval(row, censored: "censored").map {
                Measurement(name: row["name"], subject: row["subject"], interval: $0)
            }
        }
    }

    /// None in a store that is only read, and that an earlier version wrote.
    private func predictions(_ database: Database, _ run: String) throws -> [PredictionResult] {
        guard try database.tableExists("predictions") else { return [] }
        return try Row.fetchAll(
            database, sql: "SELECT * FROM predictions WHERE run = ? ORDER BY position", arguments: [run]
        ).map { row in
            PredictionResult(
                name: row["name"], predicted: row["predicted"], measured: row["measured"],
                result: try word(row, "result"))
        }
    }

    private func ledgers(
        _ database: Database, _ run: String, _ withEntries: Bool
    ) throws -> [LedgerFindings] {
        try Row.fetchAll(
            database, sql: "SELECT * FROM ledgers WHERE run = ? ORDER BY position", arguments: [run]
        ).map { row in
            var findings = LedgerFindings(workload: row["workload"])
            findings.sent = row["sent"]
            findings.acknowledged = row["acknowledged"]
            findings.refused = row["refused"]
            findings.inDoubt = row["in_doubt"]
            findings.rpa = interval(row, "rpa_", censored: "rpa_censored")
            findings.tailRPA = interval(row, "tail_", censored: "tail_censored")
            findings.newestSurvivor = interval(row, "survivor_", censored: "survivor_censored")
            findings.resolution = (row["resolution_ns"] as Int64?).map { .nanoseconds($0) }
            findings.lossSpan = .nanoseconds(row["loss_span_ns"])
            findings.lostBytes = row["lost_bytes"]
            findings.blindWindow = .nanoseconds(row["blind_window_ns"])
            findings.inconclusive = row["inconclusive"]
            let place: StatementArguments = [run, row["position"] as Int]
            for count in try Row.fetchAll(
                database, sql: "SELECT class, count FROM ledger_counts WHERE run = ? AND ledger = ?",
                arguments: place)
            {
                let entryClass: EntryClass = try word(count, "class")
                findings.counts[entryClass] = count["count"]
            }
            guard withEntries else { return findings }
            findings.holes = try losses(database, place, "hole")
            findings.tail = try losses(database, place, "tail")
            findings.anomalies = try Row.fetchAll(
                database, sql: "SELECT * FROM anomalies WHERE run = ? AND ledger = ? ORDER BY position",
                arguments: place
            ).map(Self.anomaly)
            try readExtent(database, of: place, into: &findings)
            return findings
        }
    }

    private func losses(
        _ database: Database, _ ledger: StatementArguments, _ place: String
    ) throws -> [EntryKey] {
        try Row.fetchAll(
            database,
            sql:
                "SELECT stream, sequence FROM losses WHERE run = ? AND ledger = ? AND place = ? ORDER BY position",
            arguments: ledger + [place]
        ).map { EntryKey(stream: $0["stream"], sequence: $0["sequence"]) }
    }

    private static func anomaly(_ row: Row) throws -> LedgerAnomaly {
        let sent: Int64? = row["sent_ns"]
        let acknowledged: Int64? = row["acknowledged_ns"]
        return LedgerAnomaly(
            key: EntryKey(stream: row["stream"], sequence: row["sequence"]),
            entryClass: try word(row, "class"), sent: sent.map { Instant(nanoseconds: $0) },
            acknowledged: acknowledged.map { Instant(nanoseconds: $0) })
    }
}
