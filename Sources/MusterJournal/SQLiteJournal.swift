import CSQLite
import Glibc
public import MusterCore

/// The journal of open injections: an SQLite file of its own in the guard's state directory.
///
/// Rollback journal in PERSIST mode, because on a full ext4 the other modes could not close a row
/// (SAFETY 18), and `synchronous=EXTRA`, read back: a row is on the disk before anything is touched.
public final class SQLiteJournal: KeptJournal {
    public static let fileName = "journal.sqlite"
    static let asidePrefix = "journal.corrupt-"
    static let ballastName = "ballast"
    static let ballastSize = 1 << 20

    private let directory: String
    private let database: Database
    private let utc: @Sendable () -> Int64
    private let isReadOnly: Bool
    private let file: FileIdentity?
    private var remembered = Remembered()

    /// Opens or makes the journal. One that cannot be read is set aside, and an empty one takes its place.
    /// - Parameters:
    ///   - directory: the state directory, which must exist.
    ///   - utc: the wall clock in nanoseconds, for people.
    /// - Throws: `JournalError` when there can be no journal here at all.
    public init(in directory: String, utc: @escaping @Sendable () -> Int64 = SQLiteJournal.wallClock) throws {
        self.directory = directory
        self.utc = utc
        let path = directory + "/" + Self.fileName
        database = try Self.openOrSetAside(path, utc())
        isReadOnly = database.isReadOnly
        file = FileIdentity(path)
        if !isReadOnly {
            _ = csqlite_reserve(path + "-journal", 256 << 10)
            restoreBallast()
        }
    }

    /// CLOCK_REALTIME in nanoseconds since 1970.
    public static let wallClock: @Sendable () -> Int64 = {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
    }

    // MARK: Journal

    public func open(_ injection: Injection) throws {
        try refuseUnlessWritable()
        let record = try Record.encode(injection)
        try database.transaction {
            try database.run(
                "INSERT INTO opened(id, run, name, fault, utc, record) VALUES(?, ?, ?, ?, ?, ?)",
                [
                    .text(injection.id.rawValue), .text(injection.run), .text(injection.name),
                    .text(injection.fault), .int(injection.openedAtUTC), .text(record),
                ])
            for disposal in injection.disposals {
                try database.run(
                    "INSERT INTO disposals(id, path) VALUES(?, ?)",
                    [.text(injection.id.rawValue), .text(disposal.path)])
            }
        }
        remembered.opened(injection)
    }

    public func close(_ id: InjectionID, _ how: Closing) throws {
        try close(id, how, reason: "", person: "")
    }

    public func forget(_ id: InjectionID, reason: String, by person: String) throws {
        try close(id, .forgotten, reason: reason, person: person)
    }

    public func openInjections() throws -> [Injection] {
        guard !isLost else { return remembered.injections }
        var found: [Injection] = []
        let sql = """
            SELECT id, run, name, fault, utc, record FROM opened
            WHERE NOT EXISTS (SELECT 1 FROM closed WHERE closed.id = opened.id) ORDER BY sequence
            """
        try database.run(sql) { row in
            guard let id = InjectionID(row.text(0)) else { return }
            found.append(
                Record.decode(
                    row.text(5), id: id, run: row.text(1), name: row.text(2), fault: row.text(3),
                    utc: row.integer(4)))
        }
        remembered.read(found)
        return found
    }

    public func record(helper: ProcessIdentity, session: Int32, of id: InjectionID) throws {
        try database.run(
            "INSERT INTO helpers(id, pid, start_ticks, boot_id, session) VALUES(?, ?, ?, ?, ?)",
            [
                .text(id.rawValue), .int(Int64(helper.pid)), .int(Int64(bitPattern: helper.startTicks)),
                .text(helper.bootID), .int(Int64(session)),
            ])
        remembered.started(HelperRecord(process: helper, session: session), of: id)
    }

