import GRDB
import MusterCore
public import MusterDrills

extension OutcomeStore {
    /// Everything in one transaction: a run is closed with all its findings or not at all. It cannot be done
    /// twice.
    public func finish(_ run: String, _ closing: RunClosing) throws {
        try write { database in
            let end = try chainEnd(database, run)
            let row = Chain.row(
                closing, run: run, events: end.sequence, runbooks: try runbooks(database, run))
            let judgement = closing.judgement
            try database.execute(
                sql: """
                    INSERT INTO closings (run, ending, verdict, reason, status, exit_code, warnings, scope, \
                    residue, finished_monotonic_ns, finished_utc_ns, event_count, previous_hash, hash) \
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    run, closing.ending.rawValue, judgement.verdict.rawValue, judgement.reason,
                    judgement.status.rawValue, closing.exitCode,
                    Value.texts(judgement.warnings).canonicalJSON, Value.texts(judgement.scope).canonicalJSON,
                    Value.texts(closing.residue).canonicalJSON, closing.finishedAt.nanoseconds,
                    closing.finishedAtUTC, end.sequence, end.hash, Chain.link(end.hash, row, hash),
                ])
            for (position, result) in judgement.objectives.enumerated() {
                try insert(database, result, run, position)
            }
            for (position, measurement) in judgement.measurements.enumerated() {
                try database.execute(
                    sql: """
                        INSERT INTO measurements (run, position, name, subject, lower_ns, upper_ns, censored) \
                        VALUES (?, ?, ?, ?, ?, ?, ?)
                        """,
                    arguments: [
                        run, position, measurement.name, measurement.subject,
                        measurement.interval.lowerNanoseconds, measurement.interval.upperNanoseconds,
                        measurement.interval.isCensored,
                    ])
            }
            for (position, prediction) in judgement.predictions.enumerated() {
                try insert(database, prediction, run, position)
            }
            for (position, ledger) in judgement.ledgers.enumerated() {
                try insert(database, ledger, run, position)
            }
            for (position, dataset) in judgement.datasets.enumerated() {
                try insert(database, dataset, run, position)
            }
        }
    }

    private func insert(_ database: Database, _ result: ObjectiveResult, _ run: String, _ position: Int)
        throws
    {
        try database.execute(
            sql: """
                INSERT INTO objectives (run, position, name, objective, measured, lower_ns, upper_ns, \
                censored, result, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                run, position, result.name, result.objective, result.measured,
                result.interval?.lowerNanoseconds, result.interval?.upperNanoseconds,
                result.interval?.isCensored ?? false, result.result.rawValue, result.reason,
            ])
    }

    private func insert(
        _ database: Database, _ prediction: PredictionResult, _ run: String, _ position: Int
    ) throws {
        try database.execute(
            sql: """
                INSERT INTO predictions (run, position, name, predicted, measured, result) \
                VALUES (?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                run, position, prediction.name, prediction.predicted, prediction.measured,
                prediction.result.rawValue,
            ])
    }

    private func insert(_ database: Database, _ ledger: LedgerFindings, _ run: String, _ position: Int) throws
    {
        try database.execute(
            sql: """
                INSERT INTO ledgers (run, position, workload, sent, acknowledged, refused, in_doubt, \
                rpa_lower_ns, rpa_upper_ns, rpa_censored, tail_lower_ns, tail_upper_ns, tail_censored, \
                survivor_lower_ns, survivor_upper_ns, survivor_censored, resolution_ns, loss_span_ns, \
                lost_bytes, blind_window_ns, inconclusive) \
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                run, position, ledger.workload, ledger.sent, ledger.acknowledged, ledger.refused,
                ledger.inDoubt, ledger.rpa?.lowerNanoseconds, ledger.rpa?.upperNanoseconds,
                ledger.rpa?.isCensored ?? false, ledger.tailRPA?.lowerNanoseconds,
                ledger.tailRPA?.upperNanoseconds, ledger.tailRPA?.isCensored ?? false,
                ledger.newestSurvivor?.lowerNanoseconds, ledger.newestSurvivor?.upperNanoseconds,
                ledger.newestSurvivor?.isCensored ?? false, ledger.resolution?.nanoseconds,
                ledger.lossSpan.nanoseconds, ledger.lostBytes, ledger.blindWindow.nanoseconds,
                ledger.inconclusive,
            ])
        try insertEntries(database, ledger, run, position)
        try insertExtent(database, ledger, run, position)
    }

    private func insertEntries(
        _ database: Database, _ ledger: LedgerFindings, _ run: String, _ position: Int
    ) throws {
        for (entryClass, count) in ledger.counts {
            try database.execute(
                sql: "INSERT INTO ledger_counts (run, ledger, class, count) VALUES (?, ?, ?, ?)",
                arguments: [run, position, entryClass.rawValue, count])
        }
        let losses = try database.cachedStatement(
            sql:
                "INSERT INTO losses (run, ledger, place, position, stream, sequence) VALUES (?, ?, ?, ?, ?, ?)"
        )
        for (place, keys) in [("hole", ledger.holes), ("tail", ledger.tail)] {
            for (index, key) in keys.enumerated() {
                try losses.execute(arguments: [run, position, place, index, key.stream, key.sequence])
            }
        }
        let statement = try database.cachedStatement(
            sql: """
                INSERT INTO anomalies (run, ledger, position, stream, sequence, class, sent_ns, \
                acknowledged_ns) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """)
        for (index, anomaly) in ledger.anomalies.enumerated() {
            try statement.execute(arguments: [
                run, position, index, anomaly.key.stream, anomaly.key.sequence, anomaly.entryClass.rawValue,
                anomaly.sent?.nanoseconds, anomaly.acknowledged?.nanoseconds,
            ])
        }
    }
}
