import GRDB
import MusterCore
import MusterDrills

/// An entry of a timeline as it lies in the table.
enum GameDayEntryRow {
    static let insertion = """
        INSERT INTO game_day_entries (game_day, sequence, monotonic_ns, host, boot_id, recorded_utc_ns, \
        happened_utc_ns, source, actor, role, kind, text, detail, state, run, run_event, corrects, \
        previous_hash, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """

    static func arguments(
        _ entry: GameDayEntry, _ day: String, previous: String, hash: String
    ) -> StatementArguments {
        [
            day, entry.sequence, entry.at.nanoseconds, entry.host, entry.bootID, entry.recordedUTC,
            entry.happenedUTC, entry.source.rawValue, entry.actor, entry.role?.rawValue, entry.kind.rawValue,
            entry.text, entry.detail.canonicalJSON, entry.state?.rawValue, entry.run, entry.runEvent,
            entry.corrects, previous, hash,
        ]
    }

    /// - Throws: `UnreadableWord`.
    static func entry(_ row: Row) throws -> GameDayEntry {
        var entry = GameDayEntry(
            try word(row, "kind"), at: Instant(nanoseconds: row["monotonic_ns"]), host: row["host"],
            bootID: row["boot_id"], utc: row["recorded_utc_ns"], happened: row["happened_utc_ns"],
            source: try word(row, "source"), actor: row["actor"], role: try optionalWord(row, "role"),
            text: row["text"], detail: try json(row["detail"]), state: try optionalWord(row, "state"),
            run: row["run"], runEvent: row["run_event"], corrects: row["corrects"])
        entry.sequence = row["sequence"]
        return entry
    }
}

/// - Throws: `UnreadableWord`.
func optionalWord<Word: RawRepresentable>(_ row: Row, _ column: String) throws -> Word?
where Word.RawValue == String {
    row.hasNull(column) ? nil : try word(row, column)
}

extension Row {
    fileprivate func hasNull(_ column: String) -> Bool {
        let value: DatabaseValue = self[column]
        return value.isNull
    }
}
