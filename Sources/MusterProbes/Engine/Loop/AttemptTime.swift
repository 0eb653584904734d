import MusterCore
import MusterDrills

/// Of the time that one attempt took, how much the other side had to answer. A value without a clock.
///
/// An attempt goes on in steps: a connection stands, a request is sent, an answer comes. When a step shows at a look,
/// all the time since the look before may have been ours: what was there to be seen was not looked at. When a look
/// shows nothing, all the time until then was the other side's, however late the look was. So a loop that has more to do
/// than it can still knows a server that hangs.
///
/// Before it is sent it is in our own hands: threads of this process resolve names, open files, write to stores. They
/// stand still when the process does, so that nothing can be told from a look at the descriptors.
struct AttemptTime {
    enum Verdict: Hashable {
        /// Not over yet; look again after this time.
        case wait(Duration)
        /// It is over unless the answer is there already: not before the descriptors were looked at once more.
        case lookAgain
        /// The other side had all of the time, and did not answer.
        case timeout
        /// It took twice the time and more, and the other side may not have had all of its own: nobody knows.
        case lookedAway
    }

    let limit: Duration
    let began: Instant
    private var advanced: Instant
    private var isSent = false
    private var counted = Duration.zero
    private var small = Duration.zero
    private var neglectedBefore: Duration

    init(_ limit: Duration, from began: Instant, _ attention: Attention) {
        // Whoever had to wait before they could even begin may be past their deadline already.
        self.limit = max(.zero, limit)
        self.began = began
        advanced = began
        neglectedBefore = attention.neglected(until: began)
    }

    /// Something happened: a step was seen, or done.
    /// - Parameter sent: whether the other side is asked by now.
    mutating func advance(at now: Instant, sent: Bool, _ attention: Attention) {
        let gap = attention.gap(from: advanced, to: now)
        let blind = isSent ? gap.counted : max(gap.counted, unsentNeglect(until: now, attention))
        counted += blind
        if blind == .zero { small += gap.small }
        neglectedBefore = attention.neglected(until: now)
        advanced = now
        isSent = isSent || sent
    }

    private func unsentNeglect(until now: Instant, _ attention: Attention) -> Duration {
        max(.zero, attention.neglected(until: now) - neglectedBefore)
    }

    /// For how long at most the loop kept what it found waiting, up to the last step; zero where it looked in time.
    var blind: Duration { counted > .zero ? counted + small : .zero }

    /// What is known at `now`, when no answer has been found.
    func verdict(at now: Instant, _ attention: Attention) -> Verdict {
        let ours = counted + (isSent ? .zero : unsentNeglect(until: now, attention))
        let end = limit + min(ours, limit)
        let spent = now - began
        if spent < end { return .wait(end - spent) }
        if attention.lastWhole < began + end { return .lookAgain }
        return ours > limit ? .lookedAway : .timeout
    }
}
