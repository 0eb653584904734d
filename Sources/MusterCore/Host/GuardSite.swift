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

    /// Where the supervisor of a fixture listens (a Unix socket; at most 107 bytes, unix(7)).
    public func supervisorSocket(of id: InjectionID) -> String { "\(stateDirectory)/\(id).sock" }
    /// Where the interface of a fault proxy that a drill brought up listens (a Unix socket, as above).
    public func proxySocket(of id: InjectionID) -> String { "\(stateDirectory)/\(id).api" }
    /// What a fault proxy that a drill brought up reads when it starts.
    public func proxyConfiguration(of id: InjectionID) -> String { "\(stateDirectory)/\(id).json" }
    /// What a fixture writes to its standard streams.
    public func log(of id: InjectionID) -> String { "\(stateDirectory)/\(id).log" }
}
