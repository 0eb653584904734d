import GRDB
import GRDBSQLite
import MusterCore
public import MusterDrills

extension OutcomeStore {
    public func begin(_ run: RunHeader) throws -> Int {
        try write { database in
            let genesis = Chain.link("", Chain.row(run, engine: engine), hash)
            try database.execute(
                sql: """
                    INSERT INTO runs (id, drill, drill_path, drill_text, drill_hash, service, owner, \
                    environment, failure_mode, expect, variables, durability_scope, host, boot_id, kernel, \
                    time_zone, actor, tool_version, protocol_version, judge_version, binary_hash, \
                    configuration_hash, repeat_group, started_monotonic_ns, started_utc_ns, engine_pid, \
                    engine_start_ticks, genesis_hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, \
                    ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    run.id, run.drill, run.drillPath, run.drillText, run.drillHash, run.service, run.owner,
                    run.environment.rawValue, run.failureMode, run.expect,
                    Value.map(run.variables.mapValues { .text($0) }).canonicalJSON, run.durabilityScope,
                    run.host, run.bootID, run.kernel, run.timeZone, run.actor, run.toolVersion,
                    run.protocolVersion, run.judgeVersion, run.binaryHash, run.configurationHash,
                    run.repeatGroup, run.startedAt.nanoseconds, run.startedAtUTC, engine?.pid,
                    engine.map { Int64(bitPattern: $0.startTicks) }, genesis,
                ])
            let number = Int(database.lastInsertedRowID)
            try attachCalibration(database, to: run)
            return number
        }
    }

    public func append(_ events: [Event], to run: String) throws {
        try append(StoreBatch(events: events), to: run)
    }

    public func append(_ samples: [Sample], of signal: Signal, to run: String) throws {
        try write { database in try insert(database, samples, of: signal, run) }
    }

    /// Everything in one transaction, so that it costs one fsync, and is written whole or not at all.
    public func append(_ batch: StoreBatch, to run: String) throws {
        guard !batch.isEmpty else { return }
        try write { database in
            try insert(database, batch.events, run)
            for (signal, samples) in batch.samples {
                try insert(database, samples, of: signal, run)
            }
            if let pulse = batch.pulse { try write(database, pulse, run) }
        }
    }

    func insert(_ database: Database, _ events: [Event], _ run: String) throws {
        guard !events.isEmpty else { return }
        guard
            let host = try Row.fetchOne(
                database, sql: "SELECT host, boot_id FROM runs WHERE id = ?", arguments: [run])
        else { throw OutcomeStoreError.unknownRun(path: path, run: run) }
        var end = try chainEnd(database, run)
        let statement = try database.cachedStatement(sql: EventRow.insertion)
        for event in events {
            let row = EventRow(
                run: run, sequence: end.sequence + 1, host: host["host"], bootID: host["boot_id"],
                event: event)
            let link = Chain.link(end.hash, row.value, hash)
            try statement.execute(arguments: row.arguments(previous: end.hash, hash: link))
            end = ChainEnd(sequence: row.sequence, hash: link)
        }
    }

    /// Bound and stepped through SQLite's own interface: boxing each value for GRDB takes longer than the row does
    /// (`Benchmarks/run --only store`).
    private func insert(_ database: Database, _ samples: [Sample], of signal: Signal, _ run: String) throws {
        let id = try signalID(database, signal, run)
        var sequence =
            try Int64.fetchOne(
                database,
                sql: "SELECT sequence FROM samples WHERE signal = ? ORDER BY sequence DESC LIMIT 1",
                arguments: [id]) ?? 0
        let sql = """
            INSERT INTO samples (signal, sequence, due_ns, late_ns, took_ns, outcome, code, blind_ns) \
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """
        let statement = try database.cachedStatement(sql: sql)
        defer { withExtendedLifetime(statement) {} }
        let row = statement.sqliteStatement
        sqlite3_bind_int64(row, 1, id)
        for sample in samples {
            sequence += 1
            sqlite3_bind_int64(row, 2, sequence)
            sqlite3_bind_int64(row, 3, sample.due.nanoseconds)
            sqlite3_bind_int64(row, 4, (sample.started - sample.due).nanoseconds)
            sqlite3_bind_int64(row, 5, sample.latency.nanoseconds)
            sqlite3_bind_int64(row, 6, Int64(sample.outcome.rawValue))
            sqlite3_bind_int64(row, 7, Int64(sample.code))
            sqlite3_bind_int64(row, 8, sample.blind.nanoseconds)
            let code = sqlite3_step(row)
            sqlite3_reset(row)
            guard code == SQLITE_DONE else {
                let message = sqlite3_errmsg(database.sqliteConnection).map { String(cString: $0) }
                throw DatabaseError(resultCode: ResultCode(rawValue: code), message: message, sql: sql)
            }
        }
    }

    /// The same injection again replaces its state and how its facts ended, and nothing else.
    public func record(_ injection: InjectionRecord, in run: String) throws {
        try write { database in
            try requireRun(database, run)
            try database.execute(
                sql: """
                    INSERT INTO injections (id, run, name, fault, parameters, target, host, via, state, undo) \
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
                    ON CONFLICT (id) DO UPDATE SET state = excluded.state, undo = excluded.undo
                    """,
                arguments: [
                    injection.id.rawValue, run, injection.name, injection.fault,
                    injection.parameters.canonicalJSON, injection.target.canonicalJSON, injection.host,
                    injection.via, injection.state.rawValue, Value.texts(injection.undo).canonicalJSON,
                ])
        }
    }

    public func record(_ runbook: RunbookRecord, in run: String) throws {
        try write { database in
            try requireRun(database, run)
            try database.execute(
                sql: """
                    INSERT INTO runbooks (run, path, file_hash, exec_hash, text) VALUES (?, ?, ?, ?, ?) \
                    ON CONFLICT DO NOTHING
                    """,
                arguments: [run, runbook.path, runbook.fileHash, runbook.execHash, runbook.text])
        }
    }

    func requireRun(_ database: Database, _ run: String) throws {
        let sql = "SELECT EXISTS (SELECT 1 FROM runs WHERE id = ?)"
        if try Bool.fetchOne(database, sql: sql, arguments: [run]) != true {
            throw OutcomeStoreError.unknownRun(path: path, run: run)
        }
    }

    func signalID(_ database: Database, _ signal: Signal, _ run: String) throws -> Int64 {
        let writer = signal.writer ?? -1
        let sql = "SELECT id FROM signals WHERE run = ? AND name = ? AND writer = ?"
        if let id = try Int64.fetchOne(database, sql: sql, arguments: [run, signal.name, writer]) {
            return id
        }
        try requireRun(database, run)
        try database.execute(
            sql: "INSERT INTO signals (run, name, writer, every_ns) VALUES (?, ?, ?, ?)",
            arguments: [run, signal.name, writer, signal.every.nanoseconds])
        return database.lastInsertedRowID
    }

    /// The last link of the run: an event, the closing, or the header where there is nothing yet. What is
    /// recorded after the closing, such as a late undo, follows it.
    func chainEnd(_ database: Database, _ run: String) throws -> ChainEnd {
        let genesis = "SELECT genesis_hash FROM runs WHERE id = ?"
        guard let header = try String.fetchOne(database, sql: genesis, arguments: [run]) else {
            throw OutcomeStoreError.unknownRun(path: path, run: run)
        }
        var end = ChainEnd(sequence: 0, hash: header)
        let last = "SELECT sequence, hash FROM events WHERE run = ? ORDER BY sequence DESC LIMIT 1"
        if let row = try Row.fetchOne(database, sql: last, arguments: [run]) {
            end = ChainEnd(sequence: row["sequence"], hash: row["hash"])
        }
        let closing = "SELECT hash FROM closings WHERE run = ? AND event_count = ?"
        if let hash = try String.fetchOne(database, sql: closing, arguments: [run, end.sequence]) {
            end.hash = hash
        }
        return end
    }
}
