import GRDB
public import MusterCore
import MusterDrills

/// Something that happened to a scheduler.
public struct SchedulerNote: Hashable, Sendable {
    public enum Kind: String, Sendable {
        case started
        case stopped
        /// The schedules were edited, and it goes by the new ones.
        case reloaded
        /// The schedules cannot be read, and it goes by the last that could.
        case broken
        /// Somebody set the clock of the machine.
        case clock
    }

    public var at: Moment
    public var kind: Kind
    /// For people.
    public var sentence: String
    /// Of the scheduler's process.
    public var pid: Int32

    public init(at: Moment, _ kind: Kind, _ sentence: String, pid: Int32) {
        self.at = at
        self.kind = kind
        self.sentence = sentence
        self.pid = pid
    }
}

extension OutcomeStore {
    public func note(_ note: SchedulerNote) throws {
        try write { database in
            try database.execute(
                sql: "INSERT INTO scheduler_notes (at_utc_s, kind, sentence, pid) VALUES (?, ?, ?, ?)",
                arguments: [note.at.seconds, note.kind.rawValue, note.sentence, note.pid])
        }
    }

    /// The newest first.
    public func schedulerNotes(limit: Int) throws -> [SchedulerNote] {
        try readable { database in
            guard try database.tableExists("scheduler_notes") else { return [] }
            let sql = "SELECT * FROM scheduler_notes ORDER BY position DESC LIMIT ?"
            return try Row.fetchAll(database, sql: sql, arguments: [limit]).map { row in
                SchedulerNote(
                    at: Moment(seconds: row["at_utc_s"]), try word(row, "kind"), row["sentence"],
                    pid: row["pid"])
            }
        }
    }
}
