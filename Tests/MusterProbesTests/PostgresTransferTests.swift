import Glibc
import MusterCore
import MusterDrills
import MusterSystem
import Testing

@testable import MusterProbes

/// A transfer is a transaction over three rows: whatever became of it, all of it did.
@Suite(.serialized) struct PostgresTransferTests {
    private let server: TestPostgres
    private let writer: TestWriter
    private let table: String
    private let accounts: [String]

    /// Two accounts with 100 each, of which 5 were moved.
    init() throws {
        server = try TestPostgres("lc_messages=C")
        let writer = try TestWriter(server.address)
        self.writer = writer
        table = writer.names.table
        let accounts = (0...1).map(writer.names.account)
        self.accounts = accounts
        let opened = try writer.wait { deadline, done in
            writer.store.openAccounts(accounts, balance: 100, until: deadline, done: done)
        }
        #expect(opened == .acknowledged())
        #expect(try writer.move(1) == .acknowledged())
        #expect(try holds() == ["95", "105", "v1"])
    }

    private func state(_ state: String) throws -> Int32 { try #require(SampleCode.sqlState(state)) }

    private func holds() throws -> [String?] {
        try server.run("SELECT value FROM \(table) ORDER BY key").map { $0[0] }
    }

    @Test func whatIsRefusedMovesNothing() throws {
        // The entry's key is there already.
        #expect(try writer.move(1) == .refused(state("23505")))
        #expect(try holds() == ["95", "105", "v1"])
        // Fails in the commit itself.
        try server.refuseCommits(of: table)
        #expect(try writer.move(2) == .refused(state("P0001")))
        #expect(try holds() == ["95", "105", "v1"])
    }

    /// Somebody else holds an account.
    @Test func whatWaitsIsRefusedInDoubtOrMadeLater() throws {
        let other = try TestSession(server.address)
        defer { other.close() }
        for sql in ["BEGIN", "SELECT FROM \(table) WHERE key = '\(accounts[1])' FOR UPDATE"] {
            #expect(other.ask(sql).error == nil)
        }
        let waiting =
            "FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name LIKE 'muster-T%'"
        func whileWaiting(_ sql: String) throws {
            #expect(try eventually { try server.run("SELECT count(*) \(waiting)") == [["1"]] })
            try server.run(sql)
        }
        let ended = try writer.move(3) { try whileWaiting("SELECT pg_terminate_backend(pid) \(waiting)") }
        #expect(ended == .inDoubt(try state("57P01")))
        let cancelled = try writer.move(4) { try whileWaiting("SELECT pg_cancel_backend(pid) \(waiting)") }
        #expect(cancelled == .refused(try state("57014")))
        // In doubt, and made as soon as the way is free.
        #expect(try writer.move(5, within: .milliseconds(500)) == .noAnswer)
        try whileWaiting("SELECT 1")
        #expect(try holds() == ["95", "105", "v1"])
        #expect(other.ask("COMMIT").error == nil)
        #expect(try eventually { try holds() == ["90", "110", "v1", "v5"] })
    }

    /// Committed here, and its standby did not answer.
    @Test func aLocalCommitIsAllThere() throws {
        try server.set("synchronous_standby_names", "'nobody'")
        let local = try writer.move(2) { try server.cancelWaitForStandby() }
        #expect(local.outcome == .okWithWarning && local.finding == .ok)
        #expect(try holds() == ["90", "110", "v1", "v2"])
        try server.reset("synchronous_standby_names")
    }
}

extension TestPostgres {
    /// Once somebody waits for a standby's answer.
    func cancelWaitForStandby() throws {
        let waiting = "FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
        #expect(try eventually { try run("SELECT count(*) \(waiting)") == [["1"]] })
        try run("SELECT pg_cancel_backend(pid) \(waiting)")
    }

    /// Every transaction that adds to a table fails in its commit, until the trigger `late` is dropped.
    func refuseCommits(of table: String) throws {
        try run(
            "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$")
        try run(
            "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON \(table) DEFERRABLE INITIALLY DEFERRED FOR EACH ROW "
                + "EXECUTE FUNCTION no()")
    }
}
