import MusterCore
import MusterDrills
import MusterSystem

/// A table of a PostgreSQL database, and how its rows are read.
struct PostgresDatasetTable {
    struct Column {
        var name: String
        var type: String
        /// Whether it may be NULL, and what it is when nothing is said.
        var rest: String
        /// From 1 in the primary key; 0: not in it.
        var keyPlace: Int
    }
    var schema: String
    var table: String
    /// By a policy, from the role that reads.
    var hidesRows = false
    var columns: [Column] = []
    var objects: [DatasetObject] = []
    var name: String { schema + "." + table }

    private static func quoted(_ name: String) -> String { "\"" + name.replacing("\"", with: "\"\"") + "\"" }

    /// The columns by which rows are told apart: as before the fault, also when the key itself was lost with it.
    private func key(as earlier: [String]?) -> [Column] {
        let declared = columns.filter { $0.keyPlace > 0 }.sorted { $0.keyPlace < $1.keyPlace }
        guard let earlier else { return declared }
        let same = earlier.compactMap { name in columns.first { $0.name == name } }
        return same.count == earlier.count ? same : declared
    }

    func read(
        _ reader: PostgresReader, _ catalog: PostgresCatalog, into pass: DatasetPass
    ) throws(DatasetFailure) {
        let key = self.key(as: pass.earlierKey(of: name))
        let shape = columns.map { "\($0.name) \($0.type) \($0.rest)" }.joined(separator: ", ")
        pass.begin(name, shape: shape, objects: objects, key: key.map(\.name))
        if hidesRows {
            return pass.doubt(
                "row-level security hides rows of \(name) from the role '\(catalog.role)'; name one with BYPASSRLS, or "
                    + "the table's owner"
            ) { $0.addAll() }
        }
        // Without a key the whole row is its own.
        let keys = key.isEmpty ? columns : key
        let areNumbers = keys.map { ["smallint", "integer", "bigint"].contains($0.type) && !key.isEmpty }
        let expressions = zip(keys, areNumbers).map { key, isNumber in
            "t.\(Self.quoted(key.name))" + (isNumber ? "" : "::text")
        }
        // A key is never NULL, and saying where NULL belongs would make its index useless.
        let nulls = key.isEmpty || key.contains { $0.keyPlace == 0 } ? " NULLS FIRST" : ""
        let order = zip(expressions, areNumbers).map { expression, isNumber in
            (isNumber ? expression : catalog.inOrderOfBytes(expression)) + nulls
        }
        let query =
            "SELECT \((expressions + ["t.*"]).joined(separator: ", ")) "
            + "FROM ONLY \(Self.quoted(schema)).\(Self.quoted(table)) t "
            + "ORDER BY " + order.joined(separator: ", ")
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
