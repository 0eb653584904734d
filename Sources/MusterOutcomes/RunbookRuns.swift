import GRDB
public import MusterCore
public import MusterDrills

extension OutcomeStore {
    /// Durable when it returns, as everything here.
    /// - Returns: the number by which people name the run.
    public func begin(_ run: RunbookRun) throws -> Int {
        try write { database in
            try database.execute(
                sql: """
                    INSERT INTO runbook_runs (id, path, title, service, owner, file_hash, exec_hash, text, \
                    variables, secrets, host, boot_id, actor, tool_version, started_utc_ns, engine_pid, \
                    engine_start_ticks) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    run.id, run.path, run.title, run.service, run.owner, run.fileHash, run.execHash, run.text,
                    Value.map(run.variables.mapValues { .text($0) }).canonicalJSON,
                    Value.list(run.secrets.map { .texts([$0.name, $0.source, $0.salt, $0.hash]) })
                        .canonicalJSON,
                    run.host, run.bootID, run.actor, run.toolVersion, run.startedAtUTC, engine?.pid,
                    engine.map { Int64(bitPattern: $0.startTicks) },
                ])
            return Int(database.lastInsertedRowID)
        }
    }

    /// Takes over a run that is to be resumed: from now on this process carries it out.
    /// - Parameter runbook: the file as it is now, when it was changed since.
    /// - Returns: false when another process carries it out.
    public func takeOver(_ run: String, changedTo runbook: Runbook?) throws -> Bool {
        try write { database in
            guard
                let row = try Row.fetchOne(
                    database, sql: "SELECT * FROM runbook_runs WHERE id = ?", arguments: [run])
            else { throw OutcomeStoreError.unknownRun(path: path, run: run) }
            if isEngineAlive(row) { return false }
            let bootID: String = row["boot_id"]
            try database.execute(
                sql: """
                    UPDATE runbook_runs SET engine_pid = ?, engine_start_ticks = ?, boot_id = ?, \
                    resumptions = resumptions + 1 WHERE id = ?
                    """,
                arguments: [
                    engine?.pid, engine.map { Int64(bitPattern: $0.startTicks) }, engine?.bootID ?? bootID,
                    run,
                ])
            try database.execute(sql: "DELETE FROM runbook_endings WHERE run = ?", arguments: [run])
            guard let runbook else { return true }
            try database.execute(
                sql:
                    "UPDATE runbook_runs SET changed = 1, file_hash = ?, exec_hash = ?, text = ? WHERE id = ?",
                arguments: [runbook.fileHash, runbook.execHash, runbook.source, run])
            return true
        }
    }

    /// Keeps turns, in place of what was kept of them before.
    public func save(_ turns: [RunbookTurn], of run: String) throws {
        guard !turns.isEmpty else { return }
        try write { database in
            for turn in turns {
                try database.execute(
                    sql: """
                        INSERT INTO runbook_turns (run, turn, name, kind, heading, state, attempts, exit_code, \
                        reason, output, begun_utc_ns, ended_utc_ns, machine_ns, human_wait_ns, human_work_ns, \
                        actor, evidence, value, assumed, repeated, failed_attempts) \
                        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
                        ON CONFLICT (run, turn) DO UPDATE SET state = excluded.state, \
                        attempts = excluded.attempts, exit_code = excluded.exit_code, \
                        reason = excluded.reason, output = excluded.output, \
                        ended_utc_ns = excluded.ended_utc_ns, machine_ns = excluded.machine_ns, \
                        human_wait_ns = excluded.human_wait_ns, human_work_ns = excluded.human_work_ns, \
                        actor = excluded.actor, evidence = excluded.evidence, value = excluded.value, \
                        assumed = excluded.assumed, failed_attempts = excluded.failed_attempts
                        """,
                    arguments: [
                        run, turn.number, turn.name, turn.kind.rawValue, turn.heading, turn.state.rawValue,
                        turn.attempts, turn.exitCode, turn.reason, turn.output, turn.begunUTC, turn.endedUTC,
                        turn.machine.nanoseconds, turn.humanWait.nanoseconds, turn.humanWork.nanoseconds,
                        turn.actor, turn.evidence, turn.value, turn.isAssumed, turn.isRepeated,
                        Self.attempts(turn.failedAttempts).canonicalJSON,
                    ])
            }
        }
    }

    /// Keeps which process a turn has started, before that process runs its first instruction.
    public func note(_ process: ProcessIdentity, ofTurn turn: Int, in run: String) throws {
        try write { database in
            try database.execute(
                sql: """
                    UPDATE runbook_turns SET process_pid = ?, process_start_ticks = ?, process_boot_id = ? \
                    WHERE run = ? AND turn = ?
                    """,
                arguments: [
                    process.pid, Int64(bitPattern: process.startTicks), process.bootID, run, turn,
                ])
        }
    }

    public func finish(_ run: String, _ result: RunbookResult, atUTC: Int64) throws {
        try write { database in
            try database.execute(
                sql: """
                    INSERT OR REPLACE INTO runbook_endings (run, state, reason, open_rollbacks, finished_utc_ns) \
                    VALUES (?, ?, ?, ?, ?)
                    """,
                arguments: [
                    run, result.state.rawValue, result.reason,
                    Value.texts(result.openRollbacks).canonicalJSON,
                    atUTC,
                ])
        }
    }

    // MARK: Reading

    /// Newest first.
    /// - Parameter path: only runs of this runbook; nil for all.
    public func runbookRuns(of path: String? = nil, limit: Int? = nil) throws -> [RecordedRunbookRun] {
        try runbookRuns(
            "WHERE (? IS NULL OR path = ?) ORDER BY number DESC LIMIT ?", [path, path, limit ?? -1])
    }

    /// - Parameter name: its number, or its ULID.
    public func runbookRun(_ name: String) throws -> RecordedRunbookRun? {
        try runbookRuns("WHERE id = ? OR number = ?", [name, Int(name)]).first
    }

    private func runbookRuns(
        _ condition: String, _ arguments: StatementArguments
    ) throws -> [RecordedRunbookRun] {
        try readable { database in
            // A store that an older version made, opened for reading, has no such table yet.
            guard try database.tableExists("runbook_runs") else { return [] }
            return try Row.fetchAll(
                database, sql: "SELECT * FROM runbook_runs " + condition, arguments: arguments
            ).map { try recorded(database, $0) }
        }
    }

    private func recorded(_ database: Database, _ row: Row) throws -> RecordedRunbookRun {
        let id: String = row["id"]
        let rows = try Row.fetchAll(
            database, sql: "SELECT * FROM runbook_turns WHERE run = ? ORDER BY turn", arguments: [id])
        let turns = try rows.map(Self.turn)
        let ending = try Row.fetchOne(
            database, sql: "SELECT * FROM runbook_endings WHERE run = ?", arguments: [id])
        let processes = rows.compactMap { row in Self.process(row).map { (row["turn"] as Int, $0) } }
        return RecordedRunbookRun(
            number: row["number"], run: try Self.runbookRun(row), turns: turns,
            processes: Dictionary(processes, uniquingKeysWith: { _, last in last }),
            result: try ending.map {
                RunbookResult(
                    state: try word($0, "state"), reason: $0["reason"],
                    openRollbacks: try jsonTexts($0["open_rollbacks"]), turns: turns)
            },
            finishedAtUTC: ending?["finished_utc_ns"], isRunning: ending == nil && isEngineAlive(row),
            resumptions: row["resumptions"], isChanged: row["changed"])
    }

    private func isEngineAlive(_ row: Row) -> Bool {
        Self.engine(row).flatMap { engine in engine == self.engine ? false : isAlive?(engine) } ?? false
    }

    private static func runbookRun(_ row: Row) throws -> RunbookRun {
        let secrets = try (json(row["secrets"]).asList ?? []).compactMap { entry -> RunbookRun.SecretTrace? in
            let texts = (entry.asList ?? []).compactMap(\.asText)
            guard texts.count == 4 else { return nil }
            return RunbookRun.SecretTrace(name: texts[0], source: texts[1], salt: texts[2], hash: texts[3])
        }
        return RunbookRun(
            id: row["id"], path: row["path"], title: row["title"], service: row["service"],
            owner: row["owner"], fileHash: row["file_hash"], execHash: row["exec_hash"], text: row["text"],
            variables: (try json(row["variables"]).asMap ?? [:]).compactMapValues(\.asText), secrets: secrets,
            host: row["host"], bootID: row["boot_id"], actor: row["actor"], toolVersion: row["tool_version"],
            startedAtUTC: row["started_utc_ns"])
    }

    private static func turn(_ row: Row) throws -> RunbookTurn {
        var turn = RunbookTurn(
            number: row["turn"], name: row["name"], kind: try word(row, "kind"), heading: row["heading"],
            begunUTC: row["begun_utc_ns"])
        turn.state = try word(row, "state")
        turn.attempts = row["attempts"]
        turn.exitCode = row["exit_code"]
        turn.failedAttempts = try (json(row["failed_attempts"]).asList ?? []).compactMap(failedAttempt)
        turn.reason = row["reason"]
        turn.output = row["output"]
        turn.endedUTC = row["ended_utc_ns"]
        turn.machine = .nanoseconds(row["machine_ns"])
        turn.humanWait = .nanoseconds(row["human_wait_ns"])
        turn.humanWork = .nanoseconds(row["human_work_ns"])
        turn.actor = row["actor"]
        turn.evidence = row["evidence"]
        turn.value = row["value"]
        turn.isAssumed = row["assumed"]
        turn.isRepeated = row["repeated"]
        return turn
    }

    private static func attempts(_ attempts: [RunbookTurn.FailedAttempt]) -> Value {
        .list(
            attempts.map {
                [
                    "number": .int(Int64($0.number)), "exitCode": .int(Int64($0.exitCode)),
                    "reason": .text($0.reason), "endedUtc": .int($0.endedUTC),
                ]
            })
    }

    private static func failedAttempt(_ value: Value) -> RunbookTurn.FailedAttempt? {
        guard let number = value["number"]?.asInt, let code = value["exitCode"]?.asInt,
            let reason = value["reason"]?.asText, let ended = value["endedUtc"]?.asInt
        else { return nil }
        return RunbookTurn.FailedAttempt(
            number: Int(number), exitCode: Int(code), reason: reason, endedUTC: ended)
    }

    private static func process(_ row: Row) -> ProcessIdentity? {
        guard let pid: Int32 = row["process_pid"], let ticks: Int64 = row["process_start_ticks"],
            let boot: String = row["process_boot_id"]
        else { return nil }
        return ProcessIdentity(pid: pid, startTicks: UInt64(bitPattern: ticks), bootID: boot)
    }
}
