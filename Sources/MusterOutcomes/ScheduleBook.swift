import GRDB
public import MusterCore
public import MusterDrills

/// One look at the schedules, inside of one transaction: what is read in it cannot change before what is decided is
/// written, whoever else looks at the same time.
public struct ScheduleBook {
    let database: Database
    private let isAlive: (ProcessIdentity) -> Bool

    init(_ database: Database, isAlive: @escaping (ProcessIdentity) -> Bool) {
        self.database = database
        self.isAlive = isAlive
    }

    /// Runs of schedules that have not ended.
    public struct Running: Hashable, Sendable {
        public var schedule: String
        public var key: OccurrenceKey
    }

    /// By how much the wall clock was set since the last look; and remembers this one.
    /// - Parameters: the wall clock, CLOCK_BOOTTIME and the boot.
    public func look(wall: Moment, sinceBoot: Instant, bootID: String) throws -> Duration? {
        let row = try Row.fetchOne(database, sql: "SELECT * FROM schedule_looks WHERE id = 1")
        try database.execute(
            sql:
                "INSERT OR REPLACE INTO schedule_looks (id, wall_utc_s, since_boot_ns, boot_id) VALUES (1, ?, ?, ?)",
            arguments: [wall.seconds, sinceBoot.nanoseconds, bootID])
        // Clocks of two boots cannot be compared.
        guard let row, row["boot_id"] == bootID else { return nil }
        return ClockCheck.jump(
            wall: (Moment(seconds: row["wall_utc_s"]), wall),
            sinceBoot: (Instant(nanoseconds: row["since_boot_ns"]), sinceBoot))
    }

    /// Closes the records of runs whose scheduler died, and says which go on.
    public func running(now: Moment) throws -> (alive: [Running], died: [OccurrenceKey]) {
        let rows = try Row.fetchAll(
            database, sql: "SELECT * FROM occurrences WHERE fate = 'RUN' AND finished_utc_s IS NULL")
        var found: (alive: [Running], died: [OccurrenceKey]) = ([], [])
        for row in rows {
            let key = try Self.key(row)
            let ticks: Int64 = row["claimant_start_ticks"]
            let claimant = ProcessIdentity(
                pid: row["claimant_pid"], startTicks: UInt64(bitPattern: ticks),
                bootID: row["claimant_boot_id"])
            if isAlive(claimant) {
                found.alive.append(Running(schedule: key.schedule, key: key))
                continue
            }
            try database.execute(
                sql: """
                    UPDATE occurrences SET finished_utc_s = ?, sentence = ? \
                    WHERE schedule = ? AND nominal = ? AND fold = ?
                    """,
                arguments: [
                    now.seconds, "the scheduler died while it ran; `muster outcomes` shows how far it came",
                    key.schedule, key.nominal.text, key.fold,
                ])
            found.died.append(key)
        }
        return found
    }

    /// What is known of a schedule; empty for one that was never looked at.
    public func state(of schedule: Schedule, _ calendar: ScheduleCalendar) throws -> ScheduleState {
        let planner = SchedulePlanner(schedule: schedule, calendar: calendar)
        var state = try state(of: schedule.name) { planner.plan($0) }
        if schedule.needsApproval {
            state.approvals = try ApprovalRecord.standing(database, of: schedule.name)
        }
        return state
    }

    /// - Parameter plan: gives an occurrence that waits as it is planned now; nil when the schedule has it no more.
    public func state(of schedule: String, plan: (OccurrenceKey) -> PlannedOccurrence?) throws
        -> ScheduleState
    {
        var state = ScheduleState()
        let settled = try Int64.fetchOne(
            database, sql: "SELECT settled_until_utc_s FROM schedule_states WHERE schedule = ?",
            arguments: [schedule])
        state.settledUntil = settled.map { Moment(seconds: $0) }
        // What is due next can have been recorded before only when it was moved, by a fortnight at the most.
        let recent = (settled ?? 0) - 17 * 86_400
        let sql = "SELECT * FROM occurrences WHERE schedule = ? AND (due_utc_s > ? OR fate = 'QUEUED')"
        for row in try Row.fetchAll(database, sql: sql, arguments: [schedule, recent]) {
            let key = try Self.key(row)
            guard let fate = Fate(rawValue: row["fate"]), fate == .queued else {
                state.handled.insert(key)
                continue
            }
            guard var planned = plan(key) else {
                try withdraw(key)
                continue
            }
            // What it waits for decides how it ends when it waits in vain.
            let isLocked = row["reason"] == "lock" || row["reason"] == "too-many"
            planned.decision = Decision(
                .queued, isLocked ? .locked(by: "another drill", on: "what it breaks") : .notApproved)
            state.waiting.append(planned)
        }
        return state
    }

