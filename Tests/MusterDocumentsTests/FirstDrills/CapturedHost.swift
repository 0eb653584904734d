import MusterCore

/// A machine as data: its processes, the sockets that they hold, and the files that were read there.
final class CapturedHost: HostReader {
    var files: [String: String] = [:]
    var running: [ProcessStatus] = []
    /// Inodes of the sockets of a process; those that are missing may not be looked into.
    var open: [Int32: Set<UInt64>] = [:]
    var links: [String: String] = [:]
    var spaces: [Int32: UInt64] = [:]
    var tools: Set<String> = []
    var user: UInt32 = 0
    /// What servers answer, by what is said to them.
    var answers: [StreamAddress: String] = [:]
    private(set) var visited: [String] = []
    /// Whoever ends once it was looked into.
    var vanishing: Set<Int32> = []

    let site = GuardSite(executable: "/opt/muster-guard", stateDirectory: "/state")

    init() {
        files["/etc/passwd"] =
            "root:x:0:0::/root:/bin/sh\nredis:x:105:111::/:\npostgres:x:106:112::/:\nwww-data:x:33:33::/:\nsshd:x:70:70::/:\n"
        table("tcp", "")
        table("tcp6", "")
        table("unix", "")
    }

    // MARK: Telling what there is

    func table(_ name: String, _ lines: String) { files["/proc/self/net/\(name)"] = "head\n" + lines }

    /// A process with its cgroup and the sockets that it holds; sockets that are not there yet come into the tables.
    @discardableResult
    func runs(
        _ pid: Int32, _ name: String, _ arguments: [String], parent: Int32 = 1, user: UInt32 = 0,
        cgroup: String = "/", listens: [Listener] = [], exe: String? = nil, cwd: String? = "/"
    ) -> CapturedHost {
        running.append(
            ProcessStatus(
                identity: ProcessIdentity(pid: pid, startTicks: UInt64(pid), bootID: "boot"), parent: parent,
                session: pid, userID: user, name: name, arguments: arguments, state: "S", cgroup: cgroup))
        files["/proc/\(pid)/cgroup"] = "0::\(cgroup)\n"
        files["/proc/\(pid)/status"] = "Name:\t\(name)\nNSpid:\t\(pid)\n"
        links["/proc/\(pid)/exe"] = exe ?? "/usr/bin/\(name)"
        if let cwd { links["/proc/\(pid)/cwd"] = cwd }
        open[pid] = Set(listens.map(\.inode))
        for listener in listens { listener.add(to: self, user: user) }
        return self
    }

    /// A line of one of the kernel's tables.
    struct Listener {
        var table: String
        var local: String
        var inode: UInt64

        static func tcp(_ local: String, _ inode: UInt64) -> Listener {
            Listener(table: "tcp", local: local, inode: inode)
        }
        static func tcp6(_ local: String, _ inode: UInt64) -> Listener {
            Listener(table: "tcp6", local: local, inode: inode)
        }
        static func unix(_ path: String, _ inode: UInt64) -> Listener {
            Listener(table: "unix", local: path, inode: inode)
        }

        func add(to host: CapturedHost, user: UInt32) {
            let path = "/proc/self/net/\(table)"
            if host.files[path]?.contains(" \(inode) ") ?? false { return }
            host.files[path, default: ""] +=
                table == "unix"
                ? "00000000c5c38057: 00000002 00000000 00010000 0001 01 \(inode) \(local)\n"
                : "   0: \(local) 00000000:0000 0A 00000000:00000000 00:00000000 00000000  \(user)        0 \(inode) 1 0 100\n"
        }
    }

    // MARK: HostReader

