import GRDB
import MusterCore
public import MusterDrills

extension OutcomeStore {
    public func outcome(_ number: Int) throws -> Outcome? { try outcome(number, withSamples: true) }

    /// - Parameter withSamples: without them it is read quickly, and its signals are empty of samples.
    public func outcome(_ number: Int, withSamples: Bool) throws -> Outcome? {
        try readable { database in
            guard
                let row = try Row.fetchOne(
                    database, sql: "SELECT * FROM runs WHERE number = ?", arguments: [number])
            else { return nil }
            let header = try Self.header(row)
            var outcome = Outcome(
                number: number, header: header, closing: try closing(database, header.id),
                events: try events(database, header.id),
                signals: try signals(database, header.id, withSamples: withSamples),
                injections: try injections(database, "WHERE run = ? ORDER BY position", [header.id]).map(\.1),
                runbooks: try runbooks(database, header.id),
                repeats: try summary(database, ofGroup: header.repeatGroup),
                calibration: try calibration(database, of: header.id))
            // A store that is only read may be of a version that had none.
            if try database.tableExists("signal_summaries") {
                outcome.summaries = try signalSummaries(database, header.id)
            }
            return outcome
        }
    }

    public func unclosedInjections() throws -> [(run: String, InjectionRecord)] {
        try readable { database in
            try injections(
                database, "WHERE state NOT IN (?, ?) ORDER BY position",
                [InjectionRecord.State.closed.rawValue, InjectionRecord.State.forgotten.rawValue])
        }
    }

    /// A read whose unknown words become an error that names the file.
    func readable<Result>(_ body: (Database) throws -> Result) throws -> Result {
        try read { database in
            do {
                return try body(database)
            } catch let error as UnreadableWord {
                throw OutcomeStoreError.unreadableRow(path: path, error.description)
            }
        }
    }

    static func header(_ row: Row) throws -> RunHeader {
        let variables = try json(row["variables"]).asMap ?? [:]
        return RunHeader(
            id: row["id"], drill: row["drill"], drillPath: row["drill_path"], drillText: row["drill_text"],
            drillHash: row["drill_hash"], service: row["service"], owner: row["owner"],
            environment: try word(row, "environment"), failureMode: row["failure_mode"],
            expect: row["expect"], variables: variables.compactMapValues(\.asText),
            durabilityScope: row["durability_scope"], host: row["host"], bootID: row["boot_id"],
            kernel: row["kernel"], timeZone: row["time_zone"], actor: row["actor"],
            toolVersion: row["tool_version"], protocolVersion: row["protocol_version"],
            judgeVersion: row["judge_version"], binaryHash: row["binary_hash"],
            configurationHash: row["configuration_hash"], repeatGroup: row["repeat_group"],
            startedAt: Instant(nanoseconds: row["started_monotonic_ns"]), startedAtUTC: row["started_utc_ns"]
        )
    }

    /// The process that recorded the run, where that is known.
    static func engine(_ row: Row) -> ProcessIdentity? {
        guard let pid: Int32 = row["engine_pid"], let ticks: Int64 = row["engine_start_ticks"] else {
            return nil
        }
        return ProcessIdentity(pid: pid, startTicks: UInt64(bitPattern: ticks), bootID: row["boot_id"])
    }

    private func events(_ database: Database, _ run: String) throws -> [Event] {
        let rows = try Row.fetchCursor(
            database, sql: "SELECT * FROM events WHERE run = ? ORDER BY sequence", arguments: [run])
        var events: [Event] = []
        while let row = try rows.next() { events.append(try EventRow(row).event) }
        return events
    }

    private func signals(_ database: Database, _ run: String, withSamples: Bool) throws -> [Signal] {
        let rows = try Row.fetchAll(
            database, sql: "SELECT * FROM signals WHERE run = ? ORDER BY id", arguments: [run])
        return try rows.map { row in
            let writer: Int = row["writer"]
            return Signal(
                name: row["name"], writer: writer < 0 ? nil : writer, every: .nanoseconds(row["every_ns"]),
                samples: withSamples ? try samples(database, row["id"]) : [])
        }
    }

    private func samples(_ database: Database, _ signal: Int64) throws -> SampleSeries {
        let rows = try Row.fetchCursor(
            database,
            sql:
                """
                SELECT due_ns, late_ns, took_ns, outcome, code, blind_ns FROM samples WHERE signal = ? \
                ORDER BY sequence
                """,
            arguments: [signal])
        var samples = SampleSeries()
        while let row = try rows.next() { samples.append(try Self.sample(row)) }
        return samples
    }

    /// - Parameter row: due_ns, late_ns, took_ns, outcome, code, blind_ns.
    static func sample(_ row: Row) throws -> Sample {
        let due: Int64 = row[0]
        let late: Int64 = row[1]
        let took: Int64 = row[2]
        let code: UInt8 = row[3]
        let blind: Int64 = row[5]
        guard let outcome = Sample.Outcome(rawValue: code) else {
            throw UnreadableWord(description: "a sample's outcome is \(code)")
        }
        return Sample(
            due: Instant(nanoseconds: due), started: Instant(nanoseconds: due + late),
            finished: Instant(nanoseconds: due + late + took), outcome: outcome, code: row[4],
            blind: .nanoseconds(blind))
    }

    private func injections(
        _ database: Database, _ condition: String, _ arguments: StatementArguments
    ) throws -> [(run: String, InjectionRecord)] {
        let rows = try Row.fetchAll(
            database, sql: "SELECT * FROM injections " + condition, arguments: arguments)
        return try rows.map { row in
            let text: String = row["id"]
            guard let id = InjectionID(text) else {
                throw UnreadableWord(description: "an injection's id is '\(text)'")
            }
            let record = InjectionRecord(
                id: id, name: row["name"], fault: row["fault"],
                parameters: try json(row["parameters"]),
                target: try json(row["target"]), host: row["host"], via: row["via"],
                state: try word(row, "state"), undo: try jsonTexts(row["undo"]))
            return (row["run"], record)
        }
    }

    func runbooks(_ database: Database, _ run: String) throws -> [RunbookRecord] {
        let rows = try Row.fetchAll(
            database, sql: "SELECT * FROM runbooks WHERE run = ? ORDER BY position", arguments: [run])
        return rows.map {
            RunbookRecord(
                path: $0["path"], fileHash: $0["file_hash"], execHash: $0["exec_hash"], text: $0["text"])
        }
    }
}
