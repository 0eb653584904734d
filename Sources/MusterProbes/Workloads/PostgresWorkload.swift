public import MusterCore

/// Writes to a PostgreSQL server with INSERT, and reads back with SELECT.
///
/// The entries of a run go into a table of their own, `muster_<run>`, made by the first write and dropped after a
/// run in which nothing was amiss. Its primary key is the entry's key: what were applied twice is refused, and told.
public struct PostgresWorkload: Workload, Hashable {
    public var postgres = ""
    public var password: String?
    public init() {}

    public static let form = Form(
        "postgres",
        "Writes entries to a PostgreSQL server with INSERT, into a table of the run's own; reads back with SELECT.",
        example: "orders: { postgres: \"postgres://app@127.0.0.1:5432/orders\", writers: 8, rate: 200/s }",
        blank: PostgresWorkload(),
        fields: [
            Field(
                required: "postgres", \.postgres,
                "postgres://user@host:port/database, or host=… port=… user=… dbname=…, without a password.",
                in: PostgresAddress.problem),
            Field(
                "password", \.password,
                "The password, as ${file:PATH} or ${env:NAME}; a passfile, PGPASSFILE and ~/.pgpass work too."
            ),
        ])
}

extension PostgresWorkload: RunnableWorkload {
    func client(on loop: EventLoop, names: KeyNames) throws -> any StoreClient {
        let login = try PostgresLogin(postgres, password: password, application: names.application)
        return PostgresStore(PostgresConnection(loop: loop, login: login), loop, names)
    }
}

extension KeyNames {
    /// As which the server lists our connections: PostgreSQL cuts names at 63 bytes.
    var application: String { String(prefix.reversed().drop { $0 == "-" }.reversed().prefix(63)) }

    /// The table of a run's entries: letters, digits and `_`, at most 63 of them, and another one for each prefix.
    var table: String {
        let name = String(
            application.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
        return name.utf8.count < 63 ? name : "\(name.prefix(54))_\(String(CRC32.of(prefix.utf8), radix: 16))"
    }
}

private final class PostgresStore: StoreClient {
    private let connection: PostgresConnection
    private let loop: EventLoop
    private let names: KeyNames
    private var hasTable = false
    private var isClosed = false
    /// How long to wait before connecting again, after it failed: a server that recovers forks for each attempt.
    private var delay = Duration.zero
    private var notBefore = Instant(nanoseconds: 0)
    private static let delays = (first: Duration.milliseconds(10), longest: Duration.milliseconds(100))

    let readBatch = 128
    private static let listBatch = 10_000

    init(_ connection: PostgresConnection, _ loop: EventLoop, _ names: KeyNames) {
        self.connection = connection
        self.loop = loop
        self.names = names
    }

    // MARK: Writing

    func put(
        _ key: String, _ value: String, until deadline: Instant, done: @escaping (WriteAnswer) -> Void
    ) {
        let insert = PostgresStatement(
            "INSERT INTO \(names.table) (key, value) VALUES ($1, $2)", key, value)
        let makeTable = PostgresStatement(
            alone: "CREATE TABLE IF NOT EXISTS \(names.table) "
                + "(key text COLLATE \"C\" PRIMARY KEY, value text NOT NULL)")
        let statements = hasTable ? [insert] : [makeTable, insert]
        exchange(statements, until: deadline) { [self] result in
            if case .answered(let answers) = result {
                hasTable =
                    answers.count == statements.count && answers.last?.error?.state != "42P01"
            }
            done(Self.judge(result, of: statements.count))
        }
    }

    /// Connects not before the delay is over, but within the deadline.
    private func exchange(
        _ statements: [PostgresStatement], until deadline: Instant,
        done: @escaping (PostgresConnection.Result) -> Void
    ) {
        let begin = { [self] in
            connection.exchange(statements, until: deadline) { [self] result in
                if case .failed(_, nothingSent: true, _) = result, !isClosed {
                    delay = min(max(delay * 2, Self.delays.first), Self.delays.longest)
                    notBefore = monotonicNow() + delay
                } else {
                    delay = .zero
                }
                done(result)
            }
        }
        if connection.isOpen || delay == .zero || notBefore <= monotonicNow() { return begin() }
        loop.at(min(notBefore, deadline)) { [self] in if !isClosed { begin() } }
    }

