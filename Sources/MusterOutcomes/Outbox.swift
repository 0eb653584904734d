import GRDB
public import MusterCore
public import MusterDrills

/// A notice on its way to a channel.
public struct OutboxEntry: Hashable, Sendable {
    public enum State: Hashable, Sendable {
        case waiting(next: Moment)
        case delivered(at: Moment)
        case gaveUp
    }

    public var id: String
    public var channel: String
    public var kind: Notice.Kind
    public var created: Moment
    /// JSON, as it is sent.
    public var body: String
    /// Tries so far, the one that is under way included.
    public var attempts: Int
    public var state: State
    /// Why the last try failed.
    public var failure: String?
}

extension ScheduleBook {
    /// Puts a notice into the outbox, in the transaction of what it tells of.
    public func post(_ notice: Notice, to channels: [NoticeChannel]) throws {
        try database.post(notice, to: channels)
    }
}

extension OutcomeStore {
    /// Puts a notice into the outbox, durably: it goes to every channel that wants its kind.
    /// - Parameter channels: nil: nobody can say which there are; it is kept as one that could not be sent.
    public func post(_ notice: Notice, to channels: [NoticeChannel]?, failure: String? = nil) throws {
        try write { database in
            if let channels { return try database.post(notice, to: channels) }
            try database.insert(notice, "?", next: nil, failure: failure ?? "nobody knows where to")
        }
    }

    /// The channels for which something is due.
    public func channelsDue(at now: Moment) throws -> [String] {
        try readable { database in
            guard try database.tableExists("notices") else { return [] }
            let sql = "SELECT DISTINCT channel FROM notices WHERE next_utc_s <= ? ORDER BY channel"
            return try String.fetchAll(database, sql: sql, arguments: [now.seconds])
        }
    }

    /// Takes the oldest that is due for a channel, so that nobody else tries it meanwhile.
    /// - Parameter until: from when on others may try, should we die.
    public func takeNotice(for channel: String, at now: Moment, until: Moment) throws -> OutboxEntry? {
        try write { database in
            let sql =
                "SELECT * FROM notices WHERE next_utc_s <= ? AND channel = ? ORDER BY next_utc_s, id LIMIT 1"
            let row = try Row.fetchOne(database, sql: sql, arguments: [now.seconds, channel])
            guard var entry = try row.map(OutboxEntry.init) else { return nil }
            entry.attempts += 1
            try database.execute(
                sql: "UPDATE notices SET next_utc_s = ?, attempts = ? WHERE id = ? AND channel = ?",
                arguments: [until.seconds, entry.attempts, entry.id, entry.channel])
            return entry
        }
    }

    /// Records what came of a try.
    public func settle(_ entry: OutboxEntry, _ state: OutboxEntry.State, failure: String?) throws {
        var next: Int64?
        var delivered: Int64?
        switch state {
        case .waiting(let moment): next = moment.seconds
        case .delivered(let moment): delivered = moment.seconds
        case .gaveUp: break
        }
        try write { database in
            try database.execute(
                sql: """
                    UPDATE notices SET next_utc_s = ?, delivered_utc_s = ?, failure = ? \
                    WHERE id = ? AND channel = ? AND delivered_utc_s IS NULL
                    """, arguments: [next, delivered, failure, entry.id, entry.channel])
        }
    }

    /// Lets what was given up, or waits, be tried again now.
    /// - Parameter id: only that one; nil: all.
    /// - Returns: how many.
    public func retryNotices(_ id: String?, at now: Moment) throws -> Int {
        try write { database in
            try database.execute(
                sql: """
                    UPDATE notices SET next_utc_s = ?, created_utc_s = max(created_utc_s, ?) \
                    WHERE delivered_utc_s IS NULL AND channel <> '?' AND (? IS NULL OR id = ?)
                    """, arguments: [now.seconds, now.seconds, id, id])
            return database.changesCount
        }
    }

    /// The newest first.
    /// - Parameter undelivered: only those that did not arrive.
    public func notices(limit: Int, undelivered: Bool = false) throws -> [OutboxEntry] {
        try readable { database in
            guard try database.tableExists("notices") else { return [] }
            let sql = """
                SELECT * FROM notices WHERE (NOT ? OR delivered_utc_s IS NULL) ORDER BY id DESC, channel LIMIT ?
                """
            return try Row.fetchAll(database, sql: sql, arguments: [undelivered, limit]).map(OutboxEntry.init)
        }
    }

    /// When the next one is to be tried; nil: none waits.
    public func nextNotice() throws -> Moment? {
        try readable { database in
            guard try database.tableExists("notices") else { return nil }
            return try Int64.fetchOne(database, sql: "SELECT min(next_utc_s) FROM notices").map {
                Moment(seconds: $0)
            }
        }
    }
}

extension Database {
    fileprivate func post(_ notice: Notice, to channels: [NoticeChannel]) throws {
        let now = Moment(utcNanoseconds: notice.utcNanoseconds)
        for channel in channels where channel.wants(notice.kind) {
            try insert(notice, channel.name, next: now, failure: nil)
        }
    }

    fileprivate func insert(_ notice: Notice, _ channel: String, next: Moment?, failure: String?) throws {
        try execute(
            sql: """
                INSERT INTO notices (id, channel, kind, created_utc_s, body, next_utc_s, failure) \
                VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
                """,
            arguments: [
                notice.id, channel, notice.kind.rawValue,
                Moment(utcNanoseconds: notice.utcNanoseconds).seconds, notice.value.canonicalJSON,
                next?.seconds, failure,
            ])
    }
}

extension OutboxEntry {
    fileprivate init(_ row: Row) throws {
        let next: Int64? = row["next_utc_s"]
        let delivered: Int64? = row["delivered_utc_s"]
        self.init(
            id: row["id"], channel: row["channel"], kind: try word(row, "kind"),
            created: Moment(seconds: row["created_utc_s"]), body: row["body"], attempts: row["attempts"],
            state: delivered.map { .delivered(at: Moment(seconds: $0)) }
                ?? next.map { .waiting(next: Moment(seconds: $0)) } ?? .gaveUp, failure: row["failure"])
    }
}
