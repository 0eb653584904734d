/// Where a stream server listens: `HOST:PORT` with a numeric address (IPv6 in brackets) or `localhost`, or
/// `unix:PATH`. Names are left out on purpose: whoever mends must not wait for a name server.
public enum StreamAddress: Hashable, Sendable {
    /// `host` is numeric and stands without brackets.
    case tcp(host: String, port: Int)
    /// An absolute path.
    case unix(String)

    /// - Returns: nil when the text is neither form, the host is a name, or the port is not 1 to 65535.
    public init?(_ text: String) {
        if text.hasPrefix("unix:") {
            let path = String(text.dropFirst("unix:".count))
            guard path.hasPrefix("/"), !path.utf8.contains(0) else { return nil }
            self = .unix(path)
            return
        }
        guard let colon = text.lastIndex(of: ":"), let port = Self.port(text[text.index(after: colon)...])
        else { return nil }
        let host = text[..<colon]
        switch host {
        case "localhost": self = .tcp(host: "127.0.0.1", port: port)
        case _ where host.hasPrefix("[") && host.hasSuffix("]"):
            let inner = String(host.dropFirst().dropLast())
            guard inner.contains(":"), Self.isNumericV6(inner) else { return nil }
            self = .tcp(host: inner, port: port)
        case _ where Self.isNumericV4(host): self = .tcp(host: String(host), port: port)
        default: return nil
        }
    }

    /// As it is written.
    public var text: String {
        switch self {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }

    /// Where a client on the same host reaches it: a server that listens on all addresses is asked on loopback.
    public var fromHere: StreamAddress {
        switch self {
        case .tcp("0.0.0.0", let port): .tcp(host: "127.0.0.1", port: port)
        case .tcp("::", let port): .tcp(host: "::1", port: port)
        default: self
        }
    }

    public var port: Int? { if case .tcp(_, let port) = self { port } else { nil } }

    /// What would be right, where `text` is none to listen at; port 0, which takes a free one, is.
    public static func listenProblem(_ text: String) -> String? {
        let address = text.hasSuffix(":0") ? String(text.dropLast()) + "1" : text
        return StreamAddress(address) == nil ? "ADDRESS:PORT with a numeric address, or unix:PATH" : nil
    }

    /// What would be right, where connections to these addresses cannot be redirected together.
    public static func redirectProblem(_ addresses: [StreamAddress]) -> String? {
        let families = Set(addresses.map { $0.port == nil ? 0 : $0.isV6 ? 6 : 4 })
        return families.count == 1 && !families.contains(0) ? nil : "TCP addresses of one family"
    }

    /// What would be right, where connections to `addresses` cannot be redirected to a server at `listen`: the
    /// kernel leads what a host itself sends to loopback, 127.0.0.1 or ::1 (nft(8), redirect).
    public static func redirectProblem(_ addresses: [StreamAddress], to listen: String) -> String? {
        let hosts =
            addresses.first?.isV6 == true ? ["[::1]", "[::]"] : ["127.0.0.1", "localhost", "0.0.0.0"]
        return hosts.contains { listen.hasPrefix($0 + ":") }
            ? nil : "\(hosts[0]):PORT, to which redirects lead"
    }

    public var isV6: Bool { if case .tcp(let host, _) = self { host.contains(":") } else { false } }

    private static func port(_ text: Substring) -> Int? {
        guard (1...5).contains(text.utf8.count), text.utf8.allSatisfy({ (48...57).contains($0) }),
            let port = Int(text), (1...65_535).contains(port)
        else { return nil }
        return port
    }

    private static func isNumericV4(_ text: Substring) -> Bool {
        let octets = text.split(separator: ".", omittingEmptySubsequences: false)
        return octets.count == 4
            && octets.allSatisfy { $0.utf8.allSatisfy { (48...57).contains($0) } && UInt8($0) != nil }
    }

    /// The characters of an address, with its zone; the system says whether they make one.
    private static func isNumericV6(_ text: String) -> Bool {
        let address = text.prefix { $0 != "%" }
        return (2...45).contains(address.utf8.count)
            && address.allSatisfy { $0.isHexDigit || $0 == ":" || $0 == "." }
    }
}

extension StreamAddress: FormValue {
    public static var shape: Shape { .text }
    public init(node: FormNode) throws {
        guard let text = node.text, let address = StreamAddress(text) else {
            throw FormProblem(
                "found \(node.inWords)", at: node.place,
                expected: "HOST:PORT with a numeric address or localhost, or unix:PATH")
        }
        self = address
    }
    public var value: Value { .text(text) }
}
