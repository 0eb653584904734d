public import MusterCore
public import MusterDrills

/// Writes to a SQLite database file, also one that a service uses at the same time.
///
/// Each writer has a connection and a thread of its own, as several processes of a service would, and commits each
/// entry in a transaction of its own. A write is acknowledged once COMMIT has returned.
public struct SQLiteWorkload: Workload, Hashable {
    /// How far COMMIT goes before it returns (https://www.sqlite.org/pragma.html#pragma_synchronous).
    public enum Synchronous: String, FormWord, Codable {
        case off, normal, full, extra
    }
    /// How a read-back looks at the whole database (https://www.sqlite.org/pragma.html#pragma_integrity_check).
    public enum Check: String, FormWord, Codable {
        case integrity, quick, none
    }

    public var sqlite = ""
    public var table = "muster_entries"
    public var create = false
    public var synchronous = Synchronous.full
    public var check = Check.integrity
    public var remove = false
    public init() {}

    public static let abilities: Set<WorkloadAbility> = [.register, .bank, .deletes]

    public static let form = Form(
        "sqlite",
        "Writes entries to a table of a SQLite database, each in a transaction; reads back with an integrity check.",
        example: "orders: { sqlite: /srv/app/app.db, writers: 2, rate: 50/s }",
        blank: SQLiteWorkload(),
        fields: [
            Field(
                required: "sqlite", \.sqlite,
                "The database file; its journal mode stays as it is found.", in: absolutePath),
            Field(
                "table", \.table, default: "muster_entries",
                "The table, of its own; it is made where it is missing, and refused where it has other columns.",
                in: {
                    let isPlain = $0.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
                    return isPlain && $0.first?.isLetter == true ? nil : "letters, digits and _"
                }),
            Field("create", \.create, default: false, "Makes the file where there is none."),
            Field(
                "synchronous", \.synchronous, default: .full,
                "How far COMMIT goes before it returns, as in PRAGMA synchronous."),
            Field(
                "check", \.check, default: .integrity,
                "What the read-back runs over the whole database: integrity_check, quick_check or nothing."),
            Field("remove", \.remove, default: false, "Removes its entries at the end of the run."),
        ])
}

/// What is wrong with a path of a workload; nil when it can be used.
func absolutePath(_ path: String) -> String? {
    path.hasPrefix("/") && !path.hasSuffix("/") ? nil : "a path that starts with / and does not end with it"
}

extension SQLiteWorkload: SharedWorkload {
    func clients(_ count: Int, on loop: EventLoop, for run: StoreRun) throws -> [any StoreClient] {
        // The last one to be closed removes what is to be removed.
        (0..<count).map {
            SQLiteStore(self, loop, removing: remove && $0 == count - 1 ? run.names.prefix : nil)
        }
    }
}

/// One writer's connection, on a thread of its own.
final class SQLiteStore: StoreClient {
    private let worker: BlockingWorker
    private let session: LoopOnly<SQLiteSession>
    private let removed: String?
    let readBatch = 500

    /// - Parameter removed: the prefix of the keys that are removed when it is closed.
    init(_ workload: SQLiteWorkload, _ loop: EventLoop, removing removed: String?) {
        worker = BlockingWorker(loop: loop)
        session = LoopOnly(SQLiteSession(workload))
        self.removed = removed
    }

    /// - Parameter change: what happens in the transaction.
    private func write(
        _ key: String, until deadline: Instant, _ done: @escaping (WriteAnswer) -> Void,
        _ change:
            @escaping @Sendable (SQLiteConnection, SQLiteSession) throws(SQLiteConnection.Failure) -> Void
    ) {
        worker.run(
            until: deadline, late: { $0 ? .noAnswer : .neverSent },
            { [session] in session.value.write(key, until: deadline, $0, change) }, done: done)
    }

    private func read<Answer: Sendable>(
        until deadline: Instant, failed: @escaping @Sendable (String) -> Answer,
        _ done: @escaping (Answer) -> Void,
        _ body:
            @escaping @Sendable (SQLiteConnection, SQLiteSession) throws(SQLiteConnection.Failure) -> Answer
    ) {
        worker.run(
            until: deadline, late: { _ in failed("no answer in time") },
            { [session] (_: BlockingWorker.Claim) -> Answer in
                do throws(SQLiteConnection.Failure) {
                    return try session.value.read(until: deadline, body)
                } catch {
                    return failed(error.text)
                }
            }, done: done)
    }

    func put(
        _ key: String, _ value: String, until deadline: Instant, done: @escaping (WriteAnswer) -> Void
    ) {
        write(key, until: deadline, done) { database, session throws(SQLiteConnection.Failure) in
            try session.insert(key, value, into: database)
        }
    }

    func set(
        _ key: String, _ value: String, until deadline: Instant, done: @escaping (WriteAnswer) -> Void
    ) {
        write(key, until: deadline, done) { database, session throws(SQLiteConnection.Failure) in
            try session.delete(key, from: database)
            try session.insert(key, value, into: database)
        }
    }

    func delete(_ key: String, until deadline: Instant, done: @escaping (WriteAnswer) -> Void) {
        write(key, until: deadline, done) { database, session throws(SQLiteConnection.Failure) in
            try session.delete(key, from: database)
        }
    }

    func transfer(
        _ transfer: BankTransfer, _ key: String, _ value: String, until deadline: Instant,
        done: @escaping (WriteAnswer) -> Void
    ) {
        write(key, until: deadline, done) { database, session throws(SQLiteConnection.Failure) in
            try session.move(transfer, in: database)
            try session.insert(key, value, into: database)
        }
    }

    func openAccounts(
        _ names: [String], balance: Int64, until deadline: Instant, done: @escaping (WriteAnswer) -> Void
    ) {
        write(names[0], until: deadline, done) { database, session throws(SQLiteConnection.Failure) in
            guard try session.values(of: names[0], in: database).isEmpty else { return }
            for name in names { try session.insert(name, String(balance), into: database) }
        }
    }

    func values(_ keys: [String], until deadline: Instant, done: @escaping ([ValueAnswer]) -> Void) {
        read(
            until: deadline, failed: { why in keys.map { _ in .failed(why) } }, done,
            { database, session throws(SQLiteConnection.Failure) in
                var answers: [ValueAnswer] = []
                for key in keys {
                    let texts = try session.values(of: key, in: database)
                    answers.append(texts.isEmpty ? .absent : .present(texts))
                }
                return answers
            })
    }

    func list(_ prefix: String, until deadline: Instant, done: @escaping (ListAnswer) -> Void) {
        read(
            until: deadline, failed: { .failed($0) }, done,
            { database, session throws(SQLiteConnection.Failure) in
                .keys(try session.keys(prefix, in: database))
            })
    }

    func examine(until deadline: Instant, done: @escaping ([String]?) -> Void) {
        read(
            until: deadline, failed: { _ in nil }, done,
            { database, session throws(SQLiteConnection.Failure) in
                try session.examine(database)
            })
    }

    func close() {
        let (session, removed) = (session, removed)
        worker.close {
            if let removed { session.value.remove(removed) }
            session.value.disconnect()
        }
    }
}
