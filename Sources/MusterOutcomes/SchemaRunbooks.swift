extension Schema {
    /// Runs of runbooks outside drills. Turns are written while they happen, so that a run that dies can be resumed;
    /// secrets are only traces: where each came from, and a salted hash.
    static let runbookRuns = """
        CREATE TABLE runbook_runs (
          number INTEGER PRIMARY KEY AUTOINCREMENT,
          id TEXT NOT NULL UNIQUE,
          path TEXT NOT NULL,
          title TEXT NOT NULL,
          service TEXT,
          owner TEXT,
          file_hash TEXT NOT NULL,
          exec_hash TEXT NOT NULL,
          text TEXT NOT NULL,
          variables TEXT NOT NULL,
          secrets TEXT NOT NULL,
          host TEXT NOT NULL,
          boot_id TEXT NOT NULL,
          actor TEXT NOT NULL,
          tool_version TEXT NOT NULL,
          started_utc_ns INTEGER NOT NULL,
          engine_pid INTEGER,
          engine_start_ticks INTEGER,
          resumptions INTEGER NOT NULL DEFAULT 0,
          changed INTEGER NOT NULL DEFAULT 0 CHECK (changed IN (0, 1))
        ) STRICT;
        CREATE INDEX runbook_runs_by_path ON runbook_runs (path, number);
        CREATE TABLE runbook_turns (
          run TEXT NOT NULL REFERENCES runbook_runs (id),
          turn INTEGER NOT NULL CHECK (turn > 0),
          name TEXT NOT NULL,
          kind TEXT NOT NULL,
          heading TEXT NOT NULL,
          state TEXT NOT NULL,
          attempts INTEGER NOT NULL,
          exit_code INTEGER,
          failed_attempts TEXT NOT NULL,
          reason TEXT NOT NULL,
          output TEXT NOT NULL,
          begun_utc_ns INTEGER NOT NULL,
          ended_utc_ns INTEGER,
          machine_ns INTEGER NOT NULL,
          human_wait_ns INTEGER NOT NULL,
          human_work_ns INTEGER NOT NULL,
          actor TEXT,
          evidence TEXT,
          value TEXT,
          assumed INTEGER NOT NULL CHECK (assumed IN (0, 1)),
          repeated INTEGER NOT NULL CHECK (repeated IN (0, 1)),
          process_pid INTEGER,
          process_start_ticks INTEGER,
          process_boot_id TEXT,
          PRIMARY KEY (run, turn)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE runbook_endings (
          run TEXT PRIMARY KEY NOT NULL REFERENCES runbook_runs (id),
          state TEXT NOT NULL,
          reason TEXT NOT NULL,
          open_rollbacks TEXT NOT NULL,
          finished_utc_ns INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;

        """
}
