import CSQLite
import MusterCore

/// What SQLite said, with what was being done.
public struct JournalError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Code: String, Sendable {
        case corrupt, full, readOnly, busy, misconfigured, failed
    }
    public var code: Code
    public var operation: String
    public var reason: String

    public init(_ code: Code, _ operation: String, _ reason: String) {
        self.code = code
        self.operation = operation
        self.reason = reason
    }

    public var description: String { "journal: \(operation): \(reason)" }
}

/// One connection to one SQLite file. Used by one thread at a time.
final class Database {
    private let handle: OpaquePointer
    private var statements: [String: OpaquePointer] = [:]
    let path: String

    /// - Parameter flags: SQLITE_OPEN_… flags.
    init(path: String, flags: Int32) throws {
        var handle: OpaquePointer?
        let code = sqlite3_open_v2(path, &handle, flags | SQLITE_OPEN_NOFOLLOW, nil)
        guard code == SQLITE_OK, let handle else {
            let reason = handle.map { String(cString: sqlite3_errmsg($0)) } ?? "out of memory"
            sqlite3_close_v2(handle)
            throw JournalError(Self.code(code), "open \(path)", reason)
        }
        sqlite3_extended_result_codes(handle, 1)
        sqlite3_busy_timeout(handle, 5000)
        self.handle = handle
        self.path = path
    }

    deinit {
        for statement in statements.values { sqlite3_finalize(statement) }
        sqlite3_close_v2(handle)
    }

    /// True when SQLite fell back to reading only, as it does on a read-only file system.
    var isReadOnly: Bool { sqlite3_db_readonly(handle, "main") != 0 }

    /// Runs statements that return nothing.
    func execute(_ sql: String) throws {
        try check(sqlite3_exec(handle, sql, nil, nil, nil), sql)
    }

    /// Runs one statement, which is kept prepared, and hands each row to `row`.
    func run(_ sql: String, _ values: [Value] = [], row: (Row) throws -> Void = { _ in }) throws {
        let statement = try prepared(sql)
        defer {
            sqlite3_reset(statement)
            sqlite3_clear_bindings(statement)
        }
        for (index, value) in values.enumerated() {
            try check(bind(value, at: Int32(index + 1), of: statement), sql)
        }
        while true {
            let code = sqlite3_step(statement)
            switch code {
            case SQLITE_ROW: try row(Row(statement: statement))
            case SQLITE_DONE: return
            default: try check(code, sql)
            }
        }
    }

    /// Everything or nothing, durable when it returns.
    func transaction(_ body: () throws -> Void) throws {
        try execute("BEGIN IMMEDIATE")
        do {
            try body()
            try execute("COMMIT")
        } catch {
            try? execute("ROLLBACK")
            throw error
        }
    }

    func integer(_ sql: String) throws -> Int64? {
        var found: Int64?
        try run(sql) { found = $0.integer(0) }
        return found
    }

    func text(_ sql: String) throws -> String? {
        var found: String?
        try run(sql) { found = $0.text(0) }
        return found
    }

    private func prepared(_ sql: String) throws -> OpaquePointer {
        if let statement = statements[sql] { return statement }
        var statement: OpaquePointer?
        try check(sqlite3_prepare_v2(handle, sql, -1, &statement, nil), sql)
        guard let statement else { throw JournalError(.failed, sql, "an empty statement") }
        statements[sql] = statement
        return statement
    }

    private func bind(_ value: Value, at index: Int32, of statement: OpaquePointer) -> Int32 {
        switch value {
        case .null: sqlite3_bind_null(statement, index)
        case .bool(let bool): sqlite3_bind_int64(statement, index, bool ? 1 : 0)
        case .int(let int): sqlite3_bind_int64(statement, index, int)
        case .double(let double): sqlite3_bind_double(statement, index, double)
        case .text(let text): csqlite_bind_text(statement, index, text, Int32(text.utf8.count))
        case .list, .map:
            preconditionFailure("a column holds one value, not a list or a map")
        }
    }

    private func check(_ code: Int32, _ operation: String) throws {
        guard code == SQLITE_OK else {
            throw JournalError(Self.code(code), operation, String(cString: sqlite3_errmsg(handle)))
        }
    }

    private static func code(_ code: Int32) -> JournalError.Code {
        switch code & 0xFF {
        case SQLITE_CORRUPT, SQLITE_NOTADB: .corrupt
        case SQLITE_FULL: .full
        case SQLITE_READONLY: .readOnly
        case SQLITE_BUSY, SQLITE_LOCKED: .busy
        default: .failed
        }
    }
}

/// The current row of a running statement.
struct Row {
    fileprivate let statement: OpaquePointer

    func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(statement, column) }
    func text(_ column: Int32) -> String {
        sqlite3_column_text(statement, column).map { String(cString: $0) } ?? ""
    }
}
