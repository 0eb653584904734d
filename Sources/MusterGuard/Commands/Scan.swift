import MusterCore
import MusterSystem

/// Finds what carries our ids without a journal to name them: after a journal was unreadable (SAFETY 19).
struct Scan {
    private let equipment: Equipment
    private let state: StateDirectory
    private let journal: any KeptJournal

    init(_ equipment: Equipment, _ state: StateDirectory, _ journal: any KeptJournal) {
        self.equipment = equipment
        self.state = state
        self.journal = journal
    }

    func run() throws -> ScanReport {
        let site = GuardSite(executable: try ownExecutablePath(), stateDirectory: state.path)
        let host = try equipment.host(site, journal)
        var report = ScanReport()
        if case .setAside(let paths) = journal.standing { report.unreadable = paths }
        let salvaged = journal.salvage()
        let injector = Injector(host: host, journal: Unwritten(journal), facts: equipment.facts)
        report.salvaged = injector.undo(salvaged).map { UndoReport($0) }
        let known = Set(salvaged.map(\.id))
        for id in try equipment.marked(host, state.tag) where !known.contains(id) {
            do {
                try host.endHelpers(of: id, grace: .zero, deadline: .seconds(5))
                report.ended.append(id)
            } catch {
                report.remaining.append("processes of injection \(id): \(describe(error))")
            }
        }
        report.remaining += try leftovers(host)
        try journal.acknowledgeCorruption()
        return report
    }

    /// Backups and network rules that carry our ids, for people: what they belonged to is not known.
    private func leftovers(_ host: any Host) throws -> [String] {
        var found: [String] = []
        let quarantine = state.path + "/quarantine"
        for name in try host.list(quarantine) ?? [] { found.append("backup \(quarantine)/\(name)") }
        if host.tool("nft") != nil,
            let result = try? host.query(["nft", "list", "tables"], deadline: .seconds(5))
        {
            for line in result.output.split(separator: "\n")
            where line.contains("muster") && line.contains(state.tag) {
                found.append("nft \(line); remove it with: nft delete \(line)")
            }
        }
        return try found + Strays(host, state.tag, keeping: known()).find(in: state.path)
    }

    /// Injections whose traces belong to somebody: open ones, and closed ones whose files are kept on purpose.
    private func known() throws -> Set<InjectionID> {
        let kept = try journal.quarantined() + journal.pendingDisposals()
        return Set(try journal.openInjections().map(\.id) + kept.map(\.0))
    }

    /// Rows of a journal that was set aside cannot be closed in the new one, which has never heard of them.
    private struct Unwritten: Journal {
        let journal: any KeptJournal
        init(_ journal: any KeptJournal) { self.journal = journal }
        func open(_ injection: Injection) throws {}
        func close(_ id: InjectionID, _ how: Closing) throws {}
        func openInjections() throws -> [Injection] { [] }
        func record(helper: ProcessIdentity, session: Int32, of id: InjectionID) throws {}
        func helpers(of id: InjectionID) throws -> [HelperRecord] { try journal.helpers(of: id) }
        func pendingDisposals() throws -> [(InjectionID, Disposal)] { [] }
        func disposed(_ disposal: Disposal, of id: InjectionID) throws {}
    }
}

/// What a scan found.
struct ScanReport: Codable {
    var unreadable: [String] = []
    var salvaged: [UndoReport] = []
    var ended: [InjectionID] = []
    var remaining: [String] = []

    /// After an unreadable journal it can never be known that nothing is left.
    var isUncertain: Bool {
        !unreadable.isEmpty || !remaining.isEmpty || salvaged.contains { $0.closed == nil }
    }

    var lines: [String] {
        var lines = unreadable.map {
            "unreadable journal \($0): what else it held cannot be known; look at this host once, then drills may begin again"
        }
        if !salvaged.isEmpty { lines.append("read from it and looked at again:") }
        for report in salvaged { lines += UndoSummary.lines(report) }
        lines += ended.map { "ended processes of injection \($0)" }
        lines += remaining.map { "found: \($0)" }
        if lines.isEmpty { lines.append("the scan found nothing that carries our ids") }
        return lines
    }
}
