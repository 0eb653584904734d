internal import NIOCore
internal import NIOPosix

/// A client, the server that it was connected to, and the two directions between them.
///
/// Confined to the event loop of its proxy.
final class Connection {
    let number: UInt64
    let loop: any EventLoop
    private let core: ProxyCore
    private let random: LinkRandom
    private let began = NIODeadline.now()
    private let client: String
    private var up: Direction!
    private var down: Direction!
    private var clientEnd: LinkEnd!
    private var serverEnd: LinkEnd?
    /// What has left the ends of both chains, for a filter that comes later.
    var watch = HTTPWatch()
    /// The toxic between the sockets and the link.
    private var transport: (entry: ToxicEntry, handlers: TransportHandlers)?
    private var transportEffects: UInt64 = 0
    private var isAdmitted = false
    private var waiting: Scheduled<Void>?
    private var cause: LinkEvent.Cause?
    private var isOver = false

    init(number: UInt64, channel: any Channel, core: ProxyCore) throws {
        self.number = number
        self.core = core
        loop = channel.eventLoop
        random = core.random.derived(number)
        client = core.events.isListening ? Endpoint.text(channel.remoteAddress) : ""
        up = Direction(.upstream, of: self)
        down = Direction(.downstream, of: self)
        clientEnd = LinkEnd(self, inward: up, outward: down)
        up.source = clientEnd
        down.sink = clientEnd
        if let entry = core.toxics.first(where: { $0.toxic.toxic is any TransportToxic && isDrawn($0) }) {
            do {
                try addTransport(entry, to: channel)
            } catch {
                clientEnd.letGo()
                throw error
            }
        }
        do {
            try channel.pipeline.syncOperations.addHandler(clientEnd)
        } catch {
            clientEnd.letGo()
            throw error
        }
        // Now and not when the socket is ready: a toxic that is added in between must not be attached twice.
        for entry in core.toxics { attach(entry) }
    }

    // MARK: Opening

    /// The client's channel is ready.
    func isActive(_ end: LinkEnd) {
        guard end === clientEnd else { return }
        tell(.opened)
        admit()
    }

    private func admit() {
        var delay = TimeAmount.nanoseconds(0)
        for entry in core.toxics {
            guard let toxic = entry.toxic.toxic as? any AdmissionToxic, isDrawn(entry) else { continue }
            switch toxic.admit(open: core.open - 1) {
            case .connect(.nanoseconds(0)): continue
            case .connect(let after): delay = delay.adding(after)
            case .refuse:
                tell(.effective(toxic: entry.toxic.name, stream: entry.toxic.stream))
                return reset(.refused)
            }
            tell(.effective(toxic: entry.toxic.name, stream: entry.toxic.stream))
        }
        guard delay > .nanoseconds(0) else { return connect() }
        waiting = loop.assumeIsolated().scheduleTask(in: delay) { [weak self] in
            self?.waiting = nil
            self?.connect()
        }
    }

    private func connect() {
        isAdmitted = true
        if isOver || transport?.handlers.waits == true { return }
        guard case .original = core.upstream, let channel = clientEnd.channel else { return connectToUsual() }
        OriginalDestination.read(channel).assumeIsolated().whenComplete { answer in
            guard let address = (try? answer.get()) ?? nil else { return self.connectToUsual() }
            self.connect([address], at: 0)
        }
    }

    private func connectToUsual() {
        if isOver { return }
        if let address = core.upstreamLiteral {
            connect([address], at: 0)
        } else if let endpoint = core.upstream.endpoint {
            core.resolve(endpoint, on: loop).assumeIsolated().whenComplete { answer in
                self.connect((try? answer.get()) ?? [], at: 0)
            }
        } else {
            closeAll(.unreachable)
        }
    }

