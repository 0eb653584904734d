public import NIOCore

/// A toxic that stands between a socket and the bytes of the link, such as faults of TLS. It works on connections
/// that open while it is there; its stream says nothing, its toxicity is drawn once for each connection.
public protocol TransportToxic: Toxic {
    /// Handlers for a connection that was just accepted. Those that speak to the client stand before the link's own
    /// in the client's channel, those that speak to the server likewise in the server's, which is not connected yet.
    ///
    /// Channels read only when asked (`autoRead` is off), so a handler that needs more before it can give bytes on
    /// asks for it (`context.read()`), as NIOSSL's do. An error that they fire closes the channel, and the other
    /// side gets RST; so does a `close` of theirs.
    /// - Throws: what keeps it from working; the connection is closed.
    func handlers(_ random: LinkRandom) throws -> TransportHandlers
}

/// What a `TransportToxic` puts into the channels of one connection.
public struct TransportHandlers {
    public var client: [any ChannelHandler]
    public var server: [any ChannelHandler]

    public init(client: [any ChannelHandler], server: [any ChannelHandler]) {
        self.client = client
        self.server = server
    }
}

extension TransportToxic {
    public func stage(_ random: LinkRandom) -> (any ToxicStage)? { nil }
}
