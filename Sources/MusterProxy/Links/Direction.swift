internal import NIOCore

/// One direction of one connection: from its source to its sink, through the stages of its chain where there are
/// any. Without one, what was read is written as it is.
///
/// Confined to the event loop of its proxy.
final class Direction {
    let stream: Stream
    private unowned let connection: Connection
    /// nil until connected.
    var source: LinkEnd?
    var sink: LinkEnd?

    private(set) var received: UInt64 = 0
    private(set) var sent: UInt64 = 0
    /// The chain of stages; nil: none was ever needed.
    private(set) var chain: StageChain?

    /// The source has ended and it was passed on, or the sink is gone: nothing will be written any more.
    private(set) var isDone = false
    /// The source has ended.
    private(set) var sourceEnding: StageOutput?
    private var isPumping = false
    /// Bytes that the budget knows to be kept here.
    private var counted = 0
    /// There was a toxic.
    private(set) var isHolding = false
    /// It is read on when there is room for what it will bring.
    private var isWaitingForRoom = false
    private var timer: (deadline: NIODeadline, task: Scheduled<Void>)?

    init(_ stream: Stream, of connection: Connection) {
        self.stream = stream
        self.connection = connection
    }

    /// What is read may be written as it is.
    private var isDirect: Bool { chain?.isTransparent ?? true }

    // MARK: What the source does

    func receive(_ bytes: ByteBuffer) {
        received += UInt64(bytes.readableBytes)
        if isDone { return }
        if isDirect, let sink {
            write(bytes, to: sink)
        } else {
            // Also what comes before there is a sink.
            if chain == nil { chain = StageChain() }
            chain?.receive(Chunk(fitted(bytes), at: .now()))
        }
    }

    /// All that was there to read has been given to `receive`.
    func receivedAll() {
        if isDirect {
            sink?.flush()
        } else {
            pump()
        }
        account()
        readOn()
    }

    /// What may be held for long must not keep a buffer alive that is far larger: a sender could fill the memory a
    /// byte at a time.
    private func fitted(_ bytes: ByteBuffer) -> ByteBuffer {
        guard bytes.storageCapacity > 4 * bytes.readableBytes else { return bytes }
        return ByteBuffer(bytes: bytes.readableBytesView)
    }

    /// - Parameter ending: `finished`, or `reset`.
    func sourceEnded(_ ending: StageOutput) {
        guard sourceEnding == nil else { return }
        sourceEnding = ending
        if isDone { return }
        if isDirect, sink != nil {
            end(ending)
        } else {
            if chain == nil { chain = StageChain() }
            chain?.finish(ending)
            pump()
        }
    }

    // MARK: What the sink does

    func sinkIsReady() {
        pump()
        account()
        readOn()
    }

    /// Nothing can be written any more: what still comes is read and thrown away, so that its end is noticed.
    func sinkIsGone() {
        isDone = true
        stopTimer()
        lastEffects = effects
        chain = nil
        account()
        readOn()
    }

    // MARK: Toxics

    func add(_ name: String, _ stage: any ToxicStage, isActive: Bool) {
        if isDone { return }
        if chain == nil { chain = StageChain() }
        if !isHolding { source?.readSingly() }
        isHolding = true
        chain?.add(name, stage, isActive: isActive)
        changed()
    }

    func replace(_ name: String, _ stage: any ToxicStage, isActive: Bool) {
        chain?.replace(name, stage, isActive: isActive)
        changed()
    }

    func remove(_ name: String) {
        chain?.remove(name)
        changed()
    }

    func changed() {
        if sink == nil { return }
        pump()
        readOn()
    }

    // MARK: Inside

    private func write(_ bytes: ByteBuffer, to sink: LinkEnd) {
        sent += UInt64(bytes.readableBytes)
        connection.watch.saw(bytes, stream)
        sink.write(bytes)
    }

    /// Reads on where there is room for what will be read.
    func readOn() {
        guard let source, sourceEnding == nil else { return }
        guard let sink else { return }
        if !isDone {
            guard isDirect ? sink.isWritable : (chain?.waiting ?? 0) == 0 else { return }
            guard counted <= HeldBudget.small || !connection.budget.isSpent else {
                return waitForRoom()
            }
        }
        source.read()
    }

    private func waitForRoom() {
        guard !isWaitingForRoom else { return }
        isWaitingForRoom = true
        connection.waitForRoom(self)
    }

    /// There is room again.
    func leaveWaitingRoom() {
        isWaitingForRoom = false
        readOn()
    }

    /// Tells the budget what this direction keeps. What a sink is about to take does not count, so that connections
    /// without toxics and with peers that read cost nothing here.
    private func account() {
        var now = chain?.kept ?? 0
        if let sink, !sink.isClosed, !sink.isWritable { now += sink.pending }
        guard now != counted else { return }
        connection.budget.change(by: now - counted)
        counted = now
    }

    /// The connection is over.
    func letGo() {
        stopTimer()
        connection.budget.change(by: -counted)
        counted = 0
        (source, sink) = (nil, nil)
    }

    /// Writes what may leave now, and comes back when more may.
    func pump() {
        guard !isDone, let sink, chain != nil, !isPumping else { return }
        isPumping = true
        if !sink.isWritable { chain?.feed(at: .now()) }
        var isWritten = false
        pumping: while !isDone, sink.isWritable, let answer = chain?.next(at: .now()) {
            switch answer {
            case .chunk(let chunk):
                // Each on its own, so that slices are not put together again.
                write(chunk.bytes, to: sink)
                sink.flush()
                isWritten = true
            case .wait(let until):
                if let until { wake(at: until) }
                break pumping
            case .finished, .close, .reset:
                // A reset takes the chain away.
                tellNotices()
                end(answer)
            }
        }
        isPumping = false
        account()
        if isWritten { readOn() }
        tell()
    }

    private func tellNotices() {
        guard connection.isHeard, let notices = chain?.takeNotices() else { return }
        for (name, notice) in notices { connection.tell(.noticed(toxic: name, notice)) }
    }

    private func tell() {
        tellNotices()
        guard let acted = chain?.acted, !acted.isEmpty else {
            connection.pumpFed(stream)
            return
        }
        chain?.acted = []
        for name in acted where !name.isEmpty { connection.tell(.effective(toxic: name, stream: stream)) }
        connection.pumpFed(stream)
    }

    private func end(_ ending: StageOutput) {
        isDone = true
        stopTimer()
        switch ending {
        case .finished: sink?.finish()
        case .close: connection.close(after: sink)
        default: connection.reset(sourceEnding == .reset ? .reset : .toxic)
        }
        connection.directionEnded()
    }

    private func wake(at deadline: NIODeadline) {
        if let timer {
            guard deadline < timer.deadline else { return }
            timer.task.cancel()
        }
        let task = connection.loop.assumeIsolated().scheduleTask(deadline: deadline) { [weak self] in
            self?.timer = nil
            self?.pump()
            self?.readOn()
        }
        timer = (deadline, task)
    }

    /// What the toxics that count have done, by name.
    var effects: [String: UInt64] { chain?.effects ?? lastEffects }
    private var lastEffects: [String: UInt64] = [:]

    func stopTimer() {
        timer?.task.cancel()
        timer = nil
    }
}
