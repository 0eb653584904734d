import CCurl
import Glibc
import MusterCore

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

/// Why a URL is refused, or nil: a password in it would be stored with the drill and shown in reports.
func passwordProblem(in url: String) -> String? {
    holdsPasswordInURL(url)
        ? "a URL without a password: what stands in a drill is stored and shown in reports" : nil
}

extension StringProtocol {
    /// The first place of `needle`; the standard library alone has no search for text.
    func range(of needle: String) -> Range<Index>? {
        guard !needle.isEmpty else { return startIndex..<startIndex }
        return ranges(of: needle).first
    }
}

/// A network address as the kernel takes it.
struct SocketAddress: Sendable {
    let family: Int32
    let bytes: [UInt8]
}

/// Turns names into addresses without ever blocking a loop: numbers at once, names on a thread of their own,
/// every time anew, so that a failover by DNS is seen.
enum Resolver {
    /// - Parameter done: on the loop's thread; nil when the name has no address.
    static func resolve(
        _ endpoint: Endpoint, on loop: EventLoop, done: @escaping (SocketAddress?) -> Void
    ) {
        if let address = lookUp(endpoint, AI_NUMERICHOST) { return done(address) }
        let box = LoopOnly(done)
        let started = try? OwnThread("muster-resolve") {
            let address = lookUp(endpoint, 0)
            loop.post { box.value(address) }
        }
        if let started { started.detach() } else { done(nil) }
    }

    private static func lookUp(_ endpoint: Endpoint, _ flags: Int32) -> SocketAddress? {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = flags | AI_NUMERICSERV
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(endpoint.host, String(endpoint.port), &hints, &list) == 0, let list else {
            return nil
        }
        defer { freeaddrinfo(list) }
        guard let address = list.pointee.ai_addr else { return nil }
        let raw = UnsafeRawBufferPointer(start: address, count: Int(list.pointee.ai_addrlen))
        return SocketAddress(family: list.pointee.ai_family, bytes: Array(raw))
    }
}

/// Carries a value of a loop's thread through another one, back to that loop, where alone it is used.
struct LoopOnly<Value>: @unchecked Sendable {
    let value: Value
    init(_ value: Value) { self.value = value }
}
