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

    public func adopt(_ process: ProcessIdentity, as id: InjectionID) throws {
        guard let journal else {
            throw HostError(
                .notPermitted, "start a helper of \(id)",
                "this host was opened without a journal to record it")
        }
        // Whoever leads a session has its number.
        try journal.record(helper: process, session: process.pid, of: id)
    }

    /// Records a gated child durably and only then lets it run.
    @discardableResult
    func release(_ child: Child, as id: InjectionID) throws -> ProcessIdentity {
        let found = try port { () throws(SystemError) in try processIdentity(of: child.pid) }
        guard let identity = found else {
            throw HostError(.failed, "start a helper of \(id)", "process \(child.pid) ended before it ran")
        }
        try adopt(identity, as: id)
        try port { () throws(SystemError) in try child.release() }
        return identity
    }

    public func helpers(of id: InjectionID) throws -> [ProcessIdentity] {
        reapChildren()
        let records = try journal?.helpers(of: id) ?? []
        // Nothing of ours ever runs before it is recorded, so most undos need no look through all of /proc.
        if journal != nil, records.isEmpty, !(marks?.exists(id) ?? false) { return [] }
        return try port { () throws(SystemError) in try Helpers(id, records, marks).find() }
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
            // The kernel removes no cgroup that has processes: the last word on whether they are gone.
            if left.isEmpty, marks.map({ MarkGroups.remove($0.directory(of: id)) }) ?? true { return }
            guard monotonic() < end else {
                throw HostError(
                    .timedOut, "end the helpers of \(id)",
                    left.isEmpty
                        ? "its cgroup \(cgroup(of: id) ?? "") cannot be removed"
                        : "still there: " + left.map { "process \($0.pid)" }.joined(separator: ", "))
            }
            if let marks { MarkGroups.kill(marks.directory(of: id)) }
            for helper in left { try signal(helper, .kill) }
            pause(wait)
            wait = min(wait * 2, .milliseconds(50))
        }
    }

    /// Ids whose mark is on this host: in a cgroup, or in the environment of a process that we may read. For
    /// `muster undo --scan`, when the journal cannot be asked.
    /// - Parameter tag: only ids of this state directory; nil takes all.
    public func markedIDs(tag: String?) throws -> [InjectionID] {
        reapChildren()
        var found = Set(marks?.ids() ?? [])
        for pid in try port({ () throws(SystemError) in try processNumbers() }) {
            if let id = Mark.id(inEnvironmentOf: pid) { found.insert(id) }
        }
        return found.filter { tag == nil || $0.tag == tag?[...] }.sorted { $0.rawValue < $1.rawValue }
    }
}
