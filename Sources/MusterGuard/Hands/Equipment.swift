public import MusterCore

/// What a guard is made of, put together by the executable: this module knows only the ports.
public struct Equipment: Sendable {
    public var version: String
    public var faults: FaultCatalog
    public var facts: FactCatalog
    /// Opens the journal of a state directory.
    public var journal: @Sendable (_ state: String) throws -> any KeptJournal
    /// The host as the hands see it; helpers are recorded in the journal.
    public var host: @Sendable (_ site: GuardSite, _ journal: any KeptJournal) throws -> any Host
    /// Ids with this tag whose mark some process or cgroup of the host carries.
    public var marked: @Sendable (_ host: any Host, _ tag: String) throws -> [InjectionID]

    public init(
        version: String, faults: FaultCatalog, facts: FactCatalog,
        journal: @escaping @Sendable (_ state: String) throws -> any KeptJournal,
        host: @escaping @Sendable (_ site: GuardSite, _ journal: any KeptJournal) throws -> any Host,
        marked: @escaping @Sendable (_ host: any Host, _ tag: String) throws -> [InjectionID]
    ) {
        self.version = version
        self.faults = faults
        self.facts = facts
        self.journal = journal
        self.host = host
        self.marked = marked
    }
}