    public func helpers(of id: InjectionID) throws -> [HelperRecord] {
        guard !isLost else { return remembered.helpers(of: id) }
        var found: [HelperRecord] = []
        try database.run(
            "SELECT pid, start_ticks, boot_id, session FROM helpers WHERE id = ? ORDER BY sequence",
            [.text(id.rawValue)]
        ) { row in
            let process = ProcessIdentity(
                pid: Int32(truncatingIfNeeded: row.integer(0)),
                startTicks: UInt64(bitPattern: row.integer(1)),
                bootID: row.text(2))
            found.append(
                HelperRecord(process: process, session: Int32(truncatingIfNeeded: row.integer(3))))
        }
        return found
    }

    public func pendingDisposals() throws -> [(InjectionID, Disposal)] { try leftovers(of: .verified) }

    public func quarantined() throws -> [(InjectionID, Disposal)] { try leftovers(of: .superseded) }

    public func disposed(_ disposal: Disposal, of id: InjectionID) throws {
        try database.run(
            "INSERT OR IGNORE INTO disposed(id, path, utc) VALUES(?, ?, ?)",
            [.text(id.rawValue), .text(disposal.path), .int(utc())])
    }

    // MARK: Standing

    public var standing: JournalStanding {
        if isReadOnly { return .readOnly("\(database.path) cannot be written") }
        if isLost { return .setAside([database.path]) }
        let aside = unacknowledged()
        return aside.isEmpty ? .sound : .setAside(aside.map { directory + "/" + $0 })
    }

    public func acknowledgeCorruption() throws {
        for name in unacknowledged() {
            try database.run(
                "INSERT OR IGNORE INTO acknowledged(file, utc) VALUES(?, ?)", [.text(name), .int(utc())])
        }
    }

    public func salvage() -> [Injection] {
        unacknowledged().flatMap { name in
            let flags = SQLITE_OPEN_READWRITE
            guard let database = try? Database(path: directory + "/" + name, flags: flags) else {
                return [Injection]()
            }
            return Salvage.openInjections(in: database)
        }
    }

    private func unacknowledged() -> [String] {
        var known: Set<String> = []
        try? database.run("SELECT file FROM acknowledged") { known.insert($0.text(0)) }
        return Files.list(directory)
            .filter { $0.hasPrefix(Self.asidePrefix) && !$0.hasSuffix("-journal") && !known.contains($0) }
    }

    // MARK: Room on a full disk

    public func releaseBallast() { unlink(directory + "/" + Self.ballastName) }

    public func restoreBallast() {
        Files.makeBallast(directory + "/" + Self.ballastName, size: Self.ballastSize)
    }

    // MARK: Parts

    private func close(_ id: InjectionID, _ how: Closing, reason: String, person: String) throws {
        // Its row is gone with the file; what was lost besides is for `muster undo --scan`.
        if isLost { return remembered.closed(id) }
        try database.run(
            """
            INSERT INTO closed(id, how, utc, reason, person) VALUES(?, ?, ?, ?, ?)
            ON CONFLICT(id) DO NOTHING
            """,
            [.text(id.rawValue), .text(how.rawValue), .int(utc()), .text(reason), .text(person)])
        remembered.closed(id)
    }

    /// Whether the file was emptied, removed or replaced since this process opened it: nothing that is written
    /// now would be found by whoever mends after us.
    private var isLost: Bool { FileIdentity(database.path) != file }

    private func leftovers(of how: Closing) throws -> [(InjectionID, Disposal)] {
        var found: [(InjectionID, Disposal)] = []
        let sql = """
            SELECT disposals.id, disposals.path FROM disposals JOIN closed ON closed.id = disposals.id
            WHERE closed.how = ? AND NOT EXISTS (SELECT 1 FROM disposed
                WHERE disposed.id = disposals.id AND disposed.path = disposals.path)
            ORDER BY disposals.sequence
            """
        try database.run(sql, [.text(how.rawValue)]) { row in
            if let id = InjectionID(row.text(0)) { found.append((id, Disposal(path: row.text(1)))) }
        }
        return found
    }

    private func refuseUnlessWritable() throws {
        switch standing {
        case .sound: return
        case .readOnly(let reason):
            throw JournalError(.readOnly, "open an injection", reason + "; nothing can be recorded here")
        case .setAside(let paths):
            throw JournalError(
                .corrupt, "open an injection",
                "an unreadable journal was set aside as \(paths.joined(separator: ", ")); "
                    + "run `muster undo --scan` to see what it may have left, then try again")
        }
    }
}
