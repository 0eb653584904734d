import MusterCore

/// A limit on how long something may take, of which only the time counts in which its loop could have noticed
/// the answer. Belongs to its loop's thread.
///
/// On a busy machine a thread may stand still for longer than a probe's timeout. What the loop finds afterwards,
/// an answer that has long been there or a connection on which it never sent anything, says nothing against the
/// service; taken for a timeout, it would be an outage that never was.
final class Patience {
    private let loop: EventLoop
    private let limit: Duration
    private let began: Instant
    private let neglectedBefore: Duration
    private var action: (() -> Void)?
    private var ticket: TimerQueue.Ticket?
    /// Among those of the loop, which keeps it.
    var place = 0
    /// Descriptors were looked at once more after the limit.
    private var hasLookedAgain = false

    /// - Parameter action: called once, when the limit is over, unless it was cancelled before.
    init(_ limit: Duration, on loop: EventLoop, _ action: @escaping () -> Void) {
        self.loop = loop
        self.limit = limit
        self.action = action
        began = monotonicNow()
        neglectedBefore = loop.neglected
        place = loop.add(self)
        wait(limit)
    }

    func cancel() {
        guard action != nil else { return }
        action = nil
        if let ticket { loop.cancel(ticket) }
        loop.remove(patience: place)
    }

    /// The loop ends: there will be no answer.
    func giveUp() {
        let action = self.action
        cancel()
        action?()
    }

    private func wait(_ duration: Duration) {
        ticket = loop.at(monotonicNow() + duration) { [unowned self] in look() }
    }

    private func look() {
        let spent = (monotonicNow() - began) - (loop.neglected - neglectedBefore)
        if spent < limit { return wait(limit - spent) }
        // Between the last look at the descriptors and now the thread may have stood still again.
        if !hasLookedAgain {
            hasLookedAgain = true
            return wait(.nanoseconds(1))
        }
        giveUp()
    }
}
