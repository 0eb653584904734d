import Glibc
import MusterCore
import MusterDrills
import MusterSystem
import Testing

@testable import MusterProbes

@Suite struct SQLiteDatasetTests {
    private func shop(rows: Int = 3000) throws -> (TemporaryFolder, SQLiteDataset) {
        let folder = try TemporaryFolder()
        var dataset = SQLiteDataset()
        dataset.sqlite = folder.path + "/shop.db"
        try sql(
            dataset,
            "PRAGMA journal_mode = WAL",
            "CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, credit REAL, picture BLOB)",
            "CREATE TABLE codes (code TEXT, region INTEGER, text TEXT, PRIMARY KEY (code, region)) WITHOUT ROWID",
            "CREATE TABLE loose (a, b)",
            """
            INSERT INTO customers WITH RECURSIVE n (i) AS (SELECT -5 UNION ALL SELECT i + 1 FROM n WHERE i < \(rows - 6)) \
            SELECT i, 'customer ' || i, i / 7.0, CASE i % 3 WHEN 0 THEN NULL ELSE zeroblob(i % 9) END FROM n
            """,
            "INSERT INTO codes VALUES ('a', 2, 'x'), ('a', 10, 'y'), ('B', 1, 'z'), ('ä', 1, '')",
            "INSERT INTO loose VALUES (1, 'one'), (1.5, NULL), (NULL, x'00ff'), (1, 'one'), ('1', 'one')")
        return (folder, dataset)
    }

    private func sql(_ dataset: SQLiteDataset, _ statements: String...) throws {
        let database = try SQLiteConnection(path: dataset.sqlite, create: true)
        database.waitForLocks(.seconds(60))
        for statement in statements { try database.run(statement) }
    }

    @Test func whatWasNotTouchedIsEqualAlsoInACopy() throws {
        let (folder, dataset) = try shop()
        let found = try compareDataset("sqlite", dataset) {
            try sql(dataset, "VACUUM INTO '\(folder.path)/copy.db'")
            unlink(dataset.sqlite)
            unlink(dataset.sqlite + "-wal")
            unlink(dataset.sqlite + "-shm")
            rename(folder.path + "/copy.db", dataset.sqlite)
        }
        #expect(found.result == .equal && found.problems.isEmpty, "\(found)")
        #expect(found.before?.items == 3009, "\(String(describing: found.before))")
    }

