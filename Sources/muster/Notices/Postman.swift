import MusterCore
import MusterOutcomes
import MusterSystem

/// The thread of a daemon that sees to it that notices are delivered.
final class Postman: @unchecked Sendable {
    private let delivery: NoticeDelivery
    private let condition = Condition()
    /// Guarded by `condition`.
    private var isStopped = false

    /// - Throws: `SystemError` when the system gives no thread.
    init(_ delivery: NoticeDelivery) throws {
        self.delivery = delivery
        try startThread(name: "muster-postman") { [self] in
            let clock = SystemTimekeeper()
            while !condition.withLock({ isStopped }) {
                // What cannot be read or sent now is there the next time.
                if (try? delivery.takeTurn()) == true { try? delivery.proceed() }
                let next = clock.monotonic() + .seconds(1)
                condition.withLock { while !isStopped, condition.wait(until: next) {} }
            }
        }
    }

    /// Ends it after what is due now; what takes longer stays in the outbox.
    func stop(within limit: Duration) {
        condition.withLock {
            isStopped = true
            condition.signal()
        }
        if (try? delivery.takeTurn()) == true { try? delivery.proceed() }
        delivery.settle(within: limit)
    }
}
