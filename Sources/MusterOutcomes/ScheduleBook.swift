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

    /// What is known of schedules; empty for those that were never looked at.
    public func states(of schedules: [Schedule], _ calendar: ScheduleCalendar) throws -> [String:
        ScheduleState]
    {
        let places = Dictionary(
            zip(schedules.lazy.map(\.name), schedules.indices), uniquingKeysWith: { first, _ in first })
        var states = try states(of: places.keys) { key in
            guard let place = places[key.schedule] else { return nil }
            return SchedulePlanner(schedule: schedules[place], calendar: calendar).plan(key)
        }
        guard schedules.contains(where: \.needsApproval) else { return states }
        let standing = Dictionary(grouping: try ApprovalRecord.standing(database), by: \.key.schedule)
        for schedule in schedules where schedule.needsApproval {
            states[schedule.name]?.approvals = Dictionary(
                (standing[schedule.name] ?? []).map { ($0.key, $0.value) },
                uniquingKeysWith: { first, _ in first })
        }
        return states
    }

    /// A few questions for all of them, however many there are, and none that goes through the whole history.
    /// - Parameter plan: gives an occurrence that waits as it is planned now; nil when its schedule has it no more.
    public func states(
        of names: some Sequence<String>, plan: (OccurrenceKey) -> PlannedOccurrence?
    ) throws -> [String: ScheduleState] {
        var states: [String: ScheduleState] = [:]
        for name in names { states[name] = ScheduleState() }
        var earliest = Int64.max
        let looks = try Row.fetchCursor(
            database, sql: "SELECT schedule, settled_until_utc_s FROM schedule_states")
        while let row = try looks.next() {
            let (name, settled): (String, Int64) = (row[0], row[1])
            guard let index = states.index(forKey: name) else { continue }
            states.values[index].settledUntil = Moment(seconds: settled)
            earliest = min(earliest, settled)
        }
        if earliest < .max { try addHandled(since: earliest, to: &states) }
        for row in try Row.fetchAll(database, sql: "SELECT * FROM occurrences WHERE fate = 'QUEUED'") {
            let key = try Self.key(row)
            guard let index = states.index(forKey: key.schedule) else { continue }
            guard var planned = plan(key) else {
                try withdraw(key)
                continue
            }
            // What it waits for decides how it ends when it waits in vain.
            let isLocked = row["reason"] == "lock" || row["reason"] == "too-many"
            planned.decision = Decision(
                .queued, isLocked ? .locked(by: "another drill", on: "what it breaks") : .notApproved)
            states.values[index].waiting.append(planned)
        }
        return states
    }

    /// What is due next can have been recorded before only when it was moved, by a fortnight at the most.
    private static let farthestMove: Int64 = 17 * 86_400

    /// - Parameter earliest: up to when the schedule is settled for which nobody has looked for longest.
    private func addHandled(since earliest: Int64, to states: inout [String: ScheduleState]) throws {
        let rows = try Row.fetchCursor(
            database,
            sql: """
                SELECT schedule, nominal, fold, due_utc_s FROM occurrences \
                WHERE due_utc_s > ? AND fate <> 'QUEUED'
                """, arguments: [earliest - Self.farthestMove])
        while let row = try rows.next() {
            let (name, due): (String, Int64) = (row[0], row[3])
            guard let index = states.index(forKey: name),
                let settled = states.values[index].settledUntil, due > settled.seconds - Self.farthestMove
            else { continue }
            states.values[index].handled.insert(try Self.key(row))
        }
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
                reason: row["reason"], by: row["actor"])
        }
        return pauses
    }

    /// Remembers up to when a schedule is settled.
    public func settle(_ schedule: String, until moment: Moment, missedInBulk: Int) throws {
        // Once for each schedule at every look: it is compiled once.
        let statement = try database.cachedStatement(
            sql: """
                INSERT INTO schedule_states (schedule, settled_until_utc_s, missed_in_bulk) VALUES (?, ?, ?) \
                ON CONFLICT (schedule) DO UPDATE SET settled_until_utc_s = excluded.settled_until_utc_s, \
                missed_in_bulk = missed_in_bulk + excluded.missed_in_bulk
                """)
        try statement.execute(arguments: [schedule, moment.seconds, missedInBulk])
    }

    static func key(_ row: Row) throws -> OccurrenceKey {
        let text: String = row["nominal"]
        guard let nominal = LocalTime(text) else {
            throw UnreadableWord(description: "column nominal says '\(text)'")
        }
        return OccurrenceKey(schedule: row["schedule"], nominal: nominal, fold: row["fold"])
    }
}
