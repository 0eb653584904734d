import GRDB
import MusterCore
public import MusterDrills

extension OutcomeStore {
    public func summaries(limit: Int?) throws -> [OutcomeSummary] {
        try summaries("ORDER BY number DESC LIMIT ?", [limit ?? -1])
    }

    /// One outcome as it would be listed.
    public func summary(_ number: Int) throws -> OutcomeSummary? {
        try summaries("WHERE number = ?", [number]).first
    }

    /// The number of a run that somebody names by its ULID; nil when there is none.
    public func number(ofRun id: String) throws -> Int? {
        try read { try Int.fetchOne($0, sql: "SELECT number FROM runs WHERE id = ?", arguments: [id]) }
    }

    /// The newest outcome of each service, environment and failure mode, for `verify` and the coverage
    /// matrix. A run that is still going is no outcome yet.
    /// - Parameter judgedOnly: whether interrupted runs, which nobody judged, are passed over.
    public func newestPerCell(judgedOnly: Bool = false) throws -> [OutcomeSummary] {
        var seen: Set<[String?]> = []
        return try summaries("WHERE service IS NOT NULL ORDER BY number DESC", []).filter { summary in
            if summary.isRunning || (judgedOnly && summary.verdict == nil) { return false }
            return seen.insert([summary.service, summary.environment.rawValue, summary.failureMode]).inserted
        }
    }

    /// The newest outcome of a service; nil when it was never drilled so.
    /// - Parameters:
    ///   - environment: nil for any.
    ///   - failureMode: nil for any.
    public func newest(
        service: String, environment: Environment? = nil, failureMode: String? = nil,
        judgedOnly: Bool = false
    ) throws -> OutcomeSummary? {
        try summaries(
            """
            WHERE service = ? AND (? IS NULL OR environment = ?) AND (? IS NULL OR failure_mode = ?) \
            ORDER BY number DESC
            """,
            [service, environment?.rawValue, environment?.rawValue, failureMode, failureMode]
        ).first { !$0.isRunning && !(judgedOnly && $0.verdict == nil) }
    }

    private func summaries(
        _ condition: String, _ arguments: StatementArguments
    ) throws -> [OutcomeSummary] {
        try readable { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT number, id, boot_id, drill, service, environment, failure_mode, durability_scope, repeat_group, \
                    started_utc_ns, engine_pid, engine_start_ticks, ending, verdict, reason, exit_code, \
                    finished_utc_ns FROM runs LEFT JOIN closings ON closings.run = runs.id \(condition)
                    """, arguments: arguments
            ).map { try summary(database, $0) }
        }
    }

    private func summary(_ database: Database, _ row: Row) throws -> OutcomeSummary {
        let isClosed = row["ending"] as String? != nil
        let run: String = row["id"]
        let lives = !isClosed && Self.engine(row).flatMap { engine in isAlive?(engine) } == true
        var summary = OutcomeSummary(
            number: row["number"], id: run, drill: row["drill"], service: row["service"],
            environment: try word(row, "environment"), failureMode: row["failure_mode"],
            durabilityScope: row["durability_scope"], startedAtUTC: row["started_utc_ns"],
            finishedAtUTC: row["finished_utc_ns"], ending: isClosed ? try word(row, "ending") : .interrupted,
            verdict: isClosed ? try word(row, "verdict") as Verdict : nil, reason: row["reason"] ?? "",
            exitCode: row["exit_code"], objectives: isClosed ? try objectives(database, run) : [])
        summary.isRunning = lives
        summary.repeatGroup = row["repeat_group"]
        if !isClosed { summary.reason = try whyOpen(database, run, lives: lives) }
        return summary
    }

    private func whyOpen(_ database: Database, _ run: String, lives: Bool) throws -> String {
        if lives { return "still running" }
        let last = "SELECT text, utc_ns FROM events WHERE run = ? ORDER BY sequence DESC LIMIT 1"
        guard let row = try Row.fetchOne(database, sql: last, arguments: [run]) else {
            return "interrupted before anything happened"
        }
        let text: String = row["text"]
        return "interrupted; the last that was recorded, at \(utcText(nanoseconds: row["utc_ns"])): \(text)"
    }
}