    private func connect(_ addresses: [SocketAddress], at index: Int) {
        if isOver { return }
        guard index < addresses.count else { return closeAll(.unreachable) }
        core.connect(addresses[index]).assumeIsolated().whenComplete { answer in
            switch answer {
            case .success(let channel): self.connected(channel)
            case .failure: self.connect(addresses, at: index + 1)
            }
        }
    }

    private func connected(_ channel: any Channel) {
        let end = LinkEnd(self, inward: down, outward: up)
        do {
            if isOver { throw ChannelError.alreadyClosed }
            for handler in try transport?.handlers.server() ?? [] {
                try channel.pipeline.syncOperations.addHandler(handler)
            }
            try channel.pipeline.syncOperations.addHandler(end)
        } catch {
            channel.close(promise: nil)
            return closeAll(.unreachable)
        }
        serverEnd = end
        if down.isHolding { end.readSingly() }
        up.sink = end
        down.source = end
        up.sinkIsReady()
        down.sinkIsReady()
    }

    // MARK: Toxics

    /// Puts a toxic at the end of its direction's chain.
    func attach(_ entry: ToxicEntry) { put(entry) { $0.add(entry.toxic.name, $1, isActive: $2) } }

    /// The toxic has changed.
    func change(_ entry: ToxicEntry) {
        if entry.toxic.toxic is any AdmissionToxic { return endWaiting() }
        if entry.toxic.toxic is any TransportToxic { return changeTransport(entry) }
        if let toxic = entry.toxic.toxic as? any FilterToxic {
            change(entry.toxic.name, to: isDrawn(entry) ? toxic : nil)
        } else {
            put(entry) { $0.replace(entry.toxic.name, $1, isActive: $2) }
        }
    }

    /// - Parameter toxic: nil: the filter of that name is to let everything pass.
    private func change(_ name: String, to toxic: (any FilterToxic)?) {
        (up.chain?.filter(name) ?? down.chain?.filter(name))?.filter.change(to: toxic)
        up.changed()
        down.changed()
    }

    func detach(_ entry: ToxicEntry) {
        if entry.toxic.toxic is any AdmissionToxic { return endWaiting() }
        if entry.toxic.toxic is any TransportToxic { return changeTransport(entry) }
        if entry.toxic.toxic is any FilterToxic { change(entry.toxic.name, to: nil) }
        up.remove(entry.toxic.name)
        down.remove(entry.toxic.name)
    }

    private func put(_ entry: ToxicEntry, _ body: (Direction, any ToxicStage, Bool) -> Void) {
        if let toxic = entry.toxic.toxic as? any FilterToxic {
            // In its place even when it is not drawn, so that it knows where messages begin if that changes.
            let box = FilterBox(toxic.filter(randomFor(entry), after: watch))
            if !isDrawn(entry) { box.filter.change(to: nil) }
            body(up, FilterPort(box, stream: .upstream), true)
            body(down, FilterPort(box, stream: .downstream), true)
        } else if let stage = entry.toxic.toxic.stage(randomFor(entry)) {
            body(entry.toxic.stream == .upstream ? up : down, stage, isDrawn(entry))
        }
    }

    /// A change ends the waiting for the server, as removing a toxic does; what remains of the others' delays is
    /// waited for no more.
    private func endWaiting() {
        guard let waiting else { return }
        waiting.cancel()
        self.waiting = nil
        connect()
    }

    private func addTransport(_ entry: ToxicEntry, to channel: any Channel) throws {
        guard let toxic = entry.toxic.toxic as? any TransportToxic else { return }
        let link = TransportLink(
            loop: loop, random: randomFor(entry), upstreamHost: core.upstream.endpoint?.host,
            tell: { [weak self] in self?.noted($0, of: entry) },
            connect: { [weak self] in
                self?.transport?.handlers.waits = false
                if self?.isAdmitted == true { self?.connect() }
            },
            end: { [weak self] isReset in
                if isReset { self?.reset(.toxic) } else { self?.closeAll(.toxic) }
            })
        let handlers = try toxic.handlers(link)
        transport = (entry, handlers)
        for handler in handlers.client { try channel.pipeline.syncOperations.addHandler(handler) }
    }

