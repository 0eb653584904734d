public import NIOCore

/// Who wants to know what happens on connections. Called on the event loop: it must not block.
public protocol LinkEventSink: Sendable {
    /// False while nobody listens: then no event is made. Asked often, so it must be cheap (an atomic).
    var isListening: Bool { get }
    func happened(_ event: LinkEvent)
}

/// Something that happened on a connection.
public struct LinkEvent: Sendable {
    /// The proxy's name.
    public var proxy: String
    /// Counted from 1 in the order in which the proxy accepted.
    public var connection: UInt64
    /// The client's address, as it is written in `listen`.
    public var client: String
    public var kind: Kind

    public enum Kind: Sendable {
        /// Accepted; the server may not be connected yet.
        case opened
        case closed(Closed)
        /// A toxic did for the first time on this link what it is for.
        case effective(toxic: String, stream: Stream)
        /// A filter has something to say: each time it made something bad, and when it gave the connection up.
        case noticed(toxic: String, FilterNotice)
    }

    public struct Closed: Sendable {
        public var cause: Cause
        /// From the accepting to the closing.
        public var duration: TimeAmount
        /// Towards the server: read from the client, written to the server.
        public var upstream: Traffic
        /// Towards the client: read from the server, written to the client.
        public var downstream: Traffic
        /// How often toxics that count did what they are for, by name.
        public var effects: [String: UInt64]
    }

    public enum Cause: String, Sendable {
        /// Both sides ended their streams.
        case ended
        /// A peer reset, or a connection to it broke.
        case reset
        /// A toxic closed or reset it.
        case toxic
        /// The client was not let in by a toxic.
        case refused
        /// The server could not be reached.
        case unreachable
        /// The proxy was stopped.
        case stopped
    }
}
