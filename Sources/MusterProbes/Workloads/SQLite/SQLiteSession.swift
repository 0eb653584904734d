import CSQLite
import Glibc
import MusterCore

/// What one writer does with its connection. Belongs to its worker's thread.
final class SQLiteSession {
    typealias Failure = SQLiteConnection.Failure

    private let workload: SQLiteWorkload
    private var connection: SQLiteConnection?
    /// Which file the connection holds: a restore may have put another in its place.
    private var identity: [UInt64]?
    private var table: String { workload.table }

    init(_ workload: SQLiteWorkload) { self.workload = workload }

    func disconnect() {
        connection = nil
        identity = nil
    }

    // MARK: Transactions

    /// Certainly not applied is what failed before COMMIT: SQLite takes back what is not committed, also after a
    /// crash (https://www.sqlite.org/atomiccommit.html). A COMMIT that found the database locked, or the disk
    /// full, is taken back as well; that it is gone is looked at. Every other failure of COMMIT, such as that of
    /// fsync(2), leaves the write in doubt.
    func write(
        _ key: String, until deadline: Instant, _ claim: BlockingWorker.Claim,
        _ change: (SQLiteConnection, SQLiteSession) throws(Failure) -> Void
    ) -> WriteAnswer {
        let database: SQLiteConnection
        do {
            database = try ready(until: deadline)
            try database.run("BEGIN IMMEDIATE")
        } catch {
            return .refused(error.sampleCode)
        }
        do {
            try change(database, self)
        } catch {
            rollBack(database)
            return .refused(error.sampleCode)
        }
        guard claim.take() else {
            rollBack(database)
            return .neverSent
        }
        do {
            try database.run("COMMIT")
            return .acknowledged()
        } catch {
            rollBack(database)
            guard error.isBusy || error.code == SQLITE_FULL, isAbsent(key, until: deadline) else {
                return .inDoubt(error.sampleCode)
            }
            return .refused(error.sampleCode)
        }
    }

    func read<Answer>(
        until deadline: Instant, _ body: (SQLiteConnection, SQLiteSession) throws(Failure) -> Answer
    ) throws(Failure) -> Answer {
        let database = try ready(until: deadline)
        try database.run("BEGIN")
        defer { rollBack(database) }
        return try body(database, self)
    }

    /// Nothing is left of a connection whose transaction cannot be ended.
    private func rollBack(_ database: SQLiteConnection) {
        if !database.isBetweenTransactions { try? database.run("ROLLBACK") }
        if !database.isBetweenTransactions { disconnect() }
    }

    private func isAbsent(_ key: String, until deadline: Instant) -> Bool {
        do {
            return try read(until: deadline) { database, session throws(Failure) in
                try session.values(of: key, in: database).isEmpty
            }
        } catch {
            return false
        }
    }

    // MARK: Entries

    func insert(_ key: String, _ value: String, into database: SQLiteConnection) throws(Failure) {
        try database.run("INSERT INTO \"\(table)\" (key, value) VALUES (?1, ?2)", [key, value])
    }

    func delete(_ key: String, from database: SQLiteConnection) throws(Failure) {
        try database.run("DELETE FROM \"\(table)\" WHERE key = ?1", [key])
    }

    func values(of key: String, in database: SQLiteConnection) throws(Failure) -> [String] {
        var texts: [String] = []
        try database.run("SELECT value FROM \"\(table)\" WHERE key = ?1", [key]) { texts.append($0[0] ?? "") }
        return texts
    }

    func keys(_ prefix: String, in database: SQLiteConnection) throws(Failure) -> [String] {
        var keys: [String] = []
        let sql = "SELECT DISTINCT key FROM \"\(table)\" WHERE substr(key, 1, length(?1)) = ?1"
        try database.run(sql, [prefix]) { if let key = $0[0] { keys.append(key) } }
        return keys
    }

