public import NIOCore

/// A toxic that stands between a socket and the bytes of the link, such as faults of TLS. It works on connections
/// that open while it is there; its stream says nothing, its toxicity is drawn once for each connection. Of several
/// on one proxy, the first that is drawn works on a connection.
public protocol TransportToxic: Toxic {
    /// Handlers for a connection that was just accepted. Those that speak to the client stand before the link's own
    /// in the client's channel, those that speak to the server likewise in the server's, which is not connected yet.
    ///
    /// Channels read only when asked (`autoRead` is off), so a handler that needs more before it can give bytes on
    /// asks for it (`context.read()`), as NIOSSL's do. An error that they fire closes the channel, and the other
    /// side gets RST; so does a `close` of theirs.
    /// - Throws: what keeps it from working; the connection is closed.
    func handlers(_ link: TransportLink) throws -> TransportHandlers
}

/// What a `TransportToxic` knows of a connection, and can ask of it. Used on the event loop only.
public struct TransportLink {
    public var loop: any EventLoop
    /// Seeded for this connection.
    public var random: LinkRandom
    /// The host of the proxy's `upstream`; nil: a UNIX socket, or not known.
    public var upstreamHost: String?
    /// Tells those who read events.
    public var tell: (FilterNotice) -> Void
    /// Connects the server, for handlers that wait.
    public var connect: () -> Void
    /// Ends the connection on both sides, with FIN or with RST.
    public var end: (_ isReset: Bool) -> Void
}

/// What a `TransportToxic` puts into the channels of one connection.
public struct TransportHandlers {
    public var client: [any ChannelHandler]
    /// Asked when the server is connected; an error closes the connection.
    public var server: () throws -> [any ChannelHandler]
    /// The server is connected only when `TransportLink.connect` is called.
    public var waits: Bool
    /// The toxic was changed or removed: what waits because of it must go on.
    public var changed: () -> Void

    public init(
        client: [any ChannelHandler], server: @escaping () throws -> [any ChannelHandler],
        waits: Bool = false, changed: @escaping () -> Void = {}
    ) {
        self.client = client
        self.server = server
        self.waits = waits
        self.changed = changed
    }
}

extension TransportToxic {
    public func stage(_ random: LinkRandom) -> (any ToxicStage)? { nil }
}
