import Glibc
import MusterCore
import MusterDrills
import MusterSystem
import Testing

@testable import MusterProbes

@Suite(.serialized) struct PostgresDatasetTests {
    private static let isInstalled = access("/usr/lib/postgresql", R_OK) == 0

    /// - Parameter database: another one than the server's own.
    private func sql(_ server: TestPostgres, _ text: String, in database: String = "postgres") throws {
        let login = try PostgresLogin(address(server, database), password: nil, application: "test")
        _ = try PostgresReader(login, until: monotonicNow() + .seconds(60)).run(text)
    }

    private func address(_ server: TestPostgres, _ database: String) -> String {
        server.address.replacing("dbname=postgres", with: "dbname=\(database)")
    }

    private func dataset(_ server: TestPostgres, _ database: String = "postgres") -> PostgresDataset {
        var dataset = PostgresDataset()
        dataset.postgres = address(server, database)
        return dataset
    }

    @Test(.enabled(if: isInstalled)) func rowsOfEveryTypeAreComparedAndEachHarmIsNamed() throws {
        let server = try TestPostgres()
        let dataset = dataset(server)
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
        let equal = try compareDataset("postgres", dataset) {
            // What a row looks like must not hang on the settings of the server.
            try sql(server, "ALTER SYSTEM SET datestyle = 'German'")
            try sql(server, "VACUUM customers")
            try sql(server, "ALTER SYSTEM SET timezone = 'Asia/Tokyo'")
            try sql(server, "SELECT pg_reload_conf()")
        }
        #expect(equal.result == .equal && equal.before?.items == 5010, "\(equal)")
        let found = try compareDataset("postgres", dataset) {
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
        let dataset = dataset(server)
        try sql(server, "CREATE TABLE customers (id int PRIMARY KEY); INSERT INTO customers VALUES (1)")
        let own = try compareDataset("postgres", dataset, ledger: ledger(.ok)) {
            try sql(
                server,
                "CREATE TABLE muster_01test (key text PRIMARY KEY, value text NOT NULL); "
                    + "INSERT INTO muster_01test VALUES ('muster-01TEST-0-1', '\(ownValue)')")
        }
        #expect(own.result == .equal && own.explained == 1, "\(own)")
        let gone = try compareDataset("postgres", dataset, run: "01NEXT") {
            try sql(server, "DROP TABLE customers")
        }
        #expect(gone.structure == ["the table public.customers is gone, with 1 rows"], "\(gone)")
        let dead = try compareDataset("postgres", dataset, run: "01LAST") { server.stop(SIGTERM) }
        #expect(dead.result == .inconclusive && dead.sentence.contains("the server"), "\(dead)")
    }

    @Test(.enabled(if: isInstalled)) func valuesAndTypesThatLookAlikeAreTold() throws {
        let server = try TestPostgres()
        let dataset = dataset(server)
        try sql(
            server,
            """
            CREATE TABLE notes (id int PRIMARY KEY, text text);
            INSERT INTO notes VALUES (1, NULL), (2, ''), (3, '\\N'), (4, repeat('x', 20000000)), (5, repeat('x', 20000000));
            CREATE TABLE sizes (id int PRIMARY KEY, size int); INSERT INTO sizes VALUES (1, 10), (2, 20)
            """)
        let found = try compareDataset("postgres", dataset) {
            try sql(
                server,
                """
                UPDATE notes SET text = '' WHERE id = 1; UPDATE notes SET text = NULL WHERE id IN (2, 3);
                UPDATE notes SET text = repeat('x', 19999999) || 'y' WHERE id = 4;
                ALTER TABLE sizes ALTER COLUMN size TYPE bigint
                """)
        }
        #expect(
            found.differences.map { "\($0.kind) \($0.key)" } == [
                "changed 1", "changed 2", "changed 3", "changed 4",
            ], "\(found)")
        #expect(found.structure == ["the columns of public.sizes are others"], "\(found)")
        #expect((found.before?.bytes ?? 0) > 40_000_000)
        // Where it may be NULL, and what it is by itself, is the column's too.
        let rest = try compareDataset("postgres", dataset) {
            try sql(server, "ALTER TABLE sizes ALTER COLUMN size SET DEFAULT 7")
        }
        #expect(rest.structure == ["the columns of public.sizes are others"] && rest.changed == 0, "\(rest)")
    }