    func move(_ transfer: BankTransfer, in database: SQLiteConnection) throws(Failure) {
        let balances = [
            try values(of: transfer.from, in: database), try values(of: transfer.to, in: database),
        ].map { $0.first.flatMap { Int64($0) } }
        guard let from = balances[0], let to = balances[1] else {
            throw Failure(code: SQLITE_NOTFOUND, text: "an account is missing")
        }
        let amount = transfer.amount(from: from)
        let (less, isTooLow) = from.subtractingReportingOverflow(amount)
        let (more, isTooHigh) = to.addingReportingOverflow(amount)
        if isTooLow || isTooHigh {
            throw Failure(code: SQLITE_MISMATCH, text: "an account holds no balance of 64 bits")
        }
        for (name, balance) in [(transfer.from, less), (transfer.to, more)] {
            try database.run(
                "UPDATE \"\(table)\" SET value = ?2 WHERE key = ?1", [name, String(balance)])
        }
    }

    func examine(_ database: SQLiteConnection) throws(Failure) -> [String] {
        guard workload.check != .none else { return [] }
        let pragma = workload.check == .integrity ? "integrity_check" : "quick_check"
        var lines: [String] = []
        do throws(Failure) {
            try database.run("PRAGMA \(pragma)(3)") { lines += $0.compactMap(\.self) }
        } catch {
            // Too damaged to be checked is an answer as well.
            guard error.code == SQLITE_CORRUPT || error.code == SQLITE_NOTADB else { throw error }
            lines.append(error.text)
        }
        if lines == ["ok"] { return [] }
        let text = lines.joined(separator: "; ").split(whereSeparator: \.isNewline).joined(separator: "; ")
        return ["SQLite's \(pragma) says: \(text.prefix(300))"]
    }

    func remove(_ prefix: String) {
        guard let database = try? ready(until: monotonicNow() + .seconds(2)) else { return }
        let accounts = "bank-" + prefix
        try? database.run(
            "DELETE FROM \"\(table)\" WHERE substr(key, 1, length(?1)) = ?1 "
                + "OR substr(key, 1, length(?2)) = ?2", [prefix, accounts])
    }

    // MARK: Connecting

    /// - Throws: also where there is no such file, or its table is somebody else's.
    private func ready(until deadline: Instant) throws(Failure) -> SQLiteConnection {
        let found = Self.identity(of: workload.sqlite)
        if found != identity { disconnect() }
        // The last tenth is for what comes after the lock.
        let patience = (deadline - monotonicNow()) / 10 * 9
        if let connection {
            connection.waitForLocks(patience)
            return connection
        }
        let made = try SQLiteConnection(path: workload.sqlite, create: workload.create)
        made.waitForLocks(patience)
        try made.run("PRAGMA synchronous = \(workload.synchronous.rawValue)")
        try prepareTable(made)
        identity = Self.identity(of: workload.sqlite)
        connection = made
        return made
    }

    private func prepareTable(_ database: SQLiteConnection) throws(Failure) {
        func columns() throws(Failure) -> [String] {
            var names: [String] = []
            try database.run("SELECT name FROM pragma_table_info(?1)", [table]) {
                names.append($0[0] ?? "")
            }
            return names
        }
        if try columns().isEmpty {
            // Without UNIQUE: an entry that is there twice is something to be found.
            try database.run(
                "CREATE TABLE IF NOT EXISTS \"\(table)\" (key TEXT NOT NULL, value TEXT NOT NULL)")
            try database.run("CREATE INDEX IF NOT EXISTS \"\(table)_key\" ON \"\(table)\" (key)")
        }
        guard try columns() == ["key", "value"] else {
            throw Failure(
                code: SQLITE_MISMATCH, text: "the table '\(table)' is somebody else's: it has other columns")
        }
    }

    private static func identity(of path: String) -> [UInt64]? {
        var status = stat()
        return stat(path, &status) == 0 ? [UInt64(status.st_dev), UInt64(status.st_ino)] : nil
    }
}
