import Glibc
import MusterCore
import MusterFaults
import MusterHost
import Testing

/// One way to try a fault for real.
struct Specimen: Sendable, CustomTestStringConvertible {
    var testDescription: String
    /// The fault's name in the catalogue.
    var fault: String
    /// Why it cannot be tried without root; nil when it can.
    var needsRoot: String?
    var prepare: @Sendable (Bench) throws -> (any Fault, Target)

    init(
        _ fault: String, _ variant: String = "", needsRoot: String? = nil,
        prepare: @escaping @Sendable (Bench) throws -> (any Fault, Target)
    ) {
        self.fault = fault
        testDescription = variant.isEmpty ? fault : "\(fault) (\(variant))"
        self.needsRoot = needsRoot
        self.prepare = prepare
    }

    static let all: [Specimen] = processes + storage + network + others + proxies

    private static let processes = [
        Specimen("process-kill", "fixture") { bench in
            let id = try up(FixtureFault(name: "sleeper", run: ["/bin/sleep", "1000"]), bench)
            return (ProcessKill(), Target(.process(.fixture(name: "sleeper", id))))
        },
        Specimen("process-kill", "declared restart") { bench in
            (ProcessKill(), try daemon(bench))
        },
        Specimen("process-kill", "crash loop") { bench in
            var kill = ProcessKill()
            kill.every = .milliseconds(200)
            return (kill, try daemon(bench))
        },
        Specimen("process-kill", "crash loop on a fixture") { bench in
            let fixture = FixtureFault(
                name: "sleeper", run: ["/bin/sleep", "1000"], restart: .after(.milliseconds(50)))
            let id = try up(fixture, bench)
            var kill = ProcessKill()
            kill.every = .milliseconds(100)
            return (kill, Target(.process(.fixture(name: "sleeper", id))))
        },
        Specimen("process-pause") { bench in
            (ProcessPause(), Target(.process(.commandLine(try bench.sleeper()))))
        },
    ]

    /// Brings a fixture up.
    private static func up(_ fixture: FixtureFault, _ bench: Bench) throws -> InjectionID {
        let request = bench.request(fixture, Target(.host), name: fixture.name)
        _ = try bench.injector.inject(request) {}
        let isUp = try waitUntil { try bench.host.supervisor(of: request.id)?.process != nil }
        #expect(isUp, "the supervisor answers")
        return request.id
    }

    /// A process that a script starts, known by its pid file.
    private static func daemon(_ bench: Bench) throws -> Target {
        let file = bench.path("data/pid")
        let restart = ["/bin/sh", "-c", bench.daemonScript(pidFile: file)]
        _ = try bench.host.restart(restart, deadline: .seconds(60))
        let target = Target(.process(.pidFile(file)), restart: restart)
        let isUp = try waitUntil {
            let text = try bench.host.contents(of: file).map { String(decoding: $0, as: UTF8.self) }
            let pid = text.flatMap { Int32($0.filter { !$0.isWhitespace }) }
            return try pid.flatMap { try bench.host.process($0)?.name } == "sleep"
        }
        #expect(isUp, "the daemon runs")
        return target
    }

    private static let storage = [
        Specimen("disk-fill", needsRoot: "mounts a file system of its own") { bench in
            let place = bench.path("mnt")
            _ = try bench.injector.inject(
                bench.request(Scratch(path: place, size: ByteCount(48 << 20)), Target(.host), name: "scratch")
            ) {}
            var fill = DiskFill()
            fill.leave = ByteCount(4 << 20)
            fill.mount = place
            return (fill, Target(.path(place)))
        },
        Specimen("file-corrupt") { bench in
            let path = try bench.put("data/table.db", (0..<9000).map { UInt8(truncatingIfNeeded: $0 &* 7) })
            return (FileCorrupt(), Target(.path(path)))
        },
        Specimen("scratch") { bench in (Scratch(path: bench.path("fresh")), Target(.host)) },
        Specimen("scratch", "file system of its own", needsRoot: "mounts a file system of its own") { bench in
            (Scratch(path: bench.path("fresh"), size: ByteCount(16 << 20)), Target(.host))
        },
    ]

    private static let network = [
        Specimen("net-partition", "namespace", needsRoot: "makes a network namespace") { bench in
            bench.shell(
                "ip netns add \(bench.namespace) && ip netns exec \(bench.namespace) ip link set lo up")
            var cut = NetPartition()
            cut.peers = ["127.0.0.0/8", "::1"]
            cut.ports = [6379]
            return (cut, Target(.network(.namespace(bench.namespace))))
        },
        Specimen("net-partition", "fixture's cgroup", needsRoot: "changes nft tables") { bench in
            let id = try up(FixtureFault(name: "sleeper", run: ["/bin/sleep", "1000"]), bench)
            var cut = NetPartition()
            cut.direction = .outbound
            cut.peers = ["192.0.2.0/24"]
            return (cut, Target(.network(.fixture(name: "sleeper", id))))
        },
    ]

    private static let others = [
        Specimen("cpu-burn") { _ in
            var burn = CPUBurn()
            burn.load = Percentage(millionths: 50_000)
            burn.cores = [0]
            return (burn, Target(.host))
        },
        Specimen("fixture") { _ in
            (FixtureFault(name: "sleeper", run: ["/bin/sleep", "1000"]), Target(.host))
        },
        Specimen("runbook-step") { bench in
            (RunbookStep(name: "copy", runbook: "restore.md", process: try bench.step()), Target(.host))
        },
        Specimen("command") { bench in
            var command = CommandFault()
            command.inject = ["touch", bench.path("data/flag")]
            command.check = ["test", "!", "-e", bench.path("data/flag")]
            command.restore = ["rm", "-f", bench.path("data/flag")]
            return (command, Target(.host))
        },
    ]
}

/// Polls until a condition holds.
/// - Returns: false when a minute passed first.
func waitUntil(_ condition: () throws -> Bool) rethrows -> Bool {
    let clock = ContinuousClock()
    let end = clock.now + .seconds(60)
    while try !condition() {
        if clock.now > end { return false }
        usleep(5000)
    }
    return true
}
