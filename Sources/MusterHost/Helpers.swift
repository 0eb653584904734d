import Glibc
public import MusterCore
import MusterSystem

extension LinuxHost {
    @discardableResult
    public func spawn(_ argv: [String], as id: InjectionID) throws -> ProcessIdentity {
        var spawn = Spawn(.path(try program(of: argv)), argv)
        spawn.newSession = true
        spawn.directory = "/"
        spawn.environment = Self.environment(["\(Mark.variable)=\(id)"])
        spawn.cgroup = try port { () throws(SystemError) in try marks?.make(id) }
        spawn.isGated = true
        let child = try port { () throws(SystemError) in try spawn.start() }
        let identity = try release(child, as: id)
        children[child.pid] = child
        return identity
    }

    /// Records a gated child durably and only then lets it run.
    @discardableResult
    func release(_ child: Child, as id: InjectionID) throws -> ProcessIdentity {
        guard let journal else {
            throw HostError(
                .notPermitted, "start a helper of \(id)",
                "this host was opened without a journal to record it")
        }
        let found = try port { () throws(SystemError) in try processIdentity(of: child.pid) }
        guard let identity = found else {
            throw HostError(.failed, "start a helper of \(id)", "process \(child.pid) ended before it ran")
        }
        try journal.record(helper: identity, session: child.pid, of: id)
        try port { () throws(SystemError) in try child.release() }
        return identity
    }

    public func helpers(of id: InjectionID) throws -> [ProcessIdentity] {
        reapChildren()
        let records = try journal?.helpers(of: id) ?? []
        return try port { () throws(SystemError) in try Helpers(id, records, marks).find(on: self) }
    }

    public func endHelpers(of id: InjectionID, grace: Duration, deadline: Duration) throws {
        let end = monotonic() + deadline
        if grace > .zero {
            for helper in try helpers(of: id) {
                // A stopped process gets its SIGTERM only when it goes on.
                if try signal(helper, .term) { try signal(helper, .cont) }
            }
            let graceEnd = min(end, monotonic() + grace)
            while monotonic() < graceEnd, try !helpers(of: id).isEmpty { pause(.milliseconds(5)) }
        }
        var wait = Duration.milliseconds(1)
        while true {
            let left = try helpers(of: id)
            if left.isEmpty { break }
            guard monotonic() < end else {
                throw HostError(
                    .timedOut, "end the helpers of \(id)",
                    "still there: " + left.map { "process \($0.pid)" }.joined(separator: ", "))
            }
            if let marks { MarkGroups.kill(marks.directory(of: id)) }
            for helper in left { try signal(helper, .kill) }
            pause(wait)
            wait = min(wait * 2, .milliseconds(50))
        }
        if let marks { MarkGroups.remove(marks.directory(of: id)) }
    }

    /// Ids whose mark is on this host: in a cgroup, or in the environment of a process that we may read. For
    /// `muster undo --scan`, when the journal cannot be asked.
    /// - Parameter tag: only ids of this state directory; nil takes all.
    public func markedIDs(tag: String?) throws -> [InjectionID] {
        reapChildren()
        var found = Set(marks?.ids() ?? [])
        for pid in try port({ () throws(SystemError) in try allPids() }) {
            if let id = Mark.id(inEnvironmentOf: pid) { found.insert(id) }
        }
        return found.filter { tag == nil || $0.tag == tag?[...] }.sorted { $0.rawValue < $1.rawValue }
    }
}

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

    func find(on host: LinuxHost) throws(SystemError) -> [ProcessIdentity] {
        let grouped =
            try marks.map { marks throws(SystemError) in
                try MarkGroups.processes(in: marks.directory(of: id))
            } ?? []
        var all: [Int32: ProcessStat] = [:]
        for pid in try host.allPids() { all[pid] = try ProcessStat.read(pid) }
        let spared = Self.ourselves(all)
        let boot = try bootID()
        var found: [ProcessIdentity] = []
        for (pid, stat) in all where !stat.isZombie && !spared.contains(pid) {
            guard grouped.contains(pid) || isInSession(stat, all) || Mark.id(inEnvironmentOf: pid) == id
            else {
                continue
            }
            found.append(ProcessIdentity(pid: pid, startTicks: stat.startTicks, bootID: boot))
        }
        return found.sorted { $0.pid < $1.pid }
    }

    /// Whether a process is in a recorded session, and not in another one that got its number. The kernel gives
    /// no process the number of a session that has members (pid_namespaces keep it taken), so a leader that lives
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
