internal import Glibc
internal import NIOCore
internal import NIOPosix

/// Where to listen or connect, as people write it.
enum Endpoint: Hashable, Sendable {
    /// No host: every address (listening), this machine (connecting).
    case tcp(host: String, port: Int)
    case unix(path: String)

    /// - Parameter field: what it is, where it is not where to listen.
    /// - Throws: `BindProblem` with Go's words, such as `listen tcp: address 10: missing port in address`; the field in
    ///   place of `listen tcp`.
    init(_ text: String, of field: String? = nil) throws(BindProblem) {
        if text.hasPrefix("unix:") {
            let path = String(text.dropFirst(5))
            guard !path.isEmpty, path.utf8.count < 108 else {
                let what =
                    field.map { "\($0): unix:\(path)" } ?? "listen unix \(path): bind: invalid argument"
                throw BindProblem("\(what): a path has 1 to 107 bytes (unix(7))")
            }
            self = .unix(path: path)
            return
        }
        let what = field ?? "listen tcp"
        let (host, port) = try Self.split(text, what)
        // Go takes an empty port as 0.
        guard let number = port.isEmpty ? 0 : Int(port), (0...65_535).contains(number), !port.hasPrefix("+")
        else {
            throw BindProblem("\(what): address \(port): invalid port")
        }
        self = .tcp(host: host, port: number)
    }

    private static func split(_ text: String, _ what: String) throws(BindProblem) -> (
        host: String, port: String
    ) {
        guard let colon = text.lastIndex(of: ":") else {
            throw BindProblem("\(what): address \(text): missing port in address")
        }
        var host = String(text[..<colon])
        if host.hasPrefix("[") {
            guard host.hasSuffix("]") else {
                let problem = text.contains("]") ? "missing port in address" : "missing ']' in address"
                throw BindProblem("\(what): address \(text): \(problem)")
            }
            host = String(host.dropFirst().dropLast())
        } else if host.contains(":") {
            throw BindProblem("\(what): address \(text): too many colons in address")
        }
        return (host, String(text[text.index(after: colon)...]))
    }

    /// nil: a UNIX socket.
    var host: String? {
        if case .tcp(let host, _) = self { host } else { nil }
    }

    /// As it is written: IPv6 in brackets.
    static func text(_ address: SocketAddress?) -> String {
        guard let address else { return "" }
        if let path = address.pathname, case .unixDomainSocket = address { return path.isEmpty ? "@" : path }
        let ip = address.ipAddress ?? ""
        return (ip.contains(":") ? "[\(ip)]" : ip) + ":\(address.port ?? 0)"
    }
}

/// Names to addresses, on threads of its own, because getaddrinfo(3) blocks.
final class Resolver: Sendable {
    private let threads = NIOThreadPool(numberOfThreads: 4)

    init() { threads.start() }

    func stop() { threads.shutdownGracefully { _ in } }

    /// The addresses of an endpoint in the order in which they are to be tried; at once when no name is involved.
    func resolve(_ endpoint: Endpoint, on loop: any EventLoop) -> EventLoopFuture<[SocketAddress]> {
        if let address = Self.literal(endpoint) { return loop.makeSucceededFuture([address]) }
        guard case .tcp(let host, let port) = endpoint else { return loop.makeSucceededFuture([]) }
        return threads.runIfActive(eventLoop: loop) { try Self.look(up: host, port: port) }
    }

    /// What needs no looking up; nil for a name.
    static func literal(_ endpoint: Endpoint) -> SocketAddress? {
        switch endpoint {
        case .unix(let path): try? SocketAddress(unixDomainSocketPath: path)
        case .tcp(let host, let port):
            try? SocketAddress(ipAddress: host.isEmpty ? "127.0.0.1" : host, port: port)
        }
    }

    static func look(up host: String, port: Int) throws -> [SocketAddress] {
        var hints = addrinfo()
        hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, String(port), &hints, &list)
        defer { if let list { freeaddrinfo(list) } }
        guard code == 0 else {
            let reason = code == EAI_NONAME ? "no such host" : String(cString: gai_strerror(code))
            throw BindProblem("lookup \(host): \(reason)")
        }
        var found: [SocketAddress] = []
        var entry = list
        while let info = entry?.pointee {
            if let address = info.ai_addr {
                switch info.ai_family {
                case AF_INET:
                    found.append(
                        address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { .init($0.pointee) })
                case AF_INET6:
                    found.append(
                        address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { .init($0.pointee) })
                default: break
                }
            }
            entry = info.ai_next
        }
        // As Go: IPv4 first, where a name has both.
        return found.filter { $0.protocol == .inet } + found.filter { $0.protocol != .inet }
    }
}
