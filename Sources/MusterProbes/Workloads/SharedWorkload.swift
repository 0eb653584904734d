import MusterCore
import MusterDrills

/// A workload whose writers share something, such as the file to which all of them append.
protocol SharedWorkload: Workload {
    /// - Returns: one client for each writer.
    func clients(_ count: Int, on loop: EventLoop, for run: StoreRun) throws -> [any StoreClient]
}

/// What the clients of one workload of one run may need to know about it.
struct StoreRun: Sendable {
    var names: KeyNames
    var seed: UInt64
    var payloadBytes: Int
}

extension DrillWorkload {
    /// One client for each of its writers.
    /// - Throws: `MeasuringError`, also when it is of a kind that this engine does not run.
    func clients(on loop: EventLoop, for run: StoreRun) throws -> [any StoreClient] {
        if let shared = workload as? any SharedWorkload {
            return try shared.clients(setting.writers, on: loop, for: run)
        }
        guard let own = workload as? any RunnableWorkload else { throw MeasuringError.unknownKind(kind) }
        return try (0..<setting.writers).map { _ in try own.client(on: loop, names: run.names) }
    }
}
