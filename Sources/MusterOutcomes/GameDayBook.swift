import GRDB
import MusterCore
public import MusterDrills

extension OutcomeStore {
    /// Begins the record of a game day, in the state of a draft.
    /// - Returns: the number by which people name it.
    public func begin(_ day: GameDayHeader) throws -> Int {
        try write { database in
            let genesis = Chain.link("", Chain.row(day), hash)
            try database.execute(
                sql: """
                    INSERT INTO game_days (id, name, path, title, zone, host, boot_id, actor, tool_version, \
                    created_utc_ns, genesis_hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    day.id, day.name, day.path, day.title, day.zone, day.host, day.bootID, day.actor,
                    day.toolVersion, day.createdUTC, genesis,
                ])
            return Int(database.lastInsertedRowID)
        }
    }

    /// Appends to the timeline; durable when it returns. The state does not change: that is `step`.
    /// - Returns: the entry with its number.
    /// - Throws: `GameDayRefusal` for a day or an entry to correct that is not there, and `OutcomeStoreError`.
    @discardableResult
    public func append(_ entry: GameDayEntry, toGameDay day: String) throws -> GameDayEntry {
        precondition(entry.state == nil, "the state changes by step")
        return try refusable { database in
            if let wrong = entry.corrects {
                let sql =
                    "SELECT EXISTS (SELECT 1 FROM game_day_entries WHERE game_day = ? AND sequence = ?)"
                if try Bool.fetchOne(database, sql: sql, arguments: [day, wrong]) != true {
                    throw GameDayRefusal.noSuchEntry(wrong)
                }
            }
            return try insert(database, entry, day)
        }
    }

    /// A step of the lifecycle, decided in one transaction, so that of two who want different ones the second is
    /// refused.
    /// - Parameters:
    ///   - entry: of kind `state`, with the state that the day is to have.
    ///   - expected: what the day must be now; nil: whatever leads there.
    /// - Returns: the entry with its number.
    /// - Throws: `GameDayRefusal`, and `OutcomeStoreError`.
    @discardableResult
    public func step(
        _ entry: GameDayEntry, from expected: GameDayState? = nil, ofGameDay day: String
    ) throws -> GameDayEntry {
        guard let next = entry.state, entry.kind == .state else {
            preconditionFailure("an entry of kind state says to where")
        }
        return try refusable { database in
            let now = try state(database, day)
            if let expected, expected != now { throw GameDayRefusal.movedOn(expected: expected, found: now) }
            try now.step(to: next)
            return try insert(database, entry, day)
        }
    }

    /// The approval of a plan and the step to `approved`, with every text that it is about, all or nothing.
    /// - Parameters:
    ///   - approval: of kind `approval`; its detail is a `GameDayApproval`.
    ///   - step: of kind `state`, to `approved`.
    /// - Throws: `GameDayRefusal`, and `OutcomeStoreError`.
    public func approve(
        _ approval: GameDayEntry, _ step: GameDayEntry, _ documents: [GameDayDocument], gameDay day: String
    ) throws {
        try refusable { database in
            try state(database, day).step(to: .approved)
            let approval = try insert(database, approval, day)
            for (position, document) in documents.enumerated() {
                try database.execute(
                    sql: """
                        INSERT INTO game_day_documents (game_day, approval, position, path, kind, hash, text) \
                        VALUES (?, ?, ?, ?, ?, ?, ?)
                        """,
                    arguments: [
                        day, approval.sequence, position, document.path, document.kind.rawValue,
                        document.hash,
                        document.text,
                    ])
            }
            _ = try insert(database, step, day)
        }
    }

    /// Makes this process the one that carries the day out.
    /// - Throws: `GameDayRefusal.held` when another one that lives does, and `OutcomeStoreError`.
    public func hold(gameDay day: String) throws {
        guard let engine else { preconditionFailure("who holds a day knows itself") }
        try refusable { database in
            let row = try gameDayRow(database, day)
            if let holder = holder(row), holder != engine { throw GameDayRefusal.held(by: holder) }
            try database.execute(
                sql: """
                    UPDATE game_days SET holder_pid = ?, holder_start_ticks = ?, holder_boot_id = ? WHERE id = ?
                    """, arguments: [engine.pid, Int64(bitPattern: engine.startTicks), engine.bootID, day])
        }
    }

    /// Lets the day go; does nothing when another process holds it.
    public func release(gameDay day: String) throws {
        guard let engine else { return }
        try write { database in
            try database.execute(
                sql: """
                    UPDATE game_days SET holder_pid = NULL, holder_start_ticks = NULL, holder_boot_id = NULL \
                    WHERE id = ? AND holder_pid = ? AND holder_start_ticks = ? AND holder_boot_id = ?
                    """,
                arguments: [day, engine.pid, Int64(bitPattern: engine.startTicks), engine.bootID])
        }
    }

    // MARK: Inside of a transaction

    /// A write whose refusals come out as they are.
    private func refusable<Result>(_ body: (Database) throws -> Result) throws -> Result {
        var refusal: GameDayRefusal?
        do {
            return try write { database in
                do {
                    return try body(database)
                } catch let found as GameDayRefusal {
                    refusal = found
                    throw found
                } catch let found as UnreadableWord {
                    throw OutcomeStoreError.unreadableRow(path: path, found.description)
                }
            }
        } catch {
            throw refusal ?? error
        }
    }

    private func state(_ database: Database, _ day: String) throws -> GameDayState {
        _ = try gameDayRow(database, day)
        let sql = """
            SELECT state FROM game_day_entries WHERE game_day = ? AND state IS NOT NULL ORDER BY sequence DESC LIMIT 1
            """
        guard let row = try Row.fetchOne(database, sql: sql, arguments: [day]) else { return .draft }
        return try word(row, "state")
    }

    private func gameDayRow(_ database: Database, _ day: String) throws -> Row {
        let sql = "SELECT * FROM game_days WHERE id = ?"
        guard let row = try Row.fetchOne(database, sql: sql, arguments: [day]) else {
            throw GameDayRefusal.unknown(day)
        }
        return row
    }

    private func insert(_ database: Database, _ entry: GameDayEntry, _ day: String) throws -> GameDayEntry {
        let sql =
            "SELECT sequence, hash FROM game_day_entries WHERE game_day = ? ORDER BY sequence DESC LIMIT 1"
        var entry = entry
        let end: ChainEnd
        if let last = try Row.fetchOne(database, sql: sql, arguments: [day]) {
            end = ChainEnd(sequence: last["sequence"], hash: last["hash"])
        } else {
            end = ChainEnd(sequence: 0, hash: try gameDayRow(database, day)["genesis_hash"])
        }
        entry.sequence = end.sequence + 1
        let link = Chain.link(end.hash, Chain.row(entry, gameDay: day), hash)
        try database.execute(
            sql: GameDayEntryRow.insertion,
            arguments: GameDayEntryRow.arguments(entry, day, previous: end.hash, hash: link))
        return entry
    }
}

extension Chain {
    static func row(_ day: GameDayHeader) -> Value {
        [
            "id": .text(day.id), "name": .text(day.name), "path": .text(day.path), "title": .text(day.title),
            "zone": .text(day.zone), "host": .text(day.host), "bootId": .text(day.bootID),
            "actor": .text(day.actor), "toolVersion": .text(day.toolVersion),
            "createdUtc": .int(day.createdUTC),
        ]
    }

    static func row(_ entry: GameDayEntry, gameDay: String) -> Value {
        var map = entry.value.asMap ?? [:]
        // As the text that is stored, so that what is hashed never depends on how numbers are read back.
        map["detail"] = .text(entry.detail.canonicalJSON)
        map["gameDay"] = .text(gameDay)
        return .map(map)
    }
}