    func bootID() throws -> String { "boot" }
    func monotonic() -> Instant { Instant(nanoseconds: 0) }
    func utcNanoseconds() -> Int64 { 0 }
    func userID() -> UInt32 { user }
    func pause(_ duration: Duration) {}
    func status(of path: String) throws -> FileStatus? {
        if !path.hasPrefix("/proc/"), files[path] != nil {
            return FileStatus(
                kind: .file, size: 0, allocated: 0, device: 0, inode: 0, mode: 0o644, userID: 0, groupID: 0
            )
        }
        guard path.hasPrefix("/proc/"), let pid = Int32(path.dropFirst(6)), try process(pid) != nil else {
            return nil
        }
        return FileStatus(
            kind: .directory, size: 0, allocated: 0, device: 0, inode: 0, mode: 0o555, userID: 0,
            groupID: 4242)
    }
    func read(_ path: String, from offset: Int64, count: Int) throws -> [UInt8]? {
        files[path].map { Array($0.utf8.dropFirst(Int(offset)).prefix(count)) }
    }
    func digest(of path: String, masking ranges: [Range<Int64>]) throws -> String? { nil }
    func list(_ directory: String) throws -> [String]? {
        let names = files.keys.filter { $0.hasPrefix(directory + "/") }.map {
            $0.dropFirst(directory.count + 1)
        }
        return Set(names.map { String($0.prefix { $0 != "/" }) }).sorted()
    }
    func resolve(_ path: String) throws -> String? { links[path] }
    func fileSystem(holding path: String) throws -> FileSystem { throw HostError(.notSupported, path, "") }
    func processes() throws -> [ProcessStatus] { running }
    func process(_ pid: Int32) throws -> ProcessStatus? { running.first { $0.identity.pid == pid } }
    func networkNamespace(of pid: Int32?) throws -> UInt64? { pid.map { spaces[$0] ?? 1 } ?? 1 }
    func listeners(onPort port: Int) throws -> [Int32] { [] }
    func sockets(of pid: Int32) throws -> Set<UInt64>? {
        defer {
            if vanishing.contains(pid) { running.removeAll { $0.identity.pid == pid } }
        }
        return open[pid]
    }
    func helpers(of id: InjectionID) throws -> [ProcessIdentity] { [] }
    func supervisor(of id: InjectionID) throws -> SupervisorStatus? { nil }
    func tool(_ name: String) -> String? { tools.contains(name) ? "/usr/bin/\(name)" : nil }
    func query(_ argv: [String], deadline: Duration) throws -> CommandResult {
        throw HostError(.notSupported, argv.joined(separator: " "), "nothing may be run for a survey")
    }
    func fetch(_ path: String, from api: StreamAddress, deadline: Duration) throws -> APIAnswer {
        throw HostError(.notFound, path, "")
    }
    func visit(_ visit: Visit, atOnce count: Int) -> [Sighting] {
        visited.append(
            "\(visit.address.text): \(String(decoding: visit.says, as: UTF8.self).prefix { $0 != "\r\n" })")
        guard let answer = answers[visit.address] else { return [Sighting(.silent)] }
        // A real one asks after each piece that comes.
        _ = answer.utf8.indices.first { visit.isEnough(Array(answer.utf8[...$0])) }
        return [Sighting(.answered, bytes: Array(answer.utf8))]
    }
}

/// Machines and services that several tests look at.
enum Captured {
    static let redisUnit = """
        [Unit]
        Description=Advanced key-value store (%I)
        [Service]
        Type=notify
        ExecStart=/usr/bin/redis-server /etc/redis/redis-%i.conf --supervised systemd \\
        # a comment between the lines of one value
          --daemonize no
        PIDFile=/run/redis-%i/redis-server.pid
        Restart=always
        """

    /// One Redis of a templated unit, on 127.0.0.1:6380.
    static func redis() -> CapturedHost {
        let host = CapturedHost()
        host.files["/lib/systemd/system/redis-server@.service"] = redisUnit
        host.tools = ["redis-cli", "curl", "pg_isready"]
        host.answers[.tcp(host: "127.0.0.1", port: 6380)] =
            "$60\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\n"
        return host.runs(
            700, "redis-server", ["/usr/bin/redis-server 127.0.0.1:6380"], user: 105,
            cgroup: "/system.slice/system-redis\\x2dserver.slice/redis-server@x.service",
            listens: [.tcp("0100007F:18EC", 71)])
    }

    /// Debian's cluster 15/main, which nobody starts again.
    static func postgres() -> CapturedHost {
        let host = CapturedHost()
        host.tools = ["pg_isready"]
        host.files["/lib/systemd/system/postgresql@.service"] =
            "[Service]\nType=forking\nPIDFile=/run/postgresql/%i.pid\nTimeoutStartSec=0\n#Restart=on-failure\n"
        host.files["/run/postgresql/15-main.pid"] = "800\n"
        host.runs(
            800, "postgres", ["/usr/lib/postgresql/15/bin/postgres", "-D", "/var/lib/postgresql/15/main"],
            user: 106,
            cgroup: "/system.slice/system-postgresql.slice/postgresql@15-main.service",
            listens: [
                .tcp("0100007F:1538", 81), .tcp6("00000000000000000000000001000000:1538", 82),
                .unix("/run/postgresql/.s.PGSQL.5432", 83),
            ],
            cwd: "/var/lib/postgresql/15/main")
        return host.runs(
            801, "postgres", ["postgres: 15/main: checkpointer "], parent: 800, user: 106,
            cgroup: "/system.slice/system-postgresql.slice/postgresql@15-main.service")
    }
}
