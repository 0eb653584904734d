import GRDB
import MusterCore
import MusterDrills

/// What became of the datasets of a run.
extension Schema {
    static let datasets = """
        CREATE TABLE datasets (
          run TEXT NOT NULL REFERENCES closings (run),
          position INTEGER NOT NULL,
          name TEXT NOT NULL,
          kind TEXT NOT NULL,
          result TEXT NOT NULL,
          missing INTEGER NOT NULL,
          extra INTEGER NOT NULL,
          changed INTEGER NOT NULL,
          explained INTEGER NOT NULL,
          findings TEXT NOT NULL,
          PRIMARY KEY (run, position)
        ) STRICT, WITHOUT ROWID;

        """
}

extension OutcomeStore {
    func insert(_ database: Database, _ dataset: DatasetFindings, _ run: String, _ position: Int) throws {
        try database.execute(
            sql: """
                INSERT INTO datasets (run, position, name, kind, result, missing, extra, changed, explained, \
                findings) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                run, position, dataset.name, dataset.kind, dataset.result.rawValue, dataset.missing,
                dataset.extra, dataset.changed, dataset.explained, dataset.value.canonicalJSON,
            ])
    }

    /// None in a store that is only read, and that an earlier version wrote.
    func datasets(_ database: Database, _ run: String) throws -> [DatasetFindings] {
        guard try database.tableExists("datasets") else { return [] }
        return try Row.fetchAll(
            database, sql: "SELECT findings FROM datasets WHERE run = ? ORDER BY position", arguments: [run]
        ).map { row in
            guard let findings = DatasetFindings(value: try json(row["findings"])) else {
                throw UnreadableWord(description: "a dataset's findings are not those of any version")
            }
            return findings
        }
    }
}
