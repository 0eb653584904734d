import GRDB
public import MusterCore
public import MusterDrills

/// How far somebody who watches a run has read.
public struct RunCursor: Sendable {
    public let run: String
    /// Samples that were due earlier are passed over.
    let from: Instant
    var event = 0
    var signals: [Int64: Place] = [:]

    struct Place {
        var name: String
        var writer: Int?
        var sequence: Int64
    }

    /// - Parameter from: of a long run not every sample is read again.
    public init(run: String, samplesFrom from: Instant) {
        self.run = run
        self.from = from
    }
}

/// What is new in a run since somebody last looked.
public struct RunNews: Sendable {
    public var events: [Event] = []
    public var samples: [(name: String, writer: Int?, samples: [Sample])] = []
    /// Whether there is more that found no room in this look.
    public var isMore = false
    public var isEmpty: Bool { events.isEmpty && samples.isEmpty }
}

extension OutcomeStore {
    /// Reads what was written behind the cursor, and moves it. Each look is short and bounded: readers hold no writer up
    /// in WAL mode, but one that reads for long keeps its log from being used anew (sqlite.org/wal.html).
    /// - Parameter most: samples of one signal, and events, in one look.
    public func news(_ cursor: inout RunCursor, most: Int = 5000) throws -> RunNews {
        var moved = cursor
        let news = try readable { database in
            var news = RunNews()
            let rows = try Row.fetchAll(
                database,
                sql: "SELECT * FROM events WHERE run = ? AND sequence > ? ORDER BY sequence LIMIT ?",
                arguments: [moved.run, moved.event, most])
            news.events = try rows.map { try EventRow($0).event }
            if let last = rows.last { moved.event = last["sequence"] }
            news.isMore = rows.count == most
            try findSignals(database, &moved)
            for (id, place) in moved.signals.sorted(by: { $0.key < $1.key }) {
                let samples = try newSamples(database, id, after: place.sequence, most)
                guard !samples.isEmpty else { continue }
                moved.signals[id]?.sequence += Int64(samples.count)
                news.samples.append((place.name, place.writer, samples))
                if samples.count == most { news.isMore = true }
            }
            return news
        }
        cursor = moved
        return news
    }

    private func findSignals(_ database: Database, _ cursor: inout RunCursor) throws {
        let rows = try Row.fetchAll(
            database, sql: "SELECT id, name, writer FROM signals WHERE run = ?", arguments: [cursor.run])
        for row in rows where cursor.signals[row["id"]] == nil {
            let id: Int64 = row["id"]
            let writer: Int = row["writer"]
            cursor.signals[id] = RunCursor.Place(
                name: row["name"], writer: writer < 0 ? nil : writer,
                sequence: try lastSample(database, id, before: cursor.from))
        }
    }

    /// The number of the last sample that was due before an instant, found by halving: numbers are given in the order of
    /// writing, without gaps, which is nearly the order of time.
    private func lastSample(_ database: Database, _ signal: Int64, before instant: Instant) throws -> Int64 {
        let newest = "SELECT sequence FROM samples WHERE signal = ? ORDER BY sequence DESC LIMIT 1"
        var (low, high): (Int64, Int64) = (
            0, try Int64.fetchOne(database, sql: newest, arguments: [signal]) ?? 0
        )
        let due = "SELECT due_ns FROM samples WHERE signal = ? AND sequence = ?"
        while low < high {
            let middle = (low + high + 1) / 2
            let at = try Int64.fetchOne(database, sql: due, arguments: [signal, middle]) ?? .max
            if at < instant.nanoseconds { low = middle } else { high = middle - 1 }
        }
        return low
    }

    private func newSamples(
        _ database: Database, _ signal: Int64, after sequence: Int64, _ most: Int
    ) throws -> [Sample] {
        let statement = try database.cachedStatement(
            sql: """
                SELECT due_ns, late_ns, took_ns, outcome, code, blind_ns FROM samples \
                WHERE signal = ? AND sequence > ? ORDER BY sequence LIMIT ?
                """)
        let rows = try Row.fetchCursor(statement, arguments: [signal, sequence, most])
        var samples: [Sample] = []
        while let row = try rows.next() { samples.append(try Self.sample(row)) }
        return samples
    }

    // MARK: The run itself

