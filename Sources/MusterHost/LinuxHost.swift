public import MusterCore
import MusterSystem

/// This machine: the primitives by which faults break and facts mend. The only place that touches it.
///
/// Belongs to one thread, that of a guard's hands.
public final class LinuxHost: Host {
    public let site: GuardSite
    /// Remembers helpers; nil on a host that is only read.
    let journal: (any Journal)?
    let timekeeper: any Timekeeper
    let marks: MarkGroups?
    /// Helpers that this process started and has to wait for.
    var children: [Int32: Child] = [:]
    /// Distinguishes the commands that `run` runs at this host.
    var commandsRun = 0

    /// - Parameters:
    ///   - journal: where helpers are recorded before they run; without one `run` and `spawn` refuse.
    ///   - timekeeper: the system's clocks unless given.
    ///   - markDirectory: the name of the cgroup, at the root of the unified hierarchy, that holds one cgroup for
    ///     each injection. Tests have their own.
    public init(
        site: GuardSite, journal: (any Journal)?, timekeeper: (any Timekeeper)? = nil,
        markDirectory: String = "muster"
    ) {
        self.site = site
        self.journal = journal
        self.timekeeper = timekeeper ?? SystemTimekeeper()
        marks = MarkGroups.find(named: markDirectory)
    }

    public func bootID() throws -> String { try port { () throws(SystemError) in try MusterSystem.bootID() } }
    public func monotonic() -> Instant { timekeeper.monotonic() }
    public func utcNanoseconds() -> Int64 { timekeeper.utcNanoseconds() }
    public func userID() -> UInt32 { ThisProcess.effectiveUserID }

    public func pause(_ duration: Duration) {
        SystemTimekeeper().sleep(for: duration)
        reapChildren()
    }

    public var findsEveryHelper: Bool { marks != nil }

    /// The cgroup of a mark in the unified hierarchy, such as `/muster/k3f9-01J…`; nil where this user cannot make
    /// one.
    public func cgroup(of id: InjectionID) -> String? { marks.map { "/\($0.name)/\(id)" } }
}

/// Runs system calls and tells what failed in the port's vocabulary.
func port<R>(_ body: () throws(SystemError) -> R) throws(HostError) -> R {
    do throws(SystemError) { return try body() } catch { throw error.hostError }
}
