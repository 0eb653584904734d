import Glibc
public import MusterCore
import MusterSystem

/// `muster-guard doctor`: which faults work on this host, who holds it, how the journals stand.
public struct DoctorCommand: Sendable {
    public var json = false
    public var state: String?
    public init() {}

    /// - Returns: an exit code: 0, or 5 when something is open or a journal cannot be relied on.
    public func run(_ equipment: Equipment) -> Int32 {
        do {
            let report = try DoctorReport.make(equipment, StateDirectory.path(explicit: state))
            if json {
                say(String(decoding: try Frame.encode(report).dropLast(), as: UTF8.self))
            } else {
                for line in report.lines { say(line) }
            }
            return report.isHealthy ? 0 : 5
        } catch {
            Log.note(words(error))
            return 70
        }
    }
}

/// What a doctor says of one host.
public struct DoctorReport: Hashable, Sendable, Codable {
    public struct FaultReadiness: Hashable, Sendable, Codable {
        public var fault: String
        public var isReady: Bool
        /// The mechanism that would be used, or what is missing.
        public var text: String
        /// How to enable it; empty when it is ready.
        public var enable: String
    }
    public struct OtherState: Hashable, Sendable, Codable {
        public var path: String
        public var userID: UInt32
        public var hasJournal: Bool
    }

    public var version: String
    public var userID: UInt32
    public var stateDirectory: String
    public var lockPath: String
    public var holder: LockHolder?
    /// nil where there is no journal yet.
    public var journal: JournalStanding?
    public var open = 0
    /// What is wrong with the state directory; nil when it can be used.
    public var stateProblem: String?
    /// Where the unified cgroup hierarchy is mounted; nil when it is not.
    public var cgroup2: String?
    /// Whether this user can have a cgroup for each injection, by which every process of it is found.
    public var findsEveryHelper = true
    public var faults: [FaultReadiness] = []
    public var others: [OtherState] = []

    var isHealthy: Bool {
        stateProblem == nil && (journal ?? .sound) == .sound && (open == 0 || holder != nil)
    }
}

extension DoctorReport {
    static func make(_ equipment: Equipment, _ path: String) throws -> DoctorReport {
        var report = DoctorReport(
            version: equipment.version, userID: geteuid(), stateDirectory: path, lockPath: HostLock.path(),
            holder: LockHolder.read())
        var journal: (any KeptJournal)?
        do {
            if let state = try StateDirectory(existing: path) {
                journal = try equipment.journal(state.path)
                report.journal = journal?.standing
                report.open = try journal?.openInjections().count ?? 0
            }
        } catch {
            report.stateProblem = words(error)
        }
        let mounts = (try? readSmallFile("/proc/self/mountinfo")) ?? nil
        for line in (mounts ?? "").split(separator: "\n") where line.contains(" - cgroup2 ") {
            report.cgroup2 = line.split(separator: " ").dropFirst(4).first.map(String.init)
        }
        let site = GuardSite(executable: try ownExecutablePath(), stateDirectory: path)
        let host = try equipment.host(site, journal ?? NoJournal())
        report.findsEveryHelper = host.findsEveryHelper
        report.faults = equipment.faults.types.map { type in
            let name = equipment.faults.description(of: type).name
            switch type.readiness(on: host) {
            case .ready(let text): return .init(fault: name, isReady: true, text: text, enable: "")
            case .missing(let text, let enable):
                return .init(fault: name, isReady: false, text: text, enable: enable)
            }
        }
        report.others = others(besides: path)
        return report
    }

    /// State directories where other users' guards would keep theirs (passwd(5)).
    static func others(besides path: String) -> [OtherState] {
        var candidates = ["/var/lib/muster"]
        let users = (try? readSmallFile("/etc/passwd")) ?? nil
        for line in (users ?? "").split(separator: "\n") {
            let fields = line.split(separator: ":", omittingEmptySubsequences: false)
            if fields.count > 5 { candidates.append("\(fields[5])/.local/state/muster") }
        }
        var seen: Set<String> = [path]
        return candidates.compactMap { candidate in
            var status = stat()
            guard seen.insert(candidate).inserted, stat(candidate, &status) == 0 else { return nil }
            let hasJournal = access(candidate + "/journal.sqlite", F_OK) == 0
            return OtherState(path: candidate, userID: status.st_uid, hasJournal: hasJournal)
        }
    }

    var lines: [String] {
        var lines = ["muster-guard \(version), user \(userID)", "state: \(stateDirectory)"]
        if let stateProblem { lines.append("  PROBLEM: \(stateProblem)") }
        switch journal {
        case .sound: lines.append("journal: sound, \(open) open")
        case .readOnly(let why): lines.append("journal: READ ONLY: \(why)")
        case .setAside(let paths):
            lines.append("journal: set aside as unreadable: \(paths.joined(separator: ", "))")
            lines.append("  run `muster undo --scan`")
        case nil: lines.append("journal: none yet")
        }
        lines.append("lock: \(lockPath)" + (holder.map { ", held by \($0.inWords)" } ?? ", free"))
        lines.append("cgroup v2: " + (cgroup2 ?? "not mounted"))
        if !findsEveryHelper {
            lines.append(
                "  none for user \(userID): processes of an injection are found by session and environment; one that"
            )
            lines.append(
                "  left its session and cleared its environment cannot be found once Muster was killed")
        }
        for fault in faults {
            lines.append("\(fault.isReady ? "ready  " : "missing") \(fault.fault): \(fault.text)")
            if !fault.isReady { lines.append("          \(fault.enable)") }
        }
        for other in others {
            lines.append(
                "also: \(other.path) of user \(other.userID)" + (other.hasJournal ? " with a journal" : ""))
        }
        return lines
    }

    /// Readiness is asked before there is any journal.
    private struct NoJournal: KeptJournal {
        var standing: JournalStanding { .sound }
        func releaseBallast() {}
        func restoreBallast() {}
        func forget(_ id: InjectionID, reason: String, by person: String) throws {}
        func acknowledgeCorruption() throws {}
        func salvage() -> [Injection] { [] }
        func quarantined() throws -> [(InjectionID, Disposal)] { [] }
        func open(_ injection: Injection) throws {}
        func close(_ id: InjectionID, _ how: Closing) throws {}
        func openInjections() throws -> [Injection] { [] }
        func record(helper: ProcessIdentity, session: Int32, of id: InjectionID) throws {}
        func helpers(of id: InjectionID) throws -> [HelperRecord] { [] }
        func pendingDisposals() throws -> [(InjectionID, Disposal)] { [] }
        func disposed(_ disposal: Disposal, of id: InjectionID) throws {}
    }
}
