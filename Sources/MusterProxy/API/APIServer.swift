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
    private let socketFile: SocketFile?

    private init(_ channel: any Channel) {
        self.channel = channel
        socketFile = nil
        address = Endpoint.text(channel.localAddress)
    }

    private init(_ channel: any Channel, at path: String) {
        self.channel = channel
        socketFile = SocketFile(path)
        address = "unix:\(path)"
    }

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
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try shared.set(up: channel) }
            }
        let address = try await place(of: listen)
        do {
            switch try Endpoint(address) {
            case .unix(let path):
                let channel = try await bootstrap.bind(unixDomainSocketPath: path).get()
                chmod(path, 0o600)
                return APIServer(channel, at: path)
            case .tcp(let host, let port):
                let tuned =
                    bootstrap
                    .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                    .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                    .childChannelOption(.socketOption(.so_keepalive), value: 1)
                return APIServer(try await tuned.bind(host: host, port: port).get())
            }
        } catch let error as IOError {
            let kind = address.hasPrefix("unix:") ? "" : "tcp "
            throw BindProblem(
                "listen \(kind)\(address): bind: \(String(cString: strerror(error.errnoCode)).lowercased())",
                code: error.errnoCode)
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

        init(api: ProxyAPI, events: EventHub, limits: APILimits) {
            self.api = api
            self.events = events
            self.limits = limits
        }

        func set(up channel: any Channel) throws {
            let count = open.wrappingAdd(1, ordering: .relaxed).newValue
            channel.closeFuture.whenComplete { _ in self.open.wrappingSubtract(1, ordering: .relaxed) }
            guard count <= limits.connections else {
                try channel.pipeline.syncOperations.addHandler(Turnstile())
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

/// Turns a client away that is one too many.
private final class Turnstile: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    func channelActive(context: ChannelHandlerContext) {
        let text = "too many connections to the API\n"
        let answer =
            "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\n"
            + "Content-Length: \(text.utf8.count)\r\nConnection: close\r\n\r\n\(text)"
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: answer)), promise: nil)
        context.close(promise: nil)
    }
}
