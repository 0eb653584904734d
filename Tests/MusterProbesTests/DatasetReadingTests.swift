import Glibc
import MusterCore
import MusterDrills
import MusterSystem
import Testing

@testable import MusterProbes

/// How datasets are read, beside what is found in them.
@Suite struct DatasetReadingTests {
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
}
