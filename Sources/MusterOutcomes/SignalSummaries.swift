import GRDB
import MusterCore
public import MusterDrills

extension OutcomeStore {
    /// Kept whether samples are or not; again for the same signal replaces it.
    public func record(_ summaries: [SignalSummary], in run: String) throws {
        try write { database in
            for summary in summaries {
                let signal = Signal(name: summary.name, writer: summary.writer, every: summary.every)
                try database.execute(
                    sql: """
                        INSERT OR REPLACE INTO signal_summaries (signal, ok, slow, error, timeout, unknown, \
                        first_ns, last_ns, latency_p50_ns, latency_p99_ns, latency_max_ns, late_p50_ns, \
                        late_p99_ns, late_max_ns) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                        """,
                    arguments: [
                        try signalID(database, signal, run), summary.ok, summary.slow, summary.error,
                        summary.timeout, summary.unknown, summary.observed?.lower.nanoseconds,
                        summary.observed?.upper.nanoseconds, summary.latency?.median.nanoseconds,
                        summary.latency?.p99.nanoseconds, summary.latency?.maximum.nanoseconds,
                        summary.lateness?.median.nanoseconds, summary.lateness?.p99.nanoseconds,
                        summary.lateness?.maximum.nanoseconds,
                    ])
            }
        }
    }

    func signalSummaries(_ database: Database, _ run: String) throws -> [SignalSummary] {
        let rows = try Row.fetchAll(
            database,
            sql: """
                SELECT name, writer, every_ns, signal_summaries.* FROM signals \
                JOIN signal_summaries ON signal = signals.id WHERE run = ? ORDER BY signals.id
                """, arguments: [run])
        return rows.map { row in
            let writer: Int = row["writer"]
            var summary = SignalSummary(
                name: row["name"], writer: writer < 0 ? nil : writer, every: .nanoseconds(row["every_ns"]))
            (summary.ok, summary.slow, summary.unknown) = (row["ok"], row["slow"], row["unknown"])
            (summary.error, summary.timeout) = (row["error"], row["timeout"])
            if let first: Int64 = row["first_ns"], let last: Int64 = row["last_ns"], first <= last {
                summary.observed = Bracket(Instant(nanoseconds: first), Instant(nanoseconds: last))
            }
            summary.latency = Self.spread(row, "latency")
            summary.lateness = Self.spread(row, "late")
            return summary
        }
    }

    private static func spread(_ row: Row, _ name: String) -> SignalSummary.Spread? {
        guard let median: Int64 = row["\(name)_p50_ns"], let p99: Int64 = row["\(name)_p99_ns"],
            let maximum: Int64 = row["\(name)_max_ns"]
        else { return nil }
        return SignalSummary.Spread(
            median: .nanoseconds(median), p99: .nanoseconds(p99), maximum: .nanoseconds(maximum))
    }
}
