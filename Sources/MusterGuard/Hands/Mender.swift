import MusterCore

/// Makes every open fact hold again, and tells how.
struct Mender {
    let injector: Injector
    let journal: any KeptJournal

    init(host: any Host, journal: any KeptJournal, facts: FactCatalog) {
        injector = Injector(host: host, journal: journal, facts: facts)
        self.journal = journal
    }

    /// - Parameters:
    ///   - wanted: nil for everything that is open.
    ///   - deferred: what hung last time, tried after all the rest.
    func mend(
        _ wanted: Set<InjectionID>? = nil, recovered: Set<InjectionID> = [], deferred: [InjectionID] = [],
        progress: (InjectionID, String) -> Void
    ) throws -> UndoReply {
        let all = try journal.openInjections()
        let chosen = all.filter { wanted?.contains($0.id) ?? true }
        guard !chosen.isEmpty else {
            injector.disposeOfLeftovers()
            return UndoReply(reports: [], open: all.count)
        }
        journal.releaseBallast()
        let last = chosen.filter { deferred.contains($0.id) }
        let first = chosen.filter { !deferred.contains($0.id) }
        var results = injector.undo(first, recovered: recovered, progress: progress)
        if !last.isEmpty { results += injector.undo(last, recovered: recovered, progress: progress) }
        injector.disposeOfLeftovers()
        let open = try journal.openInjections().count
        if open == 0 { journal.restoreBallast() }
        return UndoReply(reports: results.map { UndoReport($0) }, open: open)
    }
}
