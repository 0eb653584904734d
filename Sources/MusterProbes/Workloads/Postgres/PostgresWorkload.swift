public import MusterCore
public import MusterDrills

/// Writes to a PostgreSQL server with INSERT, and reads back with SELECT.
///
/// The entries of a run go into a table of their own, `muster_<run>`, made by the first write and dropped after a
/// run in which nothing was amiss. Its primary key is the entry's key: what were applied twice is refused, and told.
/// Registers and accounts are rows of the same table.
public struct PostgresWorkload: Workload, Hashable {
    public var postgres = ""
    public var password: String?
    /// Reads a copy of the store, which may be a standby.
    private(set) var isReplica = false
    public init() {}

    public static let abilities: Set<WorkloadAbility> = [.register, .bank, .deletes, .replicas]

    public static let form = Form(
        "postgres",
        "Writes entries to a PostgreSQL server with INSERT, into a table of the run's own; reads back with SELECT.",
        example: "orders: { postgres: \"postgres://app@127.0.0.1:5432/orders\", writers: 8, rate: 200/s }",
        blank: PostgresWorkload(),
        fields: [
            Field(
                required: "postgres", \.postgres,
                "postgres://user@host:port/database, or host=… port=… user=… dbname=…, without a password.",
                in: PostgresAddress.problem),
            Field(
                "password", \.password,
                "The password, as ${file:PATH} or ${env:NAME}; a passfile, PGPASSFILE and ~/.pgpass work too."
            ),
        ])
}

extension PostgresWorkload: RunnableWorkload {
    public func reading(from url: String) -> PostgresWorkload? {
        guard PostgresAddress.problem(url) == nil else { return nil }
        var copy = self
        copy.postgres = url
        copy.isReplica = true
        return copy
    }

    func client(on loop: EventLoop, names: KeyNames) throws -> any StoreClient {
        let login = try PostgresLogin(postgres, password: password, application: names.application)
        return PostgresStore(
            PostgresConnection(loop: loop, login: login), loop, names, isReplica: isReplica)
    }
}

extension KeyNames {
    /// As which the server lists our connections: PostgreSQL cuts names at 63 bytes.
    var application: String { String(prefix.reversed().drop { $0 == "-" }.reversed().prefix(63)) }

    /// The table of a run's entries: letters, digits and `_`, at most 63 of them, and another one for each prefix.
    var table: String {
        let name = String(
            application.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
        return name.utf8.count < 63 ? name : "\(name.prefix(54))_\(String(CRC32.of(prefix.utf8), radix: 16))"
    }
}
