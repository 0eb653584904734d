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
            var opened = action
            opened.number = number
            try insert(database, change, opened)
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
            try insert(database, change, action)
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

    /// Whether what was done with an action item, and how it stands, is as it was written: changes are chained, and the
    /// hash of the last one covers the item as it then was. A chain shows edits only to those who kept its last hash
    /// elsewhere.
    /// - Returns: the position of the first change that is not, from 1 on; nil when all are, or an earlier version wrote
    ///   them.
    public func firstBrokenChange(ofAction id: String) throws -> Int? {
        try readable { database in
            // A file that an earlier version made, and nobody wrote into since.
            guard try database.tableExists("actions"),
                try database.columns(in: "action_changes").contains(where: { $0.name == "hash" }),
                let row = try Row.fetchOne(
                    database, sql: "SELECT * FROM actions WHERE id = ?", arguments: [id])
            else { return nil }
            let item = try Self.action(row)
            let rows = try Row.fetchAll(
                database, sql: "SELECT * FROM action_changes WHERE action = ? ORDER BY position",
                arguments: [id])
            var previous = ""
            for (index, row) in rows.enumerated() {
                let kept: String = row["hash"]
                // Before the first hash nothing is claimed.
                if kept.isEmpty, previous.isEmpty { continue }
                let content: String = row["content"]
                let change = ActionChange(
                    utc: row["utc_ns"], actor: row["actor"], status: try word(row, "status"),
                    text: row["text"])
                let link = Chain.link(previous, Chain.row(change, content, action: id), hash)
                let isCurrent = index + 1 < rows.count || content == Chain.content(item)
                guard row["position"] == index, kept == link, isCurrent else { return index + 1 }
                previous = kept
            }
            return nil
        }
    }

    private func insert(_ database: Database, _ change: ActionChange, _ action: ActionItem) throws {
        let last = "SELECT hash FROM action_changes WHERE action = ? ORDER BY position DESC LIMIT 1"
        let previous = try String.fetchOne(database, sql: last, arguments: [action.id]) ?? ""
        let content = Chain.content(action)
        try database.execute(
            sql: """
                INSERT INTO action_changes (action, position, utc_ns, actor, status, text, content, hash) VALUES (?, \
                (SELECT count(*) FROM action_changes WHERE action = ?), ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                action.id, action.id, change.utc, change.actor, change.status.rawValue, change.text, content,
                Chain.link(previous, Chain.row(change, content, action: action.id), hash),
            ])
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

extension Chain {
    /// An action item as a text that is the same whenever it is the same item.
    static func content(_ item: ActionItem) -> String {
        Value.map([
            "id": .text(item.id), "title": .text(item.title), "kind": .text(item.kind.rawValue),
            "owner": .text(item.owner), "priority": .text(item.priority.rawValue),
            "due": .optional(item.due?.text), "ticket": .optional(item.ticket),
            "status": .text(item.status.rawValue), "verifyingDrill": .optional(item.verifyingDrill),
            "gameDay": .optional(item.gameDay), "entry": .optional(item.entry.map { Int64($0) }),
            "openedUtc": .int(item.openedUTC), "closedUtc": .optional(item.closedUTC),
            "closedBy": .optional(item.closedBy),
            "evidenceOutcome": .optional(item.evidenceOutcome.map { Int64($0) }),
            "evidenceNote": .optional(item.evidenceNote),
        ]).canonicalJSON
    }

    static func row(_ change: ActionChange, _ content: String, action: String) -> Value {
        [
            "action": .text(action), "utc": .int(change.utc), "actor": .text(change.actor),
            "status": .text(change.status.rawValue), "text": .text(change.text), "content": .text(content),
        ]
    }
}
