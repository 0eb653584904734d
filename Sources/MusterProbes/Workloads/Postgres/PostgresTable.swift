/// The statements that write to the table of a run.
struct PostgresTable {
    let name: String

    var make: PostgresStatement {
        PostgresStatement(
            alone: "CREATE TABLE IF NOT EXISTS \(name) "
                + "(key text COLLATE \"C\" PRIMARY KEY, value text NOT NULL)")
    }

    var drop: PostgresStatement { PostgresStatement("DROP TABLE IF EXISTS \(name)") }

    func insert(_ key: String, _ value: String) -> PostgresStatement {
        PostgresStatement("INSERT INTO \(name) (key, value) VALUES ($1, $2)", key, value)
    }

    func set(_ key: String, _ value: String) -> PostgresStatement {
        PostgresStatement(
            "INSERT INTO \(name) (key, value) VALUES ($1, $2) "
                + "ON CONFLICT (key) DO UPDATE SET value = excluded.value", key, value)
    }

    func delete(_ key: String) -> PostgresStatement {
        PostgresStatement("DELETE FROM \(name) WHERE key = $1", key)
    }

    /// All accounts or none: it is one statement.
    func open(_ accounts: [String], balance: Int64) -> PostgresStatement {
        let first = Self.literal(accounts.first ?? "")
        return PostgresStatement(
            "INSERT INTO \(name) (key, value) SELECT account, $2::text FROM unnest($1::text[]) AS account "
                + "WHERE NOT EXISTS (SELECT FROM \(name) WHERE key = \(first))",
            Self.array(accounts), String(balance))
    }

    /// One transaction in one message: a server that loses its client half-way, or hears nothing more of it, would
    /// keep the accounts locked otherwise. Several statements in one message are one transaction
    /// (https://www.postgresql.org/docs/15/protocol-flow.html#PROTOCOL-FLOW-MULTI-STATEMENT).
    ///
    /// Both accounts are locked before anything is read of them, in one order, so that no two transfers wait for each
    /// other. Where one is missing, nothing is written, and the server says that it inserted no row.
    func move(_ transfer: BankTransfer, _ key: String, _ value: String) -> PostgresStatement {
        let from = Self.literal(transfer.from)
        let isAccount = "key IN (\(from), \(Self.literal(transfer.to)))"
        let areThere = "(SELECT count(*) FROM \(name) WHERE \(isAccount)) = 2"
        let amount =
            transfer.negative
            ? "\(transfer.amount)::bigint" : "greatest(0, least(\(transfer.amount), value::bigint))"
        return PostgresStatement(
            together: [
                "SELECT FROM \(name) WHERE \(isAccount) ORDER BY key FOR UPDATE",
                "UPDATE \(name) SET value = (value::bigint + CASE key WHEN \(from) THEN -moved ELSE moved END)::text "
                    + "FROM (SELECT \(amount) AS moved FROM \(name) WHERE key = \(from)) AS transfer "
                    + "WHERE \(isAccount) AND \(areThere)",
                "INSERT INTO \(name) (key, value) "
                    + "SELECT \(Self.literal(key)), \(Self.literal(value)) WHERE \(areThere)",
            ])
    }

    /// Keys need no quotes in an array's text: letters, digits, '-' and '.'.
    static func array(_ keys: [String]) -> String { "{" + keys.joined(separator: ",") + "}" }

    /// Text in a statement, the same whatever `standard_conforming_strings` says
    /// (https://www.postgresql.org/docs/15/sql-syntax-lexical.html#SQL-SYNTAX-STRINGS-ESCAPE).
    static func literal(_ text: String) -> String {
        "E'" + text.replacing("\\", with: "\\\\").replacing("'", with: "''") + "'"
    }
}
