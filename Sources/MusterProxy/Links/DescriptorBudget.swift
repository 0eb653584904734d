internal import Glibc
internal import Synchronization

/// How many descriptors connections and listeners may take: not all that the process may have, so that the API, name
/// services and files still find some when clients take the rest. From any thread.
final class DescriptorBudget: Sendable {
    private let free: Atomic<Int>

    init(_ most: Int) { free = Atomic(most) }

    /// What this process may open (getrlimit(2), RLIMIT_NOFILE), less an eighth, but no more than the API's clients and
    /// a few files can need.
    convenience init() {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        let most = Int(min(limit.rlim_cur, rlim_t(1 << 30)))
        self.init(most - min(1100, most / 8))
    }

    /// Below 0 after a burst: each listener lets in all that one reading finds.
    var left: Int { free.load(ordering: .relaxed) }
    var isSpent: Bool { left <= 0 }

    func take(_ count: Int) { free.wrappingSubtract(count, ordering: .relaxed) }
    func giveBack(_ count: Int) { free.wrappingAdd(count, ordering: .relaxed) }
}
