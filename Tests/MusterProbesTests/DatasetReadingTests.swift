import Glibc
import MusterCore
import MusterDrills
import MusterSystem
import Testing

@testable import MusterProbes

/// How datasets are read, beside what is found in them.
@Suite struct DatasetReadingTests {
    private static let isPostgresInstalled = access("/usr/lib/postgresql", R_OK) == 0

    private func taker(
        _ kind: String, _ dataset: any Dataset, _ folder: TemporaryFolder, workloads: [DrillWorkload] = []
    ) -> DatasetTaker {
        var setting = DatasetSetting()
        setting.within = .seconds(90)
        return DatasetTaker(
            [DrillDataset(name: "it", kind: kind, dataset: dataset, setting: setting)],
            workloads: workloads, run: "01TEST", directory: folder.path)
    }

    private func database(_ folder: TemporaryFolder, _ statements: String...) throws -> SQLiteDataset {
        var dataset = SQLiteDataset()
        dataset.sqlite = folder.path + "/shop.db"
        let database = try SQLiteConnection(path: dataset.sqlite, create: true)
        for statement in statements { try database.run(statement) }
        return dataset
    }

    /// A workload that removes its entries leaves a table without a row.
    @Test func theTableOfAWorkloadIsItsOwnAlsoWhenNothingIsLeftInIt() throws {
        var workload = SQLiteWorkload()
        workload.table = "other"
        let workloads = [
            DrillWorkload(name: "w", kind: "sqlite", workload: workload, setting: WorkloadSetting())
        ]
        for (table, structure) in [("other", []), ("muster_entries", ["the table muster_entries is new"])] {
            let folder = try TemporaryFolder()
            let dataset = try database(folder, "CREATE TABLE customers (id INTEGER PRIMARY KEY)")
            let taker = taker("sqlite", dataset, folder, workloads: workloads)
            #expect(taker.takeBefore(isCancelled: { false }, note: { _ in }) == nil)
            _ = try database(folder, "CREATE TABLE \(table) (key TEXT NOT NULL, value TEXT NOT NULL)")
            let found = try #require(
                taker.takeAfter(ledger: nil, isCancelled: { false }, note: { _ in }).first)
            #expect(found.structure == structure, "\(found)")
            #expect((found.result == .equal) == structure.isEmpty)
        }
    }

    private static let brokenOff = "the dataset 'it' cannot be read: reading it was broken off"

    /// Too few rows to be asked at one of them.
    @Test func whoBreaksItOffIsHeardWithinAStatement() throws {
        let folder = try TemporaryFolder()
        let dataset = try database(
            folder, "CREATE TABLE loose (a, b)",
            """
            INSERT INTO loose WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900) \
            SELECT -i, 'row ' || i FROM n
            """)
        let problem = taker("sqlite", dataset, folder).takeBefore(isCancelled: { true }, note: { _ in })
        #expect(problem == Self.brokenOff)
    }

    /// A frozen server says nothing for ever, and is not waited for until the time is over.
    @Test(.enabled(if: isPostgresInstalled)) func whoBreaksItOffDoesNotWaitForAFrozenServer() throws {
        let server = try TestPostgres()
        let text = try #require(try readSmallFile(server.data + "/postmaster.pid"))
        let pid = try #require(Int32(text.prefix { $0 != "\n" }))
        #expect(kill(pid, SIGSTOP) == 0)
        defer { kill(pid, SIGCONT) }
        var dataset = PostgresDataset()
        dataset.postgres = server.address
        let enough = monotonicNow() + .milliseconds(500)
        let problem = try taker("postgres", dataset, TemporaryFolder()).takeBefore(
            isCancelled: { monotonicNow() >= enough }, note: { _ in })
        #expect(problem == Self.brokenOff)
    }
}
