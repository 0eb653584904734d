extension Schema {
    /// What became of what was due. The primary key is why nothing runs twice: whoever starts an occurrence has put
    /// its row there, or changed it from QUEUED, in the same transaction in which it was decided.
    static let occurrences = """
        CREATE TABLE occurrences (
          schedule TEXT NOT NULL,
          nominal TEXT NOT NULL,
          fold INTEGER NOT NULL CHECK (fold IN (0, 1)),
          zone TEXT NOT NULL,
          drill TEXT NOT NULL,
          due_utc_s INTEGER NOT NULL,
          fate TEXT NOT NULL,
          reason TEXT NOT NULL,
          sentence TEXT NOT NULL,
          decided_utc_s INTEGER NOT NULL,
          claimant_pid INTEGER,
          claimant_start_ticks INTEGER,
          claimant_boot_id TEXT,
          finished_utc_s INTEGER,
          exit_code INTEGER,
          PRIMARY KEY (schedule, nominal, fold)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX occurrences_by_due ON occurrences (due_utc_s);
        CREATE TABLE schedule_states (
          schedule TEXT PRIMARY KEY NOT NULL,
          settled_until_utc_s INTEGER NOT NULL,
          missed_in_bulk INTEGER NOT NULL DEFAULT 0
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE schedule_pauses (
          position INTEGER PRIMARY KEY,
          schedule TEXT NOT NULL,
          since_utc_s INTEGER NOT NULL,
          until_utc_s INTEGER,
          reason TEXT NOT NULL,
          actor TEXT NOT NULL,
          ended_utc_s INTEGER,
          ended_reason TEXT,
          ended_by TEXT
        ) STRICT;
        CREATE INDEX schedule_pauses_by_schedule ON schedule_pauses (schedule, position);
        CREATE TABLE schedule_looks (
          id INTEGER PRIMARY KEY CHECK (id = 1),
          wall_utc_s INTEGER NOT NULL,
          since_boot_ns INTEGER NOT NULL,
          boot_id TEXT NOT NULL
        ) STRICT;

        """

    /// Which outcome a run became, and what no outcome tells: that it was broken off, or why there is none. And which
    /// process a scheduler was, so that its death can be noticed.
    static let endingsOfOccurrences = """
        ALTER TABLE occurrences ADD COLUMN outcome INTEGER;
        ALTER TABLE occurrences ADD COLUMN ending TEXT;
        CREATE INDEX occurrences_queued ON occurrences (schedule) WHERE fate = 'QUEUED';
        CREATE INDEX occurrences_running ON occurrences (schedule) WHERE fate = 'RUN' AND finished_utc_s IS NULL;
        ALTER TABLE scheduler_notes ADD COLUMN start_ticks INTEGER;
        ALTER TABLE scheduler_notes ADD COLUMN boot_id TEXT;

        """
}
