import Glibc
public import MusterCore
public import MusterDrills
import MusterSystem

/// Tables of a PostgreSQL database, row by row, in one snapshot. A standby does as well.
public struct PostgresDataset: Dataset, Hashable {
    public var postgres = ""
    public var password: String?
    public var tables: [String] = []
    public var exclude: [String] = []
    public init() {}

    public static let form = Form(
        "postgres", "Tables of a PostgreSQL database, row by row, as one snapshot sees them.",
        example: "customers: { postgres: \"host=db1 user=app dbname=shop\", tables: [public.customers] }",
        blank: PostgresDataset(),
        fields: [
            Field(
                required: "postgres", \.postgres,
                "postgres://user@host:port/database, or host=… port=… user=… dbname=…, without a password.",
                in: PostgresAddress.problem),
            Field("password", \.password, "The password, as ${file:PATH} or ${env:NAME}."),
            Field(
                "tables", \.tables, default: [],
                "The tables, as schema.table; all that are no system's and no probe's when left out."),
            Field("exclude", \.exclude, default: [], "Tables that are left out, as schema.table."),
        ])
}

extension PostgresDataset: ReadableDataset {
    func read(into pass: DatasetPass) throws(DatasetFailure) {
        let login: PostgresLogin
        do { login = try PostgresLogin(postgres, password: password, application: "muster-dataset") } catch {
            throw DatasetFailure("\(error)")
        }
        let reader = try PostgresReader(login, until: pass.end, look: pass.look)
        try reader.run(Self.session)
        let all = try PostgresShape.all(reader)
        for table in tables where !all.contains(where: { $0.name == table }) { pass.lacks(table) }
        for table in all
        where (tables.isEmpty || tables.contains(table.name)) && !exclude.contains(table.name) {
            try table.read(reader, into: pass)
        }
    }

    /// Values in one text each, whatever the server's and the role's settings are, and one snapshot for all tables. A lock
    /// that somebody holds is waited for, but not for ever.
    private static let session = """
        SET datestyle = 'ISO, YMD'; SET intervalstyle = 'iso_8601'; SET timezone = 'UTC'; \
        SET extra_float_digits = 1; SET bytea_output = 'hex'; SET lc_monetary = 'C'; SET search_path = ''; \
        SET lock_timeout = '10s'; SET statement_timeout = 0; \
        BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY
        """
}

/// A table's columns and key.
private struct PostgresShape {
    struct Column {
        var name: String
        var type: String
        /// From 1 in the primary key; 0: not in it.
        var keyPlace: Int
    }
    var schema: String
    var table: String
    var columns: [Column] = []
    var name: String { schema + "." + table }

    /// pg_class and pg_index, https://www.postgresql.org/docs/15/catalogs.html. Partitions are tables of their own.
    static func all(_ reader: PostgresReader) throws(DatasetFailure) -> [PostgresShape] {
        let rows = try reader.run(
            """
            SELECT n.nspname, c.relname, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), \
            coalesce((SELECT k.place FROM unnest(i.indkey) WITH ORDINALITY AS k (number, place) \
            WHERE k.number = a.attnum), 0) \
            FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
            JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
            LEFT JOIN pg_catalog.pg_index i ON i.indrelid = c.oid AND i.indisprimary \
            WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname NOT LIKE 'pg\\_%' \
            AND n.nspname <> 'information_schema' AND c.relname <> 'muster_probe' ORDER BY 1, 2, a.attnum
            """)
        var shapes: [PostgresShape] = []
        for row in rows {
            let (schema, table) = (row[0] ?? "", row[1] ?? "")
            if shapes.last?.schema != schema || shapes.last?.table != table {
                shapes.append(PostgresShape(schema: schema, table: table))
            }
            shapes[shapes.count - 1].columns.append(
                Column(name: row[2] ?? "", type: row[3] ?? "", keyPlace: row[4].flatMap { Int($0) } ?? 0))
        }
        return shapes
    }

    private static func quoted(_ name: String) -> String { "\"" + name.replacing("\"", with: "\"\"") + "\"" }

