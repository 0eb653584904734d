public import MusterCore
public import MusterDrills
import Synchronization

/// Writes to a PostgreSQL server, or asks it something.
///
/// The write goes into the table `muster_probe`, which is made when it is not there: a handful of rows that are
/// written again and again, each by one probe at a time, so that no probe waits for the lock of another one that
/// hangs.
public struct PostgresProbe: Probe, Hashable {
    /// Which kind of server is wanted.
    public enum Role: String, FormWord, Codable {
        /// It takes writes.
        case primary
        /// It is in recovery: a replica, read-only.
        case standby
    }
    public var postgres = ""
    public var password: String?
    public var role = Role.primary
    public var query: String?
    public var value: String?
    public var keepAlive = false
    public init() {}

    public static let form = Form(
        "postgres",
        "Writes a row of its own to a PostgreSQL server that must not be in recovery, or sends a query.",
        example: "db: { postgres: \"postgres://app@127.0.0.1:5432/orders\", every: 50ms, timeout: 1s }",
        blank: PostgresProbe(),
        fields: [
            Field(
                required: "postgres", \.postgres,
                "postgres://user@host:port/database, or host=… port=… user=… dbname=…, without a password.",
                in: PostgresAddress.problem),
            Field(
                "password", \.password,
                "The password, as ${file:PATH} or ${env:NAME}; a passfile, PGPASSFILE and ~/.pgpass work too."
            ),
            Field(
                "role", \.role, default: .primary,
                "Which server is wanted: one that takes writes (primary), or one in recovery (standby)."),
            Field(
                "query", \.query,
                "One statement to send instead of the write; its first row's first column counts."
            ),
            Field("value", \.value, "What the query must find, as text; any answer is good when left out."),
            Field(
                "keepAlive", \.keepAlive, default: false,
                "Keeps connections open; by default each probe connects anew, as a new user would."),
        ],
        check: { probe in
            if probe.value != nil, probe.query == nil {
                throw FormProblem(
                    "'value' without a query", at: nil, path: "value", expected: "query: beside it")
            }
        })
}

extension PostgresProbe: RunnableProbe {
    func prober(on loop: EventLoop) throws -> any Prober {
        PostgresProber(
            self, try PostgresLogin(postgres, password: password, application: "muster-probe"), loop)
    }
}

private final class PostgresProber: Prober {
    private let probe: PostgresProbe
    private let login: PostgresLogin
    private let loop: EventLoop
    private var idle: [PostgresConnection] = []
    private var busy: [ObjectIdentifier: PostgresConnection] = [:]
    /// Of all probes of a loop, because they may ask the same server.
    private static let busySlots = Mutex<[ObjectIdentifier: Set<Int>]>([:])

    private static let askRole = PostgresStatement("SELECT pg_is_in_recovery()")
    private static let makeTable = PostgresStatement(
        alone: "CREATE TABLE IF NOT EXISTS muster_probe (slot integer PRIMARY KEY, beats bigint NOT NULL)")
    private static let noSuchTable = "42P01"

    init(_ probe: PostgresProbe, _ login: PostgresLogin, _ loop: EventLoop) {
        self.probe = probe
        self.login = login
        self.loop = loop
    }

    func look(_ patience: Patience, done: @escaping (Finding) -> Void) {
        let connection = idle.popLast() ?? PostgresConnection(loop: loop, login: login)
        busy[ObjectIdentifier(connection)] = connection
        if let query = probe.query {
            let ask = [Self.askRole, PostgresStatement(query, firstRowOnly: true)]
            return connection.exchange(ask, patience) { [weak self] result in
                self?.give(back: connection)
                done(
                    self?.judge(result) { answer in
                        guard let wanted = self?.probe.value else { return .ok }
                        return answer.rows.first?.first == wanted ? .ok : .error(SampleCode.wrongContent)
                    } ?? .timeout)
            }
        }
        if probe.role == .standby {
            return connection.exchange([Self.askRole], patience) { [weak self] result in
                self?.give(back: connection)
                done(self?.judge(result) { _ in .ok } ?? .timeout)
            }
        }
        write(connection, patience, done)
    }

    private func write(
        _ connection: PostgresConnection, _ patience: Patience, _ done: @escaping (Finding) -> Void
    ) {
        let place = ObjectIdentifier(loop)
        let slot = Self.busySlots.withLock { busy in
            var slot = 0
            while !busy[place, default: []].insert(slot).inserted { slot += 1 }
            return slot
        }
        // One statement: the role is that of the server that took the write.
        let write = PostgresStatement(
            "INSERT INTO muster_probe AS p (slot, beats) VALUES ($1::integer, 1) ON CONFLICT (slot) "
                + "DO UPDATE SET beats = p.beats + 1 RETURNING pg_is_in_recovery()", String(slot))
        let finish = { [weak self] (result: PostgresConnection.Result) in
            Self.busySlots.withLock { busy in
                busy[place]?.remove(slot)
                if busy[place]?.isEmpty ?? false { busy[place] = nil }
            }
            self?.give(back: connection)
            done(self?.judge(result) { _ in .ok } ?? .timeout)
        }
        connection.exchange([write], patience) { result in
            guard case .answered(let answers) = result, answers.last?.error?.state == Self.noSuchTable else {
                return finish(result)
            }
            connection.exchange([Self.makeTable, write], patience, done: finish)
        }
    }

    /// - Parameter good: what an answer without an error means, from a server of the right role.
    private func judge(
        _ result: PostgresConnection.Result, _ good: (PostgresAnswer) -> Finding
    ) -> Finding {
        switch result {
        case .failed(_, _, timedOut: true): return .timeout
        case .failed(let code, _, _): return .error(code)
        case .answered(let answers):
            guard let last = answers.last else { return .error(SampleCode.protocolViolation) }
            if let error = last.error { return .error(error.code) }
            // Asked first, or told by the write itself, which is last.
            let answer = probe.query == nil ? last : answers[0]
            guard answer.rows.first?.first == (probe.role == .standby ? "t" : "f") else {
                return .error(SampleCode.wrongRole)
            }
            return good(last)
        }
    }

    private func give(back connection: PostgresConnection) {
        busy[ObjectIdentifier(connection)] = nil
        if probe.keepAlive, connection.isOpen { idle.append(connection) } else { connection.close() }
    }

    func close() {
        for connection in idle + busy.values { connection.close() }
        idle = []
        busy = [:]
    }
}
