import GRDB
import MusterCore
public import MusterDrills

extension OutcomeStore {
    /// Keeps what `muster calibrate` found; runs of that host that begin from now on refer to it.
    public func record(_ calibration: CalibrationRecord) throws {
        try write { database in
            try database.execute(
                sql: """
                    INSERT INTO calibrations (host, kernel, tool_version, binary_hash, finished_utc_ns, place, \
                    seed, every_ns, trials, covered, median_width_ns, widest_ns, lag_p50_ns, lag_p99_ns, \
                    lag_max_ns, ledgers, ledgers_exact, sabotages, sabotages_flagged, result, reason) \
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    calibration.host, calibration.kernel, calibration.toolVersion, calibration.binaryHash,
                    calibration.finishedAtUTC, calibration.place, Int64(bitPattern: calibration.seed),
                    calibration.every.nanoseconds, calibration.trials, calibration.covered,
                    calibration.medianWidth?.nanoseconds, calibration.widest?.nanoseconds,
                    calibration.lagP50.nanoseconds, calibration.lagP99.nanoseconds,
                    calibration.lagMax.nanoseconds, calibration.ledgers, calibration.ledgersExact,
                    calibration.sabotages, calibration.sabotagesFlagged, calibration.result.rawValue,
                    calibration.reason,
                ])
        }
    }

    /// The newest calibration of a host; nil when there is none.
    public func newestCalibration(of host: String) throws -> CalibrationRecord? {
        try readable { database in
            // A store that an older version made, opened for reading, has no such table yet.
            guard try database.tableExists("calibrations") else { return nil }
            let sql = "SELECT * FROM calibrations WHERE host = ? ORDER BY number DESC LIMIT 1"
            return try Row.fetchOne(database, sql: sql, arguments: [host]).map(Self.calibration)
        }
    }

    func attachCalibration(_ database: Database, to run: RunHeader) throws {
        try database.execute(
            sql: """
                INSERT INTO run_calibrations (run, calibration) \
                SELECT ?, number FROM calibrations WHERE host = ? ORDER BY number DESC LIMIT 1
                """,
            arguments: [run.id, run.host])
    }

    func calibration(_ database: Database, of run: String) throws -> CalibrationRecord? {
        guard try database.tableExists("calibrations") else { return nil }
        let sql = """
            SELECT calibrations.* FROM calibrations \
            JOIN run_calibrations ON run_calibrations.calibration = calibrations.number WHERE run = ?
            """
        return try Row.fetchOne(database, sql: sql, arguments: [run]).map(Self.calibration)
    }

    private static func calibration(_ row: Row) throws -> CalibrationRecord {
        func length(_ column: String) -> Duration? {
            let nanoseconds: Int64? = row[column]
            return nanoseconds.map { .nanoseconds($0) }
        }
        let seed: Int64 = row["seed"]
        return CalibrationRecord(
            host: row["host"], kernel: row["kernel"], toolVersion: row["tool_version"],
            binaryHash: row["binary_hash"], finishedAtUTC: row["finished_utc_ns"], place: row["place"],
            seed: UInt64(bitPattern: seed), every: length("every_ns") ?? .zero, trials: row["trials"],
            covered: row["covered"], medianWidth: length("median_width_ns"), widest: length("widest_ns"),
            lagP50: length("lag_p50_ns") ?? .zero, lagP99: length("lag_p99_ns") ?? .zero,
            lagMax: length("lag_max_ns") ?? .zero, ledgers: row["ledgers"],
            ledgersExact: row["ledgers_exact"], sabotages: row["sabotages"],
            sabotagesFlagged: row["sabotages_flagged"], result: try word(row, "result"),
            reason: row["reason"])
    }
}
