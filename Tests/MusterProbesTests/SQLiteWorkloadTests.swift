import Glibc
import MusterCore
import MusterDrills
import MusterSystem
import Testing

@testable import MusterProbes

@Suite(.serialized) struct SQLiteWorkloadTests {
    private func workload(_ folder: TemporaryFolder, create: Bool = true) -> SQLiteWorkload {
        var workload = SQLiteWorkload()
        workload.sqlite = folder.path + "/app.db"
        workload.create = create
        return workload
    }

    /// As another process would.
    @discardableResult
    private func sql(_ workload: SQLiteWorkload, _ text: String, _ values: [String] = []) throws
        -> [[String?]]
    {
        let database = try SQLiteConnection(path: workload.sqlite, create: true)
        database.waitForLocks(.seconds(60))
        var rows: [[String?]] = []
        try database.run(text, values) { rows.append($0) }
        return rows
    }

    /// Whatever somebody has put there: it is refused, and nothing of it is moved.
    @Test func noMoneyIsMovedBeyondWhat64BitsHold() throws {
        let folder = try TemporaryFolder()
        let workload = workload(folder)
        try sql(workload, "CREATE TABLE muster_entries (key TEXT, value TEXT)")
        try sql(workload, "INSERT INTO muster_entries VALUES ('a', '\(Int64.min)'), ('b', '\(Int64.max)')")
        let database = try SQLiteConnection(path: workload.sqlite, create: false)
        for account in ["a", "b"] {
            let transfer = BankTransfer(from: account, to: account, amount: 1, negative: true)
            #expect(throws: SQLiteConnection.Failure.self) {
                try SQLiteSession(workload).move(transfer, in: database)
            }
        }
        let held = try sql(workload, "SELECT value FROM muster_entries ORDER BY key")
        #expect(held == [["\(Int64.min)"], ["\(Int64.max)"]])
    }

    @Test(arguments: ["DELETE", "WAL"]) func whatIsTakenSpoiltDoubledAndAddedIsFoundExactly(
        _ journal: String
    ) throws {
        let (ledger, data) = (try TemporaryFolder(), try TemporaryFolder())
        let workload = workload(data)
        // The service's own: its journal mode stays as it is.
        #expect(try sql(workload, "PRAGMA journal_mode = \(journal)") == [[journal.lowercased()]])
        try sql(workload, "CREATE TABLE orders (id INTEGER PRIMARY KEY)")
        let written = try Written(60, to: workload, in: ledger)
        #expect(written.entries.allSatisfy { $0.outcome == .ok })
        #expect(try sql(workload, "PRAGMA journal_mode") == [[journal.lowercased()]])
        let like = { (key: String) in ["%-\(key)"] }
        try sql(workload, "DELETE FROM muster_entries WHERE key LIKE ?1", like("1-3"))
        try sql(workload, "UPDATE muster_entries SET value = 'spoilt' WHERE key LIKE ?1", like("2-2"))
        try sql(
            workload, "INSERT INTO muster_entries SELECT key, value FROM muster_entries WHERE key LIKE ?1",
            like("3-1"))
        try sql(
            workload,
            "INSERT INTO muster_entries SELECT key || '00', 'x' FROM muster_entries WHERE key LIKE ?1",
            like("0-9"))
        let (findings, readBack) = try written.findings()
        #expect(readBack.isComplete, "\(readBack.problems)")
        #expect(keys(findings, .lostHole) == [EntryKey(stream: 1, sequence: 3)])
        #expect(keys(findings, .corrupt) == [EntryKey(stream: 2, sequence: 2)])
        #expect(keys(findings, .duplicate) == [EntryKey(stream: 3, sequence: 1)])
        #expect(keys(findings, .phantom) == [EntryKey(stream: 0, sequence: 900)])
        #expect(findings.anomalies.count == 4 && findings.violations.isEmpty)
    }

    @Test func aLockHeldByTheServiceIsWaitedForAndThenRefused() throws {
        let (ledger, data) = (try TemporaryFolder(), try TemporaryFolder())
        let workload = workload(data)
        let engine = try MeasuringEngine(
            [], [drillWorkload(workload, writers: 2, perSecond: 40, timeout: .milliseconds(500))], in: ledger)
        try engine.start()
        engine.startWorkloads()
        #expect(eventually { engine.snapshot().workloads[0].acknowledged >= 10 })
        let service = try SQLiteConnection(path: workload.sqlite, create: false)
        service.waitForLocks(.seconds(60))
        try service.run("BEGIN IMMEDIATE")
        #expect(eventually { engine.snapshot().workloads[0].refused >= 4 })
        try service.run("ROLLBACK")
        let before = engine.snapshot().workloads[0].acknowledged
        #expect(eventually { engine.snapshot().workloads[0].acknowledged >= before + 10 })
        engine.stopWorkloads()
        let codes = Set(engine.signals().flatMap(\.samples).filter(\.isDown).map(\.code))
        let ledgers = engine.readBack(gap: .milliseconds(50), within: .seconds(120))
        engine.stop()
        // SQLITE_BUSY is 5; a wait that outlasted the write's time is a timeout.
        #expect(codes.isSubset(of: [5005, 0]) && !codes.isEmpty, "\(codes)")
        #expect(SampleCode.inWords(5005) == "SQLite: database is locked")
        let now = SystemTimekeeper().monotonic()
        let findings = LedgerJudge.classify(ledgers[0], fault: Bracket(now, now))
        #expect(findings.anomalies.isEmpty && findings.refused >= 4, "\(findings.counts)")
    }

    @Test func aDatabaseThatWasRestoredIsOpenedAnew() throws {
        let (ledger, data) = (try TemporaryFolder(), try TemporaryFolder())
        let workload = workload(data)
        let written = try Written(40, to: workload, in: ledger)
        let backup = data.path + "/backup.db"
        try sql(workload, "VACUUM INTO ?1", [backup])
        try sql(workload, "DELETE FROM muster_entries")
        #expect(rename(backup, workload.sqlite) == 0)
        let (findings, readBack) = try written.findings()
        #expect(readBack.isComplete && findings.anomalies.isEmpty, "\(findings.counts)")
    }

    @Test func damageToTheDatabaseIsTold() throws {
        let (ledger, data) = (try TemporaryFolder(), try TemporaryFolder())
        let workload = workload(data)
        try sql(workload, "CREATE TABLE other (n INTEGER, t TEXT)")
        try sql(workload, "CREATE INDEX other_n ON other (n)")
        try sql(workload, "INSERT INTO other VALUES (1, 'a'), (2, 'b'), (3, 'c')")
        let written = try Written(20, to: workload, in: ledger)
        // An index that lacks rows: found by nothing but integrity_check.
        let root = try #require(
            try sql(workload, "SELECT rootpage FROM sqlite_schema WHERE name = 'other_n'")[0][0])
        let size = try #require(try sql(workload, "PRAGMA page_size")[0][0])
        let file = try Descriptor(opening: workload.sqlite, O_RDWR)
        let page = try #require(Int64(root))
        let bytes = try #require(Int64(size))
        // The number of cells of a leaf page stands at offset 3 (https://www.sqlite.org/fileformat2.html).
        try file.write([0, 1], at: (page - 1) * bytes + 3)
        let (findings, readBack) = try written.findings()
        #expect(readBack.isComplete, "\(readBack.problems)")
        #expect(findings.violations.count == 1, "\(findings.violations)")
        #expect(findings.violations.first?.hasPrefix("SQLite's integrity_check says: ") == true)
        #expect(findings.anomalies.isEmpty)
    }

    @Test func aTableThatIsSomebodyElsesAndAMissingFileAreLeftAlone() throws {
        let data = try TemporaryFolder()
        let loop = try EventLoop()
        func put(_ workload: SQLiteWorkload) -> WriteAnswer? {
            let store = SQLiteStore(workload, loop, removing: nil)
            var answer: WriteAnswer?
            store.put("muster-x-0-1", "v", until: monotonicNow() + .seconds(60)) { answer = $0 }
            loop.run { answer != nil }
            store.close()
            return answer
        }
        #expect(put(workload(data, create: false)) == .refused(5014))
        #expect(access(data.path + "/app.db", F_OK) != 0)
        try sql(workload(data), "CREATE TABLE muster_entries (id INTEGER)")
        #expect(put(workload(data)) == .refused(5020))
        var other = workload(data)
        other.table = "ours"
        #expect(put(other) == .acknowledged())
        _ = try data.write("text.db", String(repeating: "this is no database ", count: 100))
        other.sqlite = data.path + "/text.db"
        #expect(put(other) == .refused(5026))
    }

    @Test func itsRowsAreRemovedWhereThatIsAskedFor() throws {
        let (ledger, data) = (try TemporaryFolder(), try TemporaryFolder())
        var workload = workload(data)
        workload.remove = true
        let written = try Written(40, to: workload, in: ledger) { $0.mode = .bank }
        #expect(try sql(workload, "SELECT count(*) FROM muster_entries")[0][0] != "0")
        _ = try written.findings()
        #expect(try sql(workload, "SELECT count(*) FROM muster_entries")[0][0] == "0")
    }

    @Test func moneyThatVanishesIsNoticedByTheRunAndByTheReadBack() throws {
        let (ledger, data) = (try TemporaryFolder(), try TemporaryFolder())
        let workload = workload(data)
        let sound = try Written(80, to: workload, in: ledger) { $0.mode = .bank }
        let (good, readBack) = try sound.findings()
        #expect(readBack.isComplete && good.violations.isEmpty, "\(good.violations)")
        #expect(good.anomalies.isEmpty && good.sent < sound.entries.count)

        let other = try TemporaryFolder()
        var drill = drillWorkload(workload)
        drill.setting.mode = .bank
        let engine = try MeasuringEngine([], [drill], in: other)
        try engine.start()
        engine.startWorkloads()
        #expect(eventually { engine.snapshot().workloads[0].acknowledged >= 40 })
        try sql(
            workload,
            "UPDATE muster_entries SET value = value - 7 WHERE rowid = (SELECT max(rowid) FROM muster_entries WHERE key LIKE 'bank-%')"
        )
        #expect(eventually { !engine.ledgers()[0].violations.isEmpty })
        engine.stopWorkloads()
        let ledgers = engine.readBack(gap: .milliseconds(50), within: .seconds(120))
        engine.stop()
        #expect(ledgers[0].violations.first?.contains("the total is 793, not 800") == true)
        #expect(ledgers[0].readBack?.violations.first?.contains("the total is 793, not 800") == true)
    }
}
