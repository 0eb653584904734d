import Synchronization

/// Counts of one workload for the live view; written by the loop's thread, read by others.
final class WorkloadCounts: Sendable {
    struct Counts: Sendable {
        var sent = 0
        /// Acknowledged, durable or not.
        var answered = 0
        var inDoubt = 0
        var refused = 0
        var missed = 0
        var isWriting = false
        var busy = 0
    }
    private let counts = Mutex(Counts())

    func add(_ change: (inout Counts) -> Void) { counts.withLock { change(&$0) } }
    var now: Counts { counts.withLock { $0 } }
    /// Writes under way, each of which will need room for its outcome.
    var busy: Int {
        get { counts.withLock { $0.busy } }
        set { counts.withLock { $0.busy = newValue } }
    }
}
