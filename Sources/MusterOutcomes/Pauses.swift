import GRDB
public import MusterCore
public import MusterDrills

extension OutcomeStore {
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