    private func withdraw(_ key: OccurrenceKey) throws {
        try database.execute(
            sql: """
                UPDATE occurrences SET fate = 'SUPPRESSED', reason = 'withdrawn', \
                sentence = 'the schedule was edited, and has it no more' \
                WHERE schedule = ? AND nominal = ? AND fold = ?
                """, arguments: [key.schedule, key.nominal.text, key.fold])
    }

    /// Writes decisions down. One that is final already stays as it is.
    /// - Parameter claimant: who runs those that run.
    /// - Returns: those that were written; of those that run, what this claimant and nobody else may start.
    public func record(
        _ decided: [PlannedOccurrence], of schedule: Schedule, now: Moment, claimant: ProcessIdentity
    ) throws -> [PlannedOccurrence] {
        try decided.filter { planned in
            let isRun = planned.decision.fate == .run
            try database.execute(
                sql: """
                    INSERT INTO occurrences (schedule, nominal, fold, zone, drill, due_utc_s, fate, reason, sentence, \
                    decided_utc_s, claimant_pid, claimant_start_ticks, claimant_boot_id) \
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
                    ON CONFLICT (schedule, nominal, fold) DO UPDATE SET fate = excluded.fate, \
                    reason = excluded.reason, sentence = excluded.sentence, decided_utc_s = excluded.decided_utc_s, \
                    claimant_pid = excluded.claimant_pid, claimant_start_ticks = excluded.claimant_start_ticks, \
                    claimant_boot_id = excluded.claimant_boot_id WHERE occurrences.fate = 'QUEUED'
                    """,
                arguments: [
                    planned.schedule, planned.occurrence.nominal.text, planned.occurrence.fold,
                    schedule.zone.name,
                    schedule.drill, planned.due.seconds, planned.decision.fate.rawValue,
                    planned.decision.reason.word, planned.decision.reason.sentence(in: schedule.zone),
                    now.seconds,
                    isRun ? claimant.pid : nil, isRun ? Int64(bitPattern: claimant.startTicks) : nil,
                    isRun ? claimant.bootID : nil,
                ])
            return database.changesCount == 1
        }
    }

    /// Pauses that hold at `now`, by schedule; of several the one that was ordered last.
    func pauses(at now: Moment) throws -> [String: Schedule.Pause] {
        guard try database.tableExists("schedule_pauses") else { return [:] }
        let sql = """
            SELECT * FROM schedule_pauses WHERE ended_utc_s IS NULL AND (until_utc_s IS NULL OR until_utc_s > ?) \
            ORDER BY position
            """
        var pauses: [String: Schedule.Pause] = [:]
        for row in try Row.fetchAll(database, sql: sql, arguments: [now.seconds]) {
            let until: Int64? = row["until_utc_s"]
            pauses[row["schedule"]] = Schedule.Pause(
                since: Moment(seconds: row["since_utc_s"]), until: until.map { Moment(seconds: $0) },
                reason: row["reason"])
        }
        return pauses
    }

    /// Remembers up to when a schedule is settled.
    public func settle(_ schedule: String, until moment: Moment, missedInBulk: Int) throws {
        try database.execute(
            sql: """
                INSERT INTO schedule_states (schedule, settled_until_utc_s, missed_in_bulk) VALUES (?, ?, ?) \
                ON CONFLICT (schedule) DO UPDATE SET settled_until_utc_s = excluded.settled_until_utc_s, \
                missed_in_bulk = missed_in_bulk + excluded.missed_in_bulk
                """, arguments: [schedule, moment.seconds, missedInBulk])
    }

    static func key(_ row: Row) throws -> OccurrenceKey {
        let text: String = row["nominal"]
        guard let nominal = LocalTime(text) else {
            throw UnreadableWord(description: "column nominal says '\(text)'")
        }
        return OccurrenceKey(schedule: row["schedule"], nominal: nominal, fold: row["fold"])
    }
}

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
    public func finish(_ key: OccurrenceKey, exitCode: Int32, at moment: Moment) throws {
        try write { database in
            try database.execute(
                sql: """
                    UPDATE occurrences SET finished_utc_s = ?, exit_code = ? \
                    WHERE schedule = ? AND nominal = ? AND fold = ? AND fate = 'RUN' AND finished_utc_s IS NULL
                    """, arguments: [moment.seconds, exitCode, key.schedule, key.nominal.text, key.fold])
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
                return OccurrenceRecord(
                    key: try ScheduleBook.key(row), zone: row["zone"], drill: row["drill"],
                    due: Moment(seconds: row["due_utc_s"]), fate: try word(row, "fate"),
                    reason: row["reason"],
                    sentence: row["sentence"], exitCode: row["exit_code"],
                    finished: finished.map { Moment(seconds: $0) })
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
