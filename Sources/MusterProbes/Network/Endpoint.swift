import CCurl
import Glibc
import MusterCore
import Synchronization

/// A host and a port, as in `127.0.0.1:6379`, `db1:5432` or `[::1]:80`.
struct Endpoint: Hashable, Sendable {
    var host: String
    var port: UInt16

    init?(_ text: some StringProtocol, defaultPort: UInt16? = nil) {
        let text = String(text)
        if text.hasPrefix("["), let close = text.firstIndex(of: "]") {
            host = String(text[text.index(after: text.startIndex)..<close])
            let rest = text[text.index(after: close)...]
            guard let port = Self.port(rest, defaultPort) else { return nil }
            self.port = port
        } else {
            let colon = text.firstIndex(of: ":") ?? text.endIndex
            host = String(text[..<colon])
            guard let port = Self.port(text[colon...], defaultPort) else { return nil }
            self.port = port
        }
        if host.isEmpty { return nil }
    }

    private static func port(_ rest: Substring, _ fallback: UInt16?) -> UInt16? {
        if rest.isEmpty { return fallback }
        guard rest.first == ":", let port = UInt16(rest.dropFirst()), port > 0 else { return nil }
        return port
    }
}

extension StringProtocol {
    /// The first place of `needle`; the standard library alone has no search for text.
    func range(of needle: String) -> Range<Index>? {
        guard !needle.isEmpty else { return startIndex..<startIndex }
        return ranges(of: needle).first
    }
}

/// A network address as the kernel takes it.
struct SocketAddress: Hashable, Sendable {
    let family: Int32
    let bytes: [UInt8]

    init(family: Int32, bytes: [UInt8]) {
        self.family = family
        self.bytes = bytes
    }

    /// A socket in the file system (unix(7)).
    /// - Returns: nil when the path does not fit into an address.
    init?(unixPath path: String) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let text = Array(path.utf8)
        guard !text.isEmpty, text.count <= Self.longestPath else { return nil }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: text) }
        self.init(family: AF_UNIX, bytes: withUnsafeBytes(of: &address) { Array($0) })
    }

    static let longestPath = 107

    func connect(_ descriptor: Int32) -> Int32 {
        bytes.withUnsafeBytes { raw in
            raw.baseAddress.map {
                Glibc.connect(descriptor, $0.assumingMemoryBound(to: sockaddr.self), socklen_t(raw.count))
            } ?? -1
        }
    }
}

/// Why this is not the path of a UNIX socket; nil when it is one.
func socketPathProblem(_ path: String) -> String? {
    path.hasPrefix("/") && SocketAddress(unixPath: path) != nil
        ? nil : "a path that starts with / and has at most \(SocketAddress.longestPath) bytes"
}

/// Turns names into addresses without ever blocking a loop: numbers at once, names on a thread of their own,
/// every time anew, so that a failover by DNS is seen.
enum Resolver {
    /// Name servers that do not answer hold threads, for longer than the looks that asked. What is asked beyond
    /// these is never answered: the look times out, as those before it did.
    private static let mostLookUps = 256
    private static let lookUps = Atomic<Int>(0)

    /// - Parameter done: on the loop's thread; empty when the name has no address.
    static func resolve(
        _ endpoint: Endpoint, on loop: EventLoop, done: @escaping ([SocketAddress]) -> Void
    ) {
        let addresses = numeric(endpoint)
        if !addresses.isEmpty { return done(addresses) }
        guard lookUps.add(1, ordering: .relaxed).newValue <= mostLookUps else {
            lookUps.subtract(1, ordering: .relaxed)
            return
        }
        let box = LoopOnly(done)
        let started = try? OwnThread("muster-resolve") {
            let addresses = lookUp(endpoint, 0)
            lookUps.subtract(1, ordering: .relaxed)
            loop.post { box.value(addresses) }
        }
        if let started { return started.detach() }
        lookUps.subtract(1, ordering: .relaxed)
        done([])
    }

    /// The address that a number stands for; empty for a name.
    static func numeric(_ endpoint: Endpoint) -> [SocketAddress] { lookUp(endpoint, AI_NUMERICHOST) }

    private static func lookUp(_ endpoint: Endpoint, _ flags: Int32) -> [SocketAddress] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = flags | AI_NUMERICSERV
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(endpoint.host, String(endpoint.port), &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var addresses: [SocketAddress] = []
        var item = list
        while let entry = item?.pointee {
            if let address = entry.ai_addr {
                let raw = UnsafeRawBufferPointer(start: address, count: Int(entry.ai_addrlen))
                addresses.append(SocketAddress(family: entry.ai_family, bytes: Array(raw)))
            }
            item = entry.ai_next
        }
        return addresses
    }
}

/// Carries a value of a loop's thread through another one, back to that loop, where alone it is used.
struct LoopOnly<Value>: @unchecked Sendable {
    let value: Value
    init(_ value: Value) { self.value = value }
}

extension SocketAddress {
    /// The address as a number, without its port (getnameinfo(3)).
    var number: String? {
        var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let result = bytes.withUnsafeBytes { raw -> Int32 in
            guard let start = raw.baseAddress else { return EAI_FAIL }
            return getnameinfo(
                start.assumingMemoryBound(to: sockaddr.self), socklen_t(raw.count), &text,
                socklen_t(text.count),
                nil, 0, NI_NUMERICHOST)
        }
        return result == 0 ? text.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } } : nil
    }
}
