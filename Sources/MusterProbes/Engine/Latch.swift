import MusterCore
import MusterSystem

/// A value that one thread hands to another, once.
final class Latch<Value: Sendable>: @unchecked Sendable {
    private let condition = Condition()
    private var value: Value?

    func set(_ new: Value) {
        condition.withLock {
            if value == nil { value = new }
            condition.signal()
        }
    }

    /// nil when `deadline` passed first.
    func wait(until deadline: Instant? = nil) -> Value? {
        condition.withLock {
            while value == nil { if !condition.wait(until: deadline) { break } }
            return value
        }
    }
}
