internal import Glibc
public import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import Synchronization

/// Bounds that keep a client, slow or hostile, from holding up the API or filling the memory.
public struct APILimits: Sendable {
    /// Bytes; a larger body is read, thrown away, and answered with 413.
    public var body = 16 << 20
    /// Clients at once; one more is answered with 503.
    public var connections = 1024
    /// Bytes of bodies that are arriving and of answers that clients have not taken, of all clients together; who asks
    /// for more is answered with 503.
    public var memory = 256 << 20
    /// Readers of `GET /events` at once, because each event is handed to each of them; one more is answered with 503.
    public var readers = 64
    /// For one whole request to arrive, and the first after the connection (Toxiproxy's `ReadTimeout`).
    public var reading = TimeAmount.seconds(15)
    /// Until the next request (Toxiproxy's `IdleTimeout`).
    public var idle = TimeAmount.seconds(60)
    /// For one request to be carried out (Toxiproxy's `TimeoutHandler`); what was begun goes on.
    public var handling = TimeAmount.seconds(25)
    /// For the client to take the answer.
    public var writing = TimeAmount.seconds(30)

    public init() {}
}

/// The HTTP server of the API.
public final class APIServer: Sendable {
    /// Where it listens, such as `127.0.0.1:8474`.
    public let address: String
    private let channel: any Channel
    private let shared: APIConnection.Shared
    private let socketFile: SocketFile?

    private init(_ channel: any Channel, _ shared: APIConnection.Shared, at path: String? = nil) {
        self.channel = channel
        self.shared = shared
        socketFile = path.flatMap { SocketFile($0) }
        address = path.map { "unix:\($0)" } ?? Endpoint.text(channel.localAddress)
    }

    /// Bytes of bodies and answers that were let go of, since the server was started.
    var released: Int { shared.released.load(ordering: .relaxed) }
    /// Requests whose answers were taken, since the server was started.
    var answered: Int { shared.answered.load(ordering: .relaxed) }

    /// - Parameters:
    ///   - listen: `host:port`, where a name is looked up; or `unix:PATH`, which only its owner may use.
    ///   - group: its loops should not be those of the links: then the API answers while they are busy.
    /// - Throws: `BindProblem`.
    public static func start(
        _ api: ProxyAPI, events: EventHub, listen: String, limits: APILimits = APILimits(),
        on group: any EventLoopGroup
    ) async throws -> APIServer {
        let shared = APIConnection.Shared(api: api, events: events, limits: limits)
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptPause())
                }
            }
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try shared.set(up: channel) }
            }
        let address = try await place(of: listen)
        switch try Endpoint(address) {
        case .unix(let path):
            try SocketFile.makeRoom(at: path)
            let channel = try await bound(address) { bootstrap.bind(unixDomainSocketPath: path) }
            chmod(path, 0o600)
            return APIServer(channel, shared, at: path)
        case .tcp(let host, let port):
            let tuned =
                bootstrap
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                .childChannelOption(.socketOption(.so_keepalive), value: 1)
            do {
                return APIServer(
                    try await bound("tcp \(address)") { tuned.bind(host: host, port: port) }, shared)
            } catch let problem as BindProblem where host == "::" && problem.saysNoIPv6 {
                return APIServer(
                    try await bound("tcp \(address)") { tuned.bind(host: "0.0.0.0", port: port) }, shared)
            }
        }
    }

    /// - Throws: `BindProblem`.
    private static func bound(_ text: String, _ bind: () -> EventLoopFuture<any Channel>)
        async throws -> any Channel
    {
        do {
            return try await bind().get()
        } catch {
            let code = (error as? IOError)?.errnoCode ?? 0
            let reason = code == 0 ? "\(error)" : String(cString: strerror(code)).lowercased()
            throw BindProblem("listen \(text): bind: \(reason)", code: code)
        }
    }

    /// Takes no new clients.
    public func stop() async {
        try? await channel.close()
        socketFile?.remove()
    }
}

extension APIConnection {
    /// What the connections have in common.
    final class Shared: Sendable {
        let api: ProxyAPI
        let events: EventHub
        let limits: APILimits
        let ids = RequestIDs()
        private let open = Atomic<Int>(0)
        private let memory = Atomic<Int>(0)
        let released = Atomic<Int>(0)
        let answered = Atomic<Int>(0)

        init(api: ProxyAPI, events: EventHub, limits: APILimits) {
            self.api = api
            self.events = events
            self.limits = limits
        }

        /// Bodies and answers of all clients have grown or shrunk by so many bytes.
        /// - Returns: whether they may grow by as much.
        func count(_ difference: Int) -> Bool {
            if difference < 0 { released.wrappingSubtract(difference, ordering: .relaxed) }
            return memory.wrappingAdd(difference, ordering: .relaxed).newValue <= limits.memory
        }

        func noteRequest() { answered.wrappingAdd(1, ordering: .relaxed) }

        func set(up channel: any Channel) throws {
            let count = open.wrappingAdd(1, ordering: .relaxed).newValue
            channel.closeFuture.whenComplete { _ in self.open.wrappingSubtract(1, ordering: .relaxed) }
            guard count <= limits.connections else {
                try channel.pipeline.syncOperations.addHandler(
                    Turnstile(text: "too many connections to the API\n"))
                return
            }
            // What frames an answer is written by hand: NIO does not know what an answer to HEAD must not have.
            var encoding = HTTPResponseEncoder.Configuration()
            encoding.automaticallySetFramingHeaders = false
            try channel.pipeline.syncOperations.configureHTTPServerPipeline(
                withPipeliningAssistance: true, withErrorHandling: false, withEncoderConfiguration: encoding)
            try channel.pipeline.syncOperations.addHandler(APIConnection(self))
        }
    }
}
