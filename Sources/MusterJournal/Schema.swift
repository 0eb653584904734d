import MusterCore

/// The tables of a journal. Rows are only ever added; triggers see to it that a later version cannot do
/// otherwise by mistake.
///
/// A newer version may add tables, and columns that have defaults: this version writes and reads the columns
/// that it names, and so never has to refuse a newer journal (SAFETY 20).
enum Schema {
    static let version: Int64 = 1

    private static let tables = """
        CREATE TABLE IF NOT EXISTS version(number INTEGER PRIMARY KEY, utc INTEGER NOT NULL) STRICT;
        CREATE TABLE IF NOT EXISTS opened(
            sequence INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, run TEXT NOT NULL, name TEXT NOT NULL,
            fault TEXT NOT NULL, utc INTEGER NOT NULL, record TEXT NOT NULL) STRICT;
        CREATE TABLE IF NOT EXISTS closed(
            id TEXT PRIMARY KEY REFERENCES opened(id), how TEXT NOT NULL, utc INTEGER NOT NULL,
            reason TEXT NOT NULL DEFAULT '', person TEXT NOT NULL DEFAULT '') STRICT;
        CREATE TABLE IF NOT EXISTS helpers(
            sequence INTEGER PRIMARY KEY, id TEXT NOT NULL REFERENCES opened(id), pid INTEGER NOT NULL,
            start_ticks INTEGER NOT NULL, boot_id TEXT NOT NULL, session INTEGER NOT NULL) STRICT;
        CREATE INDEX IF NOT EXISTS helpers_by_id ON helpers(id);
        CREATE TABLE IF NOT EXISTS disposals(
            sequence INTEGER PRIMARY KEY, id TEXT NOT NULL REFERENCES opened(id), path TEXT NOT NULL,
            UNIQUE(id, path)) STRICT;
        CREATE TABLE IF NOT EXISTS disposed(
            id TEXT NOT NULL, path TEXT NOT NULL, utc INTEGER NOT NULL, UNIQUE(id, path)) STRICT;
        CREATE TABLE IF NOT EXISTS acknowledged(file TEXT PRIMARY KEY, utc INTEGER NOT NULL) STRICT;
        CREATE TABLE IF NOT EXISTS room(filler BLOB) STRICT;
        """

    private static let appendOnly = ["opened", "closed", "helpers", "disposals", "disposed", "acknowledged"]

    /// Lays the tables in an empty file, and room to write in when the disk is full: pages that a filler
    /// took and gave back stay in the file for later rows (no auto-vacuum).
    static func lay(in database: Database, utc: Int64) throws {
        if let laid = try? database.integer("SELECT max(number) FROM version"), laid >= version { return }
        try database.transaction {
            try database.execute(tables)
            for table in appendOnly {
                for verb in ["UPDATE", "DELETE"] {
                    try database.execute(
                        """
                        CREATE TRIGGER IF NOT EXISTS \(table)_no_\(verb.lowercased()) BEFORE \(verb)
                        ON \(table) BEGIN SELECT RAISE(ABORT, 'rows of \(table) are append-only'); END
                        """)
                }
            }
            try database.run("INSERT INTO room VALUES(zeroblob(524288))")
            try database.run(
                "INSERT OR IGNORE INTO version(number, utc) VALUES(?, ?)", [.int(version), .int(utc)])
        }
        try database.transaction { try database.run("DELETE FROM room") }
    }
}
