import Glibc
import MusterCore
import MusterSystem
import Testing

@testable import MusterProbes

/// A real PostgreSQL server of one test's own, served as the shipped drills serve theirs; reached by its socket.
final class TestPostgres {
    struct Missing: Error, CustomStringConvertible {
        let description = "PostgreSQL is missing; install it: apt install postgresql"
    }
    let port: UInt16
    private let folder: TemporaryFolder
    private let settings: [String]
    private var child: Child?

    var address: String { "host=\(folder.path)/postgres port=\(port) user=muster dbname=postgres" }
    var data: String { folder.path + "/postgres/data" }

    init(_ settings: String...) throws {
        port = try closedPort()
        folder = try TemporaryFolder()
        // The server's user must come through it.
        chmod(folder.path, 0o755)
        self.settings = settings
        try start()
    }

    deinit {
        // A killed server leaves shared memory to the next one, and only an orderly end leaves none.
        if child == nil { try? start() }
        stop(SIGTERM)
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
                child = try spawn.start()
            }
            let sample = try attempt(probe, timeout: .seconds(30))
            pass(.milliseconds(20))
            return sample.isUp || sample.code == SampleCode.wrongRole
        }
        guard isUp else {
            let said = try readSmallFile(folder.path + "/log") ?? ""
            if said.contains("not on this machine") { throw Missing() }
            Issue.record("no server: \(said)")
            return
        }
    }

    /// SIGKILL takes the server along with the script that serves it.
    func stop(_ signal: Int32 = SIGKILL) {
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
        let loop = try EventLoop()
        let login = try PostgresLogin(address, password: nil, application: "muster-test")
        let connection = PostgresConnection(loop: loop, login: login)
        var result: PostgresConnection.Result?
        connection.exchange([PostgresStatement(sql)], until: monotonicNow() + .seconds(60)) { result = $0 }
        loop.run { result != nil }
        connection.close()
        guard case .answered(let answers)? = result, let answer = answers.first else {
            return PostgresAnswer(error: PostgresError(severity: "FATAL", message: "\(result as Any)"))
        }
        return answer
    }
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

    /// - Parameter meanwhile: called once the write is on its way.
    func put(
        _ sequence: Int64, within limit: Duration = .seconds(60), meanwhile: () throws -> Void = {}
    ) throws -> WriteAnswer {
        var answer: WriteAnswer?
        let key = names.name(EntryKey(stream: 0, sequence: sequence))
        store.put(key, "v\(sequence)", until: monotonicNow() + limit) { answer = $0 }
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