    @Test func everyRowThatWasHarmedIsNamedAndNoOther() throws {
        let (folder, dataset) = try shop()
        defer { withExtendedLifetime(folder) {} }
        let found = try compareDataset("sqlite", dataset) {
            try sql(
                dataset, "DELETE FROM customers WHERE id = 1234",
                "UPDATE customers SET credit = 1.25 WHERE id = -3",
                "UPDATE codes SET text = 'changed' WHERE code = 'a' AND region = 10",
                "INSERT INTO customers VALUES (99999, 'new', 0, NULL)",
                // An integer where a real was is another value.
                "UPDATE loose SET a = 2 WHERE a = 1.5")
        }
        #expect(found.result == .differs)
        let told = Set(found.differences.map { "\($0.kind.rawValue) \($0.part) \($0.key)" })
        #expect(
            told == [
                "missing customers 1234", "changed customers -3", "changed codes \"a\", 10",
                "extra customers 99999", "missing loose \"1.5\", \"NULL\"", "extra loose \"2\", \"NULL\"",
            ], "\(told)")
        #expect(found.missing == 2 && found.changed == 2 && found.extra == 2)
        #expect(found.ranges.allSatisfy { !$0.part.isEmpty } && found.differingRanges >= 4)
    }

    @Test func tablesThatAreGoneNewOrOfOtherColumnsAreTold() throws {
        let (folder, dataset) = try shop(rows: 50)
        defer { withExtendedLifetime(folder) {} }
        let found = try compareDataset("sqlite", dataset) {
            try sql(
                dataset, "DROP TABLE codes", "CREATE TABLE more (x)", "INSERT INTO more VALUES (1)",
                "ALTER TABLE loose ADD COLUMN c")
        }
        #expect(found.result == .differs)
        #expect(
            Set(found.structure) == [
                "the table codes is gone, with 4 rows", "the table more is new",
                "the columns of loose are others",
            ], "\(found.structure)")
    }

    /// As a restore leaves them that stopped half-way: the rows are all there.
    @Test func indicesTriggersViewsAndConstraintsThatAreLostAreTold() throws {
        let (folder, dataset) = try shop(rows: 50)
        defer { withExtendedLifetime(folder) {} }
        try sql(
            dataset, "CREATE INDEX by_name ON customers (name)",
            "CREATE UNIQUE INDEX by_text ON codes (text)",
            "CREATE VIEW rich AS SELECT * FROM customers WHERE credit > 3",
            "CREATE TRIGGER noted AFTER DELETE ON codes BEGIN INSERT INTO loose VALUES (old.code, 1); END",
            "CREATE TABLE checked (id INTEGER PRIMARY KEY, CHECK (id > 0))",
            "INSERT INTO checked VALUES (1), (2)")
        let equal = try compareDataset("sqlite", dataset) { try sql(dataset, "VACUUM", "REINDEX") }
        #expect(equal.result == .equal, "\(equal)")
        let found = try compareDataset("sqlite", dataset) {
            try sql(
                dataset, "DROP INDEX by_name", "DROP INDEX by_text", "CREATE INDEX by_text ON codes (text)",
                "DROP VIEW rich", "DROP TRIGGER noted", "CREATE VIEW poor AS SELECT 1",
                "CREATE TABLE other (id INTEGER PRIMARY KEY)", "INSERT INTO other SELECT * FROM checked",
                "DROP TABLE checked", "ALTER TABLE other RENAME TO checked")
        }
        #expect(
            Set(found.structure) == [
                "the index by_name of customers is gone", "the index by_text of codes is defined otherwise",
                "the view rich is gone", "the view poor is new", "the trigger noted of codes is gone",
                "the table checked is defined otherwise",
            ], "\(found.structure)")
        #expect(found.missing + found.extra + found.changed == 0 && found.result == .differs)
        #expect(found.sentence.hasSuffix("; 3 more like it"), "\(found.sentence)")
    }

    /// A table that came back without its key: its rows are told apart as before.
    @Test func rowsAreToldByTheKeyThatTheTableHad() throws {
        let (folder, dataset) = try shop(rows: 50)
        defer { withExtendedLifetime(folder) {} }
        let found = try compareDataset("sqlite", dataset) {
            try sql(
                dataset, "CREATE TABLE other AS SELECT * FROM customers WHERE id <> 17",
                "DROP TABLE customers",
                "ALTER TABLE other RENAME TO customers")
        }
        #expect(found.structure == ["the columns of customers are others"], "\(found)")
        #expect(found.differences.map { "\($0.kind) \($0.key)" } == ["missing 17"], "\(found)")
    }

    @Test func nothingIsNotTheSameAsAnEmptyText() throws {
        let (folder, dataset) = try shop(rows: 50)
        defer { withExtendedLifetime(folder) {} }
        try sql(dataset, "UPDATE customers SET name = NULL WHERE id = 7")
        let found = try compareDataset("sqlite", dataset) {
            try sql(dataset, "UPDATE customers SET name = '' WHERE id = 7")
        }
        #expect(found.differences.map(\.key) == ["7"] && found.changed == 1, "\(found)")
    }

    /// 5,000 rows are summed up in 1,250 ranges of four; what is done to the rows on both sides of an end is found where it was
    /// done, and nowhere else.
    @Test func whatIsDoneAtTheEndsOfRangesIsFoundThere() throws {
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        var dataset = SQLiteDataset()
        dataset.sqlite = folder.path + "/ranges.db"
        try sql(
            dataset, "CREATE TABLE t (id INTEGER PRIMARY KEY, x)",
            "INSERT INTO t WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 2 FROM n WHERE i < 9998) "
                + "SELECT i, i FROM n")
        let found = try compareDataset("sqlite", dataset) {
            try sql(
                dataset,
                // The first row; the last of the 256th range, and one behind it; the last of all, and one behind it.
                "DELETE FROM t WHERE id IN (0, 2046, 9998)", "INSERT INTO t VALUES (2047, 1), (10001, 1)",
                "UPDATE t SET x = 'other' WHERE id = 4094 OR id = 4096")
        }
        #expect(found.before?.items == 5000)
        #expect(
            found.differences.map { "\($0.kind) \($0.key)" } == [
                "missing 0", "missing 2046", "extra 2047", "changed 4094", "changed 4096", "missing 9998",
                "extra 10001",
            ], "\(found)")
        #expect(
            found.ranges.map { [$0.after, $0.upTo, "\($0.rowsBefore)", "\($0.rowsAfter)"] } == [
                ["", "6", "4", "3"], ["2038", "2046", "4", "3"], ["2046", "2054", "4", "5"],
                ["4086", "4094", "4", "4"], ["4094", "4102", "4", "4"], ["9990", "", "4", "4"],
            ], "\(found.ranges)")
    }

    @Test func theRunsOwnRowsAreAccountedForAndAnotherRunsAreNot() throws {
        for (key, outcome, isExplained) in [
            ("muster-01TEST-0-1", LedgerEntry.Outcome.ok, true), ("muster-01TEST-0-1", .fail, false),
            ("muster-01TEST-0-2", .ok, false), ("muster-01OTHER-0-1", .ok, false),
        ] {
            let (folder, dataset) = try shop(rows: 50)
            defer { withExtendedLifetime(folder) {} }
            let found = try compareDataset("sqlite", dataset, ledger: ledger(outcome)) {
                try sql(
                    dataset, "CREATE TABLE muster_entries (key TEXT NOT NULL, value TEXT NOT NULL)",
                    "INSERT INTO muster_entries VALUES ('\(key)', '\(ownValue)')")
            }
            #expect((found.result == .equal) == isExplained, "\(key) \(outcome): \(found)")
        }
    }

    @Test func aTableThatIsNotThereIsToldBeforeTheFault() throws {
        var (folder, dataset) = try shop(rows: 50)
        dataset.tables = ["customers", "nobody"]
        let taker = DatasetTaker(
            [DrillDataset(name: "it", kind: "sqlite", dataset: dataset, setting: DatasetSetting())],
            run: "01TEST", directory: folder.path)
        let problem = taker.takeBefore(isCancelled: { false }, note: { _ in })
        #expect(problem?.contains("there is no table 'nobody'") == true, "\(problem ?? "")")
        dataset.tables = ["customers"]
        dataset.exclude = []
        let found = try compareDataset("sqlite", dataset) { try sql(dataset, "DELETE FROM codes") }
        #expect(found.result == .equal, "another table's rows are nobody's business")
    }

    @Test func aDatabaseThatIsGoneIsCalledSo() throws {
        let (folder, dataset) = try shop(rows: 50)
        defer { withExtendedLifetime(folder) {} }
        let found = try compareDataset("sqlite", dataset) { unlink(dataset.sqlite) }
        #expect(found.result == .differs && found.problems.isEmpty, "\(found)")
        #expect(found.sentence == "'it': it is gone; 59 missing of 59 rows", "\(found)")
    }

    @Test func whatIsNoDatabaseIsToldByItsName() throws {
        let (folder, dataset) = try shop(rows: 50)
        let found = try compareDataset("sqlite", dataset) {
            unlink(dataset.sqlite + "-wal")
            _ = try folder.write("shop.db", String(repeating: "no database ", count: 1000))
        }
        #expect(found.result == .inconclusive && found.sentence.contains("not a database"), "\(found)")
    }
}
