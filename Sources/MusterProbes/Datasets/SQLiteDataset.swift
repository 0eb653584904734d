import CSQLite
import Glibc
public import MusterCore
public import MusterDrills
import MusterSystem

/// Tables of a SQLite database, row by row, in one read transaction.
public struct SQLiteDataset: Dataset, Hashable {
    public var sqlite = ""
    public var tables: [String] = []
    public var exclude: [String] = []
    public init() {}

    public static let form = Form(
        "sqlite", "Tables of a SQLite database, row by row, as one read transaction sees them.",
        example: "customers: { sqlite: /srv/app/app.db, tables: [customers, orders] }",
        blank: SQLiteDataset(),
        fields: [
            Field(
                required: "sqlite", \.sqlite, "The database file; it is opened for reading.", in: absolutePath
            ),
            Field("tables", \.tables, default: [], "The tables; all ordinary ones when left out."),
            Field("exclude", \.exclude, default: [], "Tables that are left out."),
        ])
}

extension SQLiteDataset: ReadableDataset {
    func read(into pass: DatasetPass) throws(DatasetFailure) {
        let reader: SQLiteTables
        do throws(SQLiteConnection.Failure) {
            reader = try SQLiteTables(sqlite, pass)
            let all = try reader.tables()
            for table in tables where !all.contains(table) { pass.lacks(table) }
            let chosen = all.filter { (tables.isEmpty || tables.contains($0)) && !exclude.contains($0) }
            var objects = try reader.objects()
            for table in chosen {
                try reader.read(table, objects.removeValue(forKey: table) ?? [])
                if reader.ended != nil { break }
            }
            // What is of no table, such as a view, is told when all tables are wanted.
            if tables.isEmpty {
                let others = objects.filter { !exclude.contains($0.key) && !all.contains($0.key) }
                pass.objects = others.sorted { $0.key < $1.key }.flatMap { $0.value }
            }
        } catch {
            // SQLite has one code for all that cannot be opened.
            let isGone = access(sqlite, F_OK) != 0 && errno == ENOENT
            throw DatasetFailure("\(sqlite): \(error.text)", isGone: isGone)
        }
        if let ended = reader.ended { throw ended }
    }
}

/// Reads tables of one database, each in the order of its primary key.
private final class SQLiteTables {
    private struct Column {
        var name: String
        var type: String
        /// From 1 in the primary key; 0: not in it.
        var keyPlace: Int
    }

    private let database: SQLiteConnection
    private let pass: DatasetPass
    /// Why the pass is over, found out in the midst of a table or of a statement.
    private(set) var ended: DatasetFailure?
    private var row: [UInt8] = []

    init(_ path: String, _ pass: DatasetPass) throws(SQLiteConnection.Failure) {
        database = try SQLiteConnection(reading: path)
        self.pass = pass
        database.waitForLocks(.seconds(10))
        // A table that is put in order first gives no row for long.
        database.askWhileRunning { [unowned self] in
            do throws(DatasetFailure) {
                try self.pass.look()
                return true
            } catch {
                self.ended = error
                return false
            }
        }
        // One snapshot for all tables: the first read begins it, and nothing is ever written.
        try database.run("BEGIN")
    }

    func tables() throws(SQLiteConnection.Failure) -> [String] {
        var names: [String] = []
        try database.run(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "
                + "AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name"
        ) { if let name = $0[0] { names.append(name) } }
        return names
    }

    /// Indices, triggers, views and virtual tables, by what they belong to, as they were defined
    /// (https://www.sqlite.org/schematab.html), but without the quotation marks that ALTER TABLE sets. Indices of a primary key
    /// have no words of their own.
    func objects() throws(SQLiteConnection.Failure) -> [String: [DatasetObject]] {
        var objects: [String: [DatasetObject]] = [:]
        try database.run(
            "SELECT tbl_name, CASE WHEN sql LIKE 'CREATE VIRTUAL%' THEN 'virtual table' ELSE type END, name, replace(sql, '\"', '') "
                + "FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "
                + "ORDER BY type, name"
        ) {
            objects[$0[0] ?? "", default: []].append(
                DatasetObject($0[1] ?? "", $0[2] ?? "", definition: $0[3] ?? ""))
        }
        return objects
    }

    private func columns(of table: String) throws(SQLiteConnection.Failure) -> [Column] {
        var columns: [Column] = []
        try database.run("SELECT name, type, pk FROM pragma_table_info(?1) ORDER BY cid", [table]) {
            columns.append(Column(name: $0[0] ?? "", type: $0[1] ?? "", keyPlace: Int($0[2] ?? "") ?? 0))
        }
        return columns
    }

