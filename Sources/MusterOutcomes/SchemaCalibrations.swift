extension Schema {
    /// Each run keeps the calibration that was the host's newest when it began.
    static let calibrations = """
        CREATE TABLE calibrations (
          number INTEGER PRIMARY KEY AUTOINCREMENT,
          host TEXT NOT NULL,
          kernel TEXT NOT NULL,
          tool_version TEXT NOT NULL,
          binary_hash TEXT NOT NULL,
          finished_utc_ns INTEGER NOT NULL,
          place TEXT NOT NULL,
          seed INTEGER NOT NULL,
          every_ns INTEGER NOT NULL,
          trials INTEGER NOT NULL,
          covered INTEGER NOT NULL,
          median_width_ns INTEGER,
          widest_ns INTEGER,
          lag_p50_ns INTEGER NOT NULL,
          lag_p99_ns INTEGER NOT NULL,
          lag_max_ns INTEGER NOT NULL,
          ledgers INTEGER NOT NULL,
          ledgers_exact INTEGER NOT NULL,
          sabotages INTEGER NOT NULL,
          sabotages_flagged INTEGER NOT NULL,
          result TEXT NOT NULL,
          reason TEXT NOT NULL
        ) STRICT;
        CREATE INDEX calibrations_by_host ON calibrations (host, number);
        CREATE TABLE run_calibrations (
          run TEXT PRIMARY KEY NOT NULL REFERENCES runs (id),
          calibration INTEGER NOT NULL REFERENCES calibrations (number)
        ) STRICT, WITHOUT ROWID;

        """
}
