import Glibc
public import MusterCore

/// A condition that threads outside Swift's pool wait for, with deadlines on CLOCK_MONOTONIC.
public final class Condition: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    public init() {
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    public func withLock<R>(_ body: () throws -> R) rethrows -> R {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body()
    }

    /// Wakes all that wait.
    public func signal() { pthread_cond_broadcast(condition) }

    /// Only within `withLock`; may also return without a signal.
    /// - Parameter deadline: on CLOCK_MONOTONIC; nil waits for ever.
    /// - Returns: false when the deadline has passed.
    public func wait(until deadline: Instant? = nil) -> Bool {
        guard let deadline else { return pthread_cond_wait(condition, mutex) == 0 }
        var time = timespec(deadline.nanoseconds)
        return pthread_cond_timedwait(condition, mutex, &time) == 0
    }
}
