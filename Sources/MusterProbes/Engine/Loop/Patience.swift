import Glibc
import MusterCore

/// A limit on how long something may take, of which only the time counts that the other side had (`AttemptTime`).
/// Belongs to its loop's thread.
///
/// On a busy machine a thread may stand still for longer than a probe's timeout. What the loop finds afterwards,
/// an answer that has long been there or a connection on which it never sent anything, says nothing against the
/// service; taken for a timeout, it would be an outage that never was. And a service that hangs while the loop has more
/// to do than it can hangs all the same.
final class Patience {
    /// How it ended without an answer.
    enum End {
        case timeout
        /// The loop did not look for longer than the limit: neither a failure nor a success.
        case lookedAway

        var finding: Finding {
            switch self {
            case .timeout: .timeout
            case .lookedAway: .unknown(SampleCode.instrumentLate)
            }
        }
        /// As an errno, or a code of `SampleCode`, where a failure has a code.
        var code: Int32 { self == .timeout ? ETIMEDOUT : SampleCode.instrumentLate }
    }

    private let loop: EventLoop
    private var time: AttemptTime
    private var action: ((End) -> Void)?
    private var ticket: TimerQueue.Ticket?
    /// Among those of the loop, which keeps it.
    var place = 0
    /// Looks since the limit that were not whole: more is ready than the loop can take at once.
    private var looksLeft = 3

    /// The time runs from now on; nothing comes of it before `begin`.
    init(_ limit: Duration, on loop: EventLoop) {
        self.loop = loop
        time = AttemptTime(limit, from: monotonicNow(), loop.attention)
    }

    /// - Parameter action: see `begin`.
    convenience init(_ limit: Duration, on loop: EventLoop, _ action: @escaping (End) -> Void) {
        self.init(limit, on: loop)
        begin(action)
    }

    var limit: Duration { time.limit }
    /// See `AttemptTime.blind`.
    var blind: Duration { time.blind }

    /// - Parameter action: called once, when the limit is over, unless it was cancelled before. It may be another one
    ///   after a `cancel`: the time goes on.
    func begin(_ action: @escaping (End) -> Void) {
        cancel()
        self.action = action
        place = loop.add(self)
        wait(max(.nanoseconds(1), limit - (monotonicNow() - time.began)))
    }

    /// Something happened to what is waited for: a connection stands, a request was sent, a part of the answer came.
    /// - Parameter sent: whether anybody outside of this process is asked by now.
    func advance(sent: Bool = true) { time.advance(at: monotonicNow(), sent: sent, loop.attention) }

    /// It is over, one way or the other.
    func cancel() {
        guard action != nil else { return }
        advance(sent: false)
        end()
    }

    private func end() {
        action = nil
        if let ticket { loop.cancel(ticket) }
        loop.remove(patience: place)
    }

    /// The loop ends: there will be no answer.
    func giveUp() { finish(.timeout) }

    private func finish(_ end: End) {
        // What ended with another one has lost its place to somebody else.
        guard let action else { return }
        self.end()
        action(end)
    }

    private func wait(_ duration: Duration) {
        ticket = loop.at(monotonicNow() + duration) { [unowned self] in look() }
    }

    private func look() {
        switch time.verdict(at: monotonicNow(), loop.attention) {
        case .wait(let duration): wait(duration)
        case .timeout: finish(.timeout)
        case .lookedAway: finish(.lookedAway)
        case .lookAgain:
            // Between the last look at the descriptors and now the thread may have stood still again.
            if looksLeft == 0 { return finish(.lookedAway) }
            looksLeft -= 1
            wait(.nanoseconds(1))
        }
    }
}