    /// A role that sees some of the rows would call any loss among the others equal.
    @Test(.enabled(if: isInstalled)) func rowsThatAPolicyHidesAreNoDataset() throws {
        let server = try TestPostgres()
        try sql(
            server,
            """
            CREATE ROLE app LOGIN; CREATE TABLE customers (id int PRIMARY KEY, tenant text); CREATE TABLE plain (id int PRIMARY KEY);
            INSERT INTO customers VALUES (1, 'app'), (2, 'other'), (3, 'other'); INSERT INTO plain VALUES (1), (2);
            CREATE POLICY own ON customers USING (tenant = current_user); GRANT SELECT ON customers, plain TO app
            """)
        var app = dataset(server)
        app.postgres = server.address.replacing("user=muster", with: "user=app")
        let enable = "ALTER TABLE customers ENABLE ROW LEVEL SECURITY"
        let disable = "ALTER TABLE customers DISABLE ROW LEVEL SECURITY"
        let why = "row-level security hides rows of public.customers from the role 'app'"
        let hidden = try compareDataset("postgres", app) { try sql(server, enable) }
        #expect(hidden.result == .inconclusive && hidden.sentence.contains(why), "\(hidden)")
        #expect(hidden.missing == 0, "\(hidden)")
        #expect(try problem(reading: "postgres", app)?.contains(why) == true)
        // It is not its owner's business, nor that of whoever reads another table.
        let whole = try compareDataset("postgres", dataset(server)) {
            try sql(server, "DELETE FROM customers WHERE id = 3")
        }
        #expect(whole.missing == 1 && whole.problems.isEmpty, "\(whole)")
        app.exclude = ["public.customers"]
        #expect(try compareDataset("postgres", app).result == .equal)
        app.exclude = []
        try sql(server, disable)
        let other = try compareDataset("postgres", app) {
            try sql(server, enable + "; DELETE FROM plain WHERE id = 2")
        }
        #expect(other.result == .differs && other.missing == 1 && other.problems.count == 1, "\(other)")
    }

    private static let shop = """
        CREATE TABLE customers (id serial PRIMARY KEY, name text NOT NULL, kind varchar(20) DEFAULT 'new',
            CHECK (kind IN ('new', 'old')), CHECK (length(name) > 2), UNIQUE (name));
        INSERT INTO customers (name) SELECT 'customer ' || n FROM generate_series(1, 3000) n;
        CREATE TABLE orders (id int PRIMARY KEY, customer int REFERENCES customers, state text);
        INSERT INTO orders SELECT n, n, 'open' FROM generate_series(1, 500) n;
        CREATE INDEX open_orders ON orders (customer) WHERE state IN ('open', 'late');
        CREATE INDEX lower_name ON customers (lower(name), (kind || 'x'));
        CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
        CREATE TRIGGER noted BEFORE INSERT ON orders FOR EACH ROW WHEN (NEW.state IN ('open')) EXECUTE FUNCTION noted();
        CREATE VIEW loud AS SELECT upper(name) AS name FROM customers; CREATE MATERIALIZED VIEW many AS SELECT count(*) FROM orders;
        CREATE TABLE parted (id int, PRIMARY KEY (id)) PARTITION BY RANGE (id);
        CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (1000); INSERT INTO parted SELECT generate_series(1, 99);
        """

