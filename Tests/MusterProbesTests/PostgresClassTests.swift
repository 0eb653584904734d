import Glibc
import MusterCore
import MusterDrills
import MusterSystem
import Testing

@testable import MusterProbes

/// What a writer may conclude from each way in which a real server can answer, or not answer, a write.
@Suite(.serialized) struct PostgresClassTests {
    private func state(_ state: String) throws -> Int32 { try #require(SampleCode.sqlState(state)) }

    @Test func everyAnswerHasItsClass() throws {
        let server = try TestPostgres()
        let writer = try TestWriter(server.address)
        let table = writer.names.table
        #expect(try writer.put(1) == .acknowledged())
        // The same key again: it was applied twice, and the store says so.
        #expect(try writer.put(1) == .refused(state("23505")))

        // Refused for certain.
        try server.set("default_transaction_read_only", "on")
        #expect(try writer.put(2) == .refused(state("25006")))
        try server.reset("default_transaction_read_only")
        #expect(try eventually { try writer.put(3) == .acknowledged() })

        // Reported complete, and then not committed: only what comes after the report counts.
        try server.refuseCommits(of: table)
        #expect(try writer.put(4) == .refused(state("P0001")))
        try server.run("DROP TRIGGER late ON \(table)")
        // Swallowed: the server says that it inserted nothing.
        try server.run("CREATE RULE nothing AS ON INSERT TO \(table) DO INSTEAD NOTHING")
        #expect(try writer.put(5) == .refused(SampleCode.wrongContent))
        try server.run("DROP RULE nothing ON \(table)")

        let answers = try writer.get(1, 2, 3, 4, 5)
        let there = ReadAnswer.present(isIntact: true, count: 1)
        #expect(answers == [there, .absent, there, .absent, .absent])
        #expect(
            try writer.list() == .keys([1, 3].map { writer.names.name(EntryKey(stream: 0, sequence: $0)) }))
        // Gone with everything in it, as by a failover to a server that never had it: made again, and told.
        try server.run("DROP TABLE \(table)")
        #expect(try writer.put(6) == .refused(state("42P01")))
        #expect(try writer.put(7) == .acknowledged())
        #expect(try writer.get(1, 7) == [.absent, there])
    }

    @Test func whatWasSentAndNotAnsweredIsInDoubt() throws {
        let server = try TestPostgres()
        let writer = try TestWriter(server.address)
        let table = writer.names.table
        #expect(try writer.put(1) == .acknowledged())
        // Makes every insert wait until it is told to go on.
        try server.run(
            "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS "
                + "$$ BEGIN PERFORM pg_sleep(600); RETURN NEW; END $$")
        try server.run("CREATE TRIGGER wait BEFORE INSERT ON \(table) FOR EACH ROW EXECUTE FUNCTION wait()")
        let waiting =
            "FROM pg_stat_activity WHERE query LIKE 'INSERT INTO muster_t%' AND state = 'active'"
        let ended = try writer.put(2) {
            #expect(try eventually { try server.run("SELECT count(*) \(waiting)") == [["1"]] })
            try server.run("SELECT pg_terminate_backend(pid) \(waiting)")
        }
        #expect(ended == .inDoubt(try state("57P01")))
        // Cancelled: rolled back for certain.
        let cancelled = try writer.put(3) {
            #expect(try eventually { try server.run("SELECT count(*) \(waiting)") == [["1"]] })
            try server.run("SELECT pg_cancel_backend(pid) \(waiting)")
        }
        #expect(cancelled == .refused(try state("57014")))
        #expect(try writer.put(4, within: .milliseconds(500)) == .noAnswer)
        try server.run("SELECT pg_terminate_backend(pid) \(waiting)")
        try server.run("DROP TRIGGER wait ON \(table)")
        // Ended between two writes: nothing was on its way, and nothing is in doubt.
        #expect(try writer.put(5) == .acknowledged())
        try server.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
                + "AND application_name LIKE 'muster-T%'")
        let end = monotonicNow() + .seconds(1)
        writer.loop.at(end) {}
        writer.loop.run { monotonicNow() >= end }
        #expect(try writer.put(6) == .acknowledged())
        server.kill()
        // Its processes go one after the other, and one without a postmaster may still take a write.
        var last: Int64 = 6
        #expect(
            try eventually {
                last += 1
                return try writer.put(last) == .refused(ECONNREFUSED)
            })
        // The next attempt waits for a little, but not beyond its deadline.
        #expect(try writer.put(last + 1, within: .milliseconds(1)).outcome == .fail)
    }

    /// A commit that gave up waiting for its standby is acknowledged with a warning, and counted apart.
    @Test func aLocalCommitIsToldFromAReplicatedOne() throws {
        let server = try TestPostgres("lc_messages=C")
        let writer = try TestWriter(server.address)
        #expect(try writer.put(1) == .acknowledged())
        try server.set("synchronous_standby_names", "'nobody'")
        let answer = try writer.put(2) { try server.cancelWaitForStandby() }
        #expect(answer.outcome == .okWithWarning && answer.finding == .ok)
        // The warning belongs to one write only; another warning is none.
        try server.reset("synchronous_standby_names")
        try server.run(
            "CREATE FUNCTION warn() RETURNS trigger LANGUAGE plpgsql AS "
                + "$$ BEGIN RAISE WARNING 'might not have been replicated'; RETURN NEW; END $$")
        try server.run(
            "CREATE TRIGGER warn BEFORE INSERT ON \(writer.names.table) FOR EACH ROW EXECUTE FUNCTION warn()")
        #expect(try writer.put(3) == .acknowledged())
        let there = ReadAnswer.present(isIntact: true, count: 1)
        #expect(try writer.get(1, 2, 3) == [there, there, there])
    }
}
