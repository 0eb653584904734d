public import MusterCore

/// Leads connections of somebody through a proxy, without his knowing (nft(8), redirect): an nft table of ours in his
/// network namespace, or for his cgroup. The proxy reads from each where it was going.
///
/// Only connections that are made while it holds: those that stood before go on as they are, and those that were made
/// meanwhile end with the proxy.
public struct Redirect: Formed {
    public var namespace: String?
    public var cgroup: String?
    public var fixture: String?
    /// The journal row of that fixture.
    public var id: String?
    public var to: [StreamAddress] = []
    public var deadline = Duration.seconds(600)

    public init() {}

    public static let form = Form(
        "redirect", "Whose connections are led through the proxy.", blank: Redirect(),
        fields: [
            Field("namespace", \.namespace, "Those of a named network namespace, ip-netns(8)."),
            Field("cgroup", \.cgroup, "Those of the processes of a cgroup."),
            Field("fixture", \.fixture, "Those of a fixture."),
            Field("id", \.id, "The journal row of that fixture."),
            Field(required: "to", \.to, "The addresses that they connect to, of one family.") {
                StreamAddress.redirectProblem($0)
            },
            Field(
                "deadline", \.deadline, default: .seconds(600),
                "The kernel itself lifts it after this, whoever has died.",
                in: FaultDeadline.problem),
        ],
        check: { redirect in
            if [redirect.namespace, redirect.cgroup, redirect.fixture].compactMap({ $0 }).count != 1 {
                throw FormProblem(
                    "a redirect is about one thing", at: nil, expected: "one of namespace, cgroup, fixture")
            }
        })

    private var scope: NetworkScope? {
        if let namespace { return .namespace(namespace) }
        if let cgroup { return .cgroup(cgroup) }
        guard let fixture, let id = id.flatMap({ InjectionID($0) }) else { return nil }
        return .fixture(name: fixture, id)
    }

    /// Two redirects of the same connections would fight.
    var claim: String { "\(namespace ?? cgroup ?? fixture ?? "")" }

    private func place(_ host: any HostReader) throws -> NetworkPlace {
        guard let scope else {
            throw FaultRefusal(
                .noMatch, "fixture '\(fixture ?? "")' has no id", advice: "start it before the proxy")
        }
        return try NetworkPlace.resolve(Target(.network(scope)), on: host)
    }

    func plan(as id: InjectionID, on host: any HostReader) throws -> (facts: [any Fact], touch: String) {
        try Refusals.needRoot("redirecting connections (nft tables)", on: host)
        let place = try place(host)
        guard NetworkPlace.command(place.namespace, on: host) != nil else {
            throw FaultRefusal(
                .noMechanism, "nft or nsenter is missing", advice: "apt-get install nftables util-linux")
        }
        let inode = try place.namespace.flatMap {
            try host.status(of: NetworkPlace.path(ofNamespace: $0))?.inode
        }
        let table = NoNftTable(id: id, namespace: place.namespace, inode: inode ?? 0, phase: .fixtures)
        let whom = namespace.map { "namespace \($0)" } ?? fixture.map { "fixture '\($0)'" } ?? "one cgroup"
        return (
            [NoRedirect(table: table), table],
            "leads connections of \(whom) to \(to.map(\.text).joined(separator: ", ")) through it by nft table "
                + "\(table.table), for at most \(deadline.unitsText)"
        )
    }

    /// - Parameter listen: where the proxy really listens.
    func inject(as id: InjectionID, to listen: String, plan: UndoPlan, on host: any Host) throws {
        let fact = try plan.first(NoNftTable.self)
        let nft = try NetworkPlace.needCommand(fact.namespace, on: host)
        guard let port = StreamAddress(listen)?.port else {
            throw HostError(
                .failed, "lead connections to the proxy", "it listens at \(listen), which has no port")
        }
        let place = try place(host)
        var exempt = ""
        if place.namespace != nil {
            // Everybody in the namespace is meant but the proxy itself, which is known by its cgroup.
            let own = NetworkScope.fixture(name: "proxy", id)
            exempt = try NetworkPlace.resolve(Target(.network(own)), on: host).match
        }
        let table = RedirectTable(
            name: fact.table, match: place.match, exempt: exempt, to: to, port: port, expires: deadline)
        let result = try host.run(nft + [table.text], as: id, deadline: .seconds(10))
        guard result.succeeded else {
            throw HostError(
                .failed, "nft add table \(fact.table)",
                "\(result.endingInWords): \(result.errors.prefix(400))")
        }
    }

    /// In a namespace a client of ours connects as everybody there does, and the packet filter counts it. Nobody but
    /// its own processes can do so for a cgroup: there the table is all that is looked at.
    func effect(as id: InjectionID, on host: any HostReader) throws -> Effect {
        func leading() throws -> Leading? { try Leading.read(id, in: namespace, on: host) }
        guard let before = try leading() else {
            return .notYet("the table \(NoNftTable.table(of: id)) is not there")
        }
        guard !before.to.isEmpty else { return .notYet("the kernel has lifted it: nobody is led any more") }
        let addresses = to.map(\.text).joined(separator: ", ")
        guard let namespace else {
            return .proven("new connections to \(addresses) are led through it; so far: \(before.count)")
        }
        for address in to {
            _ = host.visit(
                Visit(address, namespace: namespace, deadline: .milliseconds(500)) { _ in true }, atOnce: 1)
        }
        let led = try (leading()?.count ?? 0) - before.count
        return led >= to.count
            ? .proven("connections from namespace \(namespace) to \(addresses) are led through it")
            : .notYet("of \(to.count) connections from namespace \(namespace), \(max(0, led)) were led")
    }
}

/// The text of the nft table of a redirect. One command, so that the kernel takes all of it or nothing; its set
/// expires, so that the kernel lifts it when nobody else does.
struct RedirectTable {
    /// The set of what is led.
    static let set = "to"
    var name: String
    /// Limits it to the sockets of a cgroup.
    var match: String
    /// The sockets that it is not about.
    var exempt: String
    var to: [StreamAddress]
    var port: Int
    var expires: Duration

    var text: String {
        let isV6 = to.first?.isV6 == true
        let family = isV6 ? "ip6" : "ip"
        let seconds = max(1, (expires.nanoseconds + 999_999_999) / 1_000_000_000)
        let elements = to.compactMap { address -> String? in
            guard case .tcp(let host, let port) = address else { return nil }
            return "\(host) . \(port) timeout \(seconds)s"
        }
        var rules = exempt.isEmpty ? [] : ["\(exempt)return"]
        rules.append("\(match)\(family) daddr . tcp dport @to counter redirect to :\(port)")
        return """
            add table inet \(name) {
             set to { type \(isV6 ? "ipv6_addr" : "ipv4_addr") . inet_service; flags timeout; elements = { \
            \(elements.joined(separator: ", ")) } }
             chain output {
              type nat hook output priority -100; policy accept;
            \(rules.map { "  \($0)" }.joined(separator: "\n"))
             }
            }
            """
    }
}
