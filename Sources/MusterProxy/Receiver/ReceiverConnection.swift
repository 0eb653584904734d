internal import NIOCore
internal import NIOHTTP1

/// One sender: its requests within their bounds, each answered at once.
final class ReceiverConnection: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private struct Answer {
        var status: HTTPResponseStatus
        var text: String
        /// For the record; nil where it is no news.
        var complaint: String?
    }

    private let shared: AlertReceiver.Shared
    private var head: HTTPRequestHead?
    private var body: [UInt8] = []
    private var arrived: Int64 = 0
    private var refusal: Answer?
    private var hasEnded = false
    private var inputEnded = false
    private var timer: Scheduled<Void>?

    init(_ shared: AlertReceiver.Shared) { self.shared = shared }

    func channelActive(context: ChannelHandlerContext) {
        close(context, unlessWithin: shared.limits.reading)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard error is HTTPParserError, !hasEnded else { return context.close(promise: nil) }
        answer(
            context, Answer(status: .badRequest, text: "this is no request of HTTP\n", complaint: "no HTTP"),
            closing: true)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case ChannelEvent.inputClosed = event else {
            return context.fireUserInboundEventTriggered(event)
        }
        inputEnded = true
        // A request that is not whole now never will be.
        if !hasEnded { context.close(promise: nil) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !hasEnded else { return }
        switch unwrapInboundIn(data) {
        case .head(let new): begin(context, new)
        case .body(let part): take(context, part)
        case .end: finish(context)
        }
    }

    // MARK: A request

    private func begin(_ context: ChannelHandlerContext, _ new: HTTPRequestHead) {
        head = new
        body = []
        arrived = shared.possibleArrival(readAt: monotonicNanoseconds())
        refusal = refusal(of: new)
        close(context, unlessWithin: shared.limits.reading)
        // Who asks first is told before they send for nothing.
        guard new.headers.first(name: "Expect")?.lowercased() == "100-continue" else { return }
        if let refusal { return answer(context, refusal, closing: true) }
        context.writeAndFlush(
            wrapOutboundOut(.head(HTTPResponseHead(version: new.version, status: .continue))), promise: nil)
    }

    private func refusal(of head: HTTPRequestHead) -> Answer? {
        guard isAllowed(head) else {
            return Answer(
                status: .unauthorized, text: "the token is missing or wrong\n",
                complaint: "the token is missing or wrong")
        }
        guard head.method == .POST else {
            return Answer(status: .methodNotAllowed, text: "POST alerts here\n")
        }
        if let length = head.headers.first(name: "Content-Length").flatMap({ Int($0) }),
            length > shared.limits.body
        {
            return tooLarge
        }
        return nil
    }

    private var tooLarge: Answer {
        let words = "a message has more than \(shared.limits.body) bytes"
        return Answer(status: .payloadTooLarge, text: words + "\n", complaint: words)
    }

    /// The token as bearer, or as the last part of the path. Takes as long for a wrong one as for the right one.
    private func isAllowed(_ head: HTTPRequestHead) -> Bool {
        let path = head.uri.prefix { $0 != "?" && $0 != "#" }
        var given = [String(path[(path.lastIndex(of: "/").map(path.index(after:)) ?? path.startIndex)...])]
        for line in head.headers["Authorization"] where line.lowercased().hasPrefix("bearer ") {
            given.append(String(line.dropFirst(7).drop { $0 == " " }))
        }
        return given.reduce(false) { isRight($1) || $0 }
    }

    private func isRight(_ text: String) -> Bool {
        let given = Array(text.utf8)
        var difference = given.count ^ shared.token.count
        for (index, byte) in shared.token.enumerated() {
            difference |= Int(byte ^ (index < given.count ? given[index] : ~byte))
        }
        return difference == 0
    }

    private func take(_ context: ChannelHandlerContext, _ part: ByteBuffer) {
        // What is refused is read to its end within the time for it, so that the sender comes to read the answer.
        guard refusal == nil else { return }
        guard body.count + part.readableBytes <= shared.limits.body else {
            refusal = tooLarge
            body = []
            return
        }
        body.append(contentsOf: part.readableBytesView)
    }

    private func finish(_ context: ChannelHandlerContext) {
        guard head != nil else { return }
        if let refusal { return answer(context, refusal, closing: true) }
        let message = body
        body = []
        guard (try? JSONScanner.check(message)) != nil else {
            return answer(
                context,
                Answer(
                    status: .badRequest, text: "the message is no JSON\n", complaint: "a message was no JSON"),
                closing: true)
        }
        let event = ReceiverEvent.message(lower: arrived, upper: monotonicNanoseconds(), body: message)
        guard shared.told(event) else {
            return answer(
                context, Answer(status: .serviceUnavailable, text: "try again later\n"), closing: true)
        }
        answer(context, Answer(status: .ok, text: "{}\n"), closing: false)
    }

    // MARK: An answer

    private func answer(_ context: ChannelHandlerContext, _ answer: Answer, closing: Bool) {
        if let complaint = answer.complaint { _ = shared.told(.refused(complaint)) }
        let closing = closing || inputEnded || head?.isKeepAlive != true
        hasEnded = closing
        var headers = HTTPHeaders([
            ("Content-Type", answer.status == .ok ? "application/json" : "text/plain; charset=utf-8"),
            ("Content-Length", "\(answer.text.utf8.count)"),
        ])
        if closing { headers.add(name: "Connection", value: "close") }
        if answer.status == .unauthorized { headers.add(name: "WWW-Authenticate", value: "Bearer") }
        let version = head?.version ?? .http1_1
        head = nil
        context.write(
            wrapOutboundOut(
                .head(HTTPResponseHead(version: version, status: answer.status, headers: headers))),
            promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: answer.text)))), promise: nil)
        let written = context.eventLoop.makePromise(of: Void.self)
        if closing {
            let channel = context.channel
            written.futureResult.whenComplete { _ in channel.close(mode: .output, promise: nil) }
        }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: written)
        close(context, unlessWithin: closing ? .seconds(2) : shared.limits.idle)
    }

    private func close(_ context: ChannelHandlerContext, unlessWithin limit: TimeAmount) {
        timer?.cancel()
        let channel = context.channel
        timer = context.eventLoop.scheduleTask(in: limit) { channel.close(promise: nil) }
    }
}
