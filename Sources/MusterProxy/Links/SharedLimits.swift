internal import Synchronization

/// What all proxies of a process take together, and may. From any thread.
public final class SharedLimits: Sendable {
    public let held: HeldBudget
    let descriptors: DescriptorBudget
    private let ends = Atomic<Int>(0)

    /// - Parameters:
    ///   - held: what connections may keep in memory.
    ///   - descriptors: how many connections and listeners may take; nil: what the process may open, less what the API
    ///     needs. A limit that is to be raised must have been raised before.
    public init(held: HeldBudget = HeldBudget(), descriptors: Int? = nil) {
        self.held = held
        self.descriptors = descriptors.map { DescriptorBudget($0) } ?? DescriptorBudget()
    }

    /// Connections and listeners that have ended.
    var ended: Int { ends.load(ordering: .relaxed) }
    func noteEnd() { ends.wrappingAdd(1, ordering: .relaxed) }
}
