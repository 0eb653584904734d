import Glibc
import MusterCore
import MusterDrills
import MusterSystem
import Testing

@testable import MusterProbes

/// Reads one dataset, lets the test do something to it, reads it again and compares.
private func compare(
    _ kind: String, _ dataset: any Dataset, ledger: Ledger? = nil, run: String = "01TEST",
    change: () throws -> Void
) throws -> DatasetFindings {
    let index = try TemporaryFolder()
    var setting = DatasetSetting()
    setting.within = .seconds(300)
    let taker = DatasetTaker(
        [DrillDataset(name: "it", kind: kind, dataset: dataset, setting: setting)], run: run,
        directory: index.path)
    let problem = taker.takeBefore(isCancelled: { false }, note: { _ in })
    #expect(problem == nil)
    try change()
    let found = taker.takeAfter(ledger: ledger, isCancelled: { false }, note: { _ in })
    #expect(FileSteps.names(in: index.path) == [], "an index has a name")
    return try #require(found.first)
}

/// A ledger of one write, acknowledged or refused, of a run's first stream.
private func ledger(_ outcome: LedgerEntry.Outcome) -> Ledger {
    let now = monotonicNow()
    let entry = LedgerEntry(
        key: EntryKey(stream: 0, sequence: 1), sent: now, finished: now, outcome: outcome)
    var ledger = Ledger(
        workload: "w", entries: [entry], readBack: nil, payloadBytes: 64,
        rate: Rate(perSecondThousandths: 1000))
    ledger.plan.seed = 9
    return ledger
}

private let ownValue = EntryPayload.make(EntryKey(stream: 0, sequence: 1), seed: 9, bytes: 64)

@Suite struct FilesDatasetTests {
    private func tree() throws -> (TemporaryFolder, FilesDataset) {
        let folder = try TemporaryFolder()
        for directory in ["", "/docs", "/docs/deep", "/empty"] {
            mkdir(folder.path + "/tree" + directory, 0o755)
        }
        _ = try folder.write("tree/docs/a.txt", "alpha")
        _ = try folder.write("tree/docs/b.txt", "beta")
        _ = try folder.write("tree/docs/deep/c.txt", String(repeating: "gamma", count: 200_000))
        _ = try folder.write("tree/docs.old", "old")
        symlink("docs/a.txt", folder.path + "/tree/link")
        var dataset = FilesDataset()
        dataset.files = folder.path + "/tree"
        return (folder, dataset)
    }

    @Test func whatWasNotTouchedIsEqualAndItsTimesMayBeOthers() throws {
        let (folder, dataset) = try tree()
        let found = try compare("files", dataset) {
            utimes(folder.path + "/tree/docs/a.txt", nil)
            let copy = Spawn(["/bin/cp", "-a", folder.path + "/tree", folder.path + "/copy"])
            let ending = try copy.start().wait(for: .seconds(30))
            #expect(ending == .exited(0))
            rename(folder.path + "/tree", folder.path + "/old")
            rename(folder.path + "/copy", folder.path + "/tree")
        }
        #expect(found.result == .equal && found.problems.isEmpty, "\(found)")
        #expect(found.before?.items == 9 && found.before?.sum == found.after?.sum)
    }

    private enum Harm: CaseIterable {
        case remove, spoil, sameLength, mode, link, add, kind, attribute
    }

    @Test(arguments: Harm.allCases) private func everyHarmIsFoundWhereItWasDone(_ harm: Harm) throws {
        let (folder, dataset) = try tree()
        let path = { (name: String) in folder.path + "/tree/" + name }
        var wanted = DatasetDifference(.changed, part: "", key: "docs/a.txt", detail: "contents")
        let found = try compare("files", dataset) {
            switch harm {
            case .remove:
                unlink(path("docs/a.txt"))
                wanted = DatasetDifference(.missing, part: "", key: "docs/a.txt")
            case .spoil: _ = try folder.write("tree/docs/a.txt", "alpha and more")
            case .sameLength: _ = try folder.write("tree/docs/a.txt", "alphA")
            case .mode:
                chmod(path("docs/a.txt"), 0o600)
                wanted.detail = "attributes"
            case .link:
                unlink(path("link"))
                symlink("docs/b.txt", path("link"))
                wanted.key = "link"
            case .add:
                _ = try folder.write("tree/docs/deep/new", "x")
                wanted = DatasetDifference(.extra, part: "", key: "docs/deep/new")
            case .kind:
                rmdir(path("empty"))
                symlink("docs", path("empty"))
                wanted = DatasetDifference(.changed, part: "", key: "empty", detail: "contents")
            case .attribute:
                let set = Spawn(["/usr/bin/setfattr", "-n", "user.muster", "-v", "x", path("docs/a.txt")])
                // The file system may know of none, or the tool be missing.
                guard (try? set.start().wait(for: .seconds(10))) == .exited(0) else {
                    chmod(path("docs/a.txt"), 0o600)
                    break
                }
            }
            if harm == .attribute { wanted.detail = "attributes" }
        }
        #expect(found.result == .differs && found.differences == [wanted], "\(found)")
        #expect(found.missing + found.extra + found.changed == 1 && found.differingRanges == 1)
        #expect(found.ranges.count == 1 && found.sentence.contains(wanted.key))
    }

