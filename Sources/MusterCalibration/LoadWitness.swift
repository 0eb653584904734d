import MusterCore
import MusterSystem
import Synchronization

/// A thread that wants nothing but to wake up on time, and writes down how late it does: whether a machine is too busy
/// to tell widths must not be for the instrument to say.
public final class LoadWitness: Sendable {
    private let lateness = Mutex<[Duration]>([])
    private let isStopped = Atomic<Bool>(false)
    private static let period = Duration.milliseconds(5)

    public init() throws {
        try startThread(name: "muster-witness") { [self] in
            let time = SystemTimekeeper()
            var due = time.monotonic()
            while !isStopped.load(ordering: .relaxed) {
                due = max(due + Self.period, time.monotonic())
                time.sleep(until: due)
                let late = time.monotonic() - due
                lateness.withLock { $0.append(late) }
            }
        }
    }

    public func stop() -> Quantiles {
        isStopped.store(true, ordering: .relaxed)
        return Quantiles(lateness.withLock { $0 })
    }

    /// From this lateness of its 99th percentile on, widths say more about the machine than about the instrument.
    public static let limit = Duration.milliseconds(1)
}
