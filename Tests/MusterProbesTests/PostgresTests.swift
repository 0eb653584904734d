import Glibc
import MusterCore
import MusterDrills
import MusterSystem
import Testing

@testable import MusterProbes

@Suite(.serialized) struct PostgresTests {
    private func finding(
        _ address: String, timeout: Duration = .seconds(60),
        _ change: (inout PostgresProbe) -> Void = { _ in }
    ) throws -> Sample {
        var probe = PostgresProbe()
        probe.postgres = address
        change(&probe)
        return try attempt(probe, timeout: timeout)
    }

    private func code(_ state: String) -> Int32? { SampleCode.sqlState(state) }

    // MARK: The probe

    @Test func aProbeWritesToThePrimaryAndAsksAStandby() throws {
        let server = try TestPostgres()
        for _ in 1...3 { #expect(try finding(server.address).outcome == .ok) }
        #expect(try server.run("SELECT slot, beats FROM muster_probe") == [["0", "3"]])
        #expect(try finding(server.address) { $0.role = .standby }.code == SampleCode.wrongRole)
        let asked = try finding(server.address) {
            $0.query = "SELECT g FROM generate_series(7, 1000000) AS g"
            $0.value = "7"
        }
        #expect(asked.outcome == .ok)
        let other = try finding(server.address) {
            $0.query = "SHOW server_encoding"
            $0.value = "LATIN1"
        }
        #expect(other.code == SampleCode.wrongContent)
        #expect(try finding(server.address) { $0.query = "SELEC" }.code == code("42601"))
        #expect(
            try finding(server.address, timeout: .milliseconds(300)) { $0.query = "SELECT pg_sleep(60)" }
                .outcome == .timeout)

        // The same cluster as a standby: in recovery without anybody to follow.
        server.kill()
        let signal = try Descriptor(opening: server.data + "/standby.signal", O_WRONLY | O_CREAT, mode: 0o644)
        try signal.write([])
        try server.start()
        #expect(try finding(server.address).code == code("25006"))
        #expect(try finding(server.address) { $0.role = .standby }.outcome == .ok)
        #expect(try finding(server.address) { $0.query = "SELECT 1" }.code == SampleCode.wrongRole)
        let writer = try TestWriter(server.address)
        #expect(try writer.put(1) == .refused(try #require(code("25006"))))
    }

