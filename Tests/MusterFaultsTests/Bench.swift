import Glibc
import MusterCore
import MusterFaults
import MusterHost
import MusterJournal
import MusterSystem
import Synchronization
import Testing

/// A real host with a directory, a journal, a cgroup and a namespace of its own; all of it goes with it.
final class Bench {
    let directory: String
    let host: LinuxHost
    let journal: SQLiteJournal
    let namespace: String
    private let markDirectory: String
    private var children: [Child] = []
    private var daemons: [(mark: String, pidFile: String)] = []
    private var count = 0
    private var servers: [EchoServer] = []
    /// Where proxies of this bench are asked.
    private var interfaces: [StreamAddress] = []
    /// Distinguishes this bench among those of all test processes.
    private let serial: String
    private static let counter = Atomic(0)

    init() throws {
        var template = Array("/tmp/muster-faults-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw SystemError.last("make a directory") }
        directory = String(cString: made)
        let number = Self.counter.add(1, ordering: .relaxed).newValue
        serial = "\(getpid())0\(number)"
        markDirectory = "muster-faults-\(getpid())-\(number)"
        namespace = "mf\(getpid())x\(number)"
        mkdir(directory + "/state", 0o700)
        mkdir(directory + "/state/quarantine", 0o700)
        mkdir(directory + "/data", 0o755)
        journal = try SQLiteJournal(in: directory + "/state")
        host = LinuxHost(
            site: GuardSite(executable: Self.guardExecutable, stateDirectory: directory + "/state"),
            journal: journal, markDirectory: markDirectory)
    }

    var injector: Injector { Injector(host: host, journal: journal, facts: .standard) }

    /// The guard is built beside the bundle of tests.
    static let guardExecutable: String = {
        let bundle = CommandLine.arguments.first { $0.contains(".xctest") } ?? CommandLine.arguments[0]
        let folder = bundle.split(separator: "/", omittingEmptySubsequences: false).prefix {
            !$0.hasSuffix(".xctest")
        }
        var real = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        let path = folder.joined(separator: "/") + "/muster-guard"
        guard realpath(path, &real) != nil else { return path }
        return String(decoding: real.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }()

    /// Undoes what a failed test left, and takes everything down.
    func close() {
        undoAll()
        for server in servers { server.stop() }
        for child in children {
            _ = try? child.kill()
            _ = try? child.wait(for: .seconds(60))
        }
        for daemon in daemons {
            // The pid may be another process by now: only one with the mark is ours.
            _ = shell(
                "pid=$(cat \(daemon.pidFile)) && grep -qF \(daemon.mark) /proc/$pid/cmdline && kill -9 $pid")
        }
        _ = shell(
            "ip netns del \(namespace) 2>/dev/null; umount \(directory)/* 2>/dev/null; rm -rf \(directory)")
        // cgroup v2 is mounted in one of the two places; files of cgroups cannot be removed, directories can.
        _ = shell(
            "find /sys/fs/cgroup/unified/\(markDirectory) /sys/fs/cgroup/\(markDirectory) -depth -type d -exec rmdir {} + 2>/dev/null"
        )
    }

    /// On a busy machine ending a process may take longer than one undo waits. What cannot be undone is told: nobody
    /// else would ever find it.
    private func undoAll() {
        var problem = "the journal cannot be read"
        let isUndone = waitUntil {
            guard let open = try? journal.openInjections() else { return false }
            if open.isEmpty { return true }
            let results = injector.undo(open)
            problem = "\(results.filter { $0.closed == nil })"
            return false
        }
        #expect(isUndone, "left behind: \(problem)")
        let left = shell("pgrep -f '[t]est-\(getpid())x\(namespace)x'")?.output ?? ""
        #expect(left.isEmpty, "processes are left behind: \(left)")
    }

    func request(_ fault: any Fault, _ target: Target, name: String = "it") -> InjectionRequest {
        count += 1
        guard let id = InjectionID("test-\(getpid())x\(namespace)x\(count)") else {
            preconditionFailure("the id is well-formed")
        }
        return InjectionRequest(id: id, run: "run", name: name, fault: fault, target: target, utc: 0)
    }

    func path(_ name: String) -> String { directory + "/" + name }

    @discardableResult
    func put(_ name: String, _ bytes: [UInt8]) throws -> String {
        try host.createFile(path(name), contents: bytes, mode: 0o644)
        return path(name)
    }

    /// A server that proxies may stand before.
    func server(on host: String = "127.0.0.1", in namespace: String? = nil) throws -> EchoServer {
        let server = try EchoServer(on: host, in: namespace)
        servers.append(server)
        return server
    }

    /// What a client of the bench's own sees.
    static func ping(_ address: StreamAddress, from namespace: String?) -> Sighting {
        let host = LinuxHost(site: GuardSite(executable: "", stateDirectory: ""), journal: nil)
        return host.visit(
            Visit(
                address, namespace: namespace, says: Array("*1\r\n$4\r\nPING\r\n".utf8),
                deadline: .seconds(10)
            ) { $0.suffix(2).elementsEqual([13, 10]) })
    }

    /// A script that asks a server again and again, and writes down what came of each.
    func pinger(_ server: EchoServer) throws -> [String] {
        let script = #"""
            while sleep 0.02; do
                answer=$(exec 3<>/dev/tcp/$3/$1 && printf '*1\r\n$4\r\nPING\r\n' >&3 && head -c 5 <&3)
                echo "${answer:-failed}" >> "$2"
            done 2>/dev/null
            """#
        let path = try put("data/pinger", Array(script.utf8))
        let host = server.address.isV6 ? "::1" : "127.0.0.1"
        return ["/bin/bash", path, String(server.address.port ?? 0), self.path("data/pings"), host]
    }

    /// How often that script wrote down a word.
    func pings(_ word: String) -> Int {
        let text = (try? host.contents(of: path("data/pings"), limit: 1 << 24)) ?? nil
        return String(decoding: text ?? [], as: UTF8.self).split(separator: "\n").count { $0.hasPrefix(word) }
    }

    /// Brings a fault proxy up before a server.
    /// - Returns: the id of its injection.
    func proxy(before server: StreamAddress, named name: String = "net", ca: String? = nil) throws
        -> InjectionID
    {
        var fixture = ProxyFixture()
        fixture.name = name
        fixture.listen = "127.0.0.1:0"
        fixture.upstream = server.text
        fixture.drain = .seconds(1)
        fixture.ca = ca
        let request = request(fixture, Target(.host), name: name)
        _ = try injector.inject(request) {}
        interfaces.append(.unix(host.site.proxySocket(of: request.id)))
        return request.id
    }

    /// A server that speaks TLS: a fault proxy of its own that shows a good certificate.
    func tlsServer() throws -> StreamAddress {
        let id = try proxy(before: server().address, named: "tls")
        let api = StreamAddress.unix(host.site.proxySocket(of: id))
        let toxic: Value = [
            "type": "tls_fault", "attributes": ["fault": "none", "upstream_tls": false],
        ]
        let made = try host.send(
            APIRequest(.post, "/proxies/tls/toxics", body: toxic), to: api, deadline: .seconds(60))
        #expect(made.status == 200, "\(made)")
        let listen = try host.fetch("/proxies/tls", from: api, deadline: .seconds(60)).body["listen"]?.asText
        return try #require(listen.flatMap { StreamAddress($0) })
    }

    /// A process of the test's own that a selector can find.
    /// - Returns: a text that only its command line contains.
    func sleeper() throws -> String {
        count += 1
        let mark = "7\(serial).\(count)"
        var spawn = Spawn(["/bin/sleep", mark])
        spawn.newSession = true
        spawn.deathSignal = SIGKILL
        children.append(try spawn.start())
        return "sleep " + mark
    }

    /// What a runbook's step runs: the leader of a session.
    func step() throws -> ProcessIdentity {
        var spawn = Spawn(["/bin/sleep", "600"])
        spawn.newSession = true
        spawn.deathSignal = SIGKILL
        let child = try spawn.start()
        children.append(child)
        return try #require(try processIdentity(of: child.pid))
    }

    /// A script that starts a process and writes down its pid; what runs of it at the end is ended by `close`.
    func daemonScript(pidFile: String) -> String {
        let mark = "8\(serial).\(daemons.count)"
        daemons.append((mark, pidFile))
        return "/bin/sleep \(mark) >/dev/null 2>&1 & echo $! > \(pidFile)"
    }

    @discardableResult
    func shell(_ script: String) -> CommandResult? {
        try? host.query(["/bin/sh", "-c", script], deadline: .seconds(60))
    }

    /// What a fault could have changed: files, mounts, tables, processes of the bench.
    func picture() throws -> String {
        let script = """
            cd \(directory) && find . -name pid -prune -o -path ./state/journal.sqlite\\* -prune \
            -o -path ./state/ballast -prune -o -printf '%p %y %m %s\\n' | grep -v '^./state d' | sort
            find . -xdev -path ./state -prune -o -type f ! -name pid ! -name '*.img' -exec sha256sum {} + | sort
            grep -F \(directory) /proc/self/mountinfo | cut -d' ' -f5
            nft list tables | grep \(namespace)x; ip netns exec \(namespace) nft list tables 2>/dev/null
            ps -eo stat,args | grep -F -e 'sleep 7\(serial).' -e '\(directory)' \
            | grep -v -e grep -e 'sh -c' -e find | sed 's/^[RSD][^ ]*/S/; s/^\\(.\\)[^ ]*/\\1/' | sort
            """
        let proxies = interfaces.map { api in
            let answer = try? host.fetch("/proxies", from: api, deadline: .seconds(60))
            return answer?.body.canonicalJSON ?? "none"
        }
        return (shell(script)?.output ?? "?") + proxies.joined(separator: "\n")
    }
}

let isRoot = geteuid() == 0