    /// - Parameter count: how many statements the write takes; the entry's is the last.
    static func judge(_ result: PostgresConnection.Result, of count: Int) -> WriteAnswer {
        switch result {
        case .failed(_, nothingSent: true, timedOut: true): return .neverSent
        case .failed(_, _, timedOut: true): return .noAnswer
        case .failed(let code, let nothingSent, _): return nothingSent ? .refused(code) : .inDoubt(code)
        case .answered(let answers):
            guard answers.count == count, let answer = answers.last else {
                return .refused(answers.last?.error?.code ?? SampleCode.protocolViolation)
            }
            if let error = answer.error {
                return error.provesRollback ? .refused(error.code) : .inDoubt(error.code)
            }
            // A rule or a trigger may turn an INSERT into nothing.
            guard answer.affected == 1 else { return .refused(SampleCode.wrongContent) }
            var kept = WriteAnswer.acknowledged()
            if answer.isLocalOnly { kept.outcome = .okWithWarning }
            return kept
        }
    }

    // MARK: Reading

    /// Among the rows of a SELECT of two texts, one without a key that tells whether the server is in recovery.
    private static let role = "SELECT NULL::text, pg_is_in_recovery()::text UNION ALL "

    func get(_ wanted: [Wanted], until deadline: Instant, done: @escaping ([ReadAnswer]) -> Void) {
        // Our keys need no quotes: letters, digits and '-'.
        let keys = "{" + wanted.map(\.key).joined(separator: ",") + "}"
        let select = PostgresStatement(
            Self.role + "SELECT key, value FROM \(names.table) WHERE key = ANY($1::text[])", keys)
        exchange([select], until: deadline) { result in
            guard let rows = Self.rows(result) else {
                return done(wanted.map { _ in .failed(Self.problem(result)) })
            }
            let found = Dictionary(grouping: rows, by: { $0[0] ?? "" })
            done(
                wanted.map { wanted in
                    guard let rows = found[wanted.key] else { return .absent }
                    return .present(isIntact: rows.contains { $0[1] == wanted.value }, count: rows.count)
                })
        }
    }

    func list(_ prefix: String, until deadline: Instant, done: @escaping (ListAnswer) -> Void) {
        list(after: "", found: [], until: deadline, done: done)
    }

    /// The table holds this run's entries alone, so all of its keys are listed: also one without the prefix.
    private func list(
        after last: String, found: [String], until deadline: Instant, done: @escaping (ListAnswer) -> Void
    ) {
        let select = PostgresStatement(
            Self.role + "(SELECT key, NULL::text FROM \(names.table) WHERE key > $1 ORDER BY key "
                + "LIMIT \(Self.listBatch))", last)
        exchange([select], until: deadline) { [self] result in
            guard let rows = Self.rows(result) else { return done(.failed(Self.problem(result))) }
            let keys = rows.compactMap { $0[0] }
            guard rows.count == Self.listBatch, let next = keys.max() else {
                return done(.keys(found + keys))
            }
            list(after: next, found: found + keys, until: deadline, done: done)
        }
    }

    /// The rows besides the one that tells the server's role; nil when there are none to trust.
    private static func rows(_ result: PostgresConnection.Result) -> [[String?]]? {
        guard case .answered(let answers) = result, let answer = answers.last, answer.error == nil,
            answer.rows.contains([nil, "false"])
        else { return nil }
        return answer.rows.filter { $0[0] != nil }
    }

    private static func problem(_ result: PostgresConnection.Result) -> String {
        switch result {
        case .answered(let answers):
            answers.last?.error?.message ?? "the server is in recovery: a standby may be behind its primary"
        case .failed(_, _, timedOut: true): "no answer in time"
        case .failed(let code, _, _): SampleCode.inWords(code)
        }
    }

    // MARK: Afterwards

    var leftBehind: String? { "the table \(names.table)" }

    func discard(until deadline: Instant, done: @escaping (Bool) -> Void) {
        let drop = PostgresStatement("DROP TABLE IF EXISTS \(names.table)")
        exchange([drop], until: deadline) { [self] result in
            hasTable = false
            if case .answered(let answers) = result { return done(answers.last?.error == nil) }
            done(false)
        }
    }

    func close() {
        isClosed = true
        connection.close()
    }
}
