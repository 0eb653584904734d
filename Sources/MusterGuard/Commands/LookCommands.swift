import Glibc
import MusterCore
import MusterSystem

/// `muster-guard list`, `check` and `prune`: what is open, how it stands, what is kept in quarantine. They read
/// the journal beside a live guard.
public struct LookCommand: Sendable {
    public enum Subject: String, Sendable {
        case list, check, prune
    }
    public var subject: Subject
    public var json = false
    public var state: String?

    public init(_ subject: Subject) { self.subject = subject }

    /// - Returns: an exit code: 0; 5 when a journal was unreadable, `check` finds a fact violated or `prune` could not
    ///   remove something.
    public func run(_ equipment: Equipment) -> Int32 {
        do {
            guard let state = try StateDirectory(existing: StateDirectory.path(explicit: state)) else {
                say(json ? "[]" : "nothing is open: there is no \(StateDirectory.path(explicit: state))")
                return 0
            }
            let journal = try equipment.journal(state.path)
            // What an unreadable journal held open is in no list: nobody may take this for "nothing is open".
            if subject != .prune, case .setAside(let paths) = journal.standing {
                Log.note(
                    "an unreadable journal was set aside as \(paths.joined(separator: ", ")): what is open is not "
                        + "known; run `muster undo --scan`")
                return 5
            }
            switch subject {
            case .list: return try list(journal)
            case .check: return try check(equipment, state, journal)
            case .prune: return try prune(equipment, state, journal)
            }
        } catch {
            Log.note(words(error))
            return (error as? GuardFailure)?.code == .surroundings ? 7 : 70
        }
    }

    private func list(_ journal: any KeptJournal) throws -> Int32 {
        let open = try journal.openInjections()
        if json {
            say(String(decoding: try Frame.encode(open).dropLast(), as: UTF8.self))
        } else if open.isEmpty {
            say("nothing is open")
        } else {
            for injection in open {
                say("\(injection.id)  \(injection.fault)  \(injection.name)  run \(injection.run)")
            }
        }
        return 0
    }

    private func check(_ equipment: Equipment, _ state: StateDirectory, _ journal: any KeptJournal) throws
        -> Int32
    {
        let worker = try worker(equipment, state, journal)
        let reports = try worker.check()
        if json {
            say(String(decoding: try Frame.encode(reports).dropLast(), as: UTF8.self))
        } else if reports.isEmpty {
            say("nothing is open")
        } else {
            for report in reports {
                say("\(report.name) (\(report.fault), \(report.id))")
                for fact in report.facts {
                    let detail = fact.problem ?? fact.detail
                    say("  \(fact.state.rawValue): \(fact.sentence)" + (detail.isEmpty ? "" : ": " + detail))
                }
            }
        }
        return reports.allSatisfy { $0.facts.allSatisfy(\.isSettled) } ? 0 : 5
    }

    private func prune(_ equipment: Equipment, _ state: StateDirectory, _ journal: any KeptJournal) throws
        -> Int32
    {
        let host = try worker(equipment, state, journal).host
        var code: Int32 = 0
        for (id, disposal) in try journal.quarantined() {
            do {
                try host.remove(disposal.path)
                try journal.disposed(disposal, of: id)
                if !json { say("removed \(disposal.path)") }
            } catch {
                Log.note("\(disposal.path) could not be removed: \(words(error))")
                code = 5
            }
        }
        return code
    }

    private func worker(_ equipment: Equipment, _ state: StateDirectory, _ journal: any KeptJournal) throws
        -> HandsWorker
    {
        let site = GuardSite(executable: try ownExecutablePath(), stateDirectory: state.path)
        return HandsWorker(equipment: equipment, host: try equipment.host(site, journal), journal: journal)
    }
}
