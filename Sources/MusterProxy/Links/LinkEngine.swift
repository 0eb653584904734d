/// The direction of a stream, as Toxiproxy names it.
public enum Stream: String, Sendable, CaseIterable {
    /// From the client to the server.
    case upstream
    /// From the server to the client.
    case downstream
}

/// A toxic on a proxy.
public struct ActiveToxic: Sendable {
    /// Unique in its proxy, over both directions.
    public var name: String
    public var toxic: any Toxic
    public var stream: Stream
    /// The share of links on which it works, drawn per link and direction; not clamped, as in Toxiproxy.
    public var toxicity: Double

    public init(name: String, toxic: any Toxic, stream: Stream, toxicity: Double) {
        self.name = name
        self.toxic = toxic
        self.stream = stream
        self.toxicity = toxicity
    }
}

/// What moves the bytes. The registry behind the API decides what there is to be; the engine makes it so.
public protocol LinkEngine: Sendable {
    /// Listens, and connects each client to `upstream`.
    /// - Parameters:
    ///   - listen: `host:port` with IPv4, IPv6 in brackets, a name, no host (all addresses) or port 0; or
    ///     `unix:PATH`.
    ///   - upstream: `host:port` or `unix:PATH`; resolved for each connection. `original`: where each was going
    ///     before the packet filter led it here; `original/host:port` when some come by themselves.
    ///   - toxics: in the order in which bytes pass through them.
    /// - Throws: `BindProblem`.
    func start(_ name: String, listen: String, upstream: String, toxics: [ActiveToxic]) async throws
        -> any RunningProxy
}

/// A proxy that listens.
public protocol RunningProxy: AnyObject, Sendable {
    /// Where it really listens, such as `127.0.0.1:40321`.
    var address: String { get }
    /// A new toxic, at the end of its direction's chain; open connections get it too.
    func add(_ toxic: ActiveToxic) async
    /// The toxic of that name changed; open connections draw its toxicity anew and work on with the new values.
    func update(_ toxic: ActiveToxic) async
    /// Open connections lose it; what it held back goes on.
    func remove(_ name: String) async
    /// Stops listening and drops every connection, or, with a grace, lets them end by themselves that long.
    func stop(draining grace: Duration) async
    /// Bytes that have passed on closed links, for the metrics.
    var traffic: [Traffic] { get }
}

/// What one direction of one proxy has moved, counted when links close.
public struct Traffic: Hashable, Sendable {
    public var stream: Stream
    public var received: UInt64
    public var sent: UInt64

    public init(stream: Stream, received: UInt64, sent: UInt64) {
        self.stream = stream
        self.received = received
        self.sent = sent
    }
}

/// A proxy cannot listen where it was told to, or its addresses cannot be read.
public struct BindProblem: Error, Hashable, Sendable {
    /// As Go says it, such as `listen tcp 127.0.0.1:3310: bind: address already in use`.
    public var message: String
    /// The kernel's, errno(3); 0 when it was not asked.
    public var code: Int32

    public init(_ message: String, code: Int32 = 0) {
        self.message = message
        self.code = code
    }
}