    /// As pg_restore(1) leaves a database when it fails behind the rows.
    @Test(.enabled(if: isInstalled)) func indicesConstraintsAndViewsThatAreLostAreTold() throws {
        let server = try TestPostgres()
        try sql(server, "CREATE DATABASE shop")
        try sql(server, Self.shop, in: "shop")
        let dataset = dataset(server, "shop")
        let found = try compareDataset("postgres", dataset) {
            try sql(
                server,
                """
                DROP INDEX open_orders; ALTER TABLE orders DROP CONSTRAINT orders_customer_fkey; DROP TRIGGER noted ON orders;
                ALTER TABLE customers DROP CONSTRAINT customers_pkey; DELETE FROM customers WHERE id = 17; DROP VIEW loud;
                ALTER TABLE customers DROP CONSTRAINT customers_name_key; CREATE INDEX extra ON customers (kind)
                """, in: "shop")
        }
        #expect(
            Set(found.structure) == [
                "the index open_orders of public.orders is gone",
                "the constraint orders_customer_fkey of public.orders is gone",
                "the trigger noted of public.orders is gone", "the view public.loud is gone",
                "the constraint customers_pkey of public.customers is gone",
                "the constraint customers_name_key of public.customers is gone",
                "the index extra of public.customers is new",
            ], "\(found.structure)")
        // By the key that is lost.
        #expect(
            found.differences.map { "\($0.kind) \($0.part) \($0.key)" } == ["missing public.customers 17"],
            "\(found)")
        let altered = try compareDataset("postgres", dataset) {
            try sql(
                server,
                """
                DROP INDEX extra; CREATE INDEX extra ON customers (kind DESC);
                ALTER TABLE customers DROP CONSTRAINT customers_kind_check, ADD CONSTRAINT customers_kind_check
                    CHECK (kind IN ('new', 'older')) NOT VALID
                """, in: "shop")
        }
        #expect(
            Set(altered.structure) == [
                "the index extra of public.customers is defined otherwise",
                "the constraint customers_kind_check of public.customers is defined otherwise",
            ], "\(altered.structure)")
    }

    /// A dump brings everything back, in words that a server sets a little differently; then the whole database is gone.
    @Test(.enabled(if: isInstalled)) func aDatabaseFromItsDumpIsEqualAndOneThatIsDroppedIsGone() throws {
        let server = try TestPostgres()
        try sql(server, "CREATE DATABASE shop")
        try sql(server, Self.shop, in: "shop")
        let folder = try TemporaryFolder()
        let script = """
            set -e
            bin=$(dirname "$(find /usr/lib/postgresql -name pg_dump | sort -V | tail -n 1)")
            "$bin/pg_dump" --dbname="$1" --file="$2/dump"
            "$bin/psql" --no-psqlrc --quiet --dbname="$3" -c 'DROP DATABASE shop' -c 'CREATE DATABASE shop'
            "$bin/psql" --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --dbname="$1" --file="$2/dump"
            """
        let dataset = dataset(server, "shop")
        let restored = try compareDataset("postgres", dataset) {
            var spawn = Spawn([
                "/bin/sh", "-c", script, "sh", dataset.postgres, folder.path, server.address,
            ])
            spawn.output = .null
            let ending = try spawn.start().wait(for: .seconds(120))
            #expect(ending == .exited(0))
        }
        #expect(restored.result == .equal && restored.problems.isEmpty, "\(restored)")
        #expect(restored.before?.items == 3599, "\(restored)")
        let gone = try compareDataset("postgres", dataset) { try sql(server, "DROP DATABASE shop") }
        #expect(gone.sentence == "'it': it is gone; 3599 missing of 3599 rows", "\(gone)")
    }

    /// After a crash a sequence goes on up to 32 numbers ahead, which is no loss. One that is behind gives numbers twice.
    @Test(.enabled(if: isInstalled)) func aSequenceMayBeAheadAfterACrashAndNeverBehind() throws {
        let server = try TestPostgres()
        try sql(
            server,
            """
            CREATE TABLE customers (id serial PRIMARY KEY); INSERT INTO customers SELECT FROM generate_series(1, 40);
            CREATE SEQUENCE down INCREMENT -5 MINVALUE -100000 CACHE 3; SELECT nextval('down'), nextval('down'); CREATE SEQUENCE unused
            """)
        let dataset = dataset(server)
        let crashed = try compareDataset("postgres", dataset) {
            server.kill()
            try server.start()
        }
        #expect(crashed.result == .equal, "\(crashed)")
        // So that the test shows something: the server did go ahead.
        #expect(try server.run("SELECT last_value > 40 FROM customers_id_seq") == [["t"]])
        try sql(server, "SELECT setval('customers_id_seq', 1000), setval('down', -1000)")
        let behind = try compareDataset("postgres", dataset) {
            try sql(server, "SELECT setval('customers_id_seq', 999), setval('down', -995), nextval('unused')")
        }
        #expect(
            behind.structure == [
                "the sequence public.customers_id_seq is behind: it stood at 1000 and stands at 999, and gives numbers a "
                    + "second time",
                "the sequence public.down is behind: it stood at -1000 and stands at -995, and gives numbers a second time",
            ], "\(behind)")
        let ahead = try compareDataset("postgres", dataset) {
            try sql(server, "SELECT setval('customers_id_seq', 999 + 34), setval('down', -995 - 35 * 5)")
        }
        #expect(
            ahead.structure == [
                "the sequence public.customers_id_seq is ahead: it stood at 999 and stands at 1033"
            ], "\(ahead)")
    }

    /// Where the server's bytes lie in another order than those that it sends.
    @Test(.enabled(if: isInstalled)) func keysOfOtherEncodingsAreInOrder() throws {
        let server = try TestPostgres()
        for (database, encoding) in [("latin", "LATIN1"), ("windows", "WIN1252"), ("plain", "SQL_ASCII")] {
            let locale = "LC_COLLATE 'C' LC_CTYPE 'C'"
            try sql(server, "CREATE DATABASE \(database) TEMPLATE template0 ENCODING '\(encoding)' \(locale)")
            let words = database == "windows" ? "('€'), ('œuvre'), " : ""
            try sql(
                server,
                """
                CREATE TABLE words (word text PRIMARY KEY); INSERT INTO words VALUES \(words)('été'), ('zoo'), ('ähre'), ('a'), ('ü');
                CREATE TABLE loose (word text); INSERT INTO loose SELECT word FROM words
                """, in: database)
            let dataset = dataset(server, database)
            let equal = try compareDataset("postgres", dataset)
            #expect(equal.result == .equal && equal.problems.isEmpty, "\(encoding): \(equal)")
            let found = try compareDataset("postgres", dataset) {
                try sql(server, "DELETE FROM words WHERE word = 'été'", in: database)
            }
            #expect(found.differences.map(\.key) == ["\"été\""], "\(encoding): \(found)")
        }
    }
}
