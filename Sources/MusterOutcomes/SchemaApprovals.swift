extension Schema {
    /// Who said yes to which occurrence of what, and what happened to schedulers. Rows stay: a yes that was taken back
    /// was given all the same.
    static let approvals = """
        CREATE TABLE schedule_approvals (
          position INTEGER PRIMARY KEY,
          schedule TEXT NOT NULL,
          nominal TEXT NOT NULL,
          fold INTEGER NOT NULL CHECK (fold IN (0, 1)),
          exec_hash TEXT NOT NULL,
          plan_hash TEXT NOT NULL,
          approver TEXT NOT NULL,
          actor TEXT NOT NULL,
          ticket TEXT,
          given_utc_s INTEGER NOT NULL,
          expires_utc_s INTEGER,
          revoked_utc_s INTEGER,
          revoked_by TEXT,
          revoked_reason TEXT
        ) STRICT;
        CREATE INDEX schedule_approvals_by_occurrence ON schedule_approvals (schedule, nominal, fold, position);
        CREATE TABLE scheduler_notes (
          position INTEGER PRIMARY KEY,
          at_utc_s INTEGER NOT NULL,
          kind TEXT NOT NULL,
          sentence TEXT NOT NULL,
          pid INTEGER NOT NULL
        ) STRICT;

        """
}
