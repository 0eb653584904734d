import CSQLite
import Glibc
import MusterCore

/// One connection to a SQLite file. Used by one thread.
final class SQLiteConnection {
    /// What SQLite said.
    struct Failure: Error {
        /// A primary result code (https://www.sqlite.org/rescode.html).
        var code: Int32
        var text: String

        /// As a sample's code: a full disk is the same whatever kind of store finds it.
        var sampleCode: Int32 { code == SQLITE_FULL ? ENOSPC : SampleCode.sqlite + code }
        /// SQLITE_BUSY and SQLITE_LOCKED: somebody else holds the lock, and nothing was done.
        var isBusy: Bool { code == SQLITE_BUSY || code == SQLITE_LOCKED }
    }

    private let handle: OpaquePointer
    private var statements: [String: OpaquePointer] = [:]
    private var inquiry: Inquiry?

    /// - Parameter create: makes the file where there is none.
    convenience init(path: String, create: Bool) throws(Failure) {
        try self.init(path, SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0))
    }

    /// Opens a database for reading alone.
    convenience init(reading path: String) throws(Failure) { try self.init(path, SQLITE_OPEN_READONLY) }

    private init(_ path: String, _ flags: Int32) throws(Failure) {
        var handle: OpaquePointer?
        let flags = flags | SQLITE_OPEN_NOMUTEX
        let code = sqlite3_open_v2(path, &handle, flags, nil)
        guard code == SQLITE_OK, let handle else {
            let text = handle.map { String(cString: sqlite3_errmsg($0)) } ?? "out of memory"
            sqlite3_close_v2(handle)
            throw Failure(code: code & 0xFF, text: text)
        }
        self.handle = handle
    }

    deinit {
        for statement in statements.values { sqlite3_finalize(statement) }
        sqlite3_close_v2(handle)
    }

    /// How long to wait for others' locks, from now on.
    func waitForLocks(_ duration: Duration) {
        sqlite3_busy_timeout(handle, Int32(clamping: max(1, duration.nanoseconds / 1_000_000)))
    }

    /// Has somebody asked, every so many instructions of SQLite's machine (less than a millisecond), whether to go on; what
    /// runs ends with SQLITE_INTERRUPT when not (https://www.sqlite.org/c3ref/progress_handler.html).
    func askWhileRunning(_ goesOn: @escaping () -> Bool) {
        let inquiry = Inquiry(goesOn)
        self.inquiry = inquiry
        sqlite3_progress_handler(
            handle, 10_000,
            { context in
                context.map { Unmanaged<Inquiry>.fromOpaque($0).takeUnretainedValue().goesOn() } ?? true
                    ? 0 : 1
            }, Unmanaged.passUnretained(inquiry).toOpaque())
    }

    private final class Inquiry {
        let goesOn: () -> Bool
        init(_ goesOn: @escaping () -> Bool) { self.goesOn = goesOn }
    }

    /// Whether no transaction is open: also after one that SQLite rolled back by itself.
    var isBetweenTransactions: Bool { sqlite3_get_autocommit(handle) != 0 }

    /// Rows that the last statement changed.
    var changes: Int { Int(sqlite3_changes64(handle)) }

    /// Runs one statement, which is kept prepared.
    /// - Parameter row: is handed the columns as text; nil for NULL.
    func run(_ sql: String, _ values: [String] = [], row: ([String?]) -> Void = { _ in }) throws(Failure) {
        let statement = try prepared(sql)
        defer {
            sqlite3_reset(statement)
            sqlite3_clear_bindings(statement)
        }
        for (index, value) in values.enumerated() {
            let code = csqlite_bind_text(statement, Int32(index + 1), value, Int32(value.utf8.count))
            if code != SQLITE_OK { throw failure(code) }
        }
        while true {
            let code = sqlite3_step(statement)
            if code == SQLITE_DONE { return }
            guard code == SQLITE_ROW else { throw failure(code) }
            row(
                (0..<sqlite3_column_count(statement)).map { column in
                    sqlite3_column_text(statement, column).map { String(cString: $0) }
                })
        }
    }

    /// Runs one statement and hands it over at each of its rows, to look at its columns.
    /// - Parameter row: says whether to go on, as whoever is asked while it runs does.
    func each(_ sql: String, _ row: (OpaquePointer) -> Bool) throws(Failure) {
        let statement = try prepared(sql)
        defer { sqlite3_reset(statement) }
        while true {
            let code = sqlite3_step(statement)
            if code == SQLITE_DONE || code == SQLITE_INTERRUPT { return }
            guard code == SQLITE_ROW else { throw failure(code) }
            if !row(statement) { return }
        }
    }

    private func prepared(_ sql: String) throws(Failure) -> OpaquePointer {
        if let statement = statements[sql] { return statement }
        var statement: OpaquePointer?
        let code = sqlite3_prepare_v2(handle, sql, -1, &statement, nil)
        guard code == SQLITE_OK, let statement else { throw failure(code) }
        statements[sql] = statement
        return statement
    }

    private func failure(_ code: Int32) -> Failure {
        Failure(code: code & 0xFF, text: String(cString: sqlite3_errmsg(handle)))
    }

    /// SQLite's words for a primary result code, such as `database is locked`.
    static func words(_ code: Int32) -> String { String(cString: sqlite3_errstr(code)) }
}