    @Test func whatKeepsAProbeOutIsNamed() throws {
        let server = try TestPostgres()
        let host = server.address.prefix { $0 != " " }
        #expect(try finding("\(host) port=\(server.port) user=nobody dbname=postgres").code == code("28000"))
        #expect(try finding("\(host) port=\(server.port) user=muster dbname=other").code == code("3D000"))
        #expect(try finding("\(host) port=\(try closedPort()) user=muster").code == ENOENT)
        // By a name, which is resolved before libpq sees it; the server lets nobody in that way.
        #expect(try finding("postgres://muster@localhost:\(server.port)/postgres").code == code("28000"))
        #expect(try finding("postgres://muster@127.0.0.1:\(try closedPort())/x").code == ECONNREFUSED)
        #expect(try finding("postgres://muster@nowhere.invalid/x").code == SampleCode.nameNotFound)
        // A list is gone through, as libpq does.
        let list =
            "host=nowhere.invalid,127.0.0.1,\(host.dropFirst(5)) port=1,\(try closedPort()),\(server.port)"
        #expect(try finding("\(list) user=muster dbname=postgres").outcome == .ok)
        // Somebody who takes the connection and says nothing, and one who speaks another language.
        let (silent, port) = try listenOnLoopback()
        #expect(
            try finding("postgres://muster@127.0.0.1:\(port)/x", timeout: .milliseconds(300)).outcome
                == .timeout)
        close(silent)
        let web = try TestServer { _ in .status(200, "hello") }
        #expect(try finding("postgres://muster@127.0.0.1:\(web.port)/x", timeout: .seconds(5)).isUp == false)
    }

    @Test func aPasswordOpensAndAWrongOneDoesNot() throws {
        let server = try TestPostgres("password_encryption=scram-sha-256")
        try server.run("CREATE ROLE app LOGIN PASSWORD 'it''s \\ secret'")
        try server.run("GRANT CREATE ON SCHEMA public TO app")
        let rules = try #require(try readSmallFile(server.data + "/pg_hba.conf"))
        let file = try Descriptor(opening: server.data + "/pg_hba.conf", O_WRONLY | O_TRUNC)
        try file.write(Array(("local all app scram-sha-256\n" + rules).utf8))
        try server.run("SELECT pg_reload_conf()")
        let address = server.address.replacing("user=muster", with: "user=app")
        #expect(try eventually { try finding(address) { $0.password = "wrong" }.code == code("28P01") })
        #expect(try finding(address) { $0.password = "it's \\ secret" }.outcome == .ok)
        #expect(try finding(address + " passfile=/dev/null/none").code == code("28P01"))
    }

    @Test func probesThatComeTogetherWriteRowsOfTheirOwnAndKeepConnections() throws {
        let server = try TestPostgres()
        let loop = try EventLoop()
        var probe = PostgresProbe()
        probe.postgres = server.address
        probe.keepAlive = true
        let probers = try [probe.prober(on: loop), probe.prober(on: loop)]
        var findings: [Finding] = []
        for round in 1...2 {
            for number in 1...5 {
                probers[number % 2].look(timeout: .seconds(60), on: loop) { findings.append($0) }
            }
            loop.run { findings.count == round * 5 }
        }
        #expect(findings.allSatisfy { $0 == .ok }, "\(findings)")
        #expect(
            try server.run("SELECT slot, beats FROM muster_probe ORDER BY slot")
                == (0..<5).map { ["\($0)", "2"] })
        let count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'muster-probe'"
        #expect(try server.run(count) == [["5"]])
        for prober in probers { prober.close() }
        #expect(try eventually { try server.run(count) == [["0"]] })
    }

    // MARK: The workload

    @Test(arguments: [WorkloadMode.entries, .bank]) func nothingAcknowledgedIsLostWithAKilledServer(
        _ mode: WorkloadMode
    ) throws {
        let folder = try TemporaryFolder()
        let server = try TestPostgres()
        var workload = drillWorkload(server.workload, writers: 8, perSecond: 400)
        workload.setting.mode = mode
        let killed = try KilledStore(
            server, workload: workload, every: .milliseconds(20), timeout: .seconds(1), in: folder
        ) { () throws in
            let clients =
                "SELECT DISTINCT application_name FROM pg_stat_activity "
                + "WHERE application_name LIKE 'muster-t%'"
            #expect(try server.run(clients).count == 2)
        }
        let engine = killed.engine
        #expect(try server.tables().count == 1)
        #expect(engine.tidy("kv", keep: true)?.contains("left where it is") == true)
        #expect(try server.tables().count == 1)
        #expect(engine.tidy("kv", keep: false)?.hasSuffix("was dropped") == true)
        #expect(try server.tables().isEmpty)
        engine.stop()
        let (ledger, found) = (killed.ledger, killed.found)
        #expect(ledger.isFlawless)
        let findings = LedgerJudge.classify(ledger, fault: killed.killed)
        #expect(findings.violations.isEmpty && findings.anomalies.isEmpty, "\(findings.violations)")
        let written = ledger.entries.filter { !ledger.plan.isRead($0.key) }
        #expect(ledger.entries.count { $0.isAcknowledged } > 300)
        #expect(written.allSatisfy { !$0.isAcknowledged || found.contains($0.key) })
        #expect(written.allSatisfy { $0.outcome != .fail || !found.contains($0.key) })
    }

    @Test func aTwofoldKeyIsFound() throws {
        let folder = try TemporaryFolder()
        let server = try TestPostgres()
        let written = try Written(100, to: server.workload, in: folder)
        let table = try #require(try server.tables().first)
        try server.run("ALTER TABLE \(table) DROP CONSTRAINT \(table)_pkey")
        try server.run("INSERT INTO \(table) SELECT * FROM \(table) WHERE key LIKE '%-1-3'")
        let (findings, readBack) = try written.findings()
        #expect(readBack.isComplete, "\(readBack.problems)")
        let twice = EntryKey(stream: 1, sequence: 3)
        #expect(keys(findings, .duplicate) == [twice] && findings.anomalies.count == 1)
        #expect(readBack.found.first { $0.key == twice }?.count == 2)
    }
}
