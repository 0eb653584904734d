import GRDB
public import MusterCore
public import MusterDrills

/// Outcomes in a SQLite file next to the runbooks: written in WAL mode, so that other processes read while a
/// drill runs, and fsynced at every commit, so that what was appended survives the loss of power.
public final class OutcomeStore: Outcomes {
    /// Gives the hash of bytes as text; SHA-256 in hexadecimal outside tests.
    public typealias Hash = @Sendable ([UInt8]) -> String

    public enum Access: Sendable {
        /// Makes and migrates the file when needed.
        case readWrite
        /// Throws `OutcomeStoreError.missing` rather than making anything.
        case readOnly
    }

    public let path: String
    let queue: DatabaseQueue
    let hash: Hash
    let engine: ProcessIdentity?
    let isAlive: (@Sendable (ProcessIdentity) -> Bool)?

    /// - Parameters:
    ///   - engine: the process that runs the drills it will record; kept with each run.
    ///   - isAlive: whether such a process still lives. Without it, every run that has no closing record
    ///     counts as interrupted.
    ///   - checkedUpTo: files up to so many bytes are searched for damage on opening, which costs about a
    ///     second for each GiB; `check()` does it for any size.
    /// - Throws: `OutcomeStoreError`.
    public init(
        path: String, access: Access = .readWrite, hash: @escaping Hash, engine: ProcessIdentity? = nil,
        isAlive: (@Sendable (ProcessIdentity) -> Bool)? = nil, checkedUpTo: Int64 = 32 << 20
    ) throws {
        self.path = path
        self.hash = hash
        self.engine = engine
        self.isAlive = isAlive
        switch access {
        case .readWrite: try StoreFile.createIfMissing(path)
        case .readOnly:
            if StoreFile.size(path) ?? 0 == 0 { throw OutcomeStoreError.missing(path: path) }
        }
        // In an outage the disk may well be full, and what is on record is wanted all the more.
        let copy = access == .readOnly && StoreFile.cannotBeReadInPlace(path) ? try StoreCopy(of: path) : nil
        var configuration = Configuration()
        configuration.label = "outcomes"
        configuration.readonly = access == .readOnly
        configuration.foreignKeysEnabled = true
        configuration.busyMode = .timeout(10)
        // Before anything is changed. For the same reason GRDB is not asked for WAL mode: it would write a
        // table and drop it again, even in a file that is then found to be damaged.
        configuration.prepareDatabase { [path] database in try Self.recognise(database, path, access) }
        do {
            queue = try DatabaseQueue(path: copy?.path ?? path, configuration: configuration)
        } catch {
            throw Self.translate(error, path, orElse: OutcomeStoreError.cannotOpen)
        }
        // A copy, too: this also opens all of its files, which are removed then, and go when they are closed.
        if copy != nil || StoreFile.size(path).map({ $0 <= checkedUpTo }) == true { try check() }
        copy?.remove()
        if access == .readWrite { try prepareForWriting() }
        StoreFile.giveAwayCompanions(of: path)
    }

    /// Ends the connection; the last one to do so merges the -wal into the database.
    public func close() throws { try queue.close() }

    /// Searches the whole file for damage.
    /// - Throws: `OutcomeStoreError.corrupted`.
    public func check() throws {
        let found = try read { try String.fetchAll($0, sql: "PRAGMA quick_check(3)") }
        if found != ["ok"] {
            throw OutcomeStoreError.corrupted(path: path, found.joined(separator: "; "))
        }
    }

    /// Refuses what is not ours or not understood.
    private static func recognise(_ database: Database, _ path: String, _ access: Access) throws {
        // At one moment: somebody may be making it just now.
        var (found, application, tables) = (0, 0, 0)
        try database.inTransaction(.deferred) {
            found = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
            application = try Int.fetchOne(database, sql: "PRAGMA application_id") ?? 0
            tables = try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_schema") ?? 0
            return .commit
        }
        if application != Schema.applicationID, application != 0 || found != 0 || tables != 0 {
            throw OutcomeStoreError.notAnOutcomeStore(
                path: path, "it is a database of another program (application id \(application))")
        }
        // Whoever was to make it was killed, or had no room; the next run does.
        if tables == 0, access == .readOnly { throw OutcomeStoreError.missing(path: path) }
        if found > Schema.version {
            throw OutcomeStoreError.newerVersion(path: path, found: found, known: Schema.version)
        }
    }

    private func prepareForWriting() throws {
        do {
            let level = try queue.writeWithoutTransaction { database in
                let mode = try String.fetchOne(database, sql: "PRAGMA journal_mode = WAL")
                guard mode == "wal" else {
                    throw OutcomeStoreError.cannotOpen(
                        path: path,
                        "its file system does not allow WAL mode (journal_mode is \(mode ?? "unknown"))")
                }
                try database.execute(sql: "PRAGMA synchronous = FULL")
                try database.inTransaction(.immediate) {
                    try Self.migrate(database)
                    return .commit
                }
                return try Int.fetchOne(database, sql: "PRAGMA synchronous")
            }
            guard level == 2 else {
                throw OutcomeStoreError.cannotOpen(
                    path: path, "it does not become durable (synchronous is \(level ?? -1), expected 2, FULL)"
                )
            }
        } catch {
            throw Self.translate(error, path, orElse: OutcomeStoreError.cannotOpen)
        }
    }

    /// Inside a transaction, so that of two processes that open a new file one finds it made.
    private static func migrate(_ database: Database) throws {
        let found = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
        guard found < Schema.version else { return }
        for migration in Schema.migrations[found...] { try database.execute(sql: migration) }
        try database.execute(sql: "PRAGMA application_id = \(Schema.applicationID)")
        try database.execute(sql: "PRAGMA user_version = \(Schema.version)")
    }

    func read<Result>(_ body: (Database) throws -> Result) throws -> Result {
        do {
            return try queue.read(body)
        } catch {
            throw Self.translate(error, path, orElse: OutcomeStoreError.cannotOpen)
        }
    }

    func write<Result>(_ body: (Database) throws -> Result) throws -> Result {
        do {
            return try queue.write(body)
        } catch {
            throw Self.translate(error, path, orElse: OutcomeStoreError.cannotWrite)
        }
    }

    private static func translate(
        _ error: any Error, _ path: String, orElse other: (String, String) -> OutcomeStoreError
    ) -> OutcomeStoreError {
        if let known = error as? OutcomeStoreError { return known }
        guard let failure = error as? DatabaseError else { return other(path, "\(error)") }
        let message = failure.message ?? "SQLite error \(failure.resultCode.rawValue)"
        return switch failure.resultCode {
        case .SQLITE_CORRUPT: .corrupted(path: path, message)
        case .SQLITE_NOTADB: .notAnOutcomeStore(path: path, message)
        default: other(path, message)
        }
    }
}
