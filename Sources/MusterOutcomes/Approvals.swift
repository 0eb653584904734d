import GRDB
public import MusterCore
public import MusterDrills

/// A yes as it was recorded.
public struct ApprovalRecord: Hashable, Sendable {
    /// When, by whom and why a yes was taken back.
    public struct Revocation: Hashable, Sendable {
        public var at: Moment
        public var by: String
        public var reason: String
    }

    public var key: OccurrenceKey
    public var approval: Approval
    /// Who typed it, as the system knows them; `approval.by` is who they said it was.
    public var actor: String
    public var revocation: Revocation?
}

extension OutcomeStore {
    /// Records a yes. One that was given before for the same occurrence counts no more.
    public func approve(_ key: OccurrenceKey, _ approval: Approval, actor: String) throws {
        try write { database in
            try database.execute(
                sql: """
                    INSERT INTO schedule_approvals (schedule, nominal, fold, exec_hash, plan_hash, approver, actor, \
                    ticket, given_utc_s, expires_utc_s) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    key.schedule, key.nominal.text, key.fold, approval.subject.execHash,
                    approval.subject.planHash, approval.by, actor, approval.ticket, approval.at.seconds,
                    approval.expires?.seconds,
                ])
        }
    }

    /// Takes back what was said about an occurrence.
    /// - Returns: how many approvals that ended; 0 when none stood.
    public func revoke(_ key: OccurrenceKey, at now: Moment, by: String, reason: String) throws -> Int {
        try write { database in
            try database.execute(
                sql: """
                    UPDATE schedule_approvals SET revoked_utc_s = ?, revoked_by = ?, revoked_reason = ? \
                    WHERE schedule = ? AND nominal = ? AND fold = ? AND revoked_utc_s IS NULL
                    """,
                arguments: [now.seconds, by, reason, key.schedule, key.nominal.text, key.fold])
            return database.changesCount
        }
    }

    /// The newest first.
    public func approvals(limit: Int) throws -> [ApprovalRecord] {
        try readable { database in
            guard try database.tableExists("schedule_approvals") else { return [] }
            let sql = "SELECT * FROM schedule_approvals ORDER BY position DESC LIMIT ?"
            return try Row.fetchAll(database, sql: sql, arguments: [limit]).map(ApprovalRecord.init)
        }
    }

    /// What counts for each occurrence: the newest of those that nobody took back. Of every schedule.
    public func standingApprovals() throws -> [OccurrenceKey: Approval] {
        try readable { database in
            guard try database.tableExists("schedule_approvals") else { return [:] }
            return try ApprovalRecord.standing(database)
        }
    }

    /// When somebody last approved, took back, paused or resumed; nil: never. Calendars are told by it that an event has
    /// changed.
    public func lastWord() throws -> Moment? {
        try readable { database in
            guard try database.tableExists("schedule_approvals") else { return nil }
            let sql = """
                SELECT max(at) FROM (SELECT max(given_utc_s) AS at FROM schedule_approvals UNION ALL \
                SELECT max(revoked_utc_s) FROM schedule_approvals UNION ALL \
                SELECT max(since_utc_s) FROM schedule_pauses UNION ALL SELECT max(ended_utc_s) FROM schedule_pauses)
                """
            return try Int64.fetchOne(database, sql: sql).map { Moment(seconds: $0) }
        }
    }
}

extension ApprovalRecord {
    init(_ row: Row) throws {
        let expires: Int64? = row["expires_utc_s"]
        key = try ScheduleBook.key(row)
        approval = Approval(
            subject: .init(execHash: row["exec_hash"], planHash: row["plan_hash"]), by: row["approver"],
            ticket: row["ticket"], at: Moment(seconds: row["given_utc_s"]),
            expires: expires.map { Moment(seconds: $0) })
        actor = row["actor"]
        if let at: Int64 = row["revoked_utc_s"] {
            revocation = Revocation(
                at: Moment(seconds: at), by: row["revoked_by"], reason: row["revoked_reason"])
        }
    }

    /// - Parameter schedule: only its approvals; nil: those of all.
    static func standing(_ database: Database, of schedule: String? = nil) throws -> [OccurrenceKey: Approval]
    {
        let sql = """
            SELECT * FROM schedule_approvals WHERE revoked_utc_s IS NULL AND (? IS NULL OR schedule = ?) \
            ORDER BY position
            """
        let rows = try Row.fetchAll(database, sql: sql, arguments: [schedule, schedule])
        return try rows.reduce(into: [:]) { standing, row in
            let record = try ApprovalRecord(row)
            standing[record.key] = record.approval
        }
    }
}
