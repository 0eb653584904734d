internal import NIOCore

extension HTTPFilter {
    /// What may leave towards the server.
    mutating func nextRequest(at now: NIODeadline) -> StageOutput {
        while true {
            if let chunk = up.outbox.popFirst() { return .chunk(chunk) }
            switch up.reading {
            case .blind:
                if let chunk = up.inbox.takeChunk() { return .chunk(chunk) }
                return up.inbox.isFinished ? .finished : .wait(until: nil)
            case .discard:
                up.inbox.removeAll()
                return up.inbox.isFinished ? .finished : .wait(until: nil)
            case .messages: break
            }
            if let pause = pauseBeforeRequest(at: now) {
                if let chunk = up.inbox.takeRun() { return .chunk(chunk) }
                return pause
            }
            if let waiting = delayed {
                delayed = nil
                letGo(waiting.exchange, length: waiting.length, at: now)
                continue
            }
            if let output = readRequest(at: now) { return output }
        }
    }

    private func pauseBeforeRequest(at now: NIODeadline) -> StageOutput? {
        if let delayed { return now < delayed.due ? .wait(until: delayed.due) : nil }
        if let tunnelAfter, answered < tunnelAfter { return .wait(until: nil) }
        return up.reader.isBetween && exchanges.count >= HTTPLimits.waiting ? .wait(until: nil) : nil
    }

    /// - Returns: nil when something changed, and must be looked at anew.
    private mutating func readRequest(at now: NIODeadline) -> StageOutput? {
        switch up.read() {
        case .framing(let count), .data(let count): moveRequest(count)
        case .head(let length): meet(length: length, at: now)
        case .end: endRequest(at: now)
        case .not(let why):
            up.flush()
            loseRequests(why, at: now)
        case .more:
            if let chunk = up.inbox.takeRun() { return .chunk(chunk) }
            if up.inbox.unread == 0 || !up.inbox.join() { return waitForRequest(at: now) }
        }
        return nil
    }

    /// Everything that has come has been read.
    private mutating func waitForRequest(at now: NIODeadline) -> StageOutput? {
        guard up.inbox.isFinished else { return .wait(until: nil) }
        if up.drops { endRequest(at: now) }
        // The beginning of a head, which nothing will follow: the server is to see it.
        if let chunk = up.inbox.takeChunk() { return .chunk(chunk) }
        return .finished
    }

    private mutating func moveRequest(_ count: Int) {
        if up.drops {
            up.flush()
            up.inbox.drop(count)
        } else {
            up.inbox.pass(count)
        }
    }

    /// A head is complete: decides what becomes of the request.
    private mutating func meet(length: Int, at now: NIODeadline) {
        let head = up.reader.head
        var exchange = Exchange(persists: head.persists, isOld: head.minor == 0)
        var random = random
        let fault = fault
        let (struck, title) = up.inbox.look { bytes -> (Bool, String) in
            let method = bytes.part(head.method)
            if method.elementsEqual("HEAD".utf8) { exchange.asked = .head }
            if method.elementsEqual("CONNECT".utf8) { exchange.asked = .connect }
            guard let fault, !fault.answersTunnel(exchange.asked),
                fault.strikes(head, bytes, random: &random)
            else { return (false, "") }
            let target = bytes.part(head.target).prefix(200)
            return (
                true, String(decoding: method, as: UTF8.self) + " " + String(decoding: target, as: UTF8.self)
            )
        }
        self.random = random
        exchange.offersTunnel = exchange.asked == .connect || head.fields.upgrades
        guard struck, let fault else { return letGo(exchange, length: length, at: now) }
        exchange.fault = fault
        exchange.title = title
        exchange.delay = fault.drawDelay(random: &self.random)
        exchange.isSwallowed = fault.source == .proxy
        let due = (up.inbox.arrived ?? now) + exchange.delay
        if fault.delayAt == .request, !exchange.isSwallowed, due > now {
            delayed = (exchange, length, due)
        } else {
            letGo(exchange, length: length, at: now)
        }
    }

    /// Lets a head leave, or throws it away.
    private mutating func letGo(_ met: Exchange, length: Int, at now: NIODeadline) {
        var exchange = met
        asked += 1
        if exchange.isSwallowed {
            up.flush()
            up.inbox.drop(length)
            up.drops = true
            if up.reader.head.fields.expectsContinue, up.inbox.unread == 0 {
                // The client may send the body or not: nothing after this can be relied on (RFC 9110, 10.1.1).
                exchange.complete = now
                exchange.persists = false
            }
        } else if let edit = exchange.fault?.requestEdit, !edit.isNothing {
            up.flush()
            let arrived = max(up.inbox.arrived ?? now, now)
            let edited = up.inbox.look { edit.apply(to: $0.part(0..<length)) }
            up.inbox.drop(length)
            up.outbox.append(Chunk(edited, at: arrived))
        } else {
            up.inbox.pass(length)
        }
        exchanges.append(exchange)
    }

    private mutating func endRequest(at now: NIODeadline) {
        let isWaiting = answered < asked
        if up.drops, isWaiting, let last = exchanges.indices.last {
            exchanges[last].complete = exchanges[last].complete ?? now
        }
        if !up.drops, isWaiting, exchanges.last?.offersTunnel == true { tunnelAfter = asked }
        up.drops = false
    }

    /// The client's bytes are not understood. What was asked before is answered yet.
    private mutating func loseRequests(_ why: Misunderstanding, at now: NIODeadline) {
        note(.passive, why.rawValue)
        up.reading = up.drops ? .discard : .blind
        guard up.drops, let last = exchanges.indices.last else { return }
        exchanges[last].complete = now
        exchanges[last].persists = false
    }
}

extension HTTPFault {
    /// An answer of its own to a `CONNECT` that says that there is a tunnel, which there is not: such a request is
    /// not meant.
    func answersTunnel(_ asked: MessageReader.Asked) -> Bool {
        guard asked == .connect, source == .proxy, !aborts, let status else { return false }
        return status < 300
    }
}
