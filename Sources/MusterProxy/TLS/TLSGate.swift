internal import NIOCore
internal import NIOSSL
internal import NIOTLS

/// Stands between NIOSSL's handler and the link's: holds reads back, tells of handshakes, and makes an end what it is
/// for links.
final class TLSGate: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let session: TLSSession
    private let side: TLSSession.Side
    private var isHolding = false
    private var isReadWanted = false
    private var context: ChannelHandlerContext?

    init(_ session: TLSSession, _ side: TLSSession.Side) {
        self.session = session
        self.side = side
    }

    /// Nothing is read until `release`.
    func hold() { isHolding = true }

    func release() {
        isHolding = false
        guard isReadWanted else { return }
        isReadWanted = false
        context?.read()
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func read(context: ChannelHandlerContext) {
        if isHolding { isReadWanted = true } else { context.read() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard let event = event as? TLSUserEvent else { return context.fireUserInboundEventTriggered(event) }
        if case .handshakeCompleted(let chosen) = event { session.completed(side, protocol: chosen) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error as? NIOSSLError {
        // An end without close_notify (RFC 8446, 6.1), as many programs make it: the end itself is told, too.
        case .uncleanShutdown: break
        case .handshakeFailed: session.failed(side, error)
        default: context.fireErrorCaught(error)
        }
    }

    /// A link that closes a socket means it, and at once: not a close_notify, and five seconds of waiting for another.
    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        if mode == .all { session.closes() }
        let tls = try? context.pipeline.syncOperations.context(handlerType: NIOSSLHandler.self)
        (mode == .all ? tls ?? context : context).close(mode: mode, promise: promise)
    }
}
