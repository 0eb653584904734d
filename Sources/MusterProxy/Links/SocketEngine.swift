internal import Glibc
public import NIOCore
internal import Synchronization

/// The engine on real sockets.
///
/// Each proxy lives on one event loop of the group, with its listener and all its connections, so that a change of
/// its toxics reaches all of them at once; with more loops than one, proxies are spread over them.
public final class SocketEngine: LinkEngine {
    private let group: any EventLoopGroup
    private let resolver = Resolver()
    private let events: any LinkEventSink
    /// What all of its connections take together.
    public let shared: SharedLimits
    /// What random numbers are made of (`LinkRandom`).
    public let seed: UInt64

    /// - Parameters:
    ///   - group: whose loops it uses; its owner ends it, after every proxy was stopped.
    ///   - seed: makes what toxics draw repeatable; report it.
    ///   - events: who wants to know what happens.
    ///   - shared: what all connections may take together.
    public init(
        group: any EventLoopGroup, seed: UInt64, events: any LinkEventSink = NoEvents(),
        shared: SharedLimits = SharedLimits()
    ) {
        self.group = group
        self.shared = shared
        self.seed = seed
        self.events = events
    }

    deinit { resolver.stop() }

    public func start(_ name: String, listen: String, upstream: String, toxics: [ActiveToxic]) async throws
        -> any RunningProxy
    {
        let listening = try Endpoint(listen)
        let core = ProxyCore(
            name: name, loop: group.next(), upstream: try Upstream(upstream), toxics: toxics,
            random: LinkRandom(seed: seed).derived(name), events: events, resolver: resolver,
            shared: shared)
        let channel = try await Listener(core: core, resolver: resolver).bind(listening)
        return SocketProxy(core: core, channel: channel, listening: listening)
    }
}

/// Nobody listens.
public struct NoEvents: LinkEventSink {
    public init() {}
    public var isListening: Bool { false }
    public func happened(_ event: LinkEvent) {}
}

/// A proxy of a `SocketEngine`.
final class SocketProxy: RunningProxy {
    let address: String
    private let core: ProxyCore
    private let channel: any Channel
    private let socketFile: SocketFile?

    init(core: ProxyCore, channel: any Channel, listening: Endpoint) {
        self.core = core
        self.channel = channel
        let shared = core.shared
        shared.descriptors.take(1)
        channel.closeFuture.whenComplete { _ in
            shared.descriptors.giveBack(1)
            shared.noteEnd()
        }
        if case .unix(let path) = listening {
            address = "unix:" + path
            socketFile = SocketFile(path)
        } else {
            address = Endpoint.text(channel.localAddress)
            socketFile = nil
        }
    }

    func add(_ toxic: ActiveToxic) async { await onLoop { $0.add(toxic) } }
    func update(_ toxic: ActiveToxic) async { await onLoop { $0.update(toxic) } }
    func remove(_ name: String) async { await onLoop { $0.remove(name) } }

    func stop(draining grace: Duration) async {
        try? await channel.close().get()
        socketFile?.remove()
        let core = core
        let (seconds, attoseconds) = grace.components
        let amount = TimeAmount.seconds(seconds).adding(.nanoseconds(attoseconds / 1_000_000_000))
        try? await core.loop.flatSubmit { core.drain(amount) }.get()
    }

    var traffic: [Traffic] { core.totals.withLock { $0 } }

    private func onLoop(_ body: @escaping @Sendable (ProxyCore) -> Void) async {
        let core = core
        try? await core.loop.submit { body(core) }.get()
    }
}
