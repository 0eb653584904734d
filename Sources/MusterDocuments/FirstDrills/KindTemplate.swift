import MusterCore

/// What is particular to one kind of server in a first drill and its runbook.
struct KindTemplate {
    /// The value behind `answers:`, without `every` and `timeout`.
    var probe: String
    /// What there is to know, or to confirm, about the probe; comment lines.
    var probeNotes: [String] = []
    var every = "50ms"
    var timeout = "500ms"
    /// A second probe as it stands behind `connects:`, where an outage may be over before the first one looks again.
    var glance: String?
    /// A workload that could be used, as comment lines: all of them write to the user's data.
    var workload: [String]
    /// How long a start may take until it answers: a guess that the drill's comment calls one.
    var startAllowance: Duration
    /// For the runbook: succeeds once it answers.
    var waits: String
    /// A sentence about what the wait sees, or does not.
    var waitNote: String
    /// What a crash may lose, in a sentence.
    var losses: String

    static func of(_ service: FoundService) -> KindTemplate {
        switch service.kind {
        case .redis: redis(service)
        case .sentinel: sentinel(service)
        case .postgresql: postgresql(service)
        case .mysql: mysql(service)
        case .etcd: etcd(service)
        case .memcached: memcached(service)
        case .rabbitmq: rabbitmq(service)
        case .nginx, .apache, .haproxy: front(service)
        case .http: http(service)
        case .tcp: connection(service)
        }
    }

    /// The probe that only connects.
    static func connecting(to address: StreamAddress) -> String {
        switch address {
        case .tcp: "tcp: \(yamlText(address.text, quoted: true))"
        case .unix(let path): "unix: \(yamlText(path, quoted: true))"
        }
    }

    /// For the runbook: a probe's program if there is one, else a connection.
    static func waits(_ words: [String]?, _ address: StreamAddress) -> String {
        words.map { "timeout 2 " + $0.map(shellQuoted).joined(separator: " ") } ?? connects(to: address)
    }

    /// A shell command that connects and says nothing.
    static func connects(to address: StreamAddress) -> String {
        switch address {
        case .tcp(let host, let port): "timeout 1 bash -c \(shellQuoted("</dev/tcp/\(host)/\(port)"))"
        case .unix(let path): "test -S \(shellQuoted(path))"
        }
    }
}

/// A few words with a server over TCP, as a program for bash: its /dev/tcp needs no client of the server's kind.
struct Conversation {
    /// As printf takes it; empty where the server speaks first.
    var says = ""
    /// A command that succeeds when what comes from descriptor 3 is right.
    var hears: String

    /// - Returns: nil where bash is missing, and for UNIX sockets, which it cannot reach.
    func words(to service: FoundService) -> [String]? {
        guard service.tools.contains("bash"), case .tcp(let host, let port) = service.address else {
            return nil
        }
        let say = says.isEmpty ? "" : "printf \"\(says)\" >&3 && "
        return ["bash", "-c", "exec 3<>/dev/tcp/\(host)/\(port) && \(say)\(hears)"]
    }
}

/// A scalar as it stands in a drill: `${` is kept from being read as a variable.
/// - Parameter quoted: in quotes even where none are needed.
func yamlText(_ text: String, quoted: Bool = false) -> String {
    let text = text.replacing("${", with: "$${")
    let isPlain =
        !text.isEmpty && text.first?.isLetter == true
        && text.unicodeScalars.allSatisfy {
            $0.isASCII
                && ($0.properties.isAlphabetic || $0.properties.numericType != nil
                    || "-_./".unicodeScalars.contains($0))
        } && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(text.lowercased())
    if isPlain, !quoted { return text }
    // Of JSON's escapes those that YAML 1.2 has as well; non-ASCII stays as it is.
    return Value.text(text).canonicalJSON
}

/// `[a, "b c"]`
func yamlList(_ words: [String]) -> String { "[" + words.map { yamlText($0) }.joined(separator: ", ") + "]" }
