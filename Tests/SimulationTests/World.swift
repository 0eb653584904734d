import MusterCore
import MusterDrills

/// Our program died: it has no defer, no catch and no undo any more.
struct ProcessDied: Error {}

/// Everything that survives a crash: files, processes, mounts, nft tables, journal rows. Dies at its n-th
/// effect. Helpers that were started live on, and act later.
final class World: Host, Journal {
    /// When the n-th effect goes wrong.
    enum Moment: CaseIterable {
        case beforeEffect, halfWay, afterEffect
        /// It fails with an error, nothing is done, and nobody dies.
        case failsOnce
    }

    struct Node: Equatable {
        var kind = FileStatus.Kind.file
        var bytes: [UInt8] = []
        /// Blocks without contents that matter.
        var filled: Int64 = 0
        /// Whether it holds a file system (mkfs).
        var isFormatted = false
    }

    struct Mount {
        var source: String
        var type = "ext4"
        var device: UInt64
        var total: Int64
        /// What stood at and below the mount point before.
        var hidden: [String: Node] = [:]
    }

    struct Process {
        var status: ProcessStatus
        /// The injection whose mark it carries.
        var mark: InjectionID?
        /// What it will still do if nobody ends it.
        var later: (@Sendable (World) -> Void)?
        /// A crash loop strikes whoever has this name, whenever it runs.
        var strikes: String?
    }

    struct Supervisor {
        var pid: Int32
        var socket: String
        var argv: [String]
        var child: Int32?
        var starts = 0
        var mark: InjectionID
    }

    var nodes: [String: Node] = [:]
    var mounts: [String: Mount] = [:]
    var running: [Int32: Process] = [:]
    var supervisors: [InjectionID: Supervisor] = [:]
    /// `namespace/table`, with the text of the table.
    var tables: [String: String] = [:]
    var namespaces: [String: UInt64] = ["lab": 77]
    /// Fault proxies, by where their interface listens.
    var programs: [StreamAddress: ProxyProgram] = [:]
    /// Servers that speak Redis.
    var servers: Set<StreamAddress> = []
    /// Connections of ours that tables led somewhere.
    var led = 0
    /// Units that systemd starts again: name of the process by unit.
    var units: [String: String] = [:]

    var open: [Injection] = []
    var leftovers: [(InjectionID, Disposal)] = []

    /// What nobody may ever see, not even while things are mended.
    private(set) var outrages: Set<String> = []

    private var nextPid: Int32 = 100
    private var now: Int64 = 0
    private(set) var effects = 0
    private var trouble: (at: Int, moment: Moment)?
    private(set) var isDead = false
    let site = GuardSite(executable: "/opt/muster-guard", stateDirectory: "/state")

    /// A runbook's step before it was let go.
    static let gate = "gate of a step"

    init() {}

    /// The same world, to try another continuation in.
    init(copying other: World) {
        nodes = other.nodes
        mounts = other.mounts
        running = other.running
        supervisors = other.supervisors
        tables = other.tables
        namespaces = other.namespaces
        programs = other.programs
        servers = other.servers
        led = other.led
        outrages = other.outrages
        units = other.units
        open = other.open
        leftovers = other.leftovers
        nextPid = other.nextPid
        now = other.now
    }

    /// Starts counting effects anew, as a fresh process of ours.
    func begin(trouble: (at: Int, moment: Moment)?) {
        isDead = false
        effects = 0
        self.trouble = trouble
    }

    /// Whether the trouble that was asked for has happened.
    var isTroubled: Bool { trouble.map { effects >= $0.at } ?? false }

    /// One effect: not begun, half done, or done when we die.
    func effect<R>(_ what: String, half: () -> Void = {}, done body: () throws -> R) throws -> R {
        try alive()
        defer { watch(after: what) }
        effects += 1
        tick()
        let strikesNow = trouble?.at == effects ? trouble?.moment : nil
        switch strikesNow {
        case .beforeEffect?:
            isDead = true
            throw ProcessDied()
        case .halfWay?:
            half()
            isDead = true
            throw ProcessDied()
        case .failsOnce?: throw HostError(.failed, what, "simulated failure")
        case .afterEffect?:
            _ = try body()
            isDead = true
            throw ProcessDied()
        case nil: return try body()
        }
    }

    /// Connections that a table leads to a proxy which is not there are refused, though their server is well.
    private func watch(after what: String) {
        let listening = Set(programs.values.flatMap(\.proxies.values).compactMap(\.listen.port))
        for (name, text) in tables {
            guard let port = Self.redirection(in: text), !listening.contains(port) else { continue }
            outrages.insert("after '\(what)' table \(name) leads to nobody")
        }
    }

    /// The port to which a table leads connections; nil when it leads none.
    static func redirection(in table: String) -> Int? {
        guard table.contains("elements = {"), let begin = table.firstRange(of: "redirect to :") else {
            return nil
        }
        return Int(table[begin.upperBound...].prefix { $0.isNumber })
    }

    func alive() throws { if isDead { throw ProcessDied() } }

    /// What others do while time passes: crash loops strike, systemd starts units again.
    func tick() {
        for loop in running.values {
            guard let name = loop.strikes else { continue }
            for victim in running.values where victim.status.name == name { end(victim.status.identity.pid) }
        }
        for (unit, name) in units where !running.values.contains(where: { $0.status.name == name }) {
            start(name, arguments: [name], cgroup: "/system.slice/\(unit)")
        }
    }

    /// Whatever helpers are left do what they were about to do.
    func letHelpersAct() {
        for process in running.values.sorted(by: { $0.status.identity.pid < $1.status.identity.pid }) {
            guard let later = process.later else { continue }
            later(self)
            running[process.status.identity.pid] = nil
        }
        tick()
    }

    @discardableResult
    func start(
        _ name: String, arguments: [String], cgroup: String = "", mark: InjectionID? = nil, parent: Int32 = 1
    ) -> Int32 {
        nextPid += 1
        let identity = ProcessIdentity(pid: nextPid, startTicks: UInt64(nextPid) * 10, bootID: "boot")
        let status = ProcessStatus(
            identity: identity, parent: parent, session: nextPid, userID: 0, name: name, arguments: arguments,
            state: "S", cgroup: cgroup)
        running[nextPid] = Process(status: status, mark: mark)
        return nextPid
    }

    func end(_ pid: Int32) {
        running[pid] = nil
        // Whatever it had in memory goes with it.
        programs = programs.filter { $0.value.pid != pid }
        for (id, supervisor) in supervisors {
            if supervisor.child == pid { supervisors[id]?.child = nil }
            if supervisor.pid == pid { supervisors[id] = nil }
        }
    }

    func startChild(of id: InjectionID) {
        guard let supervisor = supervisors[id], supervisor.child == nil else { return }
        let pid = start(
            supervisor.argv[0], arguments: supervisor.argv, cgroup: "/muster/\(supervisor.mark)",
            mark: supervisor.mark, parent: supervisor.pid)
        supervisors[id]?.child = pid
        supervisors[id]?.starts += 1
        if supervisor.argv.contains(where: { $0.hasSuffix("/muster-net") }) { startProxy(of: id, pid) }
    }

    /// The time, without letting any pass.
    var moment: Int64 { now }

    func passTime(_ duration: Int64) {
        now += duration
        tick()
    }

    var clock: Int64 {
        now += 1_000_000
        return now
    }
}