    /// What is known of a run before anything of it is read.
    public struct WatchedRun: Sendable {
        public var run: RunBoard.Run
        public var bootID: String
        public var engine: ProcessIdentity?
        public var zone: String
        /// Whether the process that runs it lives; false once the outcome is closed.
        public var isRunning: Bool
        public var isClosed: Bool
    }

    /// - Parameter name: a number or a ULID; nil: the newest that is running.
    /// - Returns: nil when there is none.
    public func watched(_ name: String?) throws -> WatchedRun? {
        try readable { database in
            let sql = """
                SELECT runs.*, closings.run AS closed FROM runs LEFT JOIN closings ON closings.run = runs.id
                """
            if let name {
                return try Row.fetchOne(
                    database, sql: sql + " WHERE id = ? OR number = ?", arguments: [name, Int(name)]
                ).map(watched)
            }
            // Runs that died are open as well: whoever crashed often left many.
            let rows = try Row.fetchAll(
                database, sql: sql + " WHERE closings.run IS NULL ORDER BY number DESC LIMIT 50")
            return try rows.map(watched).first { $0.isRunning }
        }
    }

    private func watched(_ row: Row) throws -> WatchedRun {
        let header = try Self.header(row)
        let engine = Self.engine(row)
        let isClosed = row["closed"] as String? != nil
        return WatchedRun(
            run: RunBoard.Run(
                number: row["number"], id: header.id, drill: header.drill,
                environment: header.environment.rawValue, service: header.service, host: header.host,
                startedAt: header.startedAt, startedUTC: header.startedAtUTC, engine: engine?.pid),
            bootID: header.bootID, engine: engine, zone: header.timeZone,
            isRunning: !isClosed && engine.map { isAlive?($0) == true } == true, isClosed: isClosed)
    }

    public func closing(ofRun run: String) throws -> RunClosing? {
        try readable { try closing($0, run, withEntries: false) }
    }

    /// nil for a run of an earlier version, and until the first one is written.
    public func pulse(ofRun run: String) throws -> RunPulse? {
        try readable { database in
            guard try database.tableExists("run_pulses"),
                let row = try Row.fetchOne(
                    database, sql: "SELECT * FROM run_pulses WHERE run = ?", arguments: [run])
            else { return nil }
            return RunPulse(try json(row["state"]), at: Instant(nanoseconds: row["monotonic_ns"]))
        }
    }

    func write(_ database: Database, _ pulse: RunPulse, _ run: String) throws {
        try database.execute(
            sql: """
                INSERT INTO run_pulses (run, monotonic_ns, state) VALUES (?, ?, ?) \
                ON CONFLICT (run) DO UPDATE SET monotonic_ns = excluded.monotonic_ns, state = excluded.state
                """, arguments: [run, pulse.at.nanoseconds, pulse.value.canonicalJSON])
    }

    /// How long the steps of runbooks took in the last completed run of the same drill and environment; nil without one.
    public func earlier(than run: RunBoard.Run) throws -> RunBoard.Earlier? {
        try readable { database in
            guard
                let row = try Row.fetchOne(
                    database,
                    sql: """
                        SELECT number, id FROM runs JOIN closings ON closings.run = runs.id \
                        WHERE drill = ? AND environment = ? AND number < ? AND ending = ? \
                        ORDER BY number DESC LIMIT 1
                        """,
                    arguments: [run.drill, run.environment, run.number, Ending.completed.rawValue])
            else { return nil }
            let id: String = row["id"]
            var took: [String: Duration] = [:]
            var begun: [String: Instant] = [:]
            let kinds: [Event.Kind] = [.runbookStarted, .runbookStep, .runbookFinished]
            let rows = try Row.fetchAll(
                database,
                sql: "SELECT * FROM events WHERE run = ? AND kind IN (?, ?, ?) ORDER BY sequence",
                arguments: [id] + StatementArguments(kinds.map(\.rawValue)))
            for event in try rows.map({ try EventRow($0).event }) {
                switch event.kind {
                case .runbookStarted: begun[event.subject] = event.at
                case .runbookFinished: took[event.subject] = begun[event.subject].map { event.at - $0 }
                default: took[event.subject] = event.detail["nanoseconds"]?.asInt.map { .nanoseconds($0) }
                }
            }
            return RunBoard.Earlier(number: row["number"], took: took)
        }
    }
}
