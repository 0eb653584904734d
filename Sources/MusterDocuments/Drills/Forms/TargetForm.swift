import MusterCore
import MusterDrills

/// An entry of `targets:`.
struct TargetForm: Formed {
    var fixture: String?
    var process: ProcessForm?
    var path: String?
    var network: NetworkForm?
    var proxy: ProxyForm?
    var host: HostWord?
    var count = 1
    var restart: [String] = []
    var allow: [Allowance] = []
    var hosts: NotYet?
    var mayDisappear: NotYet?
    var resolve: NotYet?
    var among: NotYet?

    enum Allowance: String, FormWord {
        case systemPath = "system-path"
        case muster, irreversible
        case rootFilesystem = "root-filesystem"
    }

    static let form = Form(
        "target", "What may be broken: the blast radius, and nothing else.", blank: TargetForm(),
        fields: [
            Field("fixture", \.fixture, "A fixture of this drill."),
            Field("process", \.process, "Processes of the host."),
            Field(
                "path", \.path, "A file or directory.",
                in: { $0.hasPrefix("/") ? nil : "an absolute path" }),
            Field("network", \.network, "Where in the network the fault works."),
            Field("proxy", \.proxy, "A fault proxy, in front of what the fault is about."),
            Field("host", \.host, "local: the host itself."),
            Field(
                "count", \.count, default: 1, "How many processes the selector must match.",
                in: { (1...10_000).contains($0) ? nil : "from 1 to 10000" }),
            Field("restart", \.restart, default: [], "A command that brings a killed process back."),
            Field("allow", \.allow, default: [], "What would otherwise be refused."),
            Field("hosts", \.hosts, "Several hosts."),
            Field("mayDisappear", \.mayDisappear, "Losing the host is an effect, not an abort."),
            Field("resolve", \.resolve, "A command that finds a role."),
            Field("among", \.among, "The hosts among which 'resolve' chooses."),
        ],
        check: { target in
            let given = [
                target.fixture != nil, target.process != nil, target.path != nil, target.network != nil,
                target.proxy != nil,
            ].filter { $0 }.count
            if given > 1 || (given == 0 && target.host == nil) {
                throw FormProblem(
                    "a target is one thing", at: nil,
                    expected: "one of fixture, process, path, network, proxy, or host alone")
            }
        })

    func target(named name: String) -> DrillTarget {
        let selector: DrillTarget.Selector
        if let fixture {
            selector = .fixture(fixture)
        } else if let process {
            selector = .process(process.selector)
        } else if let path {
            selector = .path(path)
        } else if let network {
            selector = network.selector
        } else if let proxy {
            selector = proxy.selector
        } else {
            selector = .host
        }
        return DrillTarget(
            name: name, selector: selector, count: count, restart: restart,
            allow: Set(allow.map(\.rawValue)))
    }
}

/// The name of a host; so far only `local`.
struct HostWord: FormValue {
    static var shape: Shape { .words(["local"]) }
    var value: Value { "local" }
    init(node: FormNode) throws {
        guard let text = node.text else { throw Self.mismatch(node) }
        if text != "local" {
            throw notYet("'\(text)' is another host than this one", node, expected: "local")
        }
    }
}

/// Finds processes, in exactly one way.
struct ProcessForm: Formed {
    var pidFile: String?
    var listening: Int?
    var name: String?
    var commandLine: String?
    var cgroup: String?

    static let form = Form(
        "process", "Finds processes, in exactly one way.", blank: ProcessForm(),
        fields: [
            Field("pidFile", \.pidFile, "A file that holds its process id."),
            Field(
                "listening", \.listening, "The TCP port on which it listens.",
                in: { (1...65_535).contains($0) ? nil : "from 1 to 65535" }),
            Field("name", \.name, "The kernel's name, exactly."),
            Field("commandLine", \.commandLine, "A text that its command line contains."),
            Field("cgroup", \.cgroup, "Every process of a cgroup."),
        ],
        check: { process in
            let given = [
                process.pidFile != nil, process.listening != nil, process.name != nil,
                process.commandLine != nil, process.cgroup != nil,
            ].filter { $0 }.count
            if given != 1 {
                throw FormProblem(
                    "\(given) ways of finding the process", at: nil,
                    expected: "one of pidFile, listening, name, commandLine, cgroup")
            }
        })

    var selector: ProcessSelector {
        if let pidFile { return .pidFile(pidFile) }
        if let listening { return .listening(listening) }
        if let name { return .name(name) }
        if let commandLine { return .commandLine(commandLine) }
        return .cgroup(cgroup ?? "")
    }
}

/// Where in the network a fault works.
struct NetworkForm: Formed {
    var namespace: String?
    var cgroup: String?
    var fixture: String?

    static let form = Form(
        "network", "Where in the network a fault works.", blank: NetworkForm(),
        fields: [
            Field("namespace", \.namespace, "A named network namespace, ip-netns(8)."),
            Field("cgroup", \.cgroup, "The processes of a cgroup."),
            Field("fixture", \.fixture, "A fixture of this drill."),
        ],
        check: { network in
            if [network.namespace, network.cgroup, network.fixture].compactMap({ $0 }).count != 1 {
                throw FormProblem(
                    "a network is one thing", at: nil, expected: "one of namespace, cgroup, fixture")
            }
        })

    var selector: DrillTarget.Selector {
        if let namespace { return .network(.namespace(namespace)) }
        if let cgroup { return .network(.cgroup(cgroup)) }
        return .fixtureNetwork(fixture ?? "")
    }
}

/// A fault proxy.
struct ProxyForm: Formed {
    var name: String?
    var api: StreamAddress?
    var fixture: String?

    static let form = Form(
        "proxy", "A fault proxy: one that runs already, or a fixture of this drill.", blank: ProxyForm(),
        fields: [
            Field(
                "name", \.name, "The name of a proxy that runs already.",
                in: { $0.isEmpty || $0.contains("/") ? "a name without '/'" : nil }),
            Field(
                "api", \.api,
                "Where its HTTP interface listens, HOST:PORT or unix:PATH; 127.0.0.1:8474 when left out."),
            Field("fixture", \.fixture, "A fixture of this drill that is a proxy."),
        ],
        check: { proxy in
            if (proxy.name == nil) == (proxy.fixture == nil) {
                throw FormProblem("a proxy is one thing", at: nil, expected: "one of name, fixture")
            }
            if proxy.api != nil, proxy.fixture != nil {
                throw FormProblem(
                    "the interface of a fixture is known", at: nil, path: "api", expected: "fixture alone")
            }
        })

    var selector: DrillTarget.Selector {
        if let fixture { return .fixtureProxy(fixture) }
        return .proxy(.named(name ?? "", api: api ?? .tcp(host: "127.0.0.1", port: 8474)))
    }
}
