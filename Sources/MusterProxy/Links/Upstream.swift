internal import Glibc
internal import NIOCore

/// Where the connections of a proxy go on to.
enum Upstream: Hashable, Sendable {
    case fixed(Endpoint)
    /// Where each of them was going before it was led here, by a redirect of the packet filter: `original`. With
    /// `original/ADDRESS`, those that came by themselves go to that address; without, they are closed.
    case original(otherwise: Endpoint?)

    init(_ text: String) throws(BindProblem) {
        if text == "original" {
            self = .original(otherwise: nil)
        } else if text.hasPrefix("original/") {
            self = .original(otherwise: try Endpoint(String(text.dropFirst("original/".count))))
        } else {
            self = .fixed(try Endpoint(text))
        }
    }

    /// Where a connection goes of which nothing else is known.
    var endpoint: Endpoint? {
        switch self {
        case .fixed(let endpoint): endpoint
        case .original(let otherwise): otherwise
        }
    }
}

/// Where a connection was going before the packet filter of this host led it to us (SO_ORIGINAL_DST of
/// linux/netfilter_ipv4.h, IP6T_SO_ORIGINAL_DST of linux/netfilter_ipv6/ip6_tables.h: both 80).
enum OriginalDestination {
    private static let name = SocketOptionName(80)

    /// - Returns: nil when it was coming to us, or the kernel does not know.
    static func read(_ channel: any Channel) -> EventLoopFuture<SocketAddress?> {
        let own = channel.localAddress
        guard let options = channel as? any SocketOptionProvider else {
            return channel.eventLoop.makeSucceededFuture(nil)
        }
        let found: EventLoopFuture<SocketAddress?>
        switch own {
        case .v4:
            let answer: EventLoopFuture<sockaddr_in> = options.unsafeGetSocketOption(
                level: SocketOptionLevel(IPPROTO_IP), name: name)
            found = answer.map { SocketAddress($0) }
        case .v6:
            let answer: EventLoopFuture<sockaddr_in6> = options.unsafeGetSocketOption(
                level: SocketOptionLevel(IPPROTO_IPV6), name: name)
            found = answer.map { SocketAddress($0) }
        default: return channel.eventLoop.makeSucceededFuture(nil)
        }
        return found.map { $0 == own ? nil : $0 }.flatMapErrorThrowing { _ in nil }
    }
}
