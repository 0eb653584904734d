internal import NIOCore

/// A request whose answer has not been passed on in full.
struct Exchange: Sendable {
    var asked = MessageReader.Asked.other
    /// What is to become of it; nil: it passes.
    var fault: HTTPFault?
    /// The server never sees it: the proxy answers, or ends the connection.
    var isSwallowed = false
    /// Of a swallowed one: all of the request has come, then.
    var complete: NIODeadline?
    /// The client keeps the connection after the answer.
    var persists = true
    /// The client's version was HTTP/1.0.
    var isOld = false
    /// Another protocol may follow: what the client sends after it can be read once it is answered.
    var offersTunnel = false
    var delay = TimeAmount.zero
    /// For people: method and target.
    var title = ""

    /// When its answer may begin to leave, once it is there.
    func due(_ arrived: NIODeadline) -> NIODeadline {
        isSwallowed || fault?.delayAt == .response ? arrived + delay : arrived
    }
}

/// The answer that is being passed on or written.
struct AnswerWork: Sendable {
    /// What is written instead of the server's body.
    var own: OwnBody?
    /// The server's body is thrown away.
    var drops = false
    /// Bytes of the body that may still leave; nil: all.
    var left: Int?
    /// Of a body of unknown length: `left` is this share of its first piece.
    var share: Double?
    /// More than `left` is known to come: the end is there as soon as none is left.
    var isCut = false
    /// The connection ends with this answer.
    var dies = false
    /// The first chunk says so much too much.
    var chunkLie = 0
    /// Content a second; 0: as it comes.
    var rate = 0
    /// Nothing leaves before.
    var paused: NIODeadline?

    /// How much may leave in one piece: twenty pieces a second.
    var piece: Int { rate == 0 ? .max : max(1, rate / 20) }

    /// So much of the body has left.
    mutating func passed(_ count: Int, at now: NIODeadline) {
        if let left { self.left = left - count }
        if rate > 0 {
            paused =
                max(paused ?? now, now) + .nanoseconds(Int64(Double(count) / Double(rate) * 1_000_000_000))
        }
    }
}
