import Glibc
import MusterCore
import MusterDrills
import MusterSystem
import Testing

@testable import MusterProbes

/// A real PostgreSQL server of one test's own, served as the shipped drills serve theirs; reached by its socket.
final class TestPostgres {
    let port: UInt16
    private let folder: TemporaryFolder
    private let settings: [String]
    private var child: Child?

    var address: String { "host=\(cluster) port=\(port) user=muster dbname=postgres" }
    var data: String { cluster + "/data" }
    private var cluster: String { folder.path + "/postgres" }

    /// - Parameter primary: makes a standby that streams from it.
    init(_ settings: String..., following primary: TestPostgres? = nil) throws {
        port = try closedPort()
        folder = try TemporaryFolder()
        // The server's user must come through it.
        chmod(folder.path, 0o755)
        self.settings = settings
        if let primary { try copy(primary) }
        try start()
    }

    deinit {
        // A killed server leaves shared memory to the next one, and only an orderly end leaves none.
        if child == nil { try? start() }
        stop(SIGTERM)
    }

    /// As pg_basebackup(1) makes a standby, by the server's own user.
    private func copy(_ primary: TestPostgres) throws {
        let script = """
            set -e
            from=$1 port=$2 to=$3
            user=$(stat -c %U "$from") group=$(stat -c %G "$from")
            install -d -m 0700 -o "$user" -g "$group" "$to"
            as=
            [ "$(id -u)" != 0 ] || as="setpriv --reuid $user --regid $group --clear-groups"
            cd /
            $as "$(find /usr/lib/postgresql -name pg_basebackup | sort -V | tail -n 1)" --write-recovery-conf \
                --dbname "host=$from port=$port user=muster" --pgdata "$to/data" --checkpoint fast --no-sync
            : >"$to/initialised"
            """
        var spawn = Spawn([
            "/bin/sh", "-c", script, "sh", primary.cluster, "\(primary.port)", cluster,
        ])
        let log = try Descriptor(opening: folder.path + "/log", O_WRONLY | O_CREAT | O_APPEND, mode: 0o600)
        spawn.errors = .descriptor(log.number)
        let status = try spawn.start().wait(for: .seconds(120))
        let said = try readSmallFile(folder.path + "/log") ?? ""
        try #require(status == .exited(0), "pg_basebackup: \(said)")
    }

    private static let script: String = {
        let folders = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        return folders.dropLast(3).joined(separator: "/") + "/drills/postgres/serve"
    }()

    /// Until it answers. A server that finds the one before not quite gone gives up, and is started again.
    func start() throws {
        let log = try Descriptor(opening: folder.path + "/log", O_WRONLY | O_CREAT | O_APPEND, mode: 0o600)
        var probe = PostgresProbe()
        probe.postgres = address
        probe.query = "SELECT 1"
        let isUp = try eventually(within: .seconds(120)) {
            if let child, try child.poll() != nil { self.child = nil }
            if child == nil {
                var spawn = Spawn(
                    [Self.script, folder.path, "\(port)", "log_min_messages=warning"] + settings)
                spawn.output = .descriptor(log.number)
                spawn.errors = .descriptor(log.number)
                spawn.deathSignal = SIGKILL
                child = try spawn.start()
            }
            let sample = try attempt(probe, timeout: .seconds(30))
            pass(.milliseconds(20))
            return sample.isUp || sample.code == SampleCode.wrongRole
        }
        guard isUp else {
            let said = try readSmallFile(folder.path + "/log") ?? ""
            if said.contains("not on this machine") {
                throw MissingProgram(program: "PostgreSQL", package: "postgresql")
            }
            Issue.record("no server: \(said)")
            return
        }
    }

    /// SIGKILL takes the server along with the script that serves it.
    func kill() { stop(SIGKILL) }

    func stop(_ signal: Int32) {
        _ = try? child?.kill(signal)
        _ = try? child?.wait(for: .seconds(60))
        child = nil
    }

    /// Runs one statement.
    @discardableResult
    func run(_ sql: String) throws -> [[String?]] {
        let answer = try Self.ask(address, sql)
        #expect(answer.error == nil, "\(sql): \(answer.error?.message ?? "")")
        return answer.rows
    }

    /// Changes a setting for sessions to come.
    func set(_ name: String, _ value: String) throws {
        try run("ALTER SYSTEM SET \(name) = \(value)")
        try run("SELECT pg_reload_conf()")
        let wanted = value.filter { $0 != "'" }
        #expect(try eventually { try run("SELECT current_setting('\(name)')") == [[wanted]] })
    }

