import GRDB
public import MusterCore
public import MusterDrills

/// A pause that was ordered, whether or not it still holds.
public struct PauseRecord: Hashable, Sendable {
    /// When, by whom and why somebody ended it.
    public struct End: Hashable, Sendable {
        public var at: Moment
        public var by: String
        public var reason: String
    }

    public var schedule: String
    public var pause: Schedule.Pause
    /// nil: nobody did; it may have ended by itself (`pause.until`).
    public var end: End?
}

extension OutcomeStore {
    /// The newest first.
    public func pauseRecords(limit: Int) throws -> [PauseRecord] {
        try readable { database in
            guard try database.tableExists("schedule_pauses") else { return [] }
            let sql = "SELECT * FROM schedule_pauses ORDER BY position DESC LIMIT ?"
            return try Row.fetchAll(database, sql: sql, arguments: [limit]).map { row in
                let until: Int64? = row["until_utc_s"]
                let ended: Int64? = row["ended_utc_s"]
                return PauseRecord(
                    schedule: row["schedule"],
                    pause: Schedule.Pause(
                        since: Moment(seconds: row["since_utc_s"]), until: until.map { Moment(seconds: $0) },
                        reason: row["reason"], by: row["actor"]),
                    end: ended.map {
                        .init(at: Moment(seconds: $0), by: row["ended_by"], reason: row["ended_reason"])
                    })
            }
        }
    }

    /// Stops a schedule, until somebody resumes it or until a moment.
    public func pause(_ schedule: String, _ pause: Schedule.Pause, by actor: String) throws {
        try write { database in
            try database.execute(
                sql: """
                    INSERT INTO schedule_pauses (schedule, since_utc_s, until_utc_s, reason, actor) \
                    VALUES (?, ?, ?, ?, ?)
                    """,
                arguments: [schedule, pause.since.seconds, pause.until?.seconds, pause.reason, actor])
        }
    }

    /// Ends every pause of a schedule that was ordered here and still holds.
    /// - Returns: whether there was one.
    public func resume(_ schedule: String, at now: Moment, reason: String, by actor: String) throws -> Bool {
        try write { database in
            try database.execute(
                sql: """
                    UPDATE schedule_pauses SET ended_utc_s = ?, ended_reason = ?, ended_by = ? \
                    WHERE schedule = ? AND ended_utc_s IS NULL AND (until_utc_s IS NULL OR until_utc_s > ?)
                    """, arguments: [now.seconds, reason, actor, schedule, now.seconds])
            return database.changesCount > 0
        }
    }

    /// Pauses that hold at `now`, by schedule; of several the one that was ordered last.
    public func pauses(at now: Moment) throws -> [String: Schedule.Pause] {
        try readable { try ScheduleBook($0, isAlive: { _ in false }).pauses(at: now) }
    }
}
