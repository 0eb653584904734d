/// What a guard needs of its journal beyond opening and closing rows: whether it can be trusted, what was
/// lost, room to write when the disk is full.
public protocol KeptJournal: Journal {
    var standing: JournalStanding { get }
    /// Gives the file system room before an undo, which must be able to write when a drill has filled it.
    func releaseBallast()
    /// Takes that room again once nothing is open; does nothing while the disk is full.
    func restoreBallast()
    /// Closes an injection that a person gave up.
    func forget(_ id: InjectionID, reason: String, by person: String) throws
    /// A person has looked at what a journal that was set aside may have lost.
    func acknowledgeCorruption() throws
    /// What a journal that was set aside still says was open; empty when it cannot be read at all.
    func salvage() -> [Injection]
    /// Backups that stay in quarantine because the recovery mended the harm, for `prune`.
    func quarantined() throws -> [(InjectionID, Disposal)]
}

/// Whether a journal can be relied on.
public enum JournalStanding: Hashable, Sendable, Codable {
    case sound
    /// It was unreadable and was set aside at these paths; what it held is unknown until somebody scanned.
    case setAside([String])
    /// It can be read but not written: nothing may be injected, because nothing could be recorded.
    case readOnly(String)
}
