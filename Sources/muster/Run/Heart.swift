import Foundation
import MusterCore
import MusterSystem

/// Whether the control loop turns: a lease that is renewed by a thread of its own would outlive a hung engine.
final class Heart: @unchecked Sendable {
    private let lock = NSLock()
    private var last: Instant?
    private let clock = SystemTimekeeper()

    func beat(_ now: Instant) {
        lock.lock()
        last = now
        lock.unlock()
    }

    /// Whether there was a beat within `duration`, or none yet.
    func isBeating(within duration: Duration) -> Bool {
        lock.lock()
        defer { lock.unlock() }
        return last.map { clock.monotonic() - $0 <= duration } ?? true
    }
}
