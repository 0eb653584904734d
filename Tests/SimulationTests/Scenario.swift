import MusterCore
import MusterDrills
import MusterFaults
import Testing

/// What a drill breaks, in order; undone newest first.
struct Scenario: Sendable, CustomTestStringConvertible {
    struct Act: Sendable {
        var name: String
        var fault: any Fault
        var target: Target
    }

    var acts: [Act]
    var testDescription: String { acts.map(\.name).joined(separator: " + ") }

    func request(_ index: Int) -> InjectionRequest {
        InjectionRequest(
            id: Self.id(index), run: "run", name: acts[index].name, fault: acts[index].fault,
            target: acts[index].target, utc: 0)
    }

    static func id(_ index: Int) -> InjectionID {
        guard let id = InjectionID("tag-\(index)") else { preconditionFailure("the id is well-formed") }
        return id
    }

    /// The world before anything happens.
    static func original() -> World {
        let world = World()
        for directory in [
            "/state", "/state/quarantine", "/srv", "/srv/data", "/srv/app", "/opt", "/sys/fs/cgroup/lab",
        ] {
            world.nodes[directory] = World.Node(kind: .directory)
        }
        world.nodes["/opt/muster-guard"] = World.Node(bytes: [1])
        world.nodes["/opt/muster-net"] = World.Node(bytes: [1])
        world.nodes["/sys/fs/cgroup"] = World.Node(kind: .directory)
        world.mounts["/sys/fs/cgroup"] = World.Mount(
            source: "cgroup2", type: "cgroup2", device: 8, total: 0)
        world.nodes["/srv/app/table.db"] = World.Node(bytes: (0..<24).map { UInt8($0) })
        world.mounts["/srv/data"] = World.Mount(source: "/dev/loop0", device: 9, total: 64 << 20)
        world.units = ["web.service": "web"]
        world.start("db", arguments: ["db"])
        world.start("web", arguments: ["web"], cgroup: "/system.slice/web.service")
        world.start("cache", arguments: ["cache"])
        world.start(World.gate, arguments: ["sh"])
        world.servers = [.tcp(host: "127.0.0.1", port: 6379)]
        world.programs[.tcp(host: "127.0.0.1", port: 8474)] = ProxyProgram(proxies: [
            "redis": ProxyProgram.Proxy(
                listen: .tcp(host: "127.0.0.1", port: 7000), upstream: .tcp(host: "127.0.0.1", port: 6379))
        ])
        world.programs[plainToxiproxy] = ProxyProgram(
            proxies: [
                "plain": ProxyProgram.Proxy(
                    listen: .tcp(host: "127.0.0.1", port: 7002),
                    upstream: .tcp(host: "127.0.0.1", port: 6379))
            ], isPlain: true)
        return world
    }

    static let plainToxiproxy = StreamAddress.tcp(host: "127.0.0.1", port: 8475)

    /// Every fault of the catalogue, alone; those on a fixture bring it up first.
    static let singles: [Scenario] = {
        let fixture = Act(
            name: "fixture", fault: FixtureFault(name: "sample", run: ["sample"]), target: Target(.host))
        var loop = ProcessKill()
        loop.every = .seconds(1)
        var fill = DiskFill()
        fill.size = ByteCount(8 << 20)
        var corrupt = FileCorrupt()
        corrupt.bytes = ByteCount(6)
        corrupt.pieces = 2
        var command = CommandFault()
        command.inject = ["touch", "/srv/app/flag"]
        command.check = ["is-absent", "/srv/app/flag"]
        command.restore = ["rm", "/srv/app/flag"]
        let gate = original().running.values.first { $0.status.name == World.gate }
        let step = RunbookStep(
            name: "copy", runbook: "restore.md", process: gate?.status.identity ?? RunbookStep().process)
        let db = Target(.process(.name("db")), restart: ["start-once", "db"])
        let ownFixture = Target(.process(.fixture(name: "sample", id(0))))
        return [
            [fixture, Act(name: "process-kill", fault: ProcessKill(), target: ownFixture)],
            [Act(name: "process-kill (restart:)", fault: ProcessKill(), target: db)],
            [Act(name: "process-kill (unit)", fault: ProcessKill(), target: Target(.process(.name("web"))))],
            [Act(name: "process-kill (crash loop)", fault: loop, target: db)],
            [Act(name: "process-pause", fault: ProcessPause(), target: Target(.process(.name("cache"))))],
            [Act(name: "cpu-burn", fault: CPUBurn(), target: Target(.host))],
            [Act(name: "disk-fill", fault: fill, target: Target(.path("/srv/data")))],
            [Act(name: "file-corrupt", fault: corrupt, target: Target(.path("/srv/app/table.db")))],
            [Act(name: "net-partition", fault: NetPartition(), target: Target(.network(.namespace("lab"))))],
            [Act(name: "command", fault: command, target: Target(.host))],
            [Act(name: "scratch", fault: Scratch(path: "/srv/fresh"), target: Target(.host))],
            [Act(name: "runbook-step", fault: step, target: Target(.host))],
            [
                Act(
                    name: "scratch (own file system)",
                    fault: Scratch(path: "/srv/fresh", size: ByteCount(32 << 20)), target: Target(.host))
            ],
        ].map(Scenario.init)
    }()

