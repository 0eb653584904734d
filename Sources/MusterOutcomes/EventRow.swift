import GRDB
import MusterCore
import MusterDrills

/// One event as it lies in the table: all that its hash covers.
struct EventRow {
    var run: String
    var sequence: Int
    var schemaVersion = Schema.eventVersion
    var host: String
    var bootID: String
    var event: Event
    /// Kept as text, so that what is hashed never depends on how numbers are read back.
    var detail: String

    var value: Value {
        .map([
            "run": .text(run), "sequence": .int(Int64(sequence)),
            "schemaVersion": .int(Int64(schemaVersion)), "host": .text(host), "bootId": .text(bootID),
            "monotonic": .int(event.at.nanoseconds), "utc": .int(event.utcNanoseconds),
            "bracketLower": .optional(event.bracket?.lower.nanoseconds),
            "bracketUpper": .optional(event.bracket?.upper.nanoseconds),
            "kind": .text(event.kind.rawValue), "subject": .text(event.subject),
            "actor": .text(event.actor), "text": .text(event.text), "detail": .text(detail),
        ])
    }

    static let insertion = """
        INSERT INTO events (run, sequence, schema_version, host, boot_id, monotonic_ns, utc_ns, \
        bracket_lower_ns, bracket_upper_ns, kind, subject, actor, text, detail, previous_hash, hash) \
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """

    func arguments(previous: String, hash: String) -> StatementArguments {
        [
            run, sequence, schemaVersion, host, bootID, event.at.nanoseconds, event.utcNanoseconds,
            event.bracket?.lower.nanoseconds, event.bracket?.upper.nanoseconds, event.kind.rawValue,
            event.subject, event.actor, event.text, detail, previous, hash,
        ]
    }

    init(run: String, sequence: Int, host: String, bootID: String, event: Event) {
        self.run = run
        self.sequence = sequence
        self.host = host
        self.bootID = bootID
        self.event = event
        detail = event.detail.canonicalJSON
    }

    /// - Throws: `UnreadableWord`.
    init(_ row: Row) throws {
        run = row["run"]
        sequence = row["sequence"]
        schemaVersion = row["schema_version"]
        host = row["host"]
        bootID = row["boot_id"]
        detail = row["detail"]
        let lower: Int64? = row["bracket_lower_ns"]
        let upper: Int64? = row["bracket_upper_ns"]
        var bracket: Bracket?
        if let lower, let upper, lower <= upper {
            bracket = Bracket(Instant(nanoseconds: lower), Instant(nanoseconds: upper))
        }
        event = Event(
            try word(row, "kind"), at: Instant(nanoseconds: row["monotonic_ns"]), utc: row["utc_ns"],
            bracket: bracket, subject: row["subject"], actor: row["actor"], text: row["text"],
            detail: try json(detail))
    }
}
