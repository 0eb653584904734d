/// What the store looks like, version by version. A migration that was released is never edited: the next one
/// is added behind it.
enum Schema {
    /// `MUST` in ASCII, kept in the file's header (sqlite.org/pragma.html#pragma_application_id), so that
    /// somebody else's database is not taken for ours.
    static let applicationID = 0x4D55_5354

    /// The version of the rows in `events`; part of what is hashed.
    static let eventVersion = 1

    /// Index 0 leads from an empty file to version 1.
    static let migrations = [
        first, second, third, runbookRuns, occurrences, approvals, gameDays, watching, notices, datasets,
        actionChain,
    ]

    static var version: Int { migrations.count }

    private static let first =
        runs + events + injectionsAndRunbooks + signalsAndSamples + closings + ledgers

    private static let second = predictions + groups + calibrations + signalSummaries + ledgerExtents

    /// Samples of earlier versions do not tell when the instrument had not looked.
    private static let third = "ALTER TABLE samples ADD COLUMN blind_ns INTEGER NOT NULL DEFAULT 0;"

    private static let predictions = """
        CREATE TABLE predictions (
          run TEXT NOT NULL REFERENCES closings (run),
          position INTEGER NOT NULL,
          name TEXT NOT NULL,
          predicted TEXT NOT NULL,
          measured TEXT NOT NULL,
          result TEXT NOT NULL,
          PRIMARY KEY (run, position)
        ) STRICT, WITHOUT ROWID;

        """

    private static let groups = """
        CREATE INDEX runs_by_group ON runs (repeat_group, number) WHERE repeat_group <> '';

        """

    private static let signalSummaries = """
        CREATE TABLE signal_summaries (
          signal INTEGER PRIMARY KEY REFERENCES signals (id),
          ok INTEGER NOT NULL,
          slow INTEGER NOT NULL,
          error INTEGER NOT NULL,
          timeout INTEGER NOT NULL,
          unknown INTEGER NOT NULL,
          first_ns INTEGER,
          last_ns INTEGER,
          latency_p50_ns INTEGER,
          latency_p99_ns INTEGER,
          latency_max_ns INTEGER,
          late_p50_ns INTEGER,
          late_p99_ns INTEGER,
          late_max_ns INTEGER
        ) STRICT;

        """

    private static let runs = """
        CREATE TABLE runs (
          number INTEGER PRIMARY KEY AUTOINCREMENT,
          id TEXT NOT NULL UNIQUE,
          drill TEXT NOT NULL,
          drill_path TEXT NOT NULL,
          drill_text TEXT NOT NULL,
          drill_hash TEXT NOT NULL,
          service TEXT,
          owner TEXT,
          environment TEXT NOT NULL,
          failure_mode TEXT,
          expect TEXT,
          variables TEXT NOT NULL,
          durability_scope TEXT NOT NULL,
          host TEXT NOT NULL,
          boot_id TEXT NOT NULL,
          kernel TEXT NOT NULL,
          time_zone TEXT NOT NULL,
          actor TEXT NOT NULL,
          tool_version TEXT NOT NULL,
          protocol_version INTEGER NOT NULL,
          judge_version INTEGER NOT NULL,
          binary_hash TEXT NOT NULL,
          configuration_hash TEXT NOT NULL,
          repeat_group TEXT NOT NULL,
          started_monotonic_ns INTEGER NOT NULL,
          started_utc_ns INTEGER NOT NULL,
          engine_pid INTEGER,
          engine_start_ticks INTEGER,
          genesis_hash TEXT NOT NULL
        ) STRICT;
        CREATE INDEX runs_by_cell ON runs (service, environment, failure_mode, number);

        """

    private static let events = """
        CREATE TABLE events (
          run TEXT NOT NULL REFERENCES runs (id),
          sequence INTEGER NOT NULL CHECK (sequence > 0),
          schema_version INTEGER NOT NULL,
          host TEXT NOT NULL,
          boot_id TEXT NOT NULL,
          monotonic_ns INTEGER NOT NULL,
          utc_ns INTEGER NOT NULL,
          bracket_lower_ns INTEGER,
          bracket_upper_ns INTEGER,
          kind TEXT NOT NULL,
          subject TEXT NOT NULL,
          actor TEXT NOT NULL,
          text TEXT NOT NULL,
          detail TEXT NOT NULL,
          previous_hash TEXT NOT NULL,
          hash TEXT NOT NULL,
          PRIMARY KEY (run, sequence)
        ) STRICT, WITHOUT ROWID;

        """

    private static let injectionsAndRunbooks = """
        CREATE TABLE injections (
          position INTEGER PRIMARY KEY,
          id TEXT NOT NULL UNIQUE,
          run TEXT NOT NULL REFERENCES runs (id),
          name TEXT NOT NULL,
          fault TEXT NOT NULL,
          parameters TEXT NOT NULL,
          target TEXT NOT NULL,
          host TEXT NOT NULL,
          via TEXT NOT NULL,
          state TEXT NOT NULL,
          undo TEXT NOT NULL
        ) STRICT;
        CREATE INDEX injections_by_run ON injections (run);
        CREATE INDEX injections_by_state ON injections (state);
        CREATE TABLE runbooks (
          position INTEGER PRIMARY KEY,
          run TEXT NOT NULL REFERENCES runs (id),
          path TEXT NOT NULL,
          file_hash TEXT NOT NULL,
          exec_hash TEXT NOT NULL,
          text TEXT NOT NULL,
          UNIQUE (run, path, file_hash)
        ) STRICT;

        """

