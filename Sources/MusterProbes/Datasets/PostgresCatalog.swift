import MusterCore
import MusterDrills

/// What there is in a PostgreSQL database besides its rows, as its catalogues tell
/// (https://www.postgresql.org/docs/15/catalogs.html).
struct PostgresCatalog {
    private(set) var role = ""
    private(set) var tables: [PostgresDatasetTable] = []
    /// Whether the bytes of the server's text lie in another order than those of the same text in UTF-8.
    private var isOrderedOtherwise = false
    private let reader: PostgresReader

    /// Neither the system's nor a probe's.
    private static let isWanted =
        "c.relpersistence <> 't' AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema' "
        + "AND c.relname <> 'muster_probe'"
    private static let namespace = "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"

    /// Without casts and brackets, which a server sets otherwise in an expression that went through a dump.
    private static func worded(_ definition: String) -> String {
        let types =
            "character varying|double precision|bit varying|(timestamp|time) with(out)? time zone"
            + "|\"[^\"]*\"|[a-z_0-9.]+"
        let bare = "pg_catalog.regexp_replace(\(definition), '::(\(types))', '', 'g')"
        return "coalesce(translate(\(bare), '()[]', ''), '')"
    }

    init(_ reader: PostgresReader) throws(DatasetFailure) {
        self.reader = reader
        let facts = try reader.run("SELECT current_setting('server_encoding'), current_user")
        let encoding = facts.first?.first.flatMap { $0 } ?? ""
        role = facts.first?.last.flatMap { $0 } ?? ""
        isOrderedOtherwise = !["UTF8", "LATIN1", "SQL_ASCII"].contains(encoding)
        // What is in no encoding cannot be had in another one.
        if encoding == "SQL_ASCII" { try reader.run("SET client_encoding = 'SQL_ASCII'") }
        try readTables()
        try readObjects()
    }

    /// What to order text by, so that it comes in the order of the bytes that are sent. In the server's own order an index spares
    /// it the sorting.
    func inOrderOfBytes(_ text: String) -> String {
        isOrderedOtherwise ? "pg_catalog.convert_to(\(text), 'UTF8')" : text + " COLLATE \"C\""
    }

    /// Partitions are tables of their own.
    private mutating func readTables() throws(DatasetFailure) {
        let rows = try reader.run(
            """
            SELECT n.nspname, c.relname, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), \
            coalesce((SELECT k.place FROM unnest(i.indkey) WITH ORDINALITY AS k (number, place) \
            WHERE k.number = a.attnum AND k.place <= i.indnkeyatts), 0), pg_catalog.row_security_active(c.oid), \
            a.attnotnull::text || ' ' || \(Self.worded("pg_catalog.pg_get_expr(d.adbin, d.adrelid)")) \
            FROM pg_catalog.pg_class c \(Self.namespace) \
            JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
            LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum \
            LEFT JOIN pg_catalog.pg_index i ON i.indrelid = c.oid AND i.indisprimary \
            WHERE c.relkind = 'r' AND \(Self.isWanted) ORDER BY 1, 2, a.attnum
            """)
        for row in rows {
            let (schema, table) = (row[0] ?? "", row[1] ?? "")
            if tables.last?.schema != schema || tables.last?.table != table {
                tables.append(PostgresDatasetTable(schema: schema, table: table, hidesRows: row[5] == "t"))
            }
            tables[tables.count - 1].columns.append(
                PostgresDatasetTable.Column(
                    name: row[2] ?? "", type: row[3] ?? "", rest: row[6] ?? "",
                    keyPlace: row[4].flatMap { Int($0) } ?? 0))
        }
    }

