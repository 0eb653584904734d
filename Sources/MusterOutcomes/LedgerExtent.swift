import GRDB
import MusterCore
import MusterDrills

/// How much of a ledger was read, and what its replicas hold.
extension Schema {
    static let ledgerExtents = """
        CREATE TABLE ledger_samples (
          run TEXT NOT NULL,
          ledger INTEGER NOT NULL,
          older INTEGER NOT NULL,
          drawn INTEGER NOT NULL,
          missing INTEGER NOT NULL,
          PRIMARY KEY (run, ledger),
          FOREIGN KEY (run, ledger) REFERENCES ledgers (run, position)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE ledger_replicas (
          run TEXT NOT NULL,
          ledger INTEGER NOT NULL,
          position INTEGER NOT NULL,
          name TEXT NOT NULL,
          missing INTEGER NOT NULL,
          different INTEGER NOT NULL,
          extra INTEGER NOT NULL,
          unread INTEGER NOT NULL,
          inconclusive TEXT,
          PRIMARY KEY (run, ledger, position),
          FOREIGN KEY (run, ledger) REFERENCES ledgers (run, position)
        ) STRICT, WITHOUT ROWID;

        """
}

extension OutcomeStore {
    func insertExtent(
        _ database: Database, _ ledger: LedgerFindings, _ run: String, _ position: Int
    ) throws {
        if let sample = ledger.sample {
            try database.execute(
                sql: "INSERT INTO ledger_samples (run, ledger, older, drawn, missing) VALUES (?, ?, ?, ?, ?)",
                arguments: [run, position, sample.older, sample.drawn, sample.missing])
        }
        for (index, replica) in ledger.replicas.enumerated() {
            try database.execute(
                sql: """
                    INSERT INTO ledger_replicas (run, ledger, position, name, missing, different, extra, unread, \
                    inconclusive) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    run, position, index, replica.name, replica.missing, replica.different, replica.extra,
                    replica.unread, replica.inconclusive,
                ])
        }
    }

    /// None in a store that is only read, and that an earlier version wrote.
    /// - Parameter place: run and position of the ledger.
    func readExtent(
        _ database: Database, of place: StatementArguments, into findings: inout LedgerFindings
    ) throws {
        guard try database.tableExists("ledger_samples") else { return }
        findings.sample = try Row.fetchOne(
            database, sql: "SELECT * FROM ledger_samples WHERE run = ? AND ledger = ?", arguments: place
        ).map { SampleFindings(older: $0["older"], drawn: $0["drawn"], missing: $0["missing"]) }
        findings.replicas = try Row.fetchAll(
            database, sql: "SELECT * FROM ledger_replicas WHERE run = ? AND ledger = ? ORDER BY position",
            arguments: place
        ).map { row in
            var replica = ReplicaFindings(name: row["name"])
            replica.missing = row["missing"]
            replica.different = row["different"]
            replica.extra = row["extra"]
            replica.unread = row["unread"]
            replica.inconclusive = row["inconclusive"]
            return replica
        }
    }
}

extension Chain {
    /// Of ledgers that were read whole and have no replicas it is empty.
    static func extent(_ findings: LedgerFindings) -> [String: Value] {
        var extent: [String: Value] = [:]
        if let sample = findings.sample {
            extent["sample"] = .list(
                [sample.older, sample.drawn, sample.missing].map { .int(Int64($0)) })
        }
        if !findings.replicas.isEmpty {
            extent["replicas"] = .list(
                findings.replicas.map { replica in
                    let counts = [replica.missing, replica.different, replica.extra, replica.unread]
                    return .list(
                        [.text(replica.name)] + counts.map { .int(Int64($0)) }
                            + [.optional(replica.inconclusive)])
                })
        }
        return extent
    }
}