    private func noted(_ notice: FilterNotice, of entry: ToxicEntry) {
        if notice.kind == .effective {
            transportEffects += 1
            if transportEffects == 1 {
                tell(.effective(toxic: entry.toxic.name, stream: entry.toxic.stream))
            }
        }
        tell(.noticed(toxic: entry.toxic.name, notice))
    }

    private func changeTransport(_ entry: ToxicEntry) {
        if let transport, transport.entry.toxic.name == entry.toxic.name { transport.handlers.changed() }
    }

    private func randomFor(_ entry: ToxicEntry) -> LinkRandom {
        random.derived(entry.toxic.stream == .upstream ? 1 : 2).derived(entry.toxic.name).derived(
            entry.version)
    }

    private func isDrawn(_ entry: ToxicEntry) -> Bool {
        var random = randomFor(entry).derived("toxicity")
        return random.share() < entry.toxic.toxicity
    }

    /// A filter was fed by one direction: the other may have something to write.
    func pumpFed(_ stream: Stream) {
        let direction: Direction = stream == .upstream ? up : down
        guard let filters = direction.chain?.filters, !filters.isEmpty else { return }
        for box in filters where box.isDirty.remove(stream.other) != nil {
            (stream == .upstream ? down : up).pump()
        }
    }

    // MARK: Ending

    /// A socket is closed.
    /// - Parameter isBroken: neither by us nor because both directions had ended.
    func closed(_ end: LinkEnd, isBroken: Bool) {
        let (inward, outward): (Direction, Direction) = end === clientEnd ? (up, down) : (down, up)
        outward.sinkIsGone()
        if isBroken {
            cause = cause ?? .reset
            if inward.sourceEnding == nil {
                inward.sourceEnded(.reset)
            } else {
                reset(.reset)
            }
        }
        if clientEnd.isClosed && (serverEnd?.isClosed ?? true) { over() }
    }

    func directionEnded() {
        if up.isDone && down.isDone { cause = cause ?? .ended }
    }

    /// Closes both sides after what was written to one has left.
    func close(after end: LinkEnd?) {
        cause = cause ?? .toxic
        if let end { end.whenWritten { self.closeAll(.toxic) } } else { closeAll(.toxic) }
    }

    func reset(_ cause: LinkEvent.Cause) {
        self.cause = self.cause ?? cause
        clientEnd.reset()
        serverEnd?.reset()
    }

    func closeAll(_ cause: LinkEvent.Cause) {
        self.cause = self.cause ?? cause
        clientEnd.close()
        serverEnd?.close()
    }

    private func over() {
        guard !isOver else { return }
        isOver = true
        waiting?.cancel()
        let transport = transport
        self.transport = nil
        defer {
            core.over(self)
            up.letGo()
            down.letGo()
        }
        guard core.events.isListening else { return }
        var effects = (up.effects).merging(down.effects) { $0 &+ $1 }
        if let transport, transportEffects > 0 { effects[transport.entry.toxic.name] = transportEffects }
        tell(
            .closed(
                .init(
                    cause: cause ?? .ended, duration: .now() - began, upstream: traffic[0],
                    downstream: traffic[1],
                    effects: effects)))
    }

    var traffic: [Traffic] {
        [up, down].map { Traffic(stream: $0.stream, received: $0.received, sent: $0.sent) }
    }

    /// What all connections may keep.
    var budget: HeldBudget { core.shared.held }

    func waitForRoom(_ direction: Direction) { core.waitingRoom.enter(direction) }

    /// Somebody wants to know what happens.
    var isHeard: Bool { core.events.isListening }

    func tell(_ kind: @autoclosure () -> LinkEvent.Kind) {
        guard core.events.isListening else { return }
        core.events.happened(LinkEvent(proxy: core.name, connection: number, client: client, kind: kind()))
    }
}
