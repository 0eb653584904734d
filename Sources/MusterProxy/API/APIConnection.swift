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
        /// The client has not taken the whole answer: no other request is let in before, or answers would pile up.
        case writing
        /// Events, for as long as the client takes them.
        case streaming(EventReader)
        /// Nothing more is read or written.
        case ended
    }

    private let shared: Shared
    private var phase = Phase.waiting
    private var body: [UInt8] = []
    /// What the request will be answered with without being read further.
    private var refusal: Answer?
    /// Bytes that the server knows to be held for this client.
    private var counted = 0
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
        // What is being written is for a client that may still read.
        case .answering, .writing: break
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
        refusal = nil
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
        if refusal != nil { return }
        let size = body.count + part.readableBytes
        if size > shared.limits.body {
            refusal = .tooLarge(shared.limits.body)
        } else if !holds(size) {
            refusal = .busy
        } else {
            body.append(contentsOf: part.readableBytesView)
            return
        }
        // The rest is read and thrown away, so that the client comes to read the answer.
        body = []
        _ = holds(0)
    }

    /// - Returns: whether there is room for so many bytes instead of those that were held.
    private func holds(_ bytes: Int) -> Bool {
        defer { counted = bytes }
        return bytes == counted || shared.count(bytes - counted)
    }

    private func finish(_ context: ChannelHandlerContext, _ head: HTTPRequestHead) {
        timer?.cancel()
        phase = .answering(head)
        turn += 1
        if let refusal { return write(context, refusal, to: head, isRouted: false, closing: true) }
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
        var answer = answer
        // What is short is told in any case.
        if !holds(answer.body.count), answer.body.count > 65_536 {
            answer = .busy
            _ = holds(answer.body.count)
        }
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
        phase = .writing
        close(context, unlessWithin: shared.limits.writing)
        let written = context.eventLoop.makePromise(of: Void.self)
        written.futureResult.assumeIsolated().whenSuccess { self.ended(context, closing: closing) }
        guard head.method != .HEAD, !answer.body.isEmpty else {
            return context.writeAndFlush(wrapOutboundOut(.head(response)), promise: written)
        }
        context.write(wrapOutboundOut(.head(response)), promise: nil)
        context.writeAndFlush(
            wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: answer.body)))), promise: written)
    }

    /// The client has taken the answer.
    private func ended(_ context: ChannelHandlerContext, closing: Bool) {
        guard case .writing = phase else { return }
        _ = holds(0)
        shared.noteRequest()
        let closing = closing || inputEnded
        phase = closing ? .ended : .waiting
        close(context, unlessWithin: shared.limits.idle)
        let closed = closing ? context.eventLoop.makePromise(of: Void.self) : nil
        closed?.futureResult.assumeIsolated().whenSuccess {
            self.end()
            context.close(promise: nil)
        }
        // Lets the next request in.
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: closed)
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
        guard shared.events.add(reader, atMost: shared.limits.readers) else {
            return write(context, .tooManyReaders, to: head, isRouted: true, closing: false)
        }
        phase = .streaming(reader)
        var headers = headers(of: outcome.answer, isRouted: outcome.isRouted)
        if head.version == .http1_1 { headers.add(name: "Transfer-Encoding", value: "chunked") }
        let response = HTTPResponseHead(version: head.version, status: .ok, headers: headers)
        context.writeAndFlush(wrapOutboundOut(.head(response)), promise: nil)
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
        body = []
        _ = holds(0)
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
