internal import NIOCore

/// Faults of HTTP at work on one connection: reads both directions, lets what is not meant pass byte by byte as it
/// came, and changes, swallows or answers what is.
///
/// What one direction holds can only be read with the other: the answer to a `HEAD` has no body, and what follows a
/// `CONNECT` depends on how it is answered. So there is one of these for both.
struct HTTPFilter: ConnectionFilter {
    /// How one direction is read.
    enum Reading {
        case messages
        /// Not understood, or no longer to be understood: everything passes.
        case blind
        /// What belongs to a request that was swallowed and cannot be read to its end: nothing passes.
        case discard
    }

    struct Direction {
        var inbox = Inbox()
        var reader: MessageReader
        var reading = Reading.messages
        /// Leaves before anything else.
        var outbox = CircularBuffer<Chunk>(initialCapacity: 2)
        /// The message in hand is thrown away.
        var drops = false

        mutating func read(limit: Int = .max) -> MessageReader.Piece {
            var reader = reader
            let piece = inbox.look { reader.read($0, limit: limit) }
            self.reader = reader
            return piece
        }

        fileprivate var isEmpty: Bool { inbox.isEmpty && outbox.isEmpty && !drops }

        /// What may leave by now leaves before what comes next.
        mutating func flush() {
            if let chunk = inbox.takeRun() { outbox.append(chunk) }
        }
    }

    /// The connection is being ended by a fault.
    struct Dying {
        var ending: HTTPFault.Ending
        /// Until then it stays as it is; nil: until one side ends.
        var until: NIODeadline?
        /// After the client was told of the end: when it is closed all the same.
        var close: NIODeadline?
    }

    /// Long enough for a client that is told of the end to read what went before: what it still sends would
    /// otherwise be answered with RST, which may overtake the answer (RFC 9112, 9.6).
    static let closingTime = TimeAmount.seconds(2)

    var fault: HTTPFault?
    var random: LinkRandom
    var up = Direction(reader: MessageReader(.request))
    var down = Direction(reader: MessageReader(.answer))
    /// What is read only in order to know where messages begin: the connection was open before.
    var joining: HTTPWatch?
    /// Requests in the order of their answers.
    var exchanges = CircularBuffer<Exchange>(initialCapacity: 2)
    /// Requests read and answers over: the number of an exchange is that of its request.
    var asked = 0
    var answered = 0
    /// A request that is read and waits for its time to leave, with the length of its head.
    var delayed: (exchange: Exchange, length: Int, due: NIODeadline)?
    /// Nothing more can be read from the client before that exchange is answered.
    var tunnelAfter: Int?
    /// The answer in hand; nil: its head has not been read.
    var work: AnswerWork?
    var dying: Dying?
    /// For `GET /events`; the oldest are lost first.
    private(set) var notices: [FilterNotice] = []
    private(set) var effects: UInt64 = 0

    /// - Parameters:
    ///   - fault: nil: everything passes, but is read.
    ///   - watch: what has passed on the connection before.
    init(_ fault: HTTPFault?, random: LinkRandom, after watch: HTTPWatch) {
        self.fault = fault
        self.random = random
        if let why = watch.lost { goBlind(why) }
        joining = watch.isAtRest || watch.lost != nil ? nil : watch
    }

    mutating func receive(_ chunk: Chunk, from stream: Stream) {
        switch stream {
        case .upstream: up.inbox.append(chunk)
        case .downstream: down.inbox.append(chunk)
        }
    }

    mutating func finish(_ stream: Stream) {
        switch stream {
        case .upstream: up.inbox.isFinished = true
        case .downstream: down.inbox.isFinished = true
        }
    }

    mutating func next(_ stream: Stream, at now: NIODeadline) -> StageOutput {
        if dying != nil { return nextDying(stream, at: now) }
        if joining != nil, let output = nextJoining(stream) { return output }
        switch stream {
        case .upstream: return nextRequest(at: now)
        case .downstream: return nextAnswer(at: now)
        }
    }

