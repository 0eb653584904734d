internal import NIOCore

extension HTTPFilter {
    /// What may leave towards the client.
    mutating func nextAnswer(at now: NIODeadline) -> StageOutput {
        while true {
            if let chunk = down.outbox.popFirst() { return .chunk(chunk) }
            if dying != nil { return next(.downstream, at: now) }
            if down.reading != .messages {
                if let chunk = down.inbox.takeChunk() { return .chunk(chunk) }
                return down.inbox.isFinished ? .finished : .wait(until: nil)
            }
            guard let exchange = exchanges.first else {
                if let output = nextUnasked() { return output }
                continue
            }
            if let paused = work?.paused, now < paused {
                if let chunk = down.inbox.takeRun() { return .chunk(chunk) }
                return .wait(until: paused)
            }
            if work?.own != nil {
                if writeOwn(at: now) { return pauseOrOutbox(at: now) }
                continue
            }
            if exchange.isSwallowed {
                if let output = answerSwallowed(exchange, at: now) { return output }
                continue
            }
            if work == nil, let arrived = down.inbox.arrived, now < exchange.due(arrived) {
                return .wait(until: exchange.due(arrived))
            }
            if let output = readAnswer(exchange, at: now) { return output }
        }
    }

    /// No answer is awaited.
    /// - Returns: nil when something changed.
    private mutating func nextUnasked() -> StageOutput? {
        if down.inbox.isEmpty { return down.inbox.isFinished ? endAnswers() : .wait(until: nil) }
        if up.reading == .messages {
            goBlind(.unasked)
        } else {
            down.reading = .blind
        }
        return nil
    }

    /// - Returns: nil when something changed.
    private mutating func answerSwallowed(_ exchange: Exchange, at now: NIODeadline) -> StageOutput? {
        guard let fault = exchange.fault, let complete = exchange.complete else { return .wait(until: nil) }
        if work == nil {
            guard now >= exchange.due(complete) else { return .wait(until: exchange.due(complete)) }
            note(.effective, "\(fault.summary): \(exchange.title)")
            if fault.aborts {
                die(fault.ending, after: .zero, at: now)
                return nil
            }
            let plan = AnswerPlan(own: exchange, fault)
            down.outbox.append(Chunk(plan.head, at: now))
            work = plan.work
            if plan.work.own == nil { endAnswer(at: now) }
        } else {
            endAnswer(at: now)
        }
        return nil
    }

    /// Writes the next piece of a body of the proxy's own.
    /// - Returns: whether a piece was written.
    private mutating func writeOwn(at now: NIODeadline) -> Bool {
        let most = min(work?.piece ?? 0, work?.left ?? .max)
        if let bytes = work?.own?.take(limit: most) {
            down.outbox.append(Chunk(bytes, at: now))
            work?.passed(bytes.readableBytes, at: now)
            return true
        }
        let isCut = (work?.own?.left ?? 0) > 0
        work?.own = nil
        if isCut { endCut(at: now) }
        return false
    }

    private mutating func pauseOrOutbox(at now: NIODeadline) -> StageOutput {
        down.outbox.popFirst().map { .chunk($0) } ?? .wait(until: work?.paused)
    }

    /// - Returns: nil when something changed.
    private mutating func readAnswer(_ exchange: Exchange, at now: NIODeadline) -> StageOutput? {
        down.reader.asked = exchange.asked
        if work?.isCut == true, work?.left == 0 {
            endCut(at: now)
            return nil
        }
        let limit = min(work?.piece ?? .max, max(1, work?.left ?? .max))
        switch down.read(limit: limit) {
        case .head(let length): meetAnswer(exchange, length: length, at: now)
        case .framing(let count): moveAnswer(count, isFraming: true)
        case .data(let count): passContent(count, at: now)
        case .end: endAnswer(at: now)
        case .not(let why):
            down.flush()
            if let work, work.drops || work.chunkLie != 0 {
                note(.passive, why.rawValue)
                die(.close, after: .zero, at: now)
            } else {
                goBlind(why)
            }
        case .more:
            if let chunk = down.inbox.takeRun() { return .chunk(chunk) }
            if down.inbox.unread == 0 || !down.inbox.join() { return waitForAnswer(at: now) }
        }
        return nil
    }

    private mutating func waitForAnswer(at now: NIODeadline) -> StageOutput? {
        guard down.inbox.isFinished else { return .wait(until: nil) }
        if down.reader.finish() {
            endAnswer(at: now)
            return nil
        }
        if let chunk = down.inbox.takeChunk() { return .chunk(chunk) }
        return endAnswers()
    }

    /// The server has ended: nothing can be answered any more, so nothing waits for an answer.
    private mutating func endAnswers() -> StageOutput {
        if up.reading == .messages { up.reading = up.drops ? .discard : .blind }
        exchanges.removeAll()
        (delayed, tunnelAfter) = (nil, nil)
        down.reading = .blind
        return .finished
    }

    private mutating func moveAnswer(_ count: Int, isFraming: Bool = false) {
        let work = work ?? AnswerWork()
        // The size of the first chunk is written when its content has come.
        if work.drops || (isFraming && work.chunkLie != 0) {
            down.flush()
            down.inbox.drop(count)
        } else {
            down.inbox.pass(count)
        }
    }

    private mutating func passContent(_ count: Int, at now: NIODeadline) {
        guard var work, !work.drops else { return moveAnswer(count) }
        if let share = work.share {
            work.left = Int(Double(count + down.reader.remaining) * share)
            work.share = nil
        }
        if work.chunkLie != 0 {
            let size = max(1, count + down.reader.remaining + work.chunkLie)
            work.chunkLie = 0
            work.dies = true
            down.outbox.append(Chunk(ByteBuffer(string: String(size, radix: 16) + "\r\n"), at: now))
        }
        let most = min(count, work.left ?? count)
        self.work = work
        guard most > 0 else { return endCut(at: now) }
        down.inbox.pass(most)
        self.work?.passed(most, at: now)
        if most < count { endCut(at: now) }
    }

    /// An answer's head is complete.
    private mutating func meetAnswer(_ exchange: Exchange, length: Int, at now: NIODeadline) {
        let head = down.reader.head
        if head.status == 101 || (exchange.asked == .connect && (200..<300).contains(head.status)) {
            down.inbox.pass(length)
            down.flush()
            return goBlind(.tunnel)
        }
        guard head.status >= 200 else { return down.inbox.pass(length) }
        guard let fault = exchange.fault else {
            work = AnswerWork()
            return down.inbox.pass(length)
        }
        note(.effective, "\(fault.summary): \(exchange.title)")
        down.flush()
        if fault.aborts { return die(fault.ending, after: .zero, at: now) }
        let body = down.reader.body
        let plan = down.inbox.look { AnswerPlan($0.part(0..<length), head, body: body, to: exchange, fault) }
        down.inbox.drop(length)
        down.outbox.append(Chunk(plan.head, at: now))
        work = plan.work
    }

    /// The message is over, or the interim answer is.
    private mutating func endAnswer(at now: NIODeadline) {
        guard let work else { return }
        down.flush()
        if work.dies {
            guard let fault = exchanges.first?.fault, fault.lie != 0 else {
                return die(.close, after: .zero, at: now)
            }
            return endCut(at: now)
        }
        self.work = nil
        exchanges.removeFirst()
        answered += 1
    }

    /// What the client has is not what it was told to expect.
    private mutating func endCut(at now: NIODeadline) {
        down.flush()
        guard let fault = exchanges.first?.fault else { return }
        die(fault.ending, after: fault.linger, at: now)
    }
}
