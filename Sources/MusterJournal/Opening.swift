import CSQLite
import Glibc
import MusterCore

extension SQLiteJournal {
    static func openOrSetAside(_ path: String, _ utc: Int64) throws -> Database {
        try noteLoss(of: path, utc)
        do {
            return try open(path, utc)
        } catch let error as JournalError where error.code == .corrupt {
            try setAside(path, utc)
            return try open(path, utc)
        }
    }

    /// Opens the file, sets what durability needs and reads it back, and looks the whole file over.
    static func open(_ path: String, _ utc: Int64) throws -> Database {
        let database = try openFile(path)
        guard let check = try database.text("PRAGMA quick_check(1)"), check == "ok" else {
            throw JournalError(.corrupt, "check \(path)", "quick_check failed")
        }
        if database.isReadOnly { return database }
        try configure(database)
        do {
            try Schema.lay(in: database, utc: utc)
        } catch let error as JournalError where error.code == .readOnly {
            return try Database(path: path, flags: SQLITE_OPEN_READONLY)
        }
        return database
    }

    private static func openFile(_ path: String) throws -> Database {
        do {
            return try Database(path: path, flags: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)
        } catch let error as JournalError where error.code != .corrupt {
            // A file that may only be read still says what must be mended.
            guard access(path, R_OK) == 0 else { throw error }
            return try Database(path: path, flags: SQLITE_OPEN_READONLY)
        }
    }

    /// A pragma that is not taken is silently ignored, so each one is read back.
    private static func configure(_ database: Database) throws {
        let wanted: [(String, String, String)] = [
            ("journal_mode", "PERSIST", "persist"), ("synchronous", "EXTRA", "3"),
            ("foreign_keys", "ON", "1"), ("trusted_schema", "OFF", "0"),
        ]
        for (name, value, expected) in wanted {
            _ = try database.text("PRAGMA \(name) = \(value)")
            guard let found = try database.text("PRAGMA \(name)"), found == expected else {
                throw JournalError(
                    .misconfigured, "set \(name) of \(database.path)",
                    "SQLite did not take \(name)=\(value); a row would not be durable")
            }
        }
    }

    /// Takes down that a journal that had been laid is gone or empty: SQLite would take an empty file for a new
    /// one, and nobody would ever learn that something may be open.
    ///
    /// An empty file is moved away, so that a guard that has it open still can tell that it is not the journal any
    /// more.
    private static func noteLoss(of path: String, _ utc: Int64) throws {
        let directory = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
        // In this order: whoever makes the first journal here lays it before it makes the ballast.
        guard let sign = signOfEarlierWork(in: directory) else { return }
        let aside = "\(directory)/\(asidePrefix)\(utc)-lost"
        var status = stat()
        if lstat(path, &status) == 0 {
            guard status.st_size == 0, Glibc.rename(path, aside) != 0 else { return }
        } else if errno != ENOENT {
            return
        }
        let text = "The journal was missing or empty, while \(sign) stood beside it.\n"
        let file = Glibc.open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else {
            if errno == EEXIST { return }
            throw JournalError(
                .corrupt, "note that \(path) was lost",
                "it is missing or empty, while \(sign) stands beside it, and \(aside) cannot be made: "
                    + String(cString: strerror(errno)))
        }
        defer { Glibc.close(file) }
        _ = write(file, text, text.utf8.count)
        fsync(file)
    }

    /// What only stands beside a journal that was laid: its ballast, a supervisor's socket, a backup.
    private static func signOfEarlierWork(in directory: String) -> String? {
        let names = Files.list(directory)
        if names.contains(ballastName) { return ballastName }
        if let socket = names.first(where: { $0.hasSuffix(".sock") }) { return socket }
        return Files.list(directory + "/quarantine").first.map { "quarantine/\($0)" }
    }

    /// Keeps an unreadable journal for people and for `muster undo --scan`, with its rollback journal.
    static func setAside(_ path: String, _ utc: Int64) throws {
        let slash = path.lastIndex(of: "/") ?? path.startIndex
        let aside = path[..<slash] + "/" + asidePrefix + String(utc)
        guard Glibc.rename(path, String(aside)) == 0 else {
            throw JournalError(
                .corrupt, "set \(path) aside", "rename: \(String(cString: strerror(errno)))")
        }
        Glibc.rename(path + "-journal", aside + "-journal")
    }
}

/// Reads what can still be read of a journal that was set aside.
enum Salvage {
    static func openInjections(in database: Database) -> [Injection] {
        var closed: Set<String> = []
        var found: [Injection] = []
        try? database.run("SELECT id FROM closed") { closed.insert($0.text(0)) }
        // Whatever was read before the damage is kept.
        try? database.run("SELECT id, run, name, fault, utc, record FROM opened ORDER BY sequence") { row in
            guard let id = InjectionID(row.text(0)), !closed.contains(id.rawValue) else { return }
            found.append(
                Record.decode(
                    row.text(5), id: id, run: row.text(1), name: row.text(2), fault: row.text(3),
                    utc: row.integer(4)))
        }
        return found
    }
}

enum Files {
    static func list(_ directory: String) -> [String] {
        guard let stream = opendir(directory) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Writes real bytes, because a hole would take no room. Gives up quietly: without ballast the journal
    /// still has pages of its own.
    static func makeBallast(_ path: String, size: Int) {
        var status = stat()
        if lstat(path, &status) == 0, status.st_size == size { return }
        let file = Glibc.open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { return }
        defer { Glibc.close(file) }
        let block = [UInt8](repeating: 0x6D, count: 64 << 10)
        for _ in 0..<(size / block.count) where write(file, block, block.count) != block.count {
            unlink(path)
            return
        }
        fsync(file)
    }
}
