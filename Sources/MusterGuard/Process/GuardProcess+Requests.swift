import MusterCore
import MusterSystem

extension GuardProcess {
    static let queueLimit = 256

    /// A line from the engine. `renew` and `abort` are answered at once, whatever the hands are doing.
    /// - Throws: `FrameProblem`, which ends the session: whoever sends noise is not an engine any more.
    func take(_ line: [UInt8]) throws {
        let from = clock.monotonic()
        let frame: RequestFrame
        do {
            frame = try Frame.decode(RequestFrame.self, from: line)
        } catch let problem as FrameProblem {
            // JSON that is not a request of ours is answered; what is not even JSON is not.
            guard let header = try? Frame.decode(AnyRequest.self, from: line) else { throw problem }
            let failure = GuardFailure(
                .invalid, problem.inWords, advice: "install the same version of Muster on both sides")
            send(ErrorFrame(reply: header.id, error: failure, from: from, to: from))
            return
        }
        switch frame.command {
        case .renew:
            // A lease that has lapsed stays lapsed.
            if ending == nil { lease.renew(at: clock.sinceBoot()) }
            let left = ending == nil ? lease.left(at: clock.sinceBoot()).nanoseconds : 0
            answer(frame.id, RenewReply(left: left), from)
        case .abort(let reason):
            undoEverything(because: reason.isEmpty ? "the engine asked for it" : reason)
            answer(frame.id, RenewReply(left: 0), from)
        case .bye:
            byeRequest = (frame.id, from)
            leaving = true
            undoEverything(because: "the session ends")
        case .unknown(let name):
            refuse(
                frame.id,
                GuardFailure(
                    .unsupported, "request '\(name)' is not known to this guard",
                    advice: "install the same version of Muster on both sides"), from)
        case .inject where ending != nil:
            refuse(frame.id, endingFailure, from)
        case .plan, .inject, .effect, .undo, .ended, .list, .check, .supervisor:
            guard waiting.count < Self.queueLimit else {
                refuse(
                    frame.id,
                    GuardFailure(
                        .busy, "\(waiting.count) requests are waiting already",
                        advice: "wait for answers before asking more"), from)
                return
            }
            waiting.append(PendingRequest(frame: frame, line: line))
        }
    }

    var endingFailure: GuardFailure {
        GuardFailure(
            .ending, "nothing is injected any more: \(ending ?? "the guard is going")",
            advice: "wait until everything is undone, then start the drill again")
    }

    /// Gives the hands the next thing to do.
    func dispatch() throws {
        guard let hands, current == nil else { return }
        if ending != nil, needsUndo, open != 0 {
            needsUndo = false
            retryAt = nil
            current = CurrentWork(kind: .mending, deadline: clock.monotonic() + Self.factLimit)
            try order(hands, HandsOrder.undoAll)
            return
        }
        needsUndo = false
        guard !waiting.isEmpty else { return }
        let next = waiting.removeFirst()
        let isUndo: Bool
        if case .undo = next.frame.command { isUndo = true } else { isUndo = false }
        let allowed = next.frame.deadline.map { Duration.nanoseconds($0) } ?? Self.requestLimit
        current = CurrentWork(
            kind: .request(id: next.frame.id, isUndo: isUndo),
            deadline: clock.monotonic() + allowed + Self.overtime)
        try order(hands, HandsOrder.request(next.line))
    }

    private func order(_ hands: HandsLink, _ order: [UInt8]) throws {
        do {
            try hands.send(order)
        } catch {
            handsLost("take no orders")
        }
    }

    func answer(_ id: Int64, _ result: some Codable, _ from: Instant) {
        send(ReplyFrame(reply: id, result: result, from: from, to: clock.monotonic()))
    }

    func refuse(_ id: Int64, _ failure: GuardFailure, _ from: Instant) {
        send(ErrorFrame(reply: id, error: failure, from: from, to: clock.monotonic()))
    }
}

/// Enough of a request to answer it.
private struct AnyRequest: Decodable {
    var id: Int64
}
