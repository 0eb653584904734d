/// What may be broken: a drill's targets are its blast radius, and nothing else is touched.
public struct Target: Hashable, Sendable {
    /// The word by which a fault says what it can be aimed at.
    public enum Kind: String, Sendable, CaseIterable {
        case process, path, network, proxy, host
    }

    public enum Selector: Hashable, Sendable {
        case process(ProcessSelector)
        /// A file or directory, absolute.
        case path(String)
        case network(NetworkScope)
        case proxy(ProxyScope)
        /// The host itself, for faults such as load on its cores.
        case host
    }

    public var selector: Selector
    /// How many processes the selector must match.
    public var count: Int
    /// A command that brings a killed process back where no unit and no fixture does.
    public var restart: [String]
    /// What would otherwise be refused: `system-path`, `muster`, `irreversible`, `root-filesystem`.
    public var allow: Set<String>

    public init(_ selector: Selector, count: Int = 1, restart: [String] = [], allow: Set<String> = []) {
        self.selector = selector
        self.count = count
        self.restart = restart
        self.allow = allow
    }

    public var kind: Kind {
        switch selector {
        case .process: .process
        case .path: .path
        case .network: .network
        case .proxy: .proxy
        case .host: .host
        }
    }
}

/// Finds processes. Exactly one way.
public enum ProcessSelector: Hashable, Sendable {
    case pidFile(String)
    /// The TCP port on which it listens.
    case listening(Int)
    /// The kernel's name, exactly.
    case name(String)
    /// A text that the command line (arguments joined by blanks) must contain.
    case commandLine(String)
    /// Every process of a cgroup, by its path in the unified hierarchy.
    case cgroup(String)
    /// A fixture of the drill, by the id of its journal row.
    case fixture(name: String, InjectionID)
}

/// Where in the network a fault works.
public enum NetworkScope: Hashable, Sendable {
    /// A named network namespace (ip-netns(8)).
    case namespace(String)
    /// The processes of a cgroup, by its path in the unified hierarchy.
    case cgroup(String)
    /// The cgroup of a fixture of the drill.
    case fixture(name: String, InjectionID)
}

/// A fault proxy: one of those that a program with Toxiproxy's HTTP interface runs.
public enum ProxyScope: Hashable, Sendable {
    /// By its name, at an interface that runs already.
    case named(String, api: StreamAddress)
    /// A fixture of the drill that is a proxy, by the id of its journal row.
    case fixture(name: String, InjectionID)
}

extension Target {
    /// As it crosses the wire and lies in the journal.
    public var value: Value {
        var map: [String: Value] = ["count": .int(Int64(count))]
        switch selector {
        case .host: map["host"] = true
        case .path(let path): map["path"] = .text(path)
        case .process(let selector):
            switch selector {
            case .pidFile(let path): map["process"] = ["pidFile": .text(path)]
            case .listening(let port): map["process"] = ["listening": .int(Int64(port))]
            case .name(let name): map["process"] = ["name": .text(name)]
            case .commandLine(let text): map["process"] = ["commandLine": .text(text)]
            case .cgroup(let path): map["process"] = ["cgroup": .text(path)]
            case .fixture(let name, let id):
                map["process"] = ["fixture": .text(name), "id": .text(id.rawValue)]
            }
        case .network(let scope):
            switch scope {
            case .namespace(let name): map["network"] = ["namespace": .text(name)]
            case .cgroup(let path): map["network"] = ["cgroup": .text(path)]
            case .fixture(let name, let id):
                map["network"] = ["fixture": .text(name), "id": .text(id.rawValue)]
            }
        case .proxy(let scope):
            switch scope {
            case .named(let name, let api): map["proxy"] = ["name": .text(name), "api": .text(api.text)]
            case .fixture(let name, let id):
                map["proxy"] = ["fixture": .text(name), "id": .text(id.rawValue)]
            }
        }
        if !restart.isEmpty { map["restart"] = .list(restart.map { .text($0) }) }
        if !allow.isEmpty { map["allow"] = .list(allow.sorted().map { .text($0) }) }
        return .map(map)
    }

    /// - Returns: nil when the value is not a target of this version.
    public init?(_ value: Value) {
        let selector: Selector
        if value["host"]?.asBool == true {
            selector = .host
        } else if let path = value["path"]?.asText {
            selector = .path(path)
        } else if let process = value["process"] {
            guard let found = ProcessSelector(process) else { return nil }
            selector = .process(found)
        } else if let network = value["network"] {
            guard let found = NetworkScope(network) else { return nil }
            selector = .network(found)
        } else if let proxy = value["proxy"] {
            guard let found = ProxyScope(proxy) else { return nil }
            selector = .proxy(found)
        } else {
            return nil
        }
        self.init(
            selector, count: Int(value["count"]?.asInt ?? 1),
            restart: value["restart"]?.asList?.compactMap(\.asText) ?? [],
            allow: Set(value["allow"]?.asList?.compactMap(\.asText) ?? []))
    }
}

extension ProcessSelector {
    init?(_ value: Value) {
        if let path = value["pidFile"]?.asText {
            self = .pidFile(path)
        } else if let port = value["listening"]?.asInt {
            self = .listening(Int(port))
        } else if let name = value["name"]?.asText {
            self = .name(name)
        } else if let text = value["commandLine"]?.asText {
            self = .commandLine(text)
        } else if let path = value["cgroup"]?.asText {
            self = .cgroup(path)
        } else if let name = value["fixture"]?.asText, let id = value["id"]?.asText.flatMap(InjectionID.init)
        {
            self = .fixture(name: name, id)
        } else {
            return nil
        }
    }

    /// For people: `the process listening on port 6390`.
    public var inWords: String {
        switch self {
        case .pidFile(let path): "the process of pid file \(path)"
        case .listening(let port): "the process listening on port \(port)"
        case .name(let name): "processes named '\(name)'"
        case .commandLine(let text): "processes whose command line contains '\(text)'"
        case .cgroup(let path): "the processes of cgroup \(path)"
        case .fixture(let name, _): "fixture '\(name)'"
        }
    }
}

extension NetworkScope {
    init?(_ value: Value) {
        if let name = value["namespace"]?.asText {
            self = .namespace(name)
        } else if let path = value["cgroup"]?.asText {
            self = .cgroup(path)
        } else if let name = value["fixture"]?.asText, let id = value["id"]?.asText.flatMap(InjectionID.init)
        {
            self = .fixture(name: name, id)
        } else {
            return nil
        }
    }
}

extension ProxyScope {
    init?(_ value: Value) {
        if let name = value["name"]?.asText, let api = value["api"]?.asText.flatMap({ StreamAddress($0) }) {
            self = .named(name, api: api)
        } else if let name = value["fixture"]?.asText, let id = value["id"]?.asText.flatMap(InjectionID.init)
        {
            self = .fixture(name: name, id)
        } else {
            return nil
        }
    }

    /// For people: `proxy 'redis' at 127.0.0.1:8474`.
    public var inWords: String {
        switch self {
        case .named(let name, let api): "proxy '\(name)' at \(api.text)"
        case .fixture(let name, _): "proxy '\(name)' of the drill"
        }
    }
}
