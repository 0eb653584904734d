import CPostgres
import Glibc
import MusterCore

/// One connection to a PostgreSQL server, through libpq's asynchronous interface; carries one exchange at a time.
/// Belongs to the loop's thread, and never makes it wait: names are resolved beforehand, and sending keeps what the
/// kernel does not take. Checking a password (SCRAM) and TLS cost the loop some milliseconds of computing for each
/// new connection.
final class PostgresConnection {
    enum Result {
        /// One for each statement that was carried out; an error is the last.
        case answered([PostgresAnswer])
        /// - Parameter nothingSent: no byte of the last statement can have reached the server.
        case failed(code: Int32, nothingSent: Bool, timedOut: Bool)
    }

    private enum Phase { case closed, resolving, connecting, idle, running }

    private let loop: EventLoop
    private let login: PostgresLogin
    private var phase = Phase.closed
    private var handle: OpaquePointer?
    private var socket: Int32 = -1
    private var attempt = 0
    /// Where libpq notes that a commit is local only.
    private let warned = UnsafeMutablePointer<Int32>.allocate(capacity: 1)

    private var statements: [PostgresStatement] = []
    private var answers: [PostgresAnswer] = []
    private var current = PostgresAnswer()
    private var lastIsSent = false
    private var done: ((Result) -> Void)?
    private var patience: Patience?

    /// Why libpq cannot be used; nil when it can.
    static func missing() -> String? { cpq_load().map { String(cString: $0) } }

    init(loop: EventLoop, login: PostgresLogin) {
        self.loop = loop
        self.login = login
        warned.initialize(to: 0)
    }

    deinit {
        close()
        warned.deallocate()
    }

    var isOpen: Bool { phase == .idle || phase == .running }

    /// Carries statements out one after the other, until one fails; connects first where there is no connection.
    func exchange(
        _ statements: [PostgresStatement], until deadline: Instant, done: @escaping (Result) -> Void
    ) {
        exchange(statements, Patience(deadline - monotonicNow(), on: loop), done: done)
    }

    func exchange(
        _ statements: [PostgresStatement], _ patience: Patience, done: @escaping (Result) -> Void
    ) {
        precondition(self.done == nil, "one exchange at a time")
        self.done = done
        self.statements = statements
        answers = []
        lastIsSent = false
        self.patience = patience
        patience.begin { [unowned self] end in
            finish(.failed(code: end.code, nothingSent: !lastIsSent, timedOut: end == .timeout))
        }
        if phase == .idle { return sendNext() }
        phase = .resolving
        attempt += 1
        resolve(login.hosts[...], [], attempt)
    }

    /// Also ends an exchange that is under way, without a word.
    func close() {
        unwatch()
        phase = .closed
        if let handle { cpq_finish(handle) }
        handle = nil
        patience?.cancel()
        patience = nil
        done = nil
    }

    private func finish(_ result: Result) {
        patience?.cancel()
        patience = nil
        let done = self.done
        self.done = nil
        // After a failure an answer could still come and be taken for the next statement's.
        if case .failed = result { close() }
        done?(result)
    }

    private func fail(_ code: Int32) {
        finish(.failed(code: code, nothingSent: !lastIsSent, timedOut: false))
    }

    // MARK: Connecting

    /// A host with several addresses is tried at each, as libpq does; one without any is left out.
    private func resolve(
        _ hosts: ArraySlice<PostgresAddress.Host>,
        _ found: [(host: PostgresAddress.Host, number: String)], _ attempt: Int
    ) {
        guard let host = hosts.first else { return connect(found) }
        if host.isSocket { return resolve(hosts.dropFirst(), found + [(host, "")], attempt) }
        guard let endpoint = Endpoint("[\(host.name)]:\(host.port)") else {
            return fail(SampleCode.nameNotFound)
        }
        Resolver.resolve(endpoint, on: loop) { [weak self] addresses in
            guard let self, self.attempt == attempt, phase == .resolving else { return }
            let located = addresses.compactMap(\.number).map { (host: host, number: $0) }
            resolve(hosts.dropFirst(), found + located, attempt)
        }
    }

