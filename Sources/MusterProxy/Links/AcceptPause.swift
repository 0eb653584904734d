internal import NIOCore

/// Stops accepting for a moment when the process or the machine has run out of something, such as descriptors
/// (accept(2): EMFILE, ENFILE, ENOBUFS, ENOMEM); clients wait in the kernel's queue meanwhile.
///
/// NIO's own `AcceptBackoffHandler` delays the next read, but the one that failed stays registered, and the loop
/// spins over it. This one stands in front of it and turns reading off.
final class AcceptPause: ChannelInboundHandler {
    typealias InboundIn = any Channel

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard error is IOError else { return context.fireErrorCaught(error) }
        let channel = context.channel
        try? channel.syncOptions?.setOption(.autoRead, value: false)
        channel.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(50)) {
            // It may have been closed meanwhile.
            try? channel.syncOptions?.setOption(.autoRead, value: true)
        }
    }
}
