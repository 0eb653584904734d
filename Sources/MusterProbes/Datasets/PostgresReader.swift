import CPostgres
import Glibc
import MusterCore
import MusterSystem

/// A connection to a PostgreSQL server for reading much, on a thread that may wait. What measures has `PostgresConnection`.
final class PostgresReader {
    private let handle: OpaquePointer
    private let end: Instant
    private let isOneOfSeveral: Bool
    private let warned = UnsafeMutablePointer<Int32>.allocate(capacity: 1)
    private let look: () throws(DatasetFailure) -> Void
    private static let slice = Duration.milliseconds(200)

    /// - Parameters:
    ///   - end: when everything must be over.
    ///   - look: asked several times a second, while the server says nothing, whether to go on.
    init(
        _ login: PostgresLogin, until end: Instant,
        look: @escaping () throws(DatasetFailure) -> Void = { () throws(DatasetFailure) in }
    ) throws(DatasetFailure) {
        self.end = end
        isOneOfSeveral = login.hosts.count > 1
        warned.initialize(to: 0)
        self.look = look
        // libpq may look names up by itself: nobody else waits for this thread.
        guard let handle = cpq_start(login.conninfo(login.hosts.map { ($0, "") }), warned) else {
            warned.deallocate()
            throw DatasetFailure("out of memory")
        }
        self.handle = handle
        try connect()
    }

    deinit {
        cpq_finish(handle)
        warned.deallocate()
    }

    private func connect() throws(DatasetFailure) {
        var wanted = Interest.Events.writable
        while true {
            try wait(wanted)
            switch Int(cpq_poll(handle)) {
            case CPQ_OPEN: return
            case CPQ_WANTS_READ: wanted = .readable
            case CPQ_WANTS_WRITE: wanted = .writable
            default: throw lost()
            }
        }
    }

    private func wait(_ events: Interest.Events) throws(DatasetFailure) {
        let socket = cpq_socket(handle)
        guard socket >= 0 else { throw lost() }
        while true {
            try look()
            let now = monotonicNow()
            do throws(SystemError) {
                let ready = try waitFor([Interest(socket, events)], until: min(end, now + Self.slice))[0]
                if !ready.isEmpty { return }
                if now >= end { throw SystemError("wait for the server", code: ETIMEDOUT) }
            } catch {
                throw DatasetFailure("the server: \(error.reason)")
            }
        }
    }

    private func lost() -> DatasetFailure {
        let text = String(cString: cpq_error(handle))
        let words = text.split(separator: "\n").first.map(String.init)
        // invalid_catalog_name (https://www.postgresql.org/docs/15/errcodes-appendix.html).
        let isUnknown = PostgresError.code(ofText: text) == SampleCode.sqlState("3D000")
        return DatasetFailure(
            "the server: \(words ?? "the connection was lost")", isGone: isUnknown && !isOneOfSeveral)
    }

    /// Statements in one message.
    /// - Returns: the rows of all of them.
    @discardableResult
    func run(_ sql: String) throws(DatasetFailure) -> [[String?]] {
        guard cpq_send_several(handle, sql) == 1 else { throw lost() }
        var answer = PostgresAnswer()
        while let result = try next() {
            defer { cpq_clear(result) }
            _ = answer.take(result, from: handle)
        }
        if let error = answer.error { throw DatasetFailure("the server: \(error.message)") }
        return answer.rows
    }

    /// Has a query's rows copied out, as lines of COPY's text format
    /// (https://www.postgresql.org/docs/15/sql-copy.html#id-1.9.3.55.9.2), without the line's end.
    func copy(_ query: String, _ line: (UnsafeRawBufferPointer) throws(DatasetFailure) -> Void)
        throws(DatasetFailure)
    {
        guard cpq_send_several(handle, "COPY (\(query)) TO STDOUT") == 1 else { throw lost() }
        while let result = try next() {
            let kind = Int(cpq_kind(result))
            var answer = PostgresAnswer()
            if kind != CPQ_COPY { _ = answer.take(result, from: handle) }
            cpq_clear(result)
            if let error = answer.error { throw DatasetFailure("the server: \(error.message)") }
            if kind == CPQ_COPY { try lines(line) }
        }
    }

    private func lines(_ line: (UnsafeRawBufferPointer) throws(DatasetFailure) -> Void) throws(DatasetFailure)
    {
        while true {
            var start: UnsafeMutablePointer<CChar>?
            let length = Int(cpq_copied(handle, &start))
            defer { if let start { cpq_free(start) } }
            if length < 0 { return }
            if length == 0 {
                try wait(.readable)
                if cpq_consume(handle) == 0 { throw lost() }
                continue
            }
            try line(UnsafeRawBufferPointer(start: start, count: length - 1))
        }
    }

    private func next() throws(DatasetFailure) -> OpaquePointer? {
        while cpq_is_open(handle) == 1, cpq_is_busy(handle) == 1 {
            try wait(.readable)
            if cpq_consume(handle) == 0 { throw lost() }
        }
        if cpq_is_open(handle) == 0 { throw lost() }
        return cpq_next(handle)
    }
}
