import MusterCore
import MusterSystem

/// The one queue through which the control thread of a run hears of everything: guard, probes, runbooks,
/// signals. Any thread may post; one thread takes.
final class Inbox<Message: Sendable>: @unchecked Sendable {
    // Guarded by `condition`.
    private var messages: [Message] = []
    private let condition = Condition()

    func post(_ message: Message) {
        condition.withLock {
            messages.append(message)
            condition.signal()
        }
    }

    /// The oldest message; nil when none came for `duration`, by the monotonic clock: somebody may set the wall
    /// clock back while a drill runs, and the control loop must go on beating.
    func take(waiting duration: Duration) -> Message? {
        let end = SystemTimekeeper().monotonic() + duration
        return condition.withLock {
            while messages.isEmpty {
                guard condition.wait(until: end) else { return nil }
            }
            return messages.removeFirst()
        }
    }
}
