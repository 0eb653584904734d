import Glibc
import MusterCore
import MusterSystem

/// Finds the processes that carry a mark.
struct Helpers {
    private let id: InjectionID
    private let marks: MarkGroups?
    /// Recorded helpers of this boot by session.
    private let sessions: [Int32: ProcessIdentity]

    init(_ id: InjectionID, _ records: [HelperRecord], _ marks: MarkGroups?) throws(SystemError) {
        self.id = id
        self.marks = marks
        let boot = try bootID()
        sessions = Dictionary(
            records.filter { $0.process.bootID == boot }.map { ($0.session, $0.process) },
            uniquingKeysWith: { $0.startTicks > $1.startTicks ? $0 : $1 })
    }

    /// The processes that carry the mark, none of them a zombie.
    func find() throws(SystemError) -> [ProcessIdentity] {
        // A process may fork and end while the list is read, so that neither it nor its child was seen: only two
        // empty looks in a row mean that there is nobody.
        let first = try look()
        return first.isEmpty ? try look() : first
    }

    private func look() throws(SystemError) -> [ProcessIdentity] {
        var all: [Int32: ProcessStat] = [:]
        for pid in try processNumbers() { all[pid] = try ProcessStat.read(pid) }
        let grouped = marks.map { MarkGroups.processes(in: $0.directory(of: id)) } ?? []
        let spared = Self.ourselves(all)
        let candidates = all.filter { !$0.value.isZombie && !spared.contains($0.key) }
        var found: Set<Int32> = []
        for (pid, stat) in candidates {
            if grouped.contains(pid) || isInSession(stat, all) || Mark.isCarried(by: pid, id) {
                found.insert(pid)
            }
        }
        // Without a cgroup a child may have left session and environment while its parent still tells.
        while true {
            let children = candidates.filter { found.contains($0.value.parent) && !found.contains($0.key) }
            if children.isEmpty { break }
            found.formUnion(children.keys)
        }
        let boot = try bootID()
        return found.sorted().compactMap { pid in
            all[pid].map { ProcessIdentity(pid: pid, startTicks: $0.startTicks, bootID: boot) }
        }
    }

    /// Whether a process is in a recorded session, and not in another one that got its number. The kernel gives
    /// no process the number of a session that has members (it stays taken until the last one leaves), so a leader that lives
    /// decides; without one, members must at least be younger than the record.
    private func isInSession(_ stat: ProcessStat, _ all: [Int32: ProcessStat]) -> Bool {
        guard let recorded = sessions[stat.session], stat.startTicks >= recorded.startTicks else {
            return false
        }
        guard let leader = all[stat.session] else { return true }
        return leader.startTicks == recorded.startTicks
    }

    /// This process and those that it descends from: a command inside a mark must not end itself.
    private static func ourselves(_ all: [Int32: ProcessStat]) -> Set<Int32> {
        var chain: Set<Int32> = []
        var pid = ThisProcess.pid
        while pid > 0, chain.insert(pid).inserted, let stat = all[pid] { pid = stat.parent }
        return chain
    }
}