    /// The first part of a head does not count: the rest of it must be read before it can leave.
    func held(_ stream: Stream) -> Int {
        let direction = stream == .upstream ? up : down
        let head = direction.reader.isInHead && delayed == nil ? direction.inbox.unread : 0
        return max(0, direction.inbox.bytes - head)
            + direction.outbox.reduce(0) { $0 + $1.bytes.readableBytes }
    }

    func kept(_ stream: Stream) -> Int {
        let direction = stream == .upstream ? up : down
        return direction.inbox.cost + direction.outbox.reduce(0) { $0 + $1.bytes.readableBytes }
    }

    var isAtRest: Bool {
        guard up.isEmpty, down.isEmpty, dying == nil else { return false }
        if joining != nil || (up.reading == .blind && down.reading == .blind) { return true }
        return exchanges.isEmpty && delayed == nil && work == nil && up.reading == .messages
            && down.reading == .messages && up.reader.isBetween && down.reader.isBetween
    }

    /// Other values for the requests to come; nil: none of them is meant, and what was begun is ended at once.
    mutating func change(to toxic: (any FilterToxic)?) {
        fault = (toxic as? HTTPFaultToxic)?.fault
        guard fault == nil else { return }
        for index in exchanges.indices {
            exchanges[index].delay = .zero
            let isBegun = index == exchanges.startIndex && work != nil
            if !exchanges[index].isSwallowed, !isBegun { exchanges[index].fault = nil }
        }
        delayed?.due = .distantPast
        work?.rate = 0
        work?.paused = nil
        dying?.until = .distantPast
    }

    /// Whatever is not in the middle of a fault passes from here on as it comes.
    mutating func goBlind(_ why: Misunderstanding) {
        note(.passive, why.rawValue)
        down.reading = .blind
        up.reading = up.drops ? .discard : .blind
        exchanges.removeAll()
        (delayed, work, tunnelAfter) = (nil, nil, nil)
    }

    mutating func die(_ ending: HTTPFault.Ending, after linger: TimeAmount?, at now: NIODeadline) {
        dying = Dying(ending: ending, until: linger.map { now + $0 }, close: nil)
        exchanges.removeAll()
        work = nil
    }

    mutating func note(_ kind: FilterNotice.Kind, _ detail: String) {
        if kind == .effective { effects += 1 }
        if notices.count == HTTPLimits.notices { notices.removeFirst() }
        notices.append(FilterNotice(kind, detail))
    }

    mutating func takeNotices() -> [FilterNotice] {
        defer { notices.removeAll() }
        return notices
    }

    /// Everything passes as it comes, until the watch sees a moment at which nothing is under way.
    private mutating func nextJoining(_ stream: Stream) -> StageOutput? {
        guard var watch = joining else { return nil }
        let chunk = stream == .upstream ? up.inbox.takeChunk() : down.inbox.takeChunk()
        guard let chunk else { return nil }
        watch.saw(chunk.bytes, stream)
        joining = watch.isAtRest ? nil : watch
        if let why = watch.lost {
            joining = nil
            goBlind(why)
        }
        return .chunk(chunk)
    }

    /// What the client and the server still send is thrown away.
    private mutating func nextDying(_ stream: Stream, at now: NIODeadline) -> StageOutput {
        guard var end = dying else { return .wait(until: nil) }
        defer { dying = end }
        up.inbox.removeAll()
        down.inbox.removeAll()
        if stream == .upstream, let chunk = up.outbox.popFirst() { return .chunk(chunk) }
        if stream == .downstream, let chunk = down.outbox.popFirst() { return .chunk(chunk) }
        if !down.outbox.isEmpty { return .wait(until: nil) }
        if let close = end.close {
            if up.inbox.isFinished || now >= close { return .close }
            return stream == .downstream ? .finished : .wait(until: close)
        }
        if let until = end.until {
            guard now >= until else { return .wait(until: until) }
        } else {
            guard up.inbox.isFinished || down.inbox.isFinished else { return .wait(until: nil) }
        }
        guard end.ending == .close else { return .reset }
        guard stream == .downstream else { return .wait(until: nil) }
        end.close = now + Self.closingTime
        return .finished
    }
}
