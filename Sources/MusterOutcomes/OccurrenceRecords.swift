import GRDB
public import MusterCore
public import MusterDrills

/// What became of one occurrence.
public struct OccurrenceRecord: Hashable, Sendable {
    public var key: OccurrenceKey
    public var zone: String
    public var drill: String
    public var due: Moment
    public var fate: Fate
    /// A word for programs.
    public var reason: String
    /// The reason for people.
    public var sentence: String
    /// How its run ended; nil when it did not run, still runs, or its scheduler died.
    public var exitCode: Int?
    public var finished: Moment?
    /// The number of the outcome that its run became; nil when it became none.
    public var outcome: Int?
    /// What no outcome tells of how its run ended: that it was broken off, or why there is no outcome.
    public var ending: String?

    /// Why it ran or did not, and what became of its run, on one line.
    public var words: String {
        ([sentence] + (outcome.map { ["outcome #\($0)"] } ?? []) + (ending.map { [$0] } ?? []))
            .joined(separator: "; ")
    }
}

extension OutcomeStore {
    /// One look at the schedules, which nobody else can disturb.
    /// - Throws: `OutcomeStoreError`, or what `body` throws; then nothing of it was written.
    public func scheduling<Result>(_ body: (ScheduleBook) throws -> Result) throws -> Result {
        try write { database in
            try body(ScheduleBook(database, isAlive: { [isAlive] in isAlive?($0) ?? false }))
        }
    }

    /// Closes the record of a run.
    /// - Parameter ending: what no outcome tells of it; nil: nothing.
    public func finish(
        _ key: OccurrenceKey, exitCode: Int32, at moment: Moment, ending: String? = nil
    ) throws {
        try write { database in
            try database.execute(
                sql: """
                    UPDATE occurrences SET finished_utc_s = ?, exit_code = ?, ending = ? \
                    WHERE schedule = ? AND nominal = ? AND fold = ? AND fate = 'RUN' AND finished_utc_s IS NULL
                    """,
                arguments: [moment.seconds, exitCode, ending, key.schedule, key.nominal.text, key.fold])
        }
    }

    /// Records which outcome the run of an occurrence becomes.
    public func note(outcome number: Int, of key: OccurrenceKey) throws {
        try write { database in
            try database.execute(
                sql: "UPDATE occurrences SET outcome = ? WHERE schedule = ? AND nominal = ? AND fold = ?",
                arguments: [number, key.schedule, key.nominal.text, key.fold])
        }
    }

    /// The newest records, by when they were due, newest first.
    public func occurrences(limit: Int) throws -> [OccurrenceRecord] {
        try readable { database in
            guard try database.tableExists("occurrences") else { return [] }
            let sql =
                "SELECT * FROM occurrences ORDER BY due_utc_s DESC, schedule, nominal DESC, fold DESC LIMIT ?"
            return try Row.fetchAll(database, sql: sql, arguments: [limit]).map { row in
                let finished: Int64? = row["finished_utc_s"]
                // Stores that an earlier version wrote have no such columns until somebody writes to them.
                let hasEndings = row.hasColumn("ending")
                return OccurrenceRecord(
                    key: try ScheduleBook.key(row), zone: row["zone"], drill: row["drill"],
                    due: Moment(seconds: row["due_utc_s"]), fate: try word(row, "fate"),
                    reason: row["reason"],
                    sentence: row["sentence"], exitCode: row["exit_code"],
                    finished: finished.map { Moment(seconds: $0) },
                    outcome: hasEndings ? row["outcome"] : nil, ending: hasEndings ? row["ending"] : nil)
            }
        }
    }

    /// How far each schedule is settled, and how many of its occurrences were missed without a record of their own.
    public func scheduleStates() throws -> [String: (settledUntil: Moment, missedInBulk: Int)] {
        try readable { database in
            guard try database.tableExists("schedule_states") else { return [:] }
            let rows = try Row.fetchAll(database, sql: "SELECT * FROM schedule_states")
            return Dictionary(
                rows.map {
                    ($0["schedule"], (Moment(seconds: $0["settled_until_utc_s"]), $0["missed_in_bulk"]))
                },
                uniquingKeysWith: { first, _ in first })
        }
    }
}