    /// Samples keep their start and end as differences, which are small numbers and therefore short
    /// (sqlite.org/fileformat2.html#record_format).
    private static let signalsAndSamples = """
        CREATE TABLE signals (
          id INTEGER PRIMARY KEY,
          run TEXT NOT NULL REFERENCES runs (id),
          name TEXT NOT NULL,
          writer INTEGER NOT NULL DEFAULT -1,
          every_ns INTEGER NOT NULL,
          UNIQUE (run, name, writer)
        ) STRICT;
        CREATE TABLE samples (
          signal INTEGER NOT NULL REFERENCES signals (id),
          sequence INTEGER NOT NULL,
          due_ns INTEGER NOT NULL,
          late_ns INTEGER NOT NULL,
          took_ns INTEGER NOT NULL,
          outcome INTEGER NOT NULL,
          code INTEGER NOT NULL,
          PRIMARY KEY (signal, sequence)
        ) STRICT, WITHOUT ROWID;

        """

    private static let closings = """
        CREATE TABLE closings (
          run TEXT PRIMARY KEY NOT NULL REFERENCES runs (id),
          ending TEXT NOT NULL,
          verdict TEXT NOT NULL,
          reason TEXT NOT NULL,
          status TEXT NOT NULL,
          exit_code INTEGER NOT NULL,
          warnings TEXT NOT NULL,
          scope TEXT NOT NULL,
          residue TEXT NOT NULL,
          finished_monotonic_ns INTEGER NOT NULL,
          finished_utc_ns INTEGER NOT NULL,
          event_count INTEGER NOT NULL,
          previous_hash TEXT NOT NULL,
          hash TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE objectives (
          run TEXT NOT NULL REFERENCES closings (run),
          position INTEGER NOT NULL,
          name TEXT NOT NULL,
          objective TEXT NOT NULL,
          measured TEXT NOT NULL,
          lower_ns INTEGER,
          upper_ns INTEGER,
          censored INTEGER NOT NULL CHECK (censored IN (0, 1)),
          result TEXT NOT NULL,
          reason TEXT NOT NULL,
          PRIMARY KEY (run, position)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE measurements (
          run TEXT NOT NULL REFERENCES closings (run),
          position INTEGER NOT NULL,
          name TEXT NOT NULL,
          subject TEXT NOT NULL,
          lower_ns INTEGER NOT NULL,
          upper_ns INTEGER,
          censored INTEGER NOT NULL CHECK (censored IN (0, 1)),
          PRIMARY KEY (run, position)
        ) STRICT, WITHOUT ROWID;

        """

    private static let ledgers = """
        CREATE TABLE ledgers (
          run TEXT NOT NULL REFERENCES closings (run),
          position INTEGER NOT NULL,
          workload TEXT NOT NULL,
          sent INTEGER NOT NULL,
          acknowledged INTEGER NOT NULL,
          refused INTEGER NOT NULL,
          in_doubt INTEGER NOT NULL,
          rpa_lower_ns INTEGER,
          rpa_upper_ns INTEGER,
          rpa_censored INTEGER NOT NULL CHECK (rpa_censored IN (0, 1)),
          tail_lower_ns INTEGER,
          tail_upper_ns INTEGER,
          tail_censored INTEGER NOT NULL CHECK (tail_censored IN (0, 1)),
          survivor_lower_ns INTEGER,
          survivor_upper_ns INTEGER,
          survivor_censored INTEGER NOT NULL CHECK (survivor_censored IN (0, 1)),
          resolution_ns INTEGER,
          loss_span_ns INTEGER NOT NULL,
          lost_bytes INTEGER NOT NULL,
          blind_window_ns INTEGER NOT NULL,
          inconclusive TEXT,
          PRIMARY KEY (run, position)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE ledger_counts (
          run TEXT NOT NULL,
          ledger INTEGER NOT NULL,
          class TEXT NOT NULL,
          count INTEGER NOT NULL,
          PRIMARY KEY (run, ledger, class),
          FOREIGN KEY (run, ledger) REFERENCES ledgers (run, position)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE losses (
          run TEXT NOT NULL,
          ledger INTEGER NOT NULL,
          place TEXT NOT NULL CHECK (place IN ('hole', 'tail')),
          position INTEGER NOT NULL,
          stream INTEGER NOT NULL,
          sequence INTEGER NOT NULL,
          PRIMARY KEY (run, ledger, place, position),
          FOREIGN KEY (run, ledger) REFERENCES ledgers (run, position)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE anomalies (
          run TEXT NOT NULL,
          ledger INTEGER NOT NULL,
          position INTEGER NOT NULL,
          stream INTEGER NOT NULL,
          sequence INTEGER NOT NULL,
          class TEXT NOT NULL,
          sent_ns INTEGER,
          acknowledged_ns INTEGER,
          PRIMARY KEY (run, ledger, position),
          FOREIGN KEY (run, ledger) REFERENCES ledgers (run, position)
        ) STRICT, WITHOUT ROWID;
        """
}
