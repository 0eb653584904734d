import GRDB
import MusterCore
public import MusterDrills

extension OutcomeStore {
    /// Opens an action item.
    /// - Returns: the number by which people name it.
    public func open(_ action: ActionItem, by actor: String) throws -> Int {
        try write { database in
            try database.execute(
                sql: """
                    INSERT INTO actions (id, title, kind, owner, priority, due, ticket, status, verifying_drill, \
                    game_day, entry, opened_utc_ns) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    action.id, action.title, action.kind.rawValue, action.owner, action.priority.rawValue,
                    action.due?.text, action.ticket, action.status.rawValue, action.verifyingDrill,
                    action.gameDay, action.entry, action.openedUTC,
                ])
            let number = Int(database.lastInsertedRowID)
            let change = ActionChange(
                utc: action.openedUTC, actor: actor, status: action.status, text: action.title)
            try insert(database, change, action.id)
            return number
        }
    }

    /// Replaces everything of the action with that ULID that can change, and keeps what was done with it.
    public func change(_ action: ActionItem, _ change: ActionChange) throws {
        try write { database in
            try database.execute(
                sql: """
                    UPDATE actions SET title = ?, kind = ?, owner = ?, priority = ?, due = ?, ticket = ?, \
                    status = ?, verifying_drill = ?, closed_utc_ns = ?, closed_by = ?, evidence_outcome = ?, \
                    evidence_note = ? WHERE id = ?
                    """,
                arguments: [
                    action.title, action.kind.rawValue, action.owner, action.priority.rawValue,
                    action.due?.text, action.ticket, action.status.rawValue, action.verifyingDrill,
                    action.closedUTC, action.closedBy, action.evidenceOutcome, action.evidenceNote, action.id,
                ])
            try insert(database, change, action.id)
        }
    }

    /// In the order of opening.
    public func actions() throws -> [ActionItem] {
        try readable { database in
            guard try database.tableExists("actions") else { return [] }
            return try Row.fetchAll(database, sql: "SELECT * FROM actions ORDER BY number").map(Self.action)
        }
    }

    /// What was done with an action, in order.
    public func changes(ofAction id: String) throws -> [ActionChange] {
        try readable { database in
            guard try database.tableExists("actions") else { return [] }
            return try Row.fetchAll(
                database, sql: "SELECT * FROM action_changes WHERE action = ? ORDER BY position",
                arguments: [id]
            ).map { row in
                ActionChange(
                    utc: row["utc_ns"], actor: row["actor"], status: try word(row, "status"),
                    text: row["text"])
            }
        }
    }

    private func insert(_ database: Database, _ change: ActionChange, _ action: String) throws {
        try database.execute(
            sql: """
                INSERT INTO action_changes (action, position, utc_ns, actor, status, text) VALUES (?, \
                (SELECT count(*) FROM action_changes WHERE action = ?), ?, ?, ?, ?)
                """,
            arguments: [action, action, change.utc, change.actor, change.status.rawValue, change.text])
    }

    private static func action(_ row: Row) throws -> ActionItem {
        let due: String? = row["due"]
        var action = ActionItem(
            id: row["id"], title: row["title"], kind: try word(row, "kind"), owner: row["owner"],
            priority: try word(row, "priority"), due: due.flatMap { CivilDate($0) }, ticket: row["ticket"],
            verifyingDrill: row["verifying_drill"], gameDay: row["game_day"], entry: row["entry"],
            openedUTC: row["opened_utc_ns"])
        action.number = row["number"]
        action.status = try word(row, "status")
        action.closedUTC = row["closed_utc_ns"]
        action.closedBy = row["closed_by"]
        action.evidenceOutcome = row["evidence_outcome"]
        action.evidenceNote = row["evidence_note"]
        return action
    }
}