    @Test func whatIsEmptyIsCalledSo() throws {
        let (folder, dataset) = try tree()
        let found = try compare("files", dataset) {
            rename(folder.path + "/tree", folder.path + "/old")
            mkdir(folder.path + "/tree", 0o755)
        }
        // The directory itself is there, and nothing of what was in it.
        #expect(found.result == .differs && found.missing == 8, "\(found)")
        #expect(found.sentence == "'it': it is empty: all 9 files are gone")
    }

    @Test func theRunsOwnIsAccountedForByItsLedger() throws {
        for (outcome, value, isExplained) in [
            (LedgerEntry.Outcome.ok, ownValue, true), (.info, ownValue, true), (.fail, ownValue, false),
            (.ok, ownValue + "!", false),
        ] {
            let (folder, dataset) = try tree()
            let found = try compare("files", dataset, ledger: ledger(outcome)) {
                mkdir(folder.path + "/tree/muster-01TEST", 0o755)
                _ = try folder.write("tree/muster-01TEST/muster-01TEST-0-1", value)
            }
            #expect((found.result == .equal) == isExplained, "\(outcome): \(found)")
            #expect(found.explained == (isExplained ? 1 : 0))
        }
    }

    @Test func socketsPipesAndWhatIsLeftOutAreSaid() throws {
        var (folder, dataset) = try tree()
        dataset.exclude = ["*.old", "docs/deep"]
        mkfifo(folder.path + "/tree/pipe", 0o600)
        let found = try compare("files", dataset) {
            _ = try folder.write("tree/docs.old", "another")
            _ = try folder.write("tree/docs/deep/c.txt", "another")
        }
        #expect(found.result == .equal && found.before?.items == 7, "\(found)")
        #expect(found.notes.count == 1 && found.notes[0].contains("pipe is a pipe"), "\(found.notes)")
    }

    @Test func whatCannotBeReadOrIsGoneLeavesItOpen() throws {
        let (folder, dataset) = try tree()
        let gone = try compare("files", dataset) { rename(folder.path + "/tree", folder.path + "/old") }
        #expect(gone.result == .inconclusive && gone.sentence.contains("No such file"), "\(gone)")
        var missing = FilesDataset()
        missing.files = "/nowhere/at/all"
        let taker = DatasetTaker(
            [DrillDataset(name: "it", kind: "files", dataset: missing, setting: DatasetSetting())],
            run: "01TEST", directory: folder.path)
        let problem = taker.takeBefore(isCancelled: { false }, note: { _ in })
        #expect(problem?.contains("/nowhere/at/all") == true, "\(problem ?? "")")
    }

