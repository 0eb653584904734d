/// Where the guard itself lives on its host, so that a fault knows what to start and what to leave alone.
public struct GuardSite: Hashable, Sendable {
    /// The guard's own executable, absolute: lasting helpers (burners, supervisors) are started from it.
    public var executable: String
    /// Holds the journal, and the quarantine of backups.
    public var stateDirectory: String
    /// What must keep its disk whatever a drill does: the journal, the outcomes, the ledger. They need not exist
    /// yet.
    public var protectedPaths: [String]

    public init(executable: String, stateDirectory: String, protectedPaths: [String] = []) {
        self.executable = executable
        self.stateDirectory = stateDirectory
        self.protectedPaths = protectedPaths
    }

    /// Directory in which faults keep copies of what they are about to harm. The guard creates it (mode 0700)
    /// when it opens its state directory.
    public var quarantine: String { stateDirectory + "/quarantine" }
}
