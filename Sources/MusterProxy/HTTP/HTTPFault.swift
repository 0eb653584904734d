internal import NIOCore
internal import Synchronization

/// A fault of HTTP: which requests are meant, and what becomes of them.
struct HTTPFault: Sendable {
    enum Source: String, Sendable, CaseIterable {
        /// The proxy answers; the server never sees the request.
        case proxy
        /// The server answers, and its answer is changed.
        case server
    }

    enum Moment: String, Sendable, CaseIterable {
        case request
        case response
    }

    enum Ending: String, Sendable, CaseIterable {
        /// FIN.
        case close
        /// RST.
        case reset
    }

    enum Cut: Sendable, Equatable {
        case bytes(Int)
        /// 0 to 1.
        case share(Double)
    }

    var match = RequestMatch()
    /// 0 to 100.
    var percent = 100.0
    var budget = FaultBudget()

    var source = Source.server
    var status: Int?
    var delay = TimeAmount.zero
    var jitter = TimeAmount.zero
    var delayAt = Moment.response
    var body: OwnBody?
    var answerEdit = HeadEdit()
    var requestEdit = HeadEdit()
    var cut: Cut?
    /// What Content-Length says too much, or too little.
    var lie = 0
    var aborts = false
    var ending = Ending.close
    /// How long the connection stays when an answer was cut or lied about; nil: until one side ends it.
    var linger: TimeAmount? = .zero
    /// Bytes of the body a second; 0: as they come.
    var rate = 0

    /// Draws whether this request is to suffer. Requests that are not meant draw nothing.
    func strikes(
        _ head: MessageHead, _ bytes: UnsafeRawBufferPointer, random: inout LinkRandom
    ) -> Bool {
        guard match.matches(head, bytes), budget.isDue() else { return false }
        if percent < 100, Double.random(in: 0..<100, using: &random) >= percent { return false }
        return budget.take()
    }

    /// The delay of one request: evenly spread around what was asked, never negative.
    func drawDelay(random: inout LinkRandom) -> TimeAmount {
        guard jitter > .zero else { return delay }
        let off = Int64.random(in: -jitter.nanoseconds...jitter.nanoseconds, using: &random)
        return .nanoseconds(max(0, delay.nanoseconds + off))
    }

    /// For people, such as `status 503, delay`.
    var summary: String {
        var parts: [String] = []
        if aborts { parts.append(ending == .reset ? "reset" : "abort") }
        if let status { parts.append("status \(status)") }
        if delay > .zero || jitter > .zero { parts.append("delay") }
        if body != nil { parts.append("body") }
        if !answerEdit.isNothing { parts.append("headers") }
        if !requestEdit.isNothing { parts.append("request headers") }
        if cut != nil { parts.append("truncate") }
        if lie != 0 { parts.append("wrong length") }
        if rate > 0 { parts.append("slow body") }
        return parts.joined(separator: ", ")
    }
}

/// How many requests are spared and how many struck, over all connections of a proxy.
final class FaultBudget: Sendable {
    private let after: Int
    private let count: Int
    private let seen = Atomic<Int>(0)
    private let struck = Atomic<Int>(0)

    /// - Parameters:
    ///   - after: so many meant requests are let be at first.
    ///   - count: so many are struck at most; 0: any number.
    init(after: Int = 0, count: Int = 0) {
        self.after = after
        self.count = count
    }

    /// The same was asked for, whatever has been counted.
    func isLike(_ other: FaultBudget) -> Bool { after == other.after && count == other.count }

    func isDue() -> Bool {
        guard after > 0 else { return true }
        return seen.wrappingAdd(1, ordering: .relaxed).newValue > after
    }

    func take() -> Bool {
        guard count > 0 else { return true }
        return struck.wrappingAdd(1, ordering: .relaxed).newValue <= count
    }
}

extension TimeAmount {
    static let zero = TimeAmount.nanoseconds(0)
}
