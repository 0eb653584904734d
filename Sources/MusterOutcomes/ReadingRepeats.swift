import GRDB
import MusterCore
public import MusterDrills

extension OutcomeStore {
    /// The runs that were asked for together, in the order in which they ran; nil when there are none.
    /// - Parameter id: as `RunHeader.repeatGroup`; nothing belongs to the empty one.
    public func repeats(ofGroup id: String) throws -> RepeatGroup? {
        try readable { try repeats($0, ofGroup: id) }
    }

    /// What a group has come to, held against the group of the same drill and environment before it.
    public func summary(ofGroup id: String) throws -> RepeatSummary? {
        try readable { try summary($0, ofGroup: id) }
    }

    /// The groups in the store, newest first.
    public func groups(limit: Int?) throws -> [String] {
        try read {
            try String.fetchAll(
                $0,
                sql: """
                    SELECT repeat_group FROM runs WHERE repeat_group <> '' GROUP BY repeat_group \
                    ORDER BY max(number) DESC LIMIT ?
                    """, arguments: [limit ?? -1])
        }
    }

    func summary(_ database: Database, ofGroup id: String) throws -> RepeatSummary? {
        guard let group = try repeats(database, ofGroup: id) else { return nil }
        let first = group.members[0]
        let earlier = try String.fetchOne(
            database,
            sql: """
                SELECT repeat_group FROM runs WHERE drill = ? AND environment = ? AND number < ? \
                AND repeat_group NOT IN ('', ?) ORDER BY number DESC LIMIT 1
                """,
            arguments: [first.header.drill, first.header.environment.rawValue, first.number, id])
        return RepeatSummary(group, after: try earlier.flatMap { try repeats(database, ofGroup: $0) })
    }

    private func repeats(_ database: Database, ofGroup id: String) throws -> RepeatGroup? {
        guard !id.isEmpty else { return nil }
        let rows = try Row.fetchAll(
            database, sql: "SELECT * FROM runs WHERE repeat_group = ? ORDER BY number", arguments: [id])
        guard !rows.isEmpty else { return nil }
        return RepeatGroup(id: id, members: try rows.map { try member(database, $0) })
    }

    private func member(_ database: Database, _ row: Row) throws -> RepeatGroup.Member {
        let header = try Self.header(row)
        let closing = try closing(database, header.id, withEntries: false)
        let isRunning = closing == nil && Self.engine(row).flatMap { engine in isAlive?(engine) } == true
        let planned = try String.fetchOne(
            database, sql: "SELECT detail FROM events WHERE run = ? AND kind = ? ORDER BY sequence",
            arguments: [header.id, Event.Kind.repeatPlanned.rawValue])
        return RepeatGroup.Member(
            number: row["number"], header: header, closing: closing, isRunning: isRunning,
            execHashes: try runbooks(database, header.id).map(\.execHash),
            phase: try planned.flatMap { FaultPhase(try json($0)) })
    }
}
