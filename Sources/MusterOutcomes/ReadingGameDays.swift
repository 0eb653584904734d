import GRDB
public import MusterCore
public import MusterDrills

extension OutcomeStore {
    /// Newest first, with everything that is on record.
    /// - Parameter name: only days of this name; nil for all.
    public func gameDays(named name: String? = nil, limit: Int? = nil) throws -> [GameDayRecord] {
        try gameDays("WHERE (? IS NULL OR name = ?) ORDER BY number DESC LIMIT ?", [name, name, limit ?? -1])
    }

    /// - Parameter name: its number, its ULID, or its name, which is that of the newest such day.
    public func gameDay(_ name: String) throws -> GameDayRecord? {
        try gameDays("WHERE id = ? OR number = ? ORDER BY number DESC LIMIT 1", [name, Int(name)]).first
            ?? gameDays(named: name, limit: 1).first
    }

    /// Days that are being held, newest first.
    public func gameDaysUnderWay() throws -> [GameDayRecord] {
        try gameDays().filter(\.state.isUnderWay)
    }

    /// The live tail: what was recorded behind an entry, in order. Cheap enough to be asked several times a second.
    public func entries(ofGameDay day: String, after sequence: Int = 0) throws -> [GameDayEntry] {
        try readable { database in
            guard try database.tableExists("game_days") else { return [] }
            return try Row.fetchAll(
                database,
                sql: "SELECT * FROM game_day_entries WHERE game_day = ? AND sequence > ? ORDER BY sequence",
                arguments: [day, sequence]
            ).map(GameDayEntryRow.entry)
        }
    }

    /// The process that carries the day out; nil when nobody that lives does.
    public func holder(ofGameDay day: String) throws -> ProcessIdentity? {
        try readable { database in
            guard try database.tableExists("game_days") else { return nil }
            return try Row.fetchOne(database, sql: "SELECT * FROM game_days WHERE id = ?", arguments: [day])
                .flatMap(holder)
        }
    }

    /// The number of the first entry that is not as it was written, or 0 for the header; nil when all are.
    /// - Throws: `OutcomeStoreError`.
    public func firstBrokenEntry(ofGameDay day: String) throws -> Int? {
        try readable { database in
            let header = "SELECT * FROM game_days WHERE id = ?"
            guard let row = try Row.fetchOne(database, sql: header, arguments: [day]) else { return 0 }
            var previous: String = row["genesis_hash"]
            guard previous == Chain.link("", Chain.row(Self.gameDayHeader(row)), hash) else { return 0 }
            let rows = "SELECT * FROM game_day_entries WHERE game_day = ? ORDER BY sequence"
            for (index, row) in try Row.fetchAll(database, sql: rows, arguments: [day]).enumerated() {
                let entry = try GameDayEntryRow.entry(row)
                guard entry.sequence == index + 1, row["previous_hash"] == previous else { return index + 1 }
                previous = Chain.link(previous, Chain.row(entry, gameDay: day), hash)
                guard row["hash"] == previous else { return index + 1 }
            }
            return nil
        }
    }

    /// The hash of its last entry, which covers all before it; that of the header while there is none.
    public func lastHash(ofGameDay day: String) throws -> String? {
        try readable { database in
            try String.fetchOne(
                database,
                sql: """
                    SELECT coalesce((SELECT hash FROM game_day_entries WHERE game_day = id \
                    ORDER BY sequence DESC LIMIT 1), genesis_hash) FROM game_days WHERE id = ?
                    """, arguments: [day])
        }
    }

    private func gameDays(
        _ condition: String, _ arguments: StatementArguments
    ) throws -> [GameDayRecord] {
        try readable { database in
            // A store that an older version made, opened for reading, has no such table yet.
            guard try database.tableExists("game_days") else { return [] }
            return try Row.fetchAll(
                database, sql: "SELECT * FROM game_days " + condition, arguments: arguments
            ).map { row in
                let header = Self.gameDayHeader(row)
                let entries = try Row.fetchAll(
                    database, sql: "SELECT * FROM game_day_entries WHERE game_day = ? ORDER BY sequence",
                    arguments: [header.id])
                return GameDayRecord(
                    number: row["number"], header: header, entries: try entries.map(GameDayEntryRow.entry),
                    documents: try documents(database, header.id), holder: holder(row))
            }
        }
    }

    private func documents(_ database: Database, _ day: String) throws -> [GameDayDocument] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT * FROM game_day_documents WHERE game_day = ? AND approval = \
                (SELECT max(approval) FROM game_day_documents WHERE game_day = ?) ORDER BY position
                """, arguments: [day, day]
        ).map { row in
            GameDayDocument(
                path: row["path"], kind: try word(row, "kind"), hash: row["hash"], text: row["text"])
        }
    }

    func holder(_ row: Row) -> ProcessIdentity? {
        guard let pid: Int32 = row["holder_pid"], let ticks: Int64 = row["holder_start_ticks"],
            let boot: String = row["holder_boot_id"]
        else { return nil }
        let holder = ProcessIdentity(pid: pid, startTicks: UInt64(bitPattern: ticks), bootID: boot)
        return holder == engine || isAlive?(holder) == true ? holder : nil
    }

    private static func gameDayHeader(_ row: Row) -> GameDayHeader {
        GameDayHeader(
            id: row["id"], name: row["name"], path: row["path"], title: row["title"], zone: row["zone"],
            host: row["host"], bootID: row["boot_id"], actor: row["actor"], toolVersion: row["tool_version"],
            createdUTC: row["created_utc_ns"])
    }
}