    private func connect(_ located: [(host: PostgresAddress.Host, number: String)]) {
        guard !located.isEmpty else { return fail(SampleCode.nameNotFound) }
        phase = .connecting
        handle = cpq_start(login.conninfo(located), warned)
        guard let handle else { return fail(ENOMEM) }
        guard cpq_socket(handle) >= 0 else { return failConnecting(handle) }
        // "Behave as though PQconnectPoll had last returned PGRES_POLLING_WRITING" (libpq-connect.html).
        watch(.write)
    }

    private func step(_ handle: OpaquePointer) {
        // It may close its socket and open another one, which may have the same number.
        unwatch()
        switch Int(cpq_poll(handle)) {
        case CPQ_OPEN:
            guard cpq_never_wait(handle) == 1 else { return failConnecting(handle) }
            watch(.read)
            sendNext()
        case CPQ_WANTS_READ: watch(.read)
        case CPQ_WANTS_WRITE: watch(.write)
        default: failConnecting(handle)
        }
    }

    private func failConnecting(_ handle: OpaquePointer) {
        fail(PostgresError.code(ofText: String(cString: cpq_error(handle))))
    }

    // MARK: Statements

    private func sendNext() {
        guard let handle else { return fail(SampleCode.endOfStream) }
        phase = .running
        let statement = statements[answers.count]
        current = PostgresAnswer()
        warned.pointee = 0
        lastIsSent = answers.count == statements.count - 1
        let isSent =
            if let values = statement.parameters {
                cpq_send(
                    handle, statement.sql, Int32(values.count), values.first,
                    values.count > 1 ? values[1] : nil)
            } else {
                cpq_send_several(handle, statement.sql)
            }
        guard isSent == 1 else {
            return fail(PostgresError.code(ofText: String(cString: cpq_error(handle))))
        }
        if statement.isFirstRowOnly { _ = cpq_row_by_row(handle) }
        flush(handle)
    }

    private func flush(_ handle: OpaquePointer) {
        // A failure to send is told by the reading side, with the server's last words.
        watch(cpq_flush(handle) == 1 ? [.read, .write] : [.read])
    }

    private func becameReady() {
        guard let handle else { return }
        if phase == .connecting { return step(handle) }
        let isLost = cpq_consume(handle) == 0
        if phase == .idle {
            // The server said goodbye between two exchanges: the next one connects anew, with nothing in doubt.
            if isLost || cpq_is_open(handle) == 0 { close() }
            return
        }
        if !isLost { flush(handle) }
        collect(handle)
    }

    private func collect(_ handle: OpaquePointer) {
        // Reading results of a lost connection does not wait: it has no socket any more.
        while phase == .running, cpq_is_open(handle) == 0 || cpq_is_busy(handle) == 0 {
            guard let result = cpq_next(handle) else { return finishStatement(handle) }
            defer { cpq_clear(result) }
            guard current.take(result, from: handle) else {
                answers.append(current)
                let done = self.done
                close()
                done?(.answered(answers))
                return
            }
        }
    }

    /// Everything that there is to say to the statement has been said.
    private func finishStatement(_ handle: OpaquePointer) {
        current.isLocalOnly = warned.pointee != 0
        if cpq_is_open(handle) == 0 || current.error?.endsSession == true {
            return fail(current.error?.code ?? SampleCode.endOfStream)
        }
        answers.append(current)
        if current.error == nil, answers.count < statements.count { return sendNext() }
        phase = .idle
        finish(.answered(answers))
    }

    // MARK: The socket

    private func watch(_ wanted: EventLoop.Readiness) {
        guard let handle else { return }
        let now = cpq_socket(handle)
        if now != socket { unwatch() }
        socket = now
        guard socket >= 0 else { return }
        loop.watch(socket, wanted) { [weak self] _ in
            self?.patience?.advance()
            self?.becameReady()
        }
        patience?.advance()
    }

    private func unwatch() {
        if socket >= 0 { loop.unwatch(socket) }
        socket = -1
    }
}
