public import MusterCore

/// An nft table of ours leads no new connections anywhere.
///
/// The table itself goes only after the proxy: with the last table that translates addresses the kernel stops
/// translating, and connections that it led before would hang for ever instead of ending with their proxy.
public struct NoRedirect: Fact, Hashable {
    public static let kind = "no-redirect"
    /// The table, and where it is.
    public var table: NoNftTable

    public init(table: NoNftTable) { self.table = table }
    public init(fields: Value) throws { self.init(table: try NoNftTable(fields: fields)) }

    public var fields: Value { table.fields }
    public var phase: MendingPhase { .network }
    public var sentence: String { "nft table \(table.table) leads no connections anywhere" }
    public var byHand: [[String]] {
        let enter = table.namespace.map { ["nsenter", "--net=\(NetworkPlace.path(ofNamespace: $0))"] } ?? []
        return [enter + ["nft", "flush", "set", "inet", table.table, RedirectTable.set]]
    }

    public func state(on host: any HostReader) throws -> FactState {
        let standing = try table.state(on: host)
        // Where there is no table, or no such namespace any more, nobody is led anywhere.
        guard case .violated = standing else { return standing }
        guard let nft = NetworkPlace.command(table.namespace, on: host) else {
            throw FactError.cannotRestore("nft or nsenter is missing: apt-get install nftables util-linux")
        }
        let list = try host.query(nft + ["list", "table", "inet", table.table], deadline: .seconds(5))
        return list.output.contains("elements = {")
            ? .violated("the table \(table.table) leads connections") : .holds
    }

    public func endedEarly(_ found: FactState, on host: any HostReader) throws -> String? {
        found == .holds
            ? "the nft table \(table.table) led nobody any more: its deadline had passed, or somebody removed it"
            : nil
    }

    public func restore(on host: any Host) throws {
        guard let nft = NetworkPlace.command(table.namespace, on: host) else {
            throw FactError.cannotRestore("nft or nsenter is missing: apt-get install nftables util-linux")
        }
        let result = try host.run(
            nft + ["flush", "set", "inet", table.table, RedirectTable.set], as: table.id,
            deadline: .seconds(10))
        // That it expired or went meanwhile is no failure; it is read again.
        guard result.succeeded || result.errors.contains("No such file") else {
            throw FactError.cannotRestore(
                "nft flush: \(result.endingInWords): \(result.errors.prefix(200))")
        }
    }
}
