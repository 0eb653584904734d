internal import Glibc
public import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import Synchronization

/// Bounds that keep a sender, slow or hostile, from holding up the receiver or filling its memory.
public struct ReceiverLimits: Sendable {
    /// Bytes of one message; a larger one is answered with 413.
    public var body = 1 << 20
    /// Senders at once; one more is answered with 503.
    public var connections = 64
    /// For one whole request to arrive, and the first after the connection.
    public var reading = TimeAmount.seconds(5)
    /// Until the next request on a connection that is kept.
    public var idle = TimeAmount.seconds(60)
    public init() {}
}

/// What a receiver tells.
public enum ReceiverEvent: Sendable {
    /// A message came whole, between these moments (CLOCK_MONOTONIC, nanoseconds).
    case message(lower: Int64, upper: Int64, body: [UInt8])
    /// Somebody sent without the token, or what is no message; in words.
    case refused(String)
}

/// Listens for messages of alerting systems: HTTP POST with the token as bearer (RFC 6750, 2.1) or as the last part of
/// the path. What it takes it hands on; nothing is kept.
public final class AlertReceiver: Sendable {
    /// Where it listens, such as `127.0.0.1:9095`.
    public let address: String
    private let channel: any Channel
    private let shared: Shared

    private init(_ channel: any Channel, _ shared: Shared) {
        self.channel = channel
        self.shared = shared
        address = Endpoint.text(channel.localAddress)
    }

    /// - Parameters:
    ///   - listen: `address:port`; port 0 takes a free one.
    ///   - told: called on a loop's thread; false: there is no room for it now, and the sender is to try again later.
    /// - Throws: what the system says when it cannot listen.
    public static func start(
        listen: String, token: String, limits: ReceiverLimits = ReceiverLimits(),
        on group: any EventLoopGroup, told: @escaping @Sendable (ReceiverEvent) -> Bool
    ) async throws -> AlertReceiver {
        guard case .tcp(let host, let port) = try Endpoint(listen) else {
            throw BindProblem("listen \(listen): expected ADDRESS:PORT")
        }
        let shared = Shared(token: Array(token.utf8), limits: limits, told: told)
        let channel = try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptPause())
                }
            }
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try shared.set(up: channel) }
            }
            .bind(host: host, port: port).get()
        shared.watch(channel.eventLoop)
        return AlertReceiver(channel, shared)
    }

    /// Takes no new senders.
    public func stop() async { try? await channel.close() }

    /// How long ago the loops were last known to look at what came, in nanoseconds of CLOCK_MONOTONIC: its moment.
    public var lastLook: Int64 { shared.lastLook.load(ordering: .relaxed) }

    /// What the connections have in common.
    final class Shared: Sendable {
        let token: [UInt8]
        let limits: ReceiverLimits
        let told: @Sendable (ReceiverEvent) -> Bool
        let lastLook = Atomic<Int64>(monotonicNanoseconds())
        private let open = Atomic<Int>(0)
        /// Between two of the loop's own looks; one that is twice as late says that the loop stood still.
        static let pace = TimeAmount.milliseconds(50)

        init(token: [UInt8], limits: ReceiverLimits, told: @escaping @Sendable (ReceiverEvent) -> Bool) {
            self.token = token
            self.limits = limits
            self.told = told
        }

        func watch(_ loop: any EventLoop) {
            loop.scheduleRepeatedTask(initialDelay: Self.pace, delay: Self.pace) { [self] _ in
                lastLook.store(monotonicNanoseconds(), ordering: .relaxed)
            }
        }

        /// Since when something that is read now may have been there.
        func possibleArrival(readAt now: Int64) -> Int64 {
            let last = lastLook.load(ordering: .relaxed)
            return now - last > 2 * Self.pace.nanoseconds ? last : now
        }

        func set(up channel: any Channel) throws {
            let count = open.wrappingAdd(1, ordering: .relaxed).newValue
            channel.closeFuture.whenComplete { _ in self.open.wrappingSubtract(1, ordering: .relaxed) }
            guard count <= limits.connections else {
                try channel.pipeline.syncOperations.addHandler(
                    Turnstile(text: "too many senders of alerts\n"))
                return
            }
            try channel.pipeline.syncOperations.configureHTTPServerPipeline(
                withPipeliningAssistance: true, withErrorHandling: false)
            try channel.pipeline.syncOperations.addHandler(ReceiverConnection(self))
        }
    }
}

/// CLOCK_MONOTONIC, as everything that is measured (clock_gettime(2)).
func monotonicNanoseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}
