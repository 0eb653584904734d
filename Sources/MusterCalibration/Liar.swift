import MusterCore

/// What a liar is asked.
struct LiarRequest {
    var method: String
    var path: String
    var body: String
    /// When it was whole.
    var at: Instant
}

enum LiarReply {
    case answer(Int, String)
    /// The same, not before.
    case answerAt(Instant, Int, String)
    /// Asked again once `LiarServer.release` was called.
    case hold
    /// Ends the connection with RST.
    case reset
    case silence
}

/// Whoever decides what is done with a request. On the server's thread only.
protocol Liar: AnyObject {
    func reply(to request: LiarRequest) -> LiarReply
    /// The next instant at which its port opens or closes.
    func nextChange(after now: Instant) -> Instant?
    /// Whether its port shall be closed now.
    func isClosed(at now: Instant) -> Bool
    /// The port was closed, or opened, between these.
    func changed(isClosed: Bool, _ bracket: Bracket)
}

extension Liar {
    func nextChange(after now: Instant) -> Instant? { nil }
    func isClosed(at now: Instant) -> Bool { false }
    func changed(isClosed: Bool, _ bracket: Bracket) {}
}
