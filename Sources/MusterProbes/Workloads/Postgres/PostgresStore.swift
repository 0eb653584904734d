import MusterCore
import MusterDrills

/// One writer's connection, or one way to a replica.
final class PostgresStore: StoreClient {
    private let connection: PostgresConnection
    private let loop: EventLoop
    private let names: KeyNames
    private let table: PostgresTable
    /// A standby will do, and what it does not have yet is not there.
    private let isReplica: Bool
    private var hasTable = false
    private var isClosed = false
    /// How long to wait before connecting again, after it failed: a server that recovers forks for each attempt.
    private var delay = Duration.zero
    private var notBefore = Instant(nanoseconds: 0)
    private static let delays = (first: Duration.milliseconds(10), longest: Duration.milliseconds(100))

    let readBatch = 128
    private static let listBatch = 10_000

    init(_ connection: PostgresConnection, _ loop: EventLoop, _ names: KeyNames, isReplica: Bool = false) {
        self.connection = connection
        self.loop = loop
        self.names = names
        self.isReplica = isReplica
        table = PostgresTable(name: names.table)
    }

    // MARK: Writing

    func put(
        _ key: String, _ value: String, until deadline: Instant, done: @escaping (WriteAnswer) -> Void
    ) { write(table.insert(key, value), until: deadline, done) }

    func set(
        _ key: String, _ value: String, until deadline: Instant, done: @escaping (WriteAnswer) -> Void
    ) { write(table.set(key, value), until: deadline, done) }

    func delete(_ key: String, until deadline: Instant, done: @escaping (WriteAnswer) -> Void) {
        write(table.delete(key), ofOneRow: false, until: deadline, done)
    }

    func openAccounts(
        _ names: [String], balance: Int64, until deadline: Instant, done: @escaping (WriteAnswer) -> Void
    ) { write(table.open(names, balance: balance), ofOneRow: false, until: deadline, done) }

    func transfer(
        _ transfer: BankTransfer, _ key: String, _ value: String, until deadline: Instant,
        done: @escaping (WriteAnswer) -> Void
    ) { write(table.move(transfer, key, value), until: deadline, done) }

    /// - Parameter ofOneRow: whether the server must say at its end that it wrote one row.
    private func write(
        _ statement: PostgresStatement, ofOneRow: Bool = true, until deadline: Instant,
        _ done: @escaping (WriteAnswer) -> Void
    ) {
        let statements = hasTable ? [statement] : [table.make, statement]
        exchange(statements, until: deadline) { [self] result in
            if case .answered(let answers) = result {
                hasTable =
                    answers.count == statements.count && answers.last?.error?.state != Self.noSuchTable
            }
            done(Self.judge(result, of: statements.count, ofOneRow: ofOneRow))
        }
    }

    /// https://www.postgresql.org/docs/15/errcodes-appendix.html
    private static let noSuchTable = "42P01"

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
    private static func judge(
        _ result: PostgresConnection.Result, of count: Int, ofOneRow: Bool
    ) -> WriteAnswer {
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
            // A rule or a trigger may turn an INSERT into nothing; so does a transfer without its accounts.
            guard answer.affected == 1 || !ofOneRow else { return .refused(SampleCode.wrongContent) }
            var kept = WriteAnswer.acknowledged()
            if answer.isLocalOnly { kept.outcome = .okWithWarning }
            return kept
        }
    }

    // MARK: Reading

    /// Among the rows of a SELECT of two texts, one without a key that tells whether the server is in recovery.
    private static let role = "SELECT NULL::text, pg_is_in_recovery()::text UNION ALL "

    /// One statement sees one moment.
    func values(_ keys: [String], until deadline: Instant, done: @escaping ([ValueAnswer]) -> Void) {
        let select = PostgresStatement(
            Self.role + "SELECT key, value FROM \(names.table) WHERE key = ANY($1::text[])",
            PostgresTable.array(keys))
        exchange([select], until: deadline) { [self] result in
            guard let rows = rows(result) else {
                return done(keys.map { _ in .failed(Self.problem(result)) })
            }
            let found = Dictionary(grouping: rows, by: { $0[0] ?? "" })
            done(keys.map { key in found[key].map { .present($0.map { $0[1] ?? "" }) } ?? .absent })
        }
    }

    func list(_ prefix: String, until deadline: Instant, done: @escaping (ListAnswer) -> Void) {
        list(after: "", until: deadline, done: done)
    }

    /// The table holds this run's entries and accounts alone, so all other keys are listed: also one without the
    /// prefix.
    private func list(
        after last: String, until deadline: Instant, done: @escaping (ListAnswer) -> Void
    ) {
        let select = PostgresStatement(
            Self.role + "(SELECT key, NULL::text FROM \(names.table) WHERE key > $1 ORDER BY key "
                + "LIMIT \(Self.listBatch))", last)
        exchange([select], until: deadline) { [self] result in
            guard let rows = rows(result) else { return done(.failed(Self.problem(result))) }
            let keys = rows.compactMap { $0[0] }
            let entries = keys.filter { !names.isAccount($0) }
            guard rows.count == Self.listBatch, let next = keys.max() else { return done(.keys(entries)) }
            done(.some(entries))
            list(after: next, until: deadline, done: done)
        }
    }

    /// The rows besides the one that tells the server's role; nil when there are none to trust. A replica may be so
    /// far behind that it has no table yet; a primary without one has lost it, and the fence makes it anew.
    private func rows(_ result: PostgresConnection.Result) -> [[String?]]? {
        guard case .answered(let answers) = result, let answer = answers.last else { return nil }
        if isReplica, answer.error?.state == Self.noSuchTable { return [] }
        guard answer.error == nil, isReplica || answer.rows.contains([nil, "false"]) else { return nil }
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
        exchange([table.drop], until: deadline) { [self] result in
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
