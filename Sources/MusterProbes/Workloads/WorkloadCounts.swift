import Synchronization

/// Counts of one workload; written by the loop's thread alone, read by others at any time.
final class WorkloadCounts: Sendable {
    /// Writes that were sent.
    let sent = Atomic<Int>(0)
    /// Acknowledged, durable or not.
    let answered = Atomic<Int>(0)
    let inDoubt = Atomic<Int>(0)
    let refused = Atomic<Int>(0)
    /// Due and not sent.
    let missed = Atomic<Int>(0)
    /// Writes under way, each of which will need room for its outcome.
    let busy = Atomic<Int>(0)
    let isWriting = Atomic<Bool>(false)
}

extension Atomic where Value == Int {
    /// For counts that nothing else depends on.
    func count(_ change: Int = 1) { add(change, ordering: .relaxed) }
    var now: Int { load(ordering: .relaxed) }
}