    /// Back to what the server was started with, also where writes are refused or wait.
    func reset(_ name: String) throws {
        let free = address + " options='-c default_transaction_read_only=off -c synchronous_commit=local'"
        for sql in ["ALTER SYSTEM RESET \(name)", "SELECT pg_reload_conf()"] {
            let answer = try Self.ask(free, sql)
            #expect(answer.error == nil, "\(sql): \(answer.error?.message ?? "")")
        }
        let isReset = "SELECT setting = coalesce(boot_val, '') FROM pg_settings WHERE name = '\(name)'"
        #expect(try eventually { try run(isReset) == [["t"]] })
    }

    private static func ask(_ address: String, _ sql: String) throws -> PostgresAnswer {
        let session = try TestSession(address)
        defer { session.close() }
        return session.ask(sql)
    }
}

/// A session of a test's own, which can hold a transaction open.
final class TestSession {
    private let loop: EventLoop
    private let connection: PostgresConnection

    init(_ address: String) throws {
        loop = try EventLoop()
        let login = try PostgresLogin(address, password: nil, application: "muster-test")
        connection = PostgresConnection(loop: loop, login: login)
    }

    func ask(_ sql: String) -> PostgresAnswer {
        var result: PostgresConnection.Result?
        connection.exchange([PostgresStatement(sql)], until: monotonicNow() + .seconds(60)) { result = $0 }
        loop.run { result != nil }
        guard case .answered(let answers)? = result, let answer = answers.first else {
            return PostgresAnswer(error: PostgresError(severity: "FATAL", message: "\(result as Any)"))
        }
        return answer
    }

    func close() { connection.close() }
}

/// One writer of the workload, with its operations waited for.
final class TestWriter {
    let loop: EventLoop
    let names = KeyNames(run: "T\(UInt32.random(in: 0 ... .max))")
    let store: any StoreClient

    init(_ address: String) throws {
        loop = try EventLoop()
        var workload = PostgresWorkload()
        workload.postgres = address
        store = try workload.client(on: loop, names: names)
    }

    deinit { store.close() }

    func put(
        _ sequence: Int64, within limit: Duration = .seconds(60), meanwhile: () throws -> Void = {}
    ) throws -> WriteAnswer {
        try wait(within: limit, meanwhile: meanwhile) { deadline, done in
            store.put(name(sequence), "v\(sequence)", until: deadline, done: done)
        }
    }

    /// Moves 5 from account 0 to account 1.
    func move(
        _ sequence: Int64, within limit: Duration = .seconds(60), meanwhile: () throws -> Void = {}
    ) throws -> WriteAnswer {
        let transfer = BankTransfer(
            from: names.account(0), to: names.account(1), amount: 5, negative: false)
        return try wait(within: limit, meanwhile: meanwhile) { deadline, done in
            store.transfer(transfer, name(sequence), "v\(sequence)", until: deadline, done: done)
        }
    }

    private func name(_ sequence: Int64) -> String { names.name(EntryKey(stream: 0, sequence: sequence)) }

    /// - Parameter meanwhile: called once the write is on its way.
    func wait(
        within limit: Duration = .seconds(60), meanwhile: () throws -> Void = {},
        _ write: (Instant, @escaping (WriteAnswer) -> Void) -> Void
    ) throws -> WriteAnswer {
        var answer: WriteAnswer?
        write(monotonicNow() + limit) { answer = $0 }
        // A turn of the loop at a time, so that the test can do something between two of them.
        let end = monotonicNow() + .milliseconds(300)
        loop.at(end) {}
        loop.run { answer != nil || monotonicNow() >= end }
        if answer == nil { try meanwhile() }
        loop.run { answer != nil }
        return try #require(answer)
    }

    func get(_ sequences: Int64...) throws -> [ReadAnswer] {
        var answers: [ReadAnswer]?
        let wanted = sequences.map {
            let key = EntryKey(stream: 0, sequence: $0)
            return Wanted(entry: key, key: names.name(key), value: "v\($0)")
        }
        store.get(wanted, until: monotonicNow() + .seconds(60)) { answers = $0 }
        loop.run { answers != nil }
        return try #require(answers)
    }

    func list() throws -> ListAnswer {
        var answer: ListAnswer?
        store.list(names.prefix, until: monotonicNow() + .seconds(60)) { answer = $0 }
        loop.run { answer != nil }
        return try #require(answer)
    }
}
