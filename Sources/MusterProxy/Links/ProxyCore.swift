internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// A toxic of a proxy, and how often it was changed.
struct ToxicEntry {
    var toxic: ActiveToxic
    var version: UInt64 = 0
}

/// The connections and toxics of one proxy. Everything but `totals` is touched on its event loop only, which is why
/// it may be handed around.
final class ProxyCore: @unchecked Sendable {
    let name: String
    let loop: any EventLoop
    let upstream: Upstream
    let upstreamLiteral: SocketAddress?
    let random: LinkRandom
    let events: any LinkEventSink
    let shared: SharedLimits
    let waitingRoom: WaitingRoom
    private let resolver: Resolver
    private let bootstrap: ClientBootstrap
    private(set) var toxics: [ToxicEntry] = []
    private var connections: [UInt64: Connection] = [:]
    private var accepted: UInt64 = 0
    private var emptied: EventLoopPromise<Void>?
    /// What closed links have moved: received and sent of each direction.
    let totals = Mutex([
        Traffic(stream: .upstream, received: 0, sent: 0), Traffic(stream: .downstream, received: 0, sent: 0),
    ])

    init(
        name: String, loop: any EventLoop, upstream: Upstream, toxics: [ActiveToxic], random: LinkRandom,
        events: any LinkEventSink, resolver: Resolver, shared: SharedLimits
    ) {
        self.name = name
        self.loop = loop
        self.upstream = upstream
        self.random = random
        self.events = events
        self.shared = shared
        waitingRoom = WaitingRoom(shared.held, on: loop)
        self.resolver = resolver
        self.toxics = toxics.map { ToxicEntry(toxic: $0) }
        upstreamLiteral = upstream.endpoint.flatMap { Resolver.literal($0) }
        bootstrap = ClientBootstrap(group: loop)
            // The kernel gives up by itself after about two minutes (tcp(7), tcp_syn_retries).
            .connectTimeout(.minutes(10))
            .channelInitializer { channel in Self.tune(channel) }
    }

    /// What every socket of a link is set to. Buffers start small, because each socket keeps one for its next read:
    /// with 16 KiB an idle connection took 37 KB, so 7. What a peer that does not read can make a connection keep is
    /// the high mark and one reading, which is up to four buffers. NIO sets TCP_NODELAY where it connects and where it
    /// listens, from where Linux hands it on to what is accepted.
    static func tune(_ channel: any Channel) -> EventLoopFuture<Void> {
        do {
            if let options = channel.syncOptions {
                try options.setOption(.autoRead, value: false)
                try options.setOption(.allowRemoteHalfClosure, value: true)
                try options.setOption(
                    .recvAllocator,
                    value: AdaptiveRecvByteBufferAllocator(
                        minimum: 1024, initial: 1024, maximum: 65_536))
                try options.setOption(.writeBufferWaterMark, value: .init(low: 32_768, high: 65_536))
            }
            return channel.eventLoop.makeSucceededVoidFuture()
        } catch {
            return channel.eventLoop.makeFailedFuture(error)
        }
    }

    var open: Int { connections.count }

    func accept(_ channel: any Channel) throws {
        accepted += 1
        let connection = try Connection(number: accepted, channel: channel, core: self)
        connections[accepted] = connection
        shared.descriptors.take(2)
    }

    func resolve(_ endpoint: Endpoint, on loop: any EventLoop) -> EventLoopFuture<[SocketAddress]> {
        resolver.resolve(endpoint, on: loop)
    }

    func connect(_ address: SocketAddress) -> EventLoopFuture<any Channel> { bootstrap.connect(to: address) }

    func add(_ toxic: ActiveToxic) {
        let entry = ToxicEntry(toxic: toxic)
        toxics.append(entry)
        for connection in Array(connections.values) { connection.attach(entry) }
    }

    func update(_ toxic: ActiveToxic) {
        guard let index = toxics.firstIndex(where: { $0.toxic.name == toxic.name }) else { return }
        toxics[index] = ToxicEntry(toxic: toxic, version: toxics[index].version + 1)
        for connection in Array(connections.values) { connection.change(toxics[index]) }
    }

    func remove(_ name: String) {
        guard let index = toxics.firstIndex(where: { $0.toxic.name == name }) else { return }
        let entry = toxics.remove(at: index)
        for connection in Array(connections.values) { connection.detach(entry) }
    }

    func over(_ connection: Connection) {
        guard connections.removeValue(forKey: connection.number) != nil else { return }
        shared.descriptors.giveBack(2)
        shared.noteEnd()
        let moved = connection.traffic
        totals.withLock { totals in
            for index in totals.indices {
                totals[index].received &+= moved[index].received
                totals[index].sent &+= moved[index].sent
            }
        }
        if connections.isEmpty { emptied?.succeed(()) }
    }

    /// Waits for the connections to end, at most that long, then closes those that are left.
    func drain(_ grace: TimeAmount) -> EventLoopFuture<Void> {
        let emptied = loop.makePromise(of: Void.self)
        self.emptied = emptied
        if connections.isEmpty { emptied.succeed(()) }
        let late = loop.scheduleTask(in: grace) { self.closeAll() }
        emptied.futureResult.whenComplete { _ in late.cancel() }
        return emptied.futureResult
    }

    private func closeAll() {
        for connection in Array(connections.values) { connection.closeAll(.stopped) }
    }
}