    /// A file that is written while it is read is neither its old self nor its new one.
    @Test func whatChangesWhileItIsReadIsSaid() throws {
        let (folder, dataset) = try tree()
        let writing = Spawn([
            "/bin/sh", "-c", "while :; do echo x >>\"$1\"; done", "sh", folder.path + "/tree/docs/deep/c.txt",
        ])
        let writer = try writing.start()
        defer {
            _ = try? writer.kill()
            _ = try? writer.wait(for: .seconds(10))
        }
        let taker = DatasetTaker(
            [DrillDataset(name: "it", kind: "files", dataset: dataset, setting: DatasetSetting())],
            run: "01TEST", directory: folder.path)
        var problem: String?
        #expect(
            eventually {
                problem = taker.takeBefore(isCancelled: { false }, note: { _ in })
                return problem != nil
            })
        #expect(problem?.contains("changed while") == true, "\(problem ?? "")")
    }

    @Test func whoBreaksItOffEndsIt() throws {
        let (folder, dataset) = try tree()
        let taker = DatasetTaker(
            [DrillDataset(name: "it", kind: "files", dataset: dataset, setting: DatasetSetting())],
            run: "01TEST", directory: folder.path)
        #expect(taker.takeBefore(isCancelled: { true }, note: { _ in })?.contains("broken off") == true)
    }
}

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
        let found = try compare("sqlite", dataset) {
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
        let found = try compare("sqlite", dataset) {
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
        let found = try compare("sqlite", dataset) {
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

    @Test func theRunsOwnRowsAreAccountedForAndAnotherRunsAreNot() throws {
        for (key, outcome, isExplained) in [
            ("muster-01TEST-0-1", LedgerEntry.Outcome.ok, true), ("muster-01TEST-0-1", .fail, false),
            ("muster-01TEST-0-2", .ok, false), ("muster-01OTHER-0-1", .ok, false),
        ] {
            let (folder, dataset) = try shop(rows: 50)
            defer { withExtendedLifetime(folder) {} }
            let found = try compare("sqlite", dataset, ledger: ledger(outcome)) {
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
        let found = try compare("sqlite", dataset) { try sql(dataset, "DELETE FROM codes") }
        #expect(found.result == .equal, "another table's rows are nobody's business")
    }

    @Test func whatIsNoDatabaseIsToldByItsName() throws {
        let (folder, dataset) = try shop(rows: 50)
        let found = try compare("sqlite", dataset) {
            unlink(dataset.sqlite + "-wal")
            _ = try folder.write("shop.db", String(repeating: "no database ", count: 1000))
        }
        #expect(found.result == .inconclusive && found.sentence.contains("not a database"), "\(found)")
    }
}

@Suite(.serialized) struct PostgresDatasetTests {
    private static let isInstalled = access("/usr/lib/postgresql", R_OK) == 0

    private func sql(_ server: TestPostgres, _ text: String) throws {
        let login = try PostgresLogin(server.address, password: nil, application: "test")
        _ = try PostgresReader(login, until: monotonicNow() + .seconds(60)).run(text)
    }

    @Test(.enabled(if: isInstalled)) func rowsOfEveryTypeAreComparedAndEachHarmIsNamed() throws {
        let server = try TestPostgres()
        var dataset = PostgresDataset()
        dataset.postgres = server.address
        try sql(
            server,
            """
            CREATE TABLE customers (id bigint PRIMARY KEY, name text, credit double precision, since timestamptz, data jsonb);
            INSERT INTO customers SELECT n - 5, E'tab\\there ' || n, n / 7.0, '2020-01-01 UTC'::timestamptz + n * interval '1 h',
                jsonb_build_object('n', n) FROM generate_series(1, 5000) n;
            CREATE TABLE codes (code text, region int, PRIMARY KEY (code, region));
            INSERT INTO codes VALUES ('a', 2), ('a', 10), ('B', 1), ('ä', 1), (E'back\\\\slash', 3), (E'line\\nend', 4);
            CREATE TABLE loose (a numeric, b text);
            INSERT INTO loose VALUES (1, NULL), (1, NULL), (1.0, 'x'), (NULL, NULL)
            """)
        let equal = try compare("postgres", dataset) {
            // What a row looks like must not hang on the settings of the server.
            try sql(server, "ALTER SYSTEM SET datestyle = 'German'")
            try sql(server, "VACUUM customers")
            try sql(server, "ALTER SYSTEM SET timezone = 'Asia/Tokyo'")
            try sql(server, "SELECT pg_reload_conf()")
        }
        #expect(equal.result == .equal && equal.before?.items == 5010, "\(equal)")
        let found = try compare("postgres", dataset) {
            try sql(
                server,
                """
                DELETE FROM customers WHERE id = 17; UPDATE customers SET credit = credit + 1e-9 WHERE id = -2;
                INSERT INTO customers (id) VALUES (70000); DELETE FROM codes WHERE code LIKE 'line%';
                DELETE FROM loose WHERE ctid = (SELECT min(ctid) FROM loose); DROP TABLE IF EXISTS nothing
                """)
        }
        let told = Set(found.differences.map { "\($0.kind.rawValue) \($0.part) \($0.key)" })
        #expect(
            told == [
                "missing public.customers 17", "changed public.customers -2", "extra public.customers 70000",
                "missing public.codes \"line\nend\", 4", "missing public.loose \"1\", NULL",
            ], "\(found)")
        #expect(found.missing == 3 && found.changed == 1 && found.extra == 1)
    }

    @Test(.enabled(if: isInstalled)) func theRunsTableIsItsOwnAndAServerThatIsGoneLeavesItOpen() throws {
        let server = try TestPostgres()
        var dataset = PostgresDataset()
        dataset.postgres = server.address
        try sql(server, "CREATE TABLE customers (id int PRIMARY KEY); INSERT INTO customers VALUES (1)")
        let own = try compare("postgres", dataset, ledger: ledger(.ok)) {
            try sql(
                server,
                "CREATE TABLE muster_01test (key text PRIMARY KEY, value text NOT NULL); "
                    + "INSERT INTO muster_01test VALUES ('muster-01TEST-0-1', '\(ownValue)')")
        }
        #expect(own.result == .equal && own.explained == 1, "\(own)")
        let gone = try compare("postgres", dataset, run: "01NEXT") { try sql(server, "DROP TABLE customers") }
        #expect(gone.structure == ["the table public.customers is gone, with 1 rows"], "\(gone)")
        let dead = try compare("postgres", dataset, run: "01LAST") { server.stop(SIGTERM) }
        #expect(dead.result == .inconclusive && dead.sentence.contains("the server"), "\(dead)")
    }
}
