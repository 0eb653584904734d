import Foundation
import MusterCore

/// The one queue through which the control thread of a run hears of everything: guard, probes, runbooks,
/// signals. Any thread may post; one thread takes.
final class Inbox<Message: Sendable>: @unchecked Sendable {
    // Guarded by `condition`.
    private var messages: [Message] = []
    private let condition = NSCondition()

    func post(_ message: Message) {
        condition.lock()
        messages.append(message)
        condition.signal()
        condition.unlock()
    }

    /// The oldest message; nil when none came for `duration`.
    func take(waiting duration: Duration) -> Message? {
        let end = Date(timeIntervalSinceNow: duration.inSeconds)
        condition.lock()
        defer { condition.unlock() }
        while messages.isEmpty {
            guard condition.wait(until: end) else { return nil }
        }
        return messages.removeFirst()
    }
}
