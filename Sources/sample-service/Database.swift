import Foundation
import GRDB

/// The SQLite file: `kv.sqlite` in the data directory, one table `kv (key, value)`.
final class Database: Sendable {
    private let pool: DatabasePool

    /// - Throws: `Refusal` when another process uses the directory or commits would not be durable.
    init(directory: String) throws {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        try Self.lock(directory)
        var configuration = Configuration()
        configuration.busyMode = .timeout(5)
        pool = try DatabasePool(path: directory + "/kv.sqlite", configuration: configuration)
        try pool.writeWithoutTransaction { database in
            // After opening: GRDB sets NORMAL itself when it switches to WAL, whatever was set before, and
            // under NORMAL a commit is not synced (https://sqlite.org/pragma.html#pragma_synchronous).
            try database.execute(sql: "PRAGMA synchronous = FULL")
            let synchronous = try Int.fetchOne(database, sql: "PRAGMA synchronous")
            let journal = try String.fetchOne(database, sql: "PRAGMA journal_mode")
            guard synchronous == 2, journal == "wal" else {
                throw Refusal(
                    "commits would not be durable: synchronous is \(synchronous ?? -1), expected 2 (FULL); "
                        + "journal_mode is \(journal ?? "unknown"), expected wal")
            }
            try database.execute(
                sql: """
                    CREATE TABLE IF NOT EXISTS kv (key TEXT PRIMARY KEY NOT NULL, value BLOB NOT NULL) STRICT
                    """)
        }
    }

    /// The lock lives as long as the process, so a killed one never leaves it behind (flock(2)).
    private static func lock(_ directory: String) throws {
        let descriptor = open(directory + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw Refusal(String(cString: strerror(errno))) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw Refusal("another sample-service uses it; give each one a --data directory of its own")
        }
    }

    /// Stores all changes in one transaction, so that they share one fsync.
    ///
    /// - Returns: for each change, whether it met an existing key.
    func commit(_ changes: [Change]) throws -> [Bool] {
        try pool.write { database in
            let put = try database.cachedStatement(
                sql: """
                    INSERT INTO kv (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value
                    """)
            let delete = try database.cachedStatement(sql: "DELETE FROM kv WHERE key = ?")
            return try changes.map { change in
                if let value = change.value {
                    try put.execute(arguments: [change.key, value])
                } else {
                    try delete.execute(arguments: [change.key])
                }
                return database.changesCount > 0
            }
        }
    }

    func get(_ key: String) async throws -> Data? {
        try await pool.read { database in
            let statement = try database.cachedStatement(sql: "SELECT value FROM kv WHERE key = ?")
            return try Data.fetchOne(statement, arguments: [key])
        }
    }

    func keys(prefix: String, after: String?, limit: Int) async throws -> [String] {
        try await pool.read { database in
            // substr compares characters exactly, where LIKE would fold case and read % and _ as wildcards.
            let statement = try database.cachedStatement(
                sql: """
                    SELECT key FROM kv
                    WHERE key >= ?1 AND substr(key, 1, length(?1)) = ?1 AND (?2 IS NULL OR key > ?2)
                    ORDER BY key LIMIT ?3
                    """)
            return try String.fetchAll(statement, arguments: [prefix, after, limit])
        }
    }

    func check() async throws {
        _ = try await pool.read { try Int.fetchOne($0, sql: "SELECT 1") }
    }

    func close() throws {
        try pool.close()
    }
}
