public import MusterCore

/// Cuts a network namespace or a cgroup off from peers: packets vanish without an answer.
public struct NetPartition: SelfEnding {
    public var peers: [String] = []
    public var ports: [Int] = []
    public var direction: Direction = .both
    public var deadline: Duration?

    public init() {}

    public static var form: Form<Self> {
        Form(
            "net-partition",
            "Cuts a target off from its peers, one way or both: packets vanish without an answer.",
            example:
                "inject: net-partition\ninto: replica\nfor: 10s\nrecovery: after\nwith: { peers: [10.0.0.2], direction: in }",
            blank: Self(),
            fields: [
                Field(
                    "peers", \.peers, default: [],
                    "Addresses or networks (CIDR) that it is cut off from; everybody but itself when left out."
                ) {
                    $0.contains { !PeerAddress.isValid($0) }
                        ? "IPv4 or IPv6 addresses, such as 10.0.0.2 or fd00::/8" : nil
                },
                Field(
                    "ports", \.ports, default: [],
                    "Only TCP and UDP traffic from or to these ports; all traffic when left out."
                ) { $0.contains { !(1...65535 ~= $0) } ? "ports from 1 to 65535" : nil },
                Field(
                    "direction", \.direction, default: .both, "Drops what comes in, what goes out, or both."),
                Field(
                    "deadline", \.deadline,
                    "The kernel itself lifts the partition after this, whoever has died; 5 min after the lift or the "
                        + "end of the run when left out.", in: FaultDeadline.problem),
            ])
    }

    public static let targets: Set<Target.Kind> = [.network]
    public var persistence: Persistence { .held }

    public static func readiness(on host: any HostReader) -> Readiness {
        guard host.userID() == 0 else {
            return .missing(
                "root: only it may change nft tables (CAP_NET_ADMIN)", enable: "run Muster with sudo")
        }
        guard let nft = host.tool("nft"), host.tool("nsenter") != nil else {
            return .missing("nft or nsenter", enable: "apt-get install nftables util-linux")
        }
        guard let probe = try? host.query([nft, "list", "tables"], deadline: .seconds(5)), probe.succeeded
        else {
            return .missing(
                "nf_tables in this kernel, or the permission to use it", enable: "modprobe nf_tables")
        }
        return .ready("an nft table of ours whose sets expire in the kernel")
    }

    public func plan(for target: Target, as id: InjectionID, on host: any HostReader) throws -> UndoPlan {
        try Refusals.needRoot("changing nft tables", on: host)
        let place = try NetworkPlace.resolve(target, on: host)
        guard NetworkPlace.command(place.namespace, on: host) != nil else {
            throw FaultRefusal(
                .noMechanism, "nft or nsenter is missing", advice: "apt-get install nftables util-linux")
        }
        let namespacePath = place.namespace.map { NetworkPlace.path(ofNamespace: $0) }
        let inode = try namespacePath.flatMap { try host.status(of: $0)?.inode } ?? 0
        let fact = NoNftTable(id: id, namespace: place.namespace, inode: inode)
        let whom = peers.isEmpty ? "everybody else" : peers.joined(separator: ", ")
        return UndoPlan(
            facts: [fact], claims: [Claim("nft-table", (place.namespace ?? "") + "/" + fact.table)],
            touches: [
                "cuts \(place.namespace.map { "namespace \($0)" } ?? "one cgroup") off from \(whom)"
                    + (ports.isEmpty ? "" : " on ports \(ports.map(String.init).joined(separator: ", "))")
                    + " (\(direction.rawValue)) by nft table \(fact.table), for at most \(lasts.unitsText)"
            ])
    }

    public func inject(into target: Target, as id: InjectionID, plan: UndoPlan, on host: any Host) throws {
        let place = try NetworkPlace.resolve(target, on: host)
        let fact = try plan.first(NoNftTable.self)
        let nft = try NetworkPlace.needCommand(fact.namespace, on: host)
        let table = PartitionTable(
            name: fact.table, match: place.match, peers: peers, ports: ports, direction: direction,
            expires: lasts)
        let result = try host.run(nft + [table.text], as: id, deadline: .seconds(10))
        guard result.succeeded else {
            throw HostError(
                .failed, "nft add table \(fact.table)",
                "\(result.endingInWords): \(result.errors.prefix(400))")
        }
    }

    /// Proven by the rules being in force: the table is there and its sets have not expired. Its counters are
    /// told as well, but a peer that happens to be silent drops nothing.
    public func effect(
        on target: Target, as id: InjectionID, facts: [any Fact], seenBy host: any HostReader
    ) throws -> Effect {
        guard let fact = facts.lazy.compactMap({ $0 as? NoNftTable }).first,
            let nft = NetworkPlace.command(fact.namespace, on: host)
        else { return .notYet("its fact is missing") }
        let list = try host.query(nft + ["list", "table", "inet", fact.table], deadline: .seconds(5))
        guard list.succeeded else { return .notYet("the table \(fact.table) is not there") }
        guard list.output.contains("elements = {") else {
            return .notYet("the kernel has lifted it: the sets of \(fact.table) are empty")
        }
        let words = list.output.split { $0 == " " || $0 == "\n" }
        let dropped = zip(words, words.dropFirst()).filter { $0.0 == "packets" }.compactMap { Int($0.1) }
        return .proven("the rules are in force, \(dropped.reduce(0, +)) packets dropped so far")
    }
}

/// Checks what people write before nft sees it.
enum PeerAddress {
    static func isValid(_ text: String) -> Bool {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count) else { return false }
        let isV6 = parts[0].contains(":")
        if parts.count == 2 {
            guard let prefix = Int(parts[1]), (1...(isV6 ? 128 : 32)) ~= prefix else { return false }
        }
        if isV6 {
            let groups = parts[0].split(separator: ":", omittingEmptySubsequences: false)
            return groups.count <= 8 && groups.allSatisfy { $0.count <= 4 && $0.allSatisfy(\.isHexDigit) }
        }
        let octets = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        return octets.count == 4 && octets.allSatisfy { UInt8($0) != nil }
    }
}
