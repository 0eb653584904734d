import CPostgres
import Glibc
import MusterCore

/// One statement for a server.
struct PostgresStatement: Hashable {
    var sql: String
    /// At most two; nil for several statements in one transaction.
    var parameters: [String]?
    /// More rows are not waited for; the connection is closed then.
    var isFirstRowOnly = false

    init(_ sql: String, _ parameters: String..., firstRowOnly: Bool = false) {
        self.sql = sql
        self.parameters = parameters
        isFirstRowOnly = firstRowOnly
    }

    /// Statements in one message, and so in one transaction.
    init(together statements: [String]) { sql = statements.joined(separator: "; ") }

    /// A statement of which only one client of the database carries it out at a time.
    init(alone sql: String) {
        // Two `CREATE TABLE IF NOT EXISTS` at once may both find nothing, and one fails.
        self.init(together: ["SELECT pg_advisory_xact_lock(7807208937428185967)", sql])
    }
}

/// What a server said to one statement, once it was ready for the next one. Not earlier: a commit may fail after
/// the command was reported complete
/// (https://www.postgresql.org/docs/15/protocol-flow.html#PROTOCOL-FLOW-EXT-QUERY).
struct PostgresAnswer: Hashable {
    var rows: [[String?]] = []
    /// Rows that a command touched; nil where it does not say.
    var affected: Int?
    var error: PostgresError?
    /// The server committed, and gave up waiting for its standby.
    var isLocalOnly = false

    /// Adds what a result of libpq says.
    /// - Returns: false when enough is known.
    mutating func take(_ result: OpaquePointer, from connection: OpaquePointer) -> Bool {
        switch Int(cpq_kind(result)) {
        case CPQ_ERROR:
            // The first one says why; libpq adds that the connection was lost.
            guard error == nil else { return true }
            error = PostgresError(
                state: cpq_sqlstate(result).map { String(cString: $0) },
                severity: cpq_severity(result).map { String(cString: $0) } ?? "FATAL",
                message: cpq_message(result).map { String(cString: $0) }
                    ?? String(cString: cpq_error(connection)))
        case CPQ_ONE_ROW:
            guard rows.isEmpty else { return false }
            rows = Self.rows(of: result)
        case CPQ_ROWS:
            rows += Self.rows(of: result)
        case CPQ_DONE:
            affected = cpq_affected(result).flatMap { Int(String(cString: $0)) }
        default:
            // COPY and the like, which nobody here has any use for.
            error = PostgresError(state: nil, severity: "FATAL", message: "not a statement with rows")
            return false
        }
        return true
    }

    private static func rows(of result: OpaquePointer) -> [[String?]] {
        (0..<cpq_rows(result)).map { row in
            (0..<cpq_columns(result)).map { column in
                var length: Int32 = 0
                guard let start = cpq_value(result, row, column, &length) else { return nil }
                return start.withMemoryRebound(to: UInt8.self, capacity: Int(length)) {
                    String(decoding: UnsafeBufferPointer(start: $0, count: Int(length)), as: UTF8.self)
                }
            }
        }
    }
}

/// An error of a server, or of libpq.
struct PostgresError: Hashable {
    /// nil for what libpq found out itself.
    var state: String?
    /// ERROR, FATAL or PANIC.
    var severity: String
    var message: String

    var code: Int32 {
        state.flatMap { SampleCode.sqlState($0) } ?? Self.code(ofText: message)
    }

    /// The session is over with it.
    var endsSession: Bool { state == nil || severity != "ERROR" }

    /// Whether it proves that the transaction was rolled back. An ERROR of PostgreSQL does, but for those that say
    /// themselves that nobody knows, and those of which it is not sure who said them
    /// (https://www.postgresql.org/docs/15/errcodes-appendix.html).
    var provesRollback: Bool {
        guard let state, !endsSession, state != "40003" else { return false }
        return !["08", "58", "XX", "F0"].contains(state.prefix(2))
    }

    /// The SQLSTATE in libpq's verbose text, else what the system's words for an errno tell: libpq keeps both to
    /// itself while it connects.
    static func code(ofText text: String) -> Int32 {
        for start in text.ranges(of: ":  ").reversed() {
            let word = text[start.upperBound...].prefix { $0 != ":" && $0 != "\n" }
            if let code = SampleCode.sqlState(word) { return code }
        }
        let known = [
            ECONNREFUSED, ECONNRESET, ENOENT, EHOSTUNREACH, ENETUNREACH, ETIMEDOUT, EACCES, EPIPE, EAGAIN,
            EMFILE,
            EADDRNOTAVAIL,
        ]
        if let code = known.first(where: { text.range(of: errorText($0)) != nil }) { return code }
        if text.range(of: "no password supplied") != nil { return SampleCode.sqlState("28P01") ?? 0 }
        if text.range(of: "closed the connection") != nil { return SampleCode.endOfStream }
        return text.range(of: "expected authentication request") != nil
            ? SampleCode.protocolViolation : SampleCode.refusedByServer
    }
}
