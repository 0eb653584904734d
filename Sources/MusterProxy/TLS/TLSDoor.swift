internal import NIOCore
internal import NIOSSL

/// The handler next to the client's socket: reads what TLS begins with, and lets everything pass from then on.
final class TLSDoor: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum Phase {
        /// What came may become a ClientHello.
        case hello
        /// It is one, and it is not answered.
        case stalled
        /// It is one, and the server is asked first.
        case waiting
        case open
    }

    private let session: TLSSession
    private var phase = Phase.hello
    private var held = ByteBuffer()
    private var isReadWanted = false
    private var context: ChannelHandlerContext?

    init(_ session: TLSSession) { self.session = session }

    /// Where the client came to, when that is an IP address.
    var address: String? { context?.channel.localAddress?.ipAddress }

    // MARK: What the session wants

    func stall() { phase = .stalled }

    /// The handshake begins, with what was heard.
    func open(_ handler: NIOSSLServerHandler) throws {
        guard let context else { return }
        try context.pipeline.syncOperations.addHandler(handler, position: .after(self))
        letGo(context)
    }

    /// The toxic was changed or removed: who waits for an answer gets the server's.
    func goOn() {
        guard let context, phase == .hello || phase == .stalled else { return }
        session.pass()
        letGo(context)
    }

    private func letGo(_ context: ChannelHandlerContext) {
        phase = .open
        if held.readableBytes > 0 {
            context.fireChannelRead(wrapInboundOut(held))
            held = ByteBuffer()
            context.fireChannelReadComplete()
        }
        if isReadWanted { context.read() }
    }

    // MARK: What the socket does

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        session.stopTimer()
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        context.fireChannelActive()
        guard context.channel.isActive, phase == .hello else { return }
        session.opened()
        context.read()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        guard phase != .open else {
            session.heard(alertIn: bytes)
            return context.fireChannelRead(wrapInboundOut(bytes))
        }
        held.writeBuffer(&bytes)
        guard phase == .hello else { return }
        switch ClientHello.read(held) {
        case .incomplete: break
        case .none(let why): session.give(up: "the client does not speak TLS: \(why)")
        case .whole(let hello):
            phase = .waiting
            session.heard(hello)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        switch phase {
        case .open: context.fireChannelReadComplete()
        case .hello: context.read()
        // To notice when the client goes.
        case .stalled: if held.readableBytes < ClientHello.most { context.read() }
        case .waiting: break
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if phase != .open, let event = event as? ChannelEvent, event == .inputClosed {
            return session.give(up: "the client went before it was answered")
        }
        context.fireUserInboundEventTriggered(event)
    }

    /// What comes while the server is asked waits in the kernel.
    func read(context: ChannelHandlerContext) {
        if phase == .open { context.read() } else { isReadWanted = true }
    }
}
