public import MusterCore
public import MusterDrills

/// Asks alerting systems again and again for what fires, on a thread of its own: what hangs there holds up nobody.
public final class AlertPoller: @unchecked Sendable {
    /// What came of one look.
    public struct Look: Sendable {
        public var source: String
        public var sent: Instant
        public var finished: Instant
        /// Everything that fires; nil when there was no answer that counts, which `why` explains.
        public var firing: [Alert]?
        public var why = ""
    }

    private let loop: EventLoop
    private var thread: OwnThread?

    /// - Parameters:
    ///   - sources: those with webhooks are left out.
    ///   - told: called on its thread for each look, in order.
    /// - Throws: `MeasuringError` when the system gives no thread, or there is no libcurl.
    public init(_ sources: [AlertSource], told: @escaping @Sendable (Look) -> Void) throws {
        let loop = try EventLoop(inFlightLimit: 64)
        self.loop = loop
        let asking = LoopOnly(
            try sources.filter(\.isPolled).map { AlertQuestion($0, loop, try HTTPChannel(loop: loop), told) })
        thread = try OwnThread("muster-alerts") {
            for question in asking.value { question.begin() }
            loop.run()
            loop.clear()
        }
    }

    /// Asks nothing more; waits for its thread.
    public func stop() {
        loop.stop()
        thread?.join()
        thread = nil
    }
}

/// One source that is asked: at absolute times, and not again while it has not answered.
private final class AlertQuestion {
    private let source: AlertSource
    private let loop: EventLoop
    private let channel: HTTPChannel
    private let request: HTTPRequest
    private let told: @Sendable (AlertPoller.Look) -> Void
    private var due = Instant(nanoseconds: 0)
    private var isAsking = false

    init(
        _ source: AlertSource, _ loop: EventLoop, _ channel: HTTPChannel,
        _ told: @escaping @Sendable (AlertPoller.Look) -> Void
    ) {
        self.source = source
        self.loop = loop
        self.channel = channel
        self.told = told
        let base = source.prometheus ?? source.alertmanager ?? ""
        let path =
            source.prometheus != nil
            ? "/api/v1/alerts" : "/api/v2/alerts?active=true&silenced=false&inhibited=false"
        var request = HTTPRequest(
            url: (base.hasSuffix("/") ? base.dropLast() : base[...]) + path,
            headers: headerLines(source.headers))
        request.refusesLongBody = true
        request.bodyLimit = 8 << 20
        request.way.authorities = source.ca
        request.way.isInsecure = source.insecure
        self.request = request
    }

    func begin() {
        due = monotonicNow()
        arm()
    }

    private func arm() {
        loop.at(due) { [self] in
            let now = monotonicNow()
            if !isAsking { ask() }
            repeat { due = due + source.every } while due <= now
            arm()
        }
    }

    private func ask() {
        isAsking = true
        let sent = monotonicNow()
        channel.send(request, timeout: source.timeout) { [self] answer in
            isAsking = false
            let (firing, why) = read(answer)
            told(
                AlertPoller.Look(
                    source: source.name, sent: sent, finished: monotonicNow(), firing: firing, why: why))
        }
    }

    private func read(_ answer: HTTPAnswer) -> ([Alert]?, String) {
        if answer.timedOut { return (nil, "no answer within \(source.timeout.forPeople)") }
        if answer.failure != nil { return (nil, SampleCode.inWords(answer.code)) }
        guard answer.status == 200 else { return (nil, "status \(answer.status)") }
        let alerts =
            source.prometheus != nil
            ? AlertText.prometheus(answer.body) : AlertText.alertmanager(answer.body)
        return alerts.map { ($0, "") } ?? (nil, "the answer is not what the API promises")
    }
}
