extension Schema {
    /// What lets other terminals take part in a run: how it stands now, what it asks people, and what they want of it.
    static let watching = """
        CREATE TABLE run_pulses (
          run TEXT PRIMARY KEY NOT NULL REFERENCES runs (id),
          monotonic_ns INTEGER NOT NULL,
          state TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE questions (
          number INTEGER PRIMARY KEY AUTOINCREMENT,
          run TEXT NOT NULL REFERENCES runs (id),
          runbook TEXT NOT NULL,
          step TEXT NOT NULL,
          text TEXT NOT NULL,
          role TEXT,
          ask TEXT,
          expected_ns INTEGER,
          limit_ns INTEGER NOT NULL,
          shown_ns INTEGER NOT NULL,
          shown_utc_ns INTEGER NOT NULL,
          acknowledged_ns INTEGER,
          acknowledged_by TEXT,
          answered_ns INTEGER,
          answered_by TEXT,
          answer TEXT,
          reason TEXT,
          evidence TEXT
        ) STRICT;
        CREATE INDEX questions_by_run ON questions (run, number);
        CREATE TABLE run_requests (
          number INTEGER PRIMARY KEY AUTOINCREMENT,
          run TEXT NOT NULL REFERENCES runs (id),
          actor TEXT NOT NULL,
          reason TEXT NOT NULL,
          utc_ns INTEGER NOT NULL,
          taken INTEGER NOT NULL DEFAULT 0 CHECK (taken IN (0, 1))
        ) STRICT;
        CREATE INDEX run_requests_by_run ON run_requests (run, number);

        """
}
