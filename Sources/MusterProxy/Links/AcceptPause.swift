internal import NIOCore

/// Stops accepting for a moment when there are no descriptors left for links, or when the process or the machine has
/// run out of something (accept(2): EMFILE, ENFILE, ENOBUFS, ENOMEM); clients wait in the kernel's queue meanwhile.
///
/// NIO's own `AcceptBackoffHandler` delays the next read, but the one that failed stays registered, and the loop
/// spins over it. This one stands in front of it and turns reading off.
final class AcceptPause: ChannelInboundHandler {
    typealias InboundIn = any Channel
    typealias InboundOut = any Channel

    /// How many clients are let in by one reading of the listener.
    static let burst: UInt = 16
    /// With fewer descriptors left, one client at a time is let in.
    private static let scarce = 64
    /// So far beyond the budget nobody is let in any more: many listeners may find clients at the same moment.
    private static let overdraft = -16

    /// nil: as many as the kernel gives.
    private let budget: DescriptorBudget?
    private var isPaused = false
    private var isCareful = false

    init(_ budget: DescriptorBudget? = nil) { self.budget = budget }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard let budget, budget.left < Self.overdraft else {
            context.fireChannelRead(data)
            if let budget { watch(budget, context) }
            return
        }
        pause(context)
        unwrapInboundIn(data).close(promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard error is IOError else { return context.fireErrorCaught(error) }
        pause(context)
    }

    private func watch(_ budget: DescriptorBudget, _ context: ChannelHandlerContext) {
        if (budget.left < Self.scarce) != isCareful {
            isCareful.toggle()
            try? context.channel.syncOptions?.setOption(
                .maxMessagesPerRead, value: isCareful ? UInt(1) : Self.burst)
        }
        if budget.isSpent { pause(context) }
    }

    private func pause(_ context: ChannelHandlerContext) {
        guard !isPaused else { return }
        isPaused = true
        try? context.channel.syncOptions?.setOption(.autoRead, value: false)
        goOn(context.channel)
    }

    /// It may have been closed meanwhile.
    private func goOn(_ channel: any Channel) {
        channel.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(50)) {
            guard channel.isActive else { return }
            if self.budget?.isSpent == true { return self.goOn(channel) }
            self.isPaused = false
            try? channel.syncOptions?.setOption(.autoRead, value: true)
        }
    }
}
