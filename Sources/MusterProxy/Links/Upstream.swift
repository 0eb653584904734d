internal import Glibc
internal import NIOCore

/// Where the connections of a proxy go on to.
enum Upstream: Hashable, Sendable {
    case fixed(Endpoint)
    /// Where each of them was going before it was led here, by a redirect of the packet filter: `original`. With
    /// `original/ADDRESS`, those that came by themselves go to that address; without, they are closed.
    case original(otherwise: Endpoint?)

    /// - Throws: `BindProblem` that names the upstream.
    init(_ text: String) throws(BindProblem) {
        if text == "original" {
            self = .original(otherwise: nil)
        } else if text.hasPrefix("original/") {
            self = .original(
                otherwise: try Endpoint(String(text.dropFirst("original/".count)), of: "upstream"))
        } else {
            self = .fixed(try Endpoint(text, of: "upstream"))
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
        // Through a listener for both families IPv4 comes as IPv6, and its redirects are those of IPv4 all the same.
        let own = channel.localAddress.map { $0.unmapped }
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

extension SocketAddress {
    /// The IPv4 address that an IPv6 address stands for (`::ffff:a.b.c.d`, RFC 4291, 2.5.5.2); any other as it is.
    var unmapped: SocketAddress {
        // As inet_ntop(3) writes it.
        guard case .v6 = self, let text = ipAddress, text.hasPrefix("::ffff:"), text.contains("."),
            let address = try? SocketAddress(ipAddress: String(text.dropFirst(7)), port: port ?? 0)
        else { return self }
        return address
    }
}