    func read(_ reader: PostgresReader, into pass: DatasetPass) throws(DatasetFailure) {
        let declared = columns.filter { $0.keyPlace > 0 }.sorted { $0.keyPlace < $1.keyPlace }
        // Without a key the whole row is its own.
        let keys = declared.isEmpty ? columns : declared
        let areNumbers = keys.map {
            ["smallint", "integer", "bigint"].contains($0.type) && !declared.isEmpty
        }
        let expressions = zip(keys, areNumbers).map { key, isNumber in
            "t.\(Self.quoted(key.name))" + (isNumber ? "" : "::text COLLATE \"C\"")
        }
        let query =
            "SELECT \((expressions + ["t.*"]).joined(separator: ", ")) "
            + "FROM ONLY \(Self.quoted(schema)).\(Self.quoted(table)) t "
            // No key is NULL, and an index in the server's own order spares it the sorting.
            + "ORDER BY "
            + expressions.map { declared.isEmpty ? $0 + " NULLS FIRST" : $0 }.joined(separator: ", ")
        let shape = columns.map { "\($0.name) \($0.type) \($0.keyPlace)" }.joined(separator: ", ")
        pass.begin(name, shape: shape, allowsTwins: declared.isEmpty)
        let isEntries = columns.map(\.name) == ["key", "value"]
        let salt = Array(name.utf8)
        try reader.copy(query) { line throws(DatasetFailure) in
            try Self.add(line, areNumbers, salt, isEntries: isEntries, pass)
        }
    }

    private static func add(
        _ line: UnsafeRawBufferPointer, _ areNumbers: [Bool], _ salt: [UInt8], isEntries: Bool,
        _ pass: DatasetPass
    ) throws(DatasetFailure) {
        var key: [UInt8] = []
        var place = 0
        for isNumber in areNumbers {
            let end = line[place...].firstIndex(of: UInt8(ascii: "\t")) ?? line.count
            let field = UnsafeRawBufferPointer(rebasing: line[place..<end])
            if field.elementsEqual("\\N".utf8) {
                DatasetKey.appendNull(to: &key)
            } else if isNumber {
                guard let number = Int64(String(decoding: field, as: UTF8.self)) else {
                    throw DatasetFailure("a key that is no number: \(String(decoding: field, as: UTF8.self))")
                }
                DatasetKey.append(number, to: &key)
            } else if field.contains(UInt8(ascii: "\\")) {
                unescaped(field).withUnsafeBytes { DatasetKey.append($0, to: &key) }
            } else {
                DatasetKey.append(field, to: &key)
            }
            place = min(end + 1, line.count)
        }
        let row = UnsafeRawBufferPointer(rebasing: line[place...])
        if isEntries {
            let fields = row.split(
                separator: UInt8(ascii: "\t"), maxSplits: 1, omittingEmptySubsequences: false)
            let text = { (index: Int) in String(decoding: fields[index], as: UTF8.self) }
            if fields.count == 2, pass.isOwn(text(0), holding: text(1)) { return }
        }
        pass.bytes += Int64(row.count)
        var hash = SHA256()
        hash.update(salt)
        hash.update([0])
        // Tabs, line ends and backslashes within values are escaped: no two rows have one line.
        hash.update(row)
        try pass.add(key, hash.truncated())
    }

    private static func unescaped(_ field: UnsafeRawBufferPointer) -> [UInt8] {
        var bytes: [UInt8] = []
        var isEscaped = false
        for byte in field {
            if !isEscaped {
                if byte == UInt8(ascii: "\\") { isEscaped = true } else { bytes.append(byte) }
                continue
            }
            isEscaped = false
            switch byte {
            case UInt8(ascii: "b"): bytes.append(8)
            case UInt8(ascii: "f"): bytes.append(12)
            case UInt8(ascii: "n"): bytes.append(10)
            case UInt8(ascii: "r"): bytes.append(13)
            case UInt8(ascii: "t"): bytes.append(9)
            case UInt8(ascii: "v"): bytes.append(11)
            default: bytes.append(byte)
            }
        }
        return bytes
    }
}