    /// Every toxic that there is, and a proxy that is taken down. They share what could go wrong, so that only some
    /// of them are tried with others.
    static let toxics: [Scenario] = {
        let proxy = Target(.proxy(.named("redis", api: .tcp(host: "127.0.0.1", port: 8474))))
        var latency = ProxyLatency()
        latency.latency = .milliseconds(100)
        latency.jitter = .milliseconds(20)
        var bandwidth = ProxyBandwidth()
        bandwidth.rate = ByteRate(bytesPerSecond: 50_000)
        var slowClose = ProxySlowClose()
        slowClose.delay = .seconds(1)
        var slicer = ProxySlicer()
        slicer.size = ByteCount(8)
        var limit = ProxyLimit()
        limit.bytes = ByteCount(3)
        var corrupt = ProxyCorrupt()
        corrupt.rate = Percentage(millionths: 100_000)
        var refuse = ProxyConnect()
        refuse.refuse = true
        var delay = ProxyConnect()
        delay.delay = .milliseconds(500)
        var errors = HTTPFault()
        errors.status = 503
        var few = ProxyConnect()
        few.limit = 3
        let faults: [(String, any Fault)] = [
            ("proxy-latency", latency), ("proxy-down", ProxyDown()), ("proxy-bandwidth", bandwidth),
            ("proxy-slow-close", slowClose), ("proxy-timeout", ProxyTimeout()), ("proxy-reset", ProxyReset()),
            ("proxy-slicer", slicer), ("proxy-limit", limit), ("proxy-corrupt", corrupt),
            ("proxy-stall", ProxyStall()), ("proxy-connect (refuse)", refuse),
            ("proxy-connect (delay)", delay), ("proxy-connect (limit)", few), ("http-fault", errors),
        ]
        let handshakes = TLSFault.Kind.allCases.map { kind -> (String, any Fault) in
            var fault = TLSFault()
            fault.kind = kind
            return ("tls-fault (\(kind.rawValue))", fault)
        }
        let plain = Target(.proxy(.named("plain", api: plainToxiproxy)))
        return (faults + handshakes).map { Scenario(acts: [Act(name: $0.0, fault: $0.1, target: proxy)]) }
            + [
                Act(name: "proxy-latency (plain Toxiproxy)", fault: latency, target: plain),
                Act(name: "proxy-down (plain Toxiproxy)", fault: ProxyDown(), target: plain),
            ].map { Scenario(acts: [$0]) }
    }()

    /// A proxy of the drill's own, with a toxic on it; and one that somebody's connections are led through.
    static let ownProxies: [Scenario] = {
        var proxy = ProxyFixture()
        proxy.name = "net"
        proxy.listen = "127.0.0.1:7001"
        proxy.upstream = "127.0.0.1:6379"
        var leading = proxy
        var redirect = Redirect()
        redirect.cgroup = "/lab"
        redirect.to = [.tcp(host: "127.0.0.1", port: 6379)]
        leading.redirect = redirect
        var inside = proxy
        redirect.cgroup = nil
        redirect.namespace = "lab"
        inside.redirect = redirect
        var known = proxy
        known.ca = "/srv/app/ca.pem"
        var latency = ProxyLatency()
        latency.latency = .milliseconds(100)
        latency.setting.speaks = .redis
        let own = Target(.proxy(.fixture(name: "net", id(0))))
        let toxic = Act(name: "proxy-latency on it", fault: latency, target: own)
        let down = Act(name: "proxy-down of it", fault: ProxyDown(), target: own)
        return [
            [Act(name: "proxy-fixture", fault: proxy, target: Target(.host)), toxic],
            [Act(name: "proxy-fixture (redirect)", fault: leading, target: Target(.host)), toxic],
            [Act(name: "proxy-fixture (namespace)", fault: inside, target: Target(.host)), toxic],
            [Act(name: "proxy-fixture (namespace)", fault: inside, target: Target(.host)), down],
            [
                Act(name: "proxy-fixture (authority)", fault: known, target: Target(.host)),
                Act(name: "tls-fault on it", fault: TLSFault(), target: own),
            ],
        ].map(Scenario.init)
    }()

    static let alone = singles + toxics + ownProxies

    /// Every two of them at once, and the stack that a drill on its own scratch makes.
    static let pairs: [Scenario] = {
        var pairs: [Scenario] = []
        let singles = ownProxies.prefix(1) + Self.singles + toxics.prefix(2)
        for (index, first) in singles.enumerated() {
            for second in singles.dropFirst(index + 1) {
                let names = Set(first.acts.map(\.kind)).intersection(second.acts.map(\.kind))
                // Two kills of one process, or two scratches at one path, are refused by their claims.
                // Those that bring something up know it by the id of the first act.
                if names.isEmpty, first.acts.count + second.acts.count < 4 {
                    pairs.append(Scenario(acts: first.acts + second.acts))
                }
            }
        }
        var fill = DiskFill()
        fill.size = ByteCount(4 << 20)
        let inside = Act(name: "disk-fill in it", fault: fill, target: Target(.path("/srv/fresh")))
        let damage = Act(
            name: "file-corrupt in it", fault: FileCorrupt(), target: Target(.path("/srv/fresh/table.db")))
        if let scratch = Self.singles.last {
            pairs += [[damage], [inside]].map { Scenario(acts: scratch.acts + $0) }
        }
        return pairs
    }()
}

extension Scenario.Act {
    /// The fault's name, without the variant.
    var kind: Substring { name.prefix { $0 != " " } }
}
