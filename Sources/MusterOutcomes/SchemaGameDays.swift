extension Schema {
    /// Game days are their timelines: everything else about them is read out of the entries. The holder is the one
    /// thing that changes, and no part of any hash.
    static let gameDays = """
        CREATE TABLE game_days (
          number INTEGER PRIMARY KEY AUTOINCREMENT,
          id TEXT NOT NULL UNIQUE,
          name TEXT NOT NULL,
          path TEXT NOT NULL,
          title TEXT NOT NULL,
          zone TEXT NOT NULL,
          host TEXT NOT NULL,
          boot_id TEXT NOT NULL,
          actor TEXT NOT NULL,
          tool_version TEXT NOT NULL,
          created_utc_ns INTEGER NOT NULL,
          genesis_hash TEXT NOT NULL,
          holder_pid INTEGER,
          holder_start_ticks INTEGER,
          holder_boot_id TEXT
        ) STRICT;
        CREATE INDEX game_days_by_name ON game_days (name, number);
        CREATE TABLE game_day_entries (
          game_day TEXT NOT NULL REFERENCES game_days (id),
          sequence INTEGER NOT NULL CHECK (sequence > 0),
          monotonic_ns INTEGER NOT NULL,
          host TEXT NOT NULL,
          boot_id TEXT NOT NULL,
          recorded_utc_ns INTEGER NOT NULL,
          happened_utc_ns INTEGER,
          source TEXT NOT NULL,
          actor TEXT NOT NULL,
          role TEXT,
          kind TEXT NOT NULL,
          text TEXT NOT NULL,
          detail TEXT NOT NULL,
          state TEXT,
          run TEXT,
          run_event INTEGER,
          corrects INTEGER,
          previous_hash TEXT NOT NULL,
          hash TEXT NOT NULL,
          PRIMARY KEY (game_day, sequence)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX game_day_entries_by_run ON game_day_entries (run) WHERE run IS NOT NULL;
        CREATE TABLE game_day_documents (
          game_day TEXT NOT NULL,
          approval INTEGER NOT NULL,
          position INTEGER NOT NULL,
          path TEXT NOT NULL,
          kind TEXT NOT NULL,
          hash TEXT NOT NULL,
          text TEXT NOT NULL,
          PRIMARY KEY (game_day, approval, position),
          FOREIGN KEY (game_day, approval) REFERENCES game_day_entries (game_day, sequence)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE actions (
          number INTEGER PRIMARY KEY AUTOINCREMENT,
          id TEXT NOT NULL UNIQUE,
          title TEXT NOT NULL,
          kind TEXT NOT NULL,
          owner TEXT NOT NULL,
          priority TEXT NOT NULL,
          due TEXT,
          ticket TEXT,
          status TEXT NOT NULL,
          verifying_drill TEXT,
          game_day TEXT REFERENCES game_days (id),
          entry INTEGER,
          opened_utc_ns INTEGER NOT NULL,
          closed_utc_ns INTEGER,
          closed_by TEXT,
          evidence_outcome INTEGER,
          evidence_note TEXT
        ) STRICT;
        CREATE INDEX actions_by_game_day ON actions (game_day);
        CREATE TABLE action_changes (
          action TEXT NOT NULL REFERENCES actions (id),
          position INTEGER NOT NULL,
          utc_ns INTEGER NOT NULL,
          actor TEXT NOT NULL,
          status TEXT NOT NULL,
          text TEXT NOT NULL,
          PRIMARY KEY (action, position)
        ) STRICT, WITHOUT ROWID;

        """

    /// What was done with action items before this version has no hash; a chain begins with the first change that has.
    /// `content` is the item as the change left it.
    static let actionChain = """
        ALTER TABLE action_changes ADD COLUMN content TEXT NOT NULL DEFAULT '';
        ALTER TABLE action_changes ADD COLUMN hash TEXT NOT NULL DEFAULT '';

        """
}
