extension Schema {
    /// The outbox: a notice waits here until it was taken. A row for each channel that it goes to; neither addresses nor
    /// secrets are in it.
    static let notices = """
        CREATE TABLE notices (
          id TEXT NOT NULL,
          channel TEXT NOT NULL,
          kind TEXT NOT NULL,
          created_utc_s INTEGER NOT NULL,
          body TEXT NOT NULL,
          attempts INTEGER NOT NULL DEFAULT 0,
          next_utc_s INTEGER,
          delivered_utc_s INTEGER,
          failure TEXT,
          PRIMARY KEY (id, channel)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX notices_by_next ON notices (next_utc_s) WHERE next_utc_s IS NOT NULL;

        """
}