    /// Indices that a constraint keeps are told with it; constraints of NOT NULL (PostgreSQL 18) with the columns, and those
    /// that are triggers as such.
    private mutating func readObjects() throws(DatasetFailure) {
        let rows = try reader.run(
            """
            SELECT n.nspname || '.' || c.relname, o.kind, o.name, o.definition \
            FROM pg_catalog.pg_class c \(Self.namespace) CROSS JOIN LATERAL ( \
            SELECT 'constraint', k.conname, \(Self.worded("pg_catalog.pg_get_constraintdef(k.oid)")) \
            FROM pg_catalog.pg_constraint k WHERE k.conrelid = c.oid AND k.contype NOT IN ('n', 't') \
            UNION ALL SELECT 'index', x.relname, \(Self.worded("pg_catalog.pg_get_indexdef(x.oid)")) \
            || CASE WHEN i.indisvalid THEN '' ELSE ' INVALID' END \
            FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid \
            WHERE i.indrelid = c.oid AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k \
            WHERE k.conindid = x.oid AND k.contype IN ('p', 'u', 'x')) \
            UNION ALL SELECT 'trigger', t.tgname, \(Self.worded("pg_catalog.pg_get_triggerdef(t.oid)")) \
            || CASE t.tgenabled WHEN 'D' THEN ' DISABLED' ELSE '' END \
            FROM pg_catalog.pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal \
            ) AS o (kind, name, definition) WHERE c.relkind = 'r' AND \(Self.isWanted) ORDER BY 1, 2, 3
            """)
        let places = Dictionary(
            tables.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
        for row in rows {
            guard let place = row[0].flatMap({ places[$0] }) else { continue }
            tables[place].objects.append(
                DatasetObject(row[1] ?? "", row[2] ?? "", definition: row[3] ?? ""))
        }
    }

    /// Views and the like: only that they are there. What they show is made of tables.
    func views() throws(DatasetFailure) -> [DatasetObject] {
        try reader.run(
            """
            SELECT CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' \
            WHEN 'p' THEN 'partitioned table' ELSE 'foreign table' END, n.nspname || '.' || c.relname \
            FROM pg_catalog.pg_class c \(Self.namespace) \
            WHERE c.relkind IN ('v', 'm', 'p', 'f') AND \(Self.isWanted) ORDER BY 1, 2
            """
        ).map { DatasetObject($0[0] ?? "", $0[1] ?? "") }
    }

    /// Where sequences stand, with the table to which each belongs. Every 32 numbers a server notes one that lies ahead, and after
    /// a crash or on a standby that is promoted it goes on from there (SEQ_LOG_VALS in src/backend/commands/sequence.c): a
    /// standby is not asked, and a primary may be ahead by so many and by its cache.
    func sequences() throws(DatasetFailure) -> [(table: String?, object: DatasetObject)] {
        let rows = try reader.run(
            """
            SELECT n.nspname || '.' || c.relname, s.seqincrement, s.seqcache, s.seqcycle, \
            CASE WHEN NOT s.seqcycle AND NOT pg_catalog.pg_is_in_recovery() \
            AND pg_catalog.has_sequence_privilege(c.oid, 'SELECT, USAGE') \
            THEN coalesce(pg_catalog.pg_sequence_last_value(c.oid)::numeric, \
            s.seqstart::numeric - s.seqincrement) END, \
            (SELECT tn.nspname || '.' || t.relname FROM pg_catalog.pg_depend p \
            JOIN pg_catalog.pg_class t ON t.oid = p.refobjid JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace \
            WHERE p.classid = 'pg_catalog.pg_class'::regclass AND p.objid = c.oid \
            AND p.refclassid = 'pg_catalog.pg_class'::regclass AND p.deptype IN ('a', 'i') LIMIT 1) \
            FROM pg_catalog.pg_class c \(Self.namespace) JOIN pg_catalog.pg_sequence s ON s.seqrelid = c.oid \
            WHERE \(Self.isWanted) ORDER BY 1
            """)
        return rows.map { row in
            let step = row[1].flatMap { Int64($0) } ?? 1
            let slack = row[2].flatMap { Int64($0) }.map { $0.addingReportingOverflow(32).partialValue } ?? 32
            let counter = row[4].flatMap { Int64($0) }.map {
                DatasetCounter(value: $0, step: step, slack: slack)
            }
            return (
                row[5],
                DatasetObject(
                    "sequence", row[0] ?? "", definition: "\(step) \(row[3] ?? "")", counter: counter)
            )
        }
    }

    func hasLargeObjects() throws(DatasetFailure) -> Bool {
        try reader.run("SELECT EXISTS (SELECT FROM pg_catalog.pg_largeobject_metadata)") == [["t"]]
    }
}
