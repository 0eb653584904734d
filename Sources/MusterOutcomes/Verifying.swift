import GRDB
import MusterCore

/// What a look at a run's chain found.
public enum ChainVerdict: Hashable, Sendable {
    /// - root: the last hash. It proves something only when it was kept elsewhere too, such as in a report.
    case intact(events: Int, isClosed: Bool, root: String)
    /// - row: the first that does not fit: `header`, `event 17` or `closing`.
    case broken(row: String, reason: String)
}

extension OutcomeStore {
    /// Hashes a run again, from its header to its last row, and names the first row that does not fit.
    /// - Throws: `OutcomeStoreError.unknownRun`.
    public func verifyChain(_ run: String) throws -> ChainVerdict {
        try read { database in
            guard
                let row = try Row.fetchOne(database, sql: "SELECT * FROM runs WHERE id = ?", arguments: [run])
            else { throw OutcomeStoreError.unknownRun(path: path, run: run) }
            let genesis: String = row["genesis_hash"]
            guard let header = try? Self.header(row),
                Chain.link("", Chain.row(header, engine: Self.engine(row)), hash) == genesis
            else { return .broken(row: "header", reason: Self.changed) }
            let closing = try Row.fetchOne(
                database, sql: "SELECT event_count, previous_hash, hash FROM closings WHERE run = ?",
                arguments: [run])
            return try walk(database, run, from: genesis, closing)
        }
    }

    private static let changed = "its columns do not give its hash"

    private func walk(
        _ database: Database, _ run: String, from genesis: String, _ closing: Row?
    ) throws -> ChainVerdict {
        var end = ChainEnd(sequence: 0, hash: genesis)
        if let broken = try pass(closing, database, run, &end) { return broken }
        let rows = try Row.fetchCursor(
            database, sql: "SELECT * FROM events WHERE run = ? ORDER BY sequence", arguments: [run])
        while let row = try rows.next() {
            let sequence: Int = row["sequence"]
            let name = "event \(end.sequence + 1)"
            if sequence != end.sequence + 1 {
                return .broken(row: name, reason: "it is missing; the next one is event \(sequence)")
            }
            if row["previous_hash"] as String != end.hash {
                return .broken(row: name, reason: "it does not follow the row before it")
            }
            guard let event = try? EventRow(row), Chain.link(end.hash, event.value, hash) == row["hash"]
            else { return .broken(row: name, reason: Self.changed) }
            end = ChainEnd(sequence: sequence, hash: row["hash"])
            if let broken = try pass(closing, database, run, &end) { return broken }
        }
        let counted: Int = closing?["event_count"] ?? 0
        if counted > end.sequence {
            return .broken(
                row: "event \(end.sequence + 1)", reason: "it is missing; the closing counts \(counted)")
        }
        return .intact(events: end.sequence, isClosed: closing != nil, root: end.hash)
    }

    /// Steps over the closing where it stands: behind the events that it counts, before any that came later.
    private func pass(
        _ closing: Row?, _ database: Database, _ run: String, _ end: inout ChainEnd
    ) throws -> ChainVerdict? {
        guard let closing, closing["event_count"] as Int == end.sequence else { return nil }
        if closing["previous_hash"] as String != end.hash {
            return .broken(row: "closing", reason: "it does not follow the row before it")
        }
        guard let content = try? self.closing(database, run) else {
            return .broken(row: "closing", reason: "it cannot be read")
        }
        let row = Chain.row(
            content, run: run, events: end.sequence, runbooks: try runbooks(database, run))
        guard Chain.link(end.hash, row, hash) == closing["hash"] else {
            return .broken(row: "closing", reason: Self.changed)
        }
        end.hash = closing["hash"]
        return nil
    }
}
