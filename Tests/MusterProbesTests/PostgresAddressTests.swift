import Glibc
import MusterCore
import Testing

@testable import MusterProbes

@Suite struct PostgresAddressTests {
    @Test func bothNotationsSayTheSame() throws {
        let url = try PostgresAddress(
            "postgresql://app%40x@db1:5433,[::1],db3/my%20orders?sslmode=verify-full&options=-c%20a%3D1")
        #expect(
            url.hosts == [
                .init(name: "db1", port: 5433), .init(name: "::1", port: 5432),
                .init(name: "db3", port: 5432),
            ])
        #expect(
            url.settings == [
                "user": "app@x", "dbname": "my orders", "sslmode": "verify-full", "options": "-c a=1",
            ])
        let pairs = try PostgresAddress(
            "host=db1,::1,db3 port = 5433,,5432 user=app@x  dbname='my orders' sslmode=verify-full options='-c a=1'"
        )
        #expect(pairs == url)
        let socket = try PostgresAddress("postgres:///x?host=/run/it&port=1")
        #expect(socket == (try PostgresAddress("postgres://%2Frun%2Fit:1/x")))
        #expect(socket.hosts == [.init(name: "/run/it", port: 1)] && socket.hosts[0].isSocket)
        #expect(
            try PostgresAddress(#"host=h dbname='it\'s \\ here'"#).settings == ["dbname": #"it's \ here"#])
    }

    static let broken: [(String, String)] = [
        ("", "a host"), ("dbname=x", "a host"), ("postgres:///x", "a host"), ("host=a,,b", "a host"),
        ("127.0.0.1:5432", "postgres://HOST:PORT"), ("postgres://h:0/", "a port"),
        ("postgres://h:99999/", "a port"), ("host=a,b,c port=1,2", "one port"),
        ("host=h dbname='x", "closing '"),
        ("host=h host=i", "only once"), ("postgres://h/x?dbname=y", "only once"),
        ("postgres://h/%zz", "hexadecimal"),
        ("postgres://h/%ff", "UTF-8"), ("postgres://h?x", "parameters"),
        ("postgres://a:b:c/", "a host such as"),
        ("host=h sslmod=require", "did you mean sslmode"), ("host=h service=x", "not 'service'"),
        ("host=h connect_timeout=3", "timeout: beside it"), ("host=h hostaddr=::1", "instead of hostaddr"),
        ("host=h password=geheim", "no password here"), ("postgres://h/?password=x", "no password here"),
        ("postgres://me:geheim@h/", "without a password"), ("postgres://me:@h/", "no password here"),
    ]

    @Test(arguments: broken)
    func whatCannotWorkIsRefused(_ address: String, _ expected: String) throws {
        let problem = try #require(PostgresAddress.problem(address))
        #expect(problem.contains(expected), "\(address): \(problem)")
    }

    @Test func namesAndNumbersGoToTheLibraryQuoted() throws {
        let login = try PostgresLogin(
            "host=db,/run port=1,2 user=a dbname='it''s'".replacing("''", with: "\\'"), password: #"p'\w"#,
            application: "muster-1")
        let told = login.conninfo([(login.hosts[0], "10.0.0.1"), (login.hosts[1], "")])
        #expect(
            told
                == #"application_name='muster-1' client_encoding='UTF8' dbname='it\'s' gssencmode='disable' "#
                + #"host='db,/run' hostaddr='10.0.0.1,' password='p\'\\w' port='1,2' user='a'"#)
    }

    @Test func aPasswordFileThatOthersMayReadIsRefused() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write("pass", "*:*:*:*:x")
        let address = "host=127.0.0.1 user=a passfile=\(file)"
        chmod(file, 0o640)
        #expect(throws: MeasuringError.self) { try PostgresLogin(address, password: nil, application: "x") }
        chmod(file, 0o600)
        _ = try PostgresLogin(address, password: nil, application: "x")
    }

    @Test func statesAreNumbersAndWords() throws {
        for state in ["00000", "25006", "57P03", "XX000", "ZZZZZ"] {
            let code = try #require(SampleCode.sqlState(state))
            #expect(SampleCode.inWords(code).hasPrefix("SQLSTATE \(state)"))
        }
        #expect(
            SampleCode.inWords(SampleCode.sqlState("25006") ?? 0) == "SQLSTATE 25006 (read-only transaction)")
        for text in ["", "2500", "250066", "2500a", "25-06", "٢5006", "+2500"] {
            #expect(SampleCode.sqlState(text) == nil)
        }
    }

    @Test func anErrorProvesARollbackOnlyWhereTheServerItselfSaysSo() {
        func proves(_ state: String?, _ severity: String = "ERROR") -> Bool {
            PostgresError(state: state, severity: severity, message: "").provesRollback
        }
        for state in ["25006", "23505", "57014", "40001", "42501", "53100"] { #expect(proves(state)) }
        for state in ["40003", "08006", "08P01", "08007", "XX000", "58030"] { #expect(!proves(state)) }
        #expect(!proves("57P01", "FATAL") && !proves("XX000", "PANIC") && !proves(nil))
    }

    @Test func whatTheLibrarySaysWhileItConnectsBecomesACode() {
        let codes: [(String, Int32?)] = [
            (
                "connection to server on socket \"/x\" failed: FATAL:  57P03: the database system is starting up\n"
                    + "LOCATION:  ProcessStartupPacket, postmaster.c:2319\n", SampleCode.sqlState("57P03")
            ),
            (
                "connection to server at \"h\", port 1 failed: Connection refused\n\tIs the server…",
                ECONNREFUSED
            ),
            ("connection to server on socket \"/x\" failed: No such file or directory", ENOENT),
            ("server closed the connection unexpectedly\n\tThis probably means", SampleCode.endOfStream),
            ("expected authentication request from server, but received H", SampleCode.protocolViolation),
            ("something else", SampleCode.refusedByServer),
        ]
        for (text, code) in codes { #expect(PostgresError.code(ofText: text) == code) }
    }

    @Test func tablesAreNamedAfterTheirRun() {
        let names = KeyNames(run: "01JABCDEFGHJKMNPQRSTVWXYZ0")
        #expect(names.table == "muster_01jabcdefghjkmnpqrstvwxyz0")
        #expect(names.application == "muster-01JABCDEFGHJKMNPQRSTVWXYZ0")
        let long = KeyNames(run: String(repeating: "x", count: 80))
        #expect(long.table.utf8.count <= 63 && long.application.utf8.count <= 63)
        #expect(long.table != KeyNames(run: String(repeating: "x", count: 81)).table)
    }
}
