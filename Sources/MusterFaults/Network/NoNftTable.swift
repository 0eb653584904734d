public import MusterCore

/// An nft table of ours is not there.
public struct NoNftTable: Fact, Hashable {
    public static let kind = "no-nft-table"
    public var id: InjectionID
    /// A named network namespace; nil: the host's own.
    public var namespace: String?
    /// The namespace's inode, so that another one with the same name is not mistaken for it.
    public var inode: UInt64
    /// With the network, unless somebody's connections live by it until a fixture has come down.
    public var phase = MendingPhase.network

    public init(
        id: InjectionID, namespace: String?, inode: UInt64, phase: MendingPhase = .network
    ) {
        self.phase = phase
        self.id = id
        self.namespace = namespace
        self.inode = inode
    }

    public init(fields: Value) throws {
        self.init(
            id: try fields.id(of: Self.kind), namespace: fields["namespace"]?.asText,
            inode: UInt64(clamping: fields["inode"]?.asInt ?? 0),
            phase: fields["phase"]?.asText == "fixtures" ? .fixtures : .network)
    }

    public var fields: Value {
        var map: [String: Value] = ["id": .text(id.rawValue), "inode": .int(Int64(clamping: inode))]
        if let namespace { map["namespace"] = .text(namespace) }
        if phase == .fixtures { map["phase"] = "fixtures" }
        return .map(map)
    }

    public var table: String { Self.table(of: id) }
    public static func table(of id: InjectionID) -> String {
        "muster_" + id.rawValue.replacing("-", with: "_")
    }

    public var sentence: String {
        "no nft table \(table) is in " + (namespace.map { "namespace \($0)" } ?? "the host's namespace")
    }

    public var byHand: [[String]] {
        let enter = namespace.map { ["nsenter", "--net=\(NetworkPlace.path(ofNamespace: $0))"] } ?? []
        return [enter + ["nft", "delete", "table", "inet", table]]
    }

    public func state(on host: any HostReader) throws -> FactState {
        if let namespace {
            let path = NetworkPlace.path(ofNamespace: namespace)
            guard let found = try host.status(of: path) else {
                return .moot("network namespace '\(namespace)' is gone, and its tables with it")
            }
            if found.inode != inode { return .moot("network namespace '\(namespace)' was made anew") }
        }
        let tables = try nft(["list", "tables", "inet"]) {
            try host.query($0, deadline: .seconds(5))
        } on: {
            host
        }
        guard tables.succeeded else {
            throw FactError.cannotRestore("nft cannot list its tables: \(tables.errors.prefix(200))")
        }
        let isThere = tables.output.split(separator: "\n").contains { $0 == "table inet \(table)" }
        return isThere ? .violated("the table \(table) is there") : .holds
    }

    /// The kernel empties the sets of a table at its deadline; the table itself stays.
    public func endedEarly(_ found: FactState, on host: any HostReader) throws -> String? {
        // That of a redirect holds connections only; whether it leads any is a fact of its own.
        guard phase == .network else { return nil }
        switch found {
        case .moot: return nil
        case .holds: return "somebody had deleted the nft table \(table)"
        case .violated:
            let list = try nft(["list", "table", "inet", table]) {
                try host.query($0, deadline: .seconds(5))
            } on: {
                host
            }
            return list.succeeded && !list.output.contains("elements = {")
                ? "the kernel had lifted it: the sets of \(table) were empty, because its deadline had passed"
                : nil
        }
    }

    public func restore(on host: any Host) throws {
        let result = try nft(["delete", "table", "inet", table]) {
            try host.run($0, as: id, deadline: .seconds(10))
        } on: {
            host
        }
        // Its absence is read again afterwards; that somebody was quicker is no failure.
        guard result.succeeded || result.errors.contains("No such file") else {
            throw FactError.cannotRestore("nft delete: \(result.endingInWords): \(result.errors.prefix(200))")
        }
    }

    private func nft(
        _ arguments: [String], _ execute: ([String]) throws -> CommandResult, on host: () -> any HostReader
    ) throws -> CommandResult {
        guard let command = NetworkPlace.command(namespace, on: host()) else {
            throw FactError.cannotRestore("nft or nsenter is missing: apt-get install nftables util-linux")
        }
        return try execute(command + arguments)
    }
}
