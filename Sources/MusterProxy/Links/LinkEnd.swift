internal import Glibc
internal import NIOCore
internal import NIOPosix

/// One end of a connection: a socket's last handler. Reads only when it is told to.
final class LinkEnd: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    /// Let go of when the channel lets go of this: they hold each other.
    private var connection: Connection?
    /// What is read here goes into this direction; the other one is written here.
    private var inward: Direction?
    private var outward: Direction?
    private var context: ChannelHandlerContext?
    /// Writes since it was last looked whether any are pending.
    private var writes = 0
    /// Many writes are pending, however few bytes they are: each costs memory of its own.
    private var isCongested = false
    private var isFinishing = false
    private var isOutputClosed = false
    private var hasFailed = false
    private(set) var isClosed = false
    /// It is us who closed it.
    private var isClosedHere = false

    init(_ connection: Connection, inward: Direction, outward: Direction) {
        self.connection = connection
        self.inward = inward
        self.outward = outward
    }

    // MARK: What the link wants

    var channel: (any Channel)? { context?.channel }
    var isWritable: Bool { !isCongested && context?.channel.isWritable ?? false }

    /// How many writes may be pending. The buffer of each takes 1 KiB at least, whatever is in it.
    private static let mostWrites = 256

    /// What was written and the kernel did not take, in bytes of memory.
    var pending: Int { pendingBytes + (isCongested ? Self.mostWrites * 1024 : 0) }

    private var pendingBytes: Int {
        (try? context?.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
    }

    func write(_ bytes: ByteBuffer) {
        context?.write(NIOAny(bytes), promise: nil)
        writes += 1
        if writes >= Self.mostWrites { countWrites() }
    }

    private func countWrites() {
        writes = 0
        guard !isCongested, pendingBytes > 0 else { return }
        isCongested = true
        whenWritten {
            self.isCongested = false
            self.outward?.sinkIsReady()
        }
    }

    func flush() { context?.flush() }
    func read() { context?.read() }

    /// One reading brings one buffer, no more: where bytes are held, each may have to be the last for a while.
    func readSingly() { try? context?.channel.syncOptions?.setOption(.maxMessagesPerRead, value: 1) }

    /// Half-closes after all that was written has left.
    func finish() {
        guard !isFinishing, let context else { return }
        isFinishing = true
        whenWritten {
            self.isOutputClosed = true
            context.close(mode: .output, promise: nil)
        }
    }

    func close() {
        isClosedHere = true
        context?.close(promise: nil)
    }

    /// Closes with RST (SO_LINGER of 0, socket(7)). A UNIX socket has none; its peer sees an end, or ECONNRESET
    /// where bytes were not read.
    func reset() {
        guard let context, !isClosed else { return }
        if case .v4 = context.channel.localAddress { linger(context) }
        if case .v6 = context.channel.localAddress { linger(context) }
        close()
    }

    private func linger(_ context: ChannelHandlerContext) {
        _ = (context.channel as? any SocketOptionProvider)?.setSoLinger(Glibc.linger(l_onoff: 1, l_linger: 0))
    }

    /// NIO throws away what has not been written when both directions of a socket are closed, and closes both when
    /// the second one is: hence the waiting.
    func whenWritten(_ body: @escaping () -> Void) {
        guard let context else { return }
        guard pendingBytes > 0 else { return body() }
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenSuccess(body)
        context.writeAndFlush(NIOAny(ByteBuffer()), promise: promise)
    }

    // MARK: What the socket does

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { letGo() }

    /// It has no channel any more, or never had one.
    func letGo() {
        (context, connection, inward, outward) = (nil, nil, nil, nil)
    }

    func channelActive(context: ChannelHandlerContext) { connection?.isActive(self) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        inward?.receive(unwrapInboundIn(data))
    }

    func channelReadComplete(context: ChannelHandlerContext) { inward?.receivedAll() }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if isWritable { outward?.sinkIsReady() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed { inward?.sourceEnded(.finished) }
    }

    /// The socket is closed after an error anyway.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        hasFailed = true
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        isClosed = true
        // After we have half-closed, NIO tells of the peer's end only by closing.
        let isEnded = isOutputClosed && !hasFailed
        if isEnded { inward?.sourceEnded(.finished) }
        connection?.closed(self, isBroken: !isClosedHere && !isEnded)
    }
}
