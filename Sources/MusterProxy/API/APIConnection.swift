internal import NIOCore
internal import NIOHTTP1

/// One client of the API: reads requests within their bounds, has each answered, and writes the answers. That
/// requests come before answers are written is dealt with before it, by NIO's pipelining handler.
final class APIConnection: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private enum Phase {
        /// For a request.
        case waiting
        case reading(HTTPRequestHead)
        case answering(HTTPRequestHead)
        /// Events, for as long as the client takes them.
        case streaming(EventReader)
        /// Nothing more is read or written.
        case ended
    }

    private let shared: Shared
    private var phase = Phase.waiting
    private var body: [UInt8] = []
    private var isTooLarge = false
    /// The client has said all that it will say.
    private var inputEnded = false
    private var timer: Scheduled<Void>?
    /// Counts requests, so that an answer that comes too late is known as such.
    private var turn = 0

    init(_ shared: Shared) { self.shared = shared }

    func channelActive(context: ChannelHandlerContext) {
        close(context, unlessWithin: shared.limits.reading)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch (unwrapInboundIn(data), phase) {
        case (.head(let head), .waiting): begin(context, head)
        case (.body(let part), .reading): take(part)
        case (.end, .reading(let head)): finish(context, head)
        default: break
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch (error, phase) {
        case (let error as HTTPParserError, .waiting), (let error as HTTPParserError, .reading):
            let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: "/")
            phase = .answering(head)
            let overflow = error == .headerOverflow
            write(
                context, overflow ? .headersTooLarge : .badRequest, to: head, isRouted: false, closing: true)
        default:
            end()
            context.close(promise: nil)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case ChannelEvent.inputClosed = event else {
            return context.fireUserInboundEventTriggered(event)
        }
        inputEnded = true
        switch phase {
        case .answering: break
        default:
            end()
            context.close(promise: nil)
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if case .streaming(let reader) = phase { pass(context, reader) }
        context.fireChannelWritabilityChanged()
    }

    // MARK: A request

    private func begin(_ context: ChannelHandlerContext, _ head: HTTPRequestHead) {
        phase = .reading(head)
        body = []
        isTooLarge = false
        close(context, unlessWithin: shared.limits.reading)
        guard head.version != .http1_1 || head.headers.contains(name: "Host") else {
            phase = .answering(head)
            return write(context, .noHost, to: head, isRouted: false, closing: true)
        }
        guard head.headers.first(name: "Expect")?.lowercased() == "100-continue" else { return }
        if let length = head.headers.first(name: "Content-Length").flatMap({ Int($0) }),
            length > shared.limits.body
        {
            phase = .answering(head)
            write(context, .tooLarge(shared.limits.body), to: head, isRouted: false, closing: true)
        } else {
            let go = HTTPResponseHead(version: head.version, status: .continue)
            context.writeAndFlush(wrapOutboundOut(.head(go)), promise: nil)
        }
    }

    private func take(_ part: ByteBuffer) {
        guard !isTooLarge, body.count + part.readableBytes <= shared.limits.body else {
            isTooLarge = true
            body = []
            return
        }
        body.append(contentsOf: part.readableBytesView)
    }

    private func finish(_ context: ChannelHandlerContext, _ head: HTTPRequestHead) {
        timer?.cancel()
        phase = .answering(head)
        turn += 1
        guard !isTooLarge else {
            return write(context, .tooLarge(shared.limits.body), to: head, isRouted: false, closing: true)
        }
        let turn = turn
        let request = body
        body = []
        let loop = context.eventLoop.assumeIsolated()
        timer = loop.scheduleTask(in: shared.limits.handling) {
            self.answer(context, ProxyAPI.Outcome(answer: .tooLate), to: head, turn)
        }
        let api = shared.api
        let userAgent = head.headers.first(name: "User-Agent")
        context.eventLoop.makeFutureWithTask {
            await api.handle(
                method: head.method.rawValue, target: head.uri, userAgent: userAgent, body: request)
        }.assumeIsolated().whenSuccess { self.answer(context, $0, to: head, turn) }
    }

    private func answer(
        _ context: ChannelHandlerContext, _ outcome: ProxyAPI.Outcome, to head: HTTPRequestHead, _ turn: Int
    ) {
        guard case .answering = phase, turn == self.turn else { return }
        self.turn += 1
        if outcome.answer.isStream {
            stream(context, outcome, to: head)
        } else {
            write(context, outcome.answer, to: head, isRouted: outcome.isRouted, closing: false)
        }
    }

    // MARK: An answer

    private func headers(of answer: Answer, isRouted: Bool) -> HTTPHeaders {
        var headers = HTTPHeaders(answer.headers.map { ($0.name, $0.value) })
        if isRouted { headers.add(name: "X-Toxiproxy-Request-Id", value: shared.ids.next()) }
        headers.add(name: "Date", value: WallTime.now().http)
        return headers
    }

    private func write(
        _ context: ChannelHandlerContext, _ answer: Answer, to head: HTTPRequestHead, isRouted: Bool,
        closing: Bool
    ) {
        let closing = closing || inputEnded || !head.isKeepAlive
        var headers = headers(of: answer, isRouted: isRouted)
        // As Go: not where there can be no body, and of HEAD not where there would be none.
        if answer.status != 204, head.method != .HEAD || !answer.body.isEmpty {
            headers.add(name: "Content-Length", value: "\(answer.body.count)")
        }
        if closing {
            headers.add(name: "Connection", value: "close")
        } else if head.version != .http1_1 {
            headers.add(name: "Connection", value: "keep-alive")
        }
        let status = HTTPResponseStatus(statusCode: answer.status)
        let response = HTTPResponseHead(version: head.version, status: status, headers: headers)
        context.write(wrapOutboundOut(.head(response)), promise: nil)
        if head.method != .HEAD, !answer.body.isEmpty {
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: answer.body)))), promise: nil)
        }
        close(context, unlessWithin: shared.limits.writing)
        phase = closing ? .ended : .waiting
        let turn = turn
        // Before the next request is let in, which the end of this answer does.
        let written = context.eventLoop.makePromise(of: Void.self)
        written.futureResult.assumeIsolated().whenSuccess {
            if closing {
                self.end()
                context.close(promise: nil)
            } else if case .waiting = self.phase, turn == self.turn {
                self.close(context, unlessWithin: self.shared.limits.idle)
            }
        }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: written)
    }

    // MARK: Events

    private func stream(
        _ context: ChannelHandlerContext, _ outcome: ProxyAPI.Outcome, to head: HTTPRequestHead
    ) {
        timer?.cancel()
        guard !inputEnded else { return write(context, .noContent, to: head, isRouted: true, closing: true) }
        let channel = context.channel
        let loop = context.eventLoop
        let bound = NIOLoopBound((self, context), eventLoop: loop)
        let reader = EventReader {
            loop.execute {
                let (connection, context) = bound.value
                if channel.isActive, case .streaming(let reader) = connection.phase {
                    connection.pass(context, reader)
                }
            }
        }
        phase = .streaming(reader)
        var headers = headers(of: outcome.answer, isRouted: outcome.isRouted)
        if head.version == .http1_1 { headers.add(name: "Transfer-Encoding", value: "chunked") }
        let response = HTTPResponseHead(version: head.version, status: .ok, headers: headers)
        context.writeAndFlush(wrapOutboundOut(.head(response)), promise: nil)
        shared.events.add(reader)
    }

    /// Hands over what has gathered, when the client takes it.
    private func pass(_ context: ChannelHandlerContext, _ reader: EventReader) {
        guard context.channel.isWritable else { return }
        let bytes = reader.take()
        guard !bytes.isEmpty else { return }
        context.writeAndFlush(
            wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: bytes)))), promise: nil)
    }

    // MARK: The end

    private func end() {
        timer?.cancel()
        timer = nil
        if case .streaming(let reader) = phase { shared.events.remove(reader) }
        phase = .ended
    }

    /// Instead of the timer that ran before.
    private func close(_ context: ChannelHandlerContext, unlessWithin time: TimeAmount) {
        timer?.cancel()
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: time) {
            self.end()
            context.close(promise: nil)
        }
    }
}
