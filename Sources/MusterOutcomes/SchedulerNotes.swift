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
        /// It ended without a word; noted by the next one.
        case died
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
    /// - Parameter process: which one it is; nil: nobody will be able to say that it died.
    public func note(_ note: SchedulerNote, by process: ProcessIdentity? = nil) throws {
        try write { try $0.insert(note, process?.startTicks, process?.bootID) }
    }

    /// Notes which schedulers have ended without having said so.
    /// - Parameter now: when that was noticed.
    /// - Returns: their processes.
    public func noteDeadSchedulers(at now: Moment) throws -> [Int32] {
        try write { database in
            let sql = """
                SELECT * FROM scheduler_notes AS began WHERE kind = 'started' AND boot_id IS NOT NULL AND NOT EXISTS \
                (SELECT 1 FROM scheduler_notes AS over WHERE over.kind IN ('stopped', 'died') AND over.pid = began.pid \
                AND over.start_ticks = began.start_ticks AND over.boot_id = began.boot_id) ORDER BY position
                """
            var found: [Int32] = []
            for row in try Row.fetchAll(database, sql: sql) {
                let ticks: Int64 = row["start_ticks"]
                let process = ProcessIdentity(
                    pid: row["pid"], startTicks: UInt64(bitPattern: ticks), bootID: row["boot_id"])
                if isAlive?(process) ?? true { continue }
                let began = Moment(seconds: row["at_utc_s"])
                let note = SchedulerNote(
                    at: now, .died,
                    "it had started at \(began.text), and ended without a word; noticed by the next one",
                    pid: process.pid)
                try database.insert(note, process.startTicks, process.bootID)
                found.append(process.pid)
            }
            return found
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

extension Database {
    fileprivate func insert(_ note: SchedulerNote, _ startTicks: UInt64?, _ bootID: String?) throws {
        try execute(
            sql: """
                INSERT INTO scheduler_notes (at_utc_s, kind, sentence, pid, start_ticks, boot_id) \
                VALUES (?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                note.at.seconds, note.kind.rawValue, note.sentence, note.pid,
                startTicks.map { Int64(bitPattern: $0) }, bootID,
            ])
    }
}