    private static func quoted(_ name: String) -> String { "\"" + name.replacing("\"", with: "\"\"") + "\"" }

    func read(_ table: String, _ objects: [DatasetObject]) throws(SQLiteConnection.Failure) {
        let columns = try columns(of: table)
        let declared = columns.filter { $0.keyPlace > 0 }.sorted { $0.keyPlace < $1.keyPlace }
        let earlier = pass.earlierKey(of: table)?.compactMap { name in columns.first { $0.name == name } }
        // As before the fault, also when the key itself was lost with it.
        let keys = earlier?.count == pass.earlierKey(of: table)?.count ? earlier ?? declared : declared
        // Without a key the whole row is its own; as text, because numbers of several types lie in no order of bytes.
        let expressions =
            keys.isEmpty
            ? columns.map { "quote(\(Self.quoted($0.name)))" }
            : keys.map { Self.quoted($0.name) + ($0.type.uppercased() == "INTEGER" ? "" : " COLLATE BINARY") }
        let selected =
            keys.isEmpty ? expressions : keys.map { Self.quoted($0.name) }
        let sql =
            "SELECT \((selected + columns.map { Self.quoted($0.name) }).joined(separator: ", ")) "
            + "FROM \(Self.quoted(table)) ORDER BY \(expressions.joined(separator: ", "))"
        let shape = columns.map { "\($0.name) \($0.type) \($0.keyPlace)" }.joined(separator: ", ")
        pass.begin(table, shape: shape, objects: objects, key: keys.map(\.name))
        let salt = Array(table.utf8)
        try database.each(sql) { statement in
            do throws(DatasetFailure) {
                try add(
                    statement, keys: selected.count, salt, isEntries: columns.map(\.name) == ["key", "value"])
                return true
            } catch {
                ended = error
                return false
            }
        }
    }

    private func add(
        _ statement: OpaquePointer, keys: Int, _ salt: [UInt8], isEntries: Bool
    ) throws(DatasetFailure) {
        if isEntries, sqlite3_column_type(statement, Int32(keys)) == SQLITE_TEXT,
            pass.isOwn(Self.text(statement, keys), holding: Self.text(statement, keys + 1))
        {
            return
        }
        var key: [UInt8] = []
        for column in 0..<Int32(keys) {
            switch sqlite3_column_type(statement, column) {
            case SQLITE_NULL: DatasetKey.appendNull(to: &key)
            case SQLITE_INTEGER: DatasetKey.append(sqlite3_column_int64(statement, column), to: &key)
            case SQLITE_TEXT: DatasetKey.append(Self.bytes(statement, column), to: &key)
            case SQLITE_BLOB: DatasetKey.append(Self.bytes(statement, column), isText: false, to: &key)
            default:
                throw DatasetFailure("a key is a number with a fraction, which has no order that can be kept")
            }
        }
        row.removeAll(keepingCapacity: true)
        row += salt
        for column in Int32(keys)..<sqlite3_column_count(statement) {
            let type = sqlite3_column_type(statement, column)
            row.append(UInt8(truncatingIfNeeded: type))
            switch type {
            case SQLITE_NULL: break
            case SQLITE_INTEGER: Self.put(sqlite3_column_int64(statement, column), &row)
            case SQLITE_FLOAT: Self.put(sqlite3_column_double(statement, column).bitPattern, &row)
            default:
                let bytes = Self.bytes(statement, column)
                Self.put(Int64(bytes.count), &row)
                row.append(contentsOf: bytes)
            }
        }
        pass.bytes += Int64(row.count - salt.count)
        var hash = SHA256()
        row.withUnsafeBytes { hash.update($0) }
        try pass.add(key, hash.truncated())
    }

    private static func put(_ number: some FixedWidthInteger, _ bytes: inout [UInt8]) {
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }

    /// Valid until the statement goes on.
    private static func bytes(_ statement: OpaquePointer, _ column: Int32) -> UnsafeRawBufferPointer {
        // sqlite3_column_blob() gives the bytes of text as they are (sqlite.org/c3ref/column_blob.html).
        let start = sqlite3_column_blob(statement, column)
        return UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(statement, column)))
    }

    private static func text(_ statement: OpaquePointer, _ column: Int) -> String {
        String(decoding: bytes(statement, Int32(column)), as: UTF8.self)
    }
}
