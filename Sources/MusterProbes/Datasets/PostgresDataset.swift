public import MusterCore
public import MusterDrills

/// Tables of a PostgreSQL database, row by row, in one snapshot. A standby does as well.
public struct PostgresDataset: Dataset, Hashable {
    public var postgres = ""
    public var password: String?
    public var tables: [String] = []
    public var exclude: [String] = []
    public init() {}

    public static let form = Form(
        "postgres", "Tables of a PostgreSQL database, row by row, as one snapshot sees them.",
        example: "customers: { postgres: \"host=db1 user=app dbname=shop\", tables: [public.customers] }",
        blank: PostgresDataset(),
        fields: [
            Field(
                required: "postgres", \.postgres,
                "postgres://user@host:port/database, or host=… port=… user=… dbname=…, without a password.",
                in: PostgresAddress.problem),
            Field("password", \.password, "The password, as ${file:PATH} or ${env:NAME}."),
            Field(
                "tables", \.tables, default: [],
                "The tables, as schema.table; all that are no system's and no probe's when left out."),
            Field("exclude", \.exclude, default: [], "Tables that are left out, as schema.table."),
        ])
}

extension PostgresDataset: ReadableDataset {
    func read(into pass: DatasetPass) throws(DatasetFailure) {
        let login: PostgresLogin
        do { login = try PostgresLogin(postgres, password: password, application: "muster-dataset") } catch {
            throw DatasetFailure("\(error)")
        }
        let reader = try PostgresReader(login, until: pass.end, look: pass.look)
        try reader.run(Self.session)
        let catalog = try PostgresCatalog(reader)
        let all = catalog.tables
        for table in tables where !all.contains(where: { $0.name == table }) { pass.lacks(table) }
        let chosen = all.filter {
            (tables.isEmpty || tables.contains($0.name)) && !exclude.contains($0.name)
        }
        try tellObjects(catalog, besides: Set(chosen.map(\.name)), to: pass)
        for table in chosen { try table.read(reader, catalog, into: pass) }
    }

    /// What belongs to no table is told when all tables are wanted.
    private func tellObjects(
        _ catalog: PostgresCatalog, besides chosen: Set<String>, to pass: DatasetPass
    ) throws(DatasetFailure) {
        pass.objects = try catalog.sequences().filter { table, sequence in
            table.map { chosen.contains($0) } ?? (tables.isEmpty && !exclude.contains(sequence.name))
        }.map { $0.object }
        guard tables.isEmpty else { return }
        pass.objects += try catalog.views().filter { !exclude.contains($0.name) }
        if try catalog.hasLargeObjects() { pass.note("it holds large objects, which are not compared") }
    }

    /// Values in one text each, whatever the server's and the role's settings are, and one snapshot for all tables. A lock
    /// that somebody holds is waited for, but not for ever. Rows that a policy hides are an error, as for pg_dump(1)
    /// (https://www.postgresql.org/docs/15/ddl-rowsecurity.html).
    private static let session = """
        SET datestyle = 'ISO, YMD'; SET intervalstyle = 'iso_8601'; SET timezone = 'UTC'; \
        SET extra_float_digits = 1; SET bytea_output = 'hex'; SET lc_monetary = 'C'; SET search_path = ''; \
        SET lock_timeout = '10s'; SET statement_timeout = 0; SET row_security = off; \
        BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY
        """
}
