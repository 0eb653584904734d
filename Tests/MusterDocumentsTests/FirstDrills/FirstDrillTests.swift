import MusterCore
import MusterDrills
import MusterFaults
import MusterProbes
import Testing

@testable import MusterDocuments

@Suite struct FirstDrillTests {
    static let now: Int64 = 1_795_000_000_000_000_000

    private func drill(_ host: CapturedHost, inherits: Bool = false) throws -> FirstDrill {
        let services = try Surveyor(on: host, greets: { _ in true }).survey().services
        try #require(services.count == 1)
        var drill = FirstDrill(services[0], name: ServiceNames.names(services)[0])
        drill.inherits = inherits
        return drill
    }

    /// All of it reads: drill, runbook and entry, with the drill held against the entry.
    @discardableResult
    private func read(_ first: FirstDrill, sourceLocation: SourceLocation = #_sourceLocation) throws -> Drill
    {
        let services = try Services(reading: FirstDrill.services([first]), now: Self.now)
        let reader = DrillReader(
            faults: .standard, probes: .standard, workloads: .standard, services: services, now: Self.now)
        let examination = reader.examine(first.drill)
        #expect(
            examination.errors.isEmpty, "\(examination.errors)\n\(first.drill)",
            sourceLocation: sourceLocation)
        // What a first drill leaves to its people, and nothing else.
        for warning in examination.warnings {
            #expect(
                warning.message.hasPrefix("no write decides"), "\(warning)", sourceLocation: sourceLocation)
        }
        let runbook = RunbookReader.examine(first.runbook, fallbackTitle: "x") { _ in "" }
        #expect(
            runbook.errors.isEmpty && runbook.warnings.isEmpty, "\(runbook)\n\(first.runbook)",
            sourceLocation: sourceLocation)
        #expect(runbook.runbook?.service == first.name, sourceLocation: sourceLocation)
        let longest = first.drill.split(separator: "\n").map(\.count).max() ?? 0
        #expect(longest < 400 && !first.drill.contains("\t"), sourceLocation: sourceLocation)
        return try #require(examination.drill, sourceLocation: sourceLocation)
    }

    /// The whole of what is written, for a unit that comes back and one that does not; `RECORD=1` writes it anew.
    @Test(arguments: ["redis", "postgres"]) func wholeFiles(_ name: String) throws {
        let first = try drill(name == "redis" ? Captured.redis() : Captured.postgres())
        try read(first)
        let all = [
            first.drillPath, first.drill, first.runbookPath, first.runbook, FirstDrill.services([first]),
        ].joined(separator: "\n")
        let golden = try FixtureFiles.golden("golden/init-\(name).txt", recording: all)
        #expect(all == golden)
    }

    @Test func aUnitThatComesBackIsPredictedFromItsFiles() throws {
        let host = Captured.redis()
        host.files["/etc/systemd/system/redis-server@.service.d/slow.conf"] = "[Service]\nRestartSec=12s\n"
        let first = try drill(host)
        let read = try read(first)
        #expect(read.objectives.rto == .seconds(25) && read.objectives.rtoFrom == .fault)
        #expect(first.drill.contains("predict: { outage: 12s..25s }"), "\(first.drill)")
        #expect(first.drill.contains("redis: \"redis://127.0.0.1:6380\""))
        #expect(first.drill.contains("#   writes: { redis:") && !first.drill.contains("\nworkloads:"))
        #expect(read.targets[first.name]?.restart == ["systemctl", "start", "redis-server@x"])
        #expect(first.runbook.contains("\nsystemctl restart redis-server@x\n"))
        // A unit that gives a start two seconds is not expected to take ten.
        host.files["/etc/systemd/system/redis-server@.service.d/slow.conf"] =
            "[Service]\nRestartSec=12s\nTimeoutStartSec=2s\n"
        #expect(try drill(host).drill.contains("predict: { outage: 12s..15s }"))
    }

    @Test func aUnitThatStaysDownIsBroughtBackByItsRunbook() throws {
        let first = try drill(Captured.postgres())
        let read = try read(first)
        #expect(read.objectives.rtoFrom == .declared)
        #expect(first.drill.contains("- runbook: restart-postgresql-15-main.md"), "\(first.drill)")
        #expect(first.drill.contains("exec: [pg_isready") && first.drill.contains("tree: true"))
        #expect(first.drill.contains("pidFile: \"/run/postgresql/15-main.pid\""))
        #expect(first.runbook.contains("\nsystemctl restart postgresql@15-main\n"))
    }

    /// Every kind, on a port and where it can be on a socket: what is written reads, and says what is its own.
    @Test(arguments: ServiceKind.allCases) func everyKindReads(_ kind: ServiceKind) throws {
        let places: [StreamAddress] = [
            .tcp(host: "127.0.0.1", port: 7000), .tcp(host: "::1", port: 7000),
            .tcp(host: "10.0.0.7", port: 443),
            .unix("/run/with ${x} \"odd\" na\u{E4}me/.s.PGSQL.5432"),
        ]
        let answers: [GreetingAnswer?] = [
            nil, .http(404), .http(200), .tls, .silence, .redisWantsPassword, .redis([:]), .other("x"),
            .memcached, .amqp,
        ]
        let tools: [Set<String>] = [[], ["bash"], ["redis-cli", "curl", "pg_isready", "mariadb-admin"]]
        for place in places where kind.isToldByUnixSocket || place.port != nil {
            for (answer, tools) in answers.flatMap({ answer in tools.map { (answer, $0) } }) {
                var service = FoundService(
                    kind, program: "x", addresses: [place], listeners: [5], main: 5, user: "u")
                service.answer = answer
                service.tools = tools
                service.choice = TargetChoice(.listening(7000))
                let first = FirstDrill(service, name: "x")
                let read = try read(first)
                #expect(read.probes.count == 1 && read.workloads.isEmpty)
            }
        }
    }

    @Test func theRightProbe() throws {
        func probe(_ kind: ServiceKind, _ answer: GreetingAnswer? = nil, _ tools: Set<String> = []) -> String
        {
            var service = FoundService(
                kind, program: "x", addresses: [.tcp(host: "0.0.0.0", port: 7000)], listeners: [5], main: 5,
                user: "u")
            service.answer = answer
            service.tools = tools
            return KindTemplate.of(service).probe
        }
        #expect(probe(.redis) == "redis: \"redis://127.0.0.1:7000\"")
        #expect(probe(.redis, .redisWantsPassword) == "tcp: \"127.0.0.1:7000\"")
        #expect(probe(.http, .http(200)) == "http: \"http://127.0.0.1:7000/\"")
        #expect(probe(.nginx, .http(403)) == "http: \"http://127.0.0.1:7000/\", status: \"200-399, 403\"")
        #expect(probe(.http, .tls) == "http: \"https://127.0.0.1:7000/\", insecure: true")
        #expect(probe(.haproxy, .silence) == "tcp: \"127.0.0.1:7000\"")
        #expect(probe(.etcd).contains("json: { /health: \"true\" }") && probe(.etcd, .tls).hasPrefix("tcp:"))
        #expect(
            probe(.mysql, nil, ["mysqladmin"]).contains("--no-defaults"), "no file with a password is read")
        #expect(
            probe(.postgresql).hasPrefix("tcp:") && probe(.memcached).hasPrefix("tcp:")
                && probe(.rabbitmq).hasPrefix("tcp:"))
        // In their own protocols, where they were heard to speak them: not with TLS, and not where a login is wanted.
        #expect(probe(.memcached, .memcached, ["bash"]).contains("exec 3<>/dev/tcp/127.0.0.1/7000"))
        #expect(probe(.memcached, .memcached).hasPrefix("tcp:"), "there is no bash")
        #expect(probe(.memcached, .silence, ["bash"]).hasPrefix("tcp:"))
        #expect(
            probe(.rabbitmq, .amqp, ["bash"]).contains("AMQP")
                && probe(.rabbitmq, .tls, ["bash"]).hasPrefix("tcp:"))
        #expect(probe(.mysql, nil, ["bash"]).contains("head -c 5") && probe(.mysql).hasPrefix("tcp:"))
    }

    /// Who is back within a moment is looked at more often than a program can be run.
    @Test func aQuickOneUnderASupervisorHasASecondProbe() throws {
        var service = FoundService(
            .memcached, program: "memcached", addresses: [.tcp(host: "127.0.0.1", port: 7000)],
            listeners: [5], main: 5, user: "u")
        service.answer = .memcached
        service.tools = ["bash"]
        service.choice = TargetChoice(.listening(7000))
        #expect(try read(FirstDrill(service, name: "x")).probes.count == 1)
        service.starter = .supervisor(name: "runit", command: ["sv", "start", "x"])
        let first = FirstDrill(service, name: "x")
        #expect(try read(first).probes.count == 2)
        #expect(first.drill.contains("connects: { tcp: \"127.0.0.1:7000\", every: 10ms"), "\(first.drill)")
    }

    /// Connections that say nothing lock a host out of MySQL, unless they come over loopback.
    @Test func whoeverOnlyHearsMySQLIsWarned() {
        for (host, warns) in [("127.0.0.1", false), ("::1", false), ("10.0.0.7", true)] {
            var service = FoundService(
                .mysql, program: "mysqld", addresses: [.tcp(host: host, port: 3306)], listeners: [5], main: 5,
                user: "u")
            service.tools = ["bash"]
            #expect(FirstDrill(service, name: "x").drill.contains("max_connect_errors") == warns)
            service.tools = ["bash", "mariadb-admin"]
            #expect(!FirstDrill(service, name: "x").drill.contains("max_connect_errors"))
        }
    }

    /// Nobody is known who starts it: the guard must be told, and the runbook asks a person.
    @Test func withoutAStartTheDrillSaysSo() throws {
        let host = CapturedHost()
        host.runs(70, "app", ["app: serving"], listens: [.tcp("0100007F:1F90", 70)])
        let first = try drill(host)
        let read = try read(first)
        #expect(first.restart == nil && read.targets[first.name]?.restart == [])
        #expect(
            first.drill.contains("# restart: [PROGRAM, ARGUMENT]")
                && first.runbook.contains("\"kind\":\"manual\""))
        #expect(!first.drill.contains("- runbook:"), "a person would be needed in the drill")
        var told = first
        told.restart = ["sh", "-c", "/srv/start 'a b'"]
        let again = try self.read(told)
        #expect(again.targets["app"]?.restart == ["sh", "-c", "/srv/start 'a b'"])
        #expect(
            told.drill.contains("- runbook: restart-app.md") && told.runbook.contains("\n/srv/start 'a b'\n"))
    }

    @Test func objectivesOfAnEntryThatStandsAreInherited() throws {
        let first = try drill(Captured.redis(), inherits: true)
        let services = try Services(
            reading:
                "format: 1\nservices:\n  redis-server-x: { owner: me, rto: 2s, failureModes: [process-crash] }\n",
            now: Self.now)
        let reader = DrillReader(
            faults: .standard, probes: .standard, workloads: .standard, services: services, now: Self.now)
        let examination = reader.examine(first.drill)
        #expect(
            examination.errors.isEmpty && examination.drill?.objectives.rto == .seconds(2),
            "\(examination.errors)")
    }

    /// Whatever a program calls itself, it comes to nothing in the files.
    @Test(arguments: [
        "a\nsteps: []", "x\u{1B}[2J", "\"'`$(reboot)`", "${env:HOME}", "# ---", "名前", "```\n# x",
    ])
    func oddNames(_ odd: String) throws {
        let host = CapturedHost()
        host.runs(
            71, odd, ["/srv/app", odd], listens: [.tcp("0100007F:1F90", 70)], exe: "/srv/\(odd)",
            cwd: "/srv/\(odd)")
        let first = try drill(host)
        let read = try read(first)
        #expect(read.steps.count >= 1 && !first.drill.contains("\u{1B}") && !first.runbook.contains("\u{1B}"))
        #expect(
            first.runbook.ranges(of: "```").count == 4,
            "two blocks and no third: \(first.runbook)")
    }

    @Test func whatDrillsAreAimedAt() {
        let drill =
            "targets:\n  a: { process: { listening: 80 } }\n  b:\n    process: { pidFile: \"/run/x.pid\" }\n  c: { fixture: kv }\n"
        #expect(StandingTargets.selectors(in: drill) == [.listening(80), .pidFile("/run/x.pid")])
        #expect(StandingTargets.selectors(in: "a: [").isEmpty)
    }
}

@Suite struct ServicesEditTests {
    private var first: FirstDrill {
        let service = FoundService(
            .tcp, program: "x", addresses: [.tcp(host: "127.0.0.1", port: 7000)], listeners: [5], main: 5,
            user: "u")
        return FirstDrill(service, name: "x")
    }
    private func adding(_ text: String) -> String? {
        ServicesEdit.adding([first], to: text, now: FirstDrillTests.now)
    }

    /// What stands there stays to the byte, around what is added.
    @Test(arguments: [
        ("format: 1\nservices:\n  a:\n    owner: me\n", "", "\n"),
        (
            "format: 1\nservices:\n  a: { owner: me }   # the first\n  # a note within\n\n# one behind\n",
            "\n# one behind\n", "\n"
        ),
        (
            "services:   # ours\n    a:\n        owner: me\n\nformat: 1\ntiers: {}\n",
            "\nformat: 1\ntiers: {}\n", "\n"
        ),
        ("format: 1\r\nservices:\r\n  a:\r\n    owner: me\r\n", "", "\r\n"),
        ("format: 1\nservices:\n  a:\n    owner: me", "", "\n"),
        ("format: 1\nservices:\n", "", "\n"), ("format: 1\nservices:\ntiers: {}\n", "tiers: {}\n", "\n"),
    ])
    func onlyLinesAreAdded(_ text: String, _ behind: String, _ lineEnd: String) throws {
        let result = try #require(adding(text), "\(text)")
        let before = String(text.dropLast(behind.count))
        #expect(result.hasPrefix(before) && result.hasSuffix(behind))
        let added = result.dropFirst(before.count).dropLast(behind.count)
        #expect(
            added.contains("x:\(lineEnd)") && added.hasSuffix("[process-crash]\(lineEnd)"),
            "\(result.debugDescription)")
        let services = try Services(reading: result, now: FirstDrillTests.now)
        #expect(services["x"]?.owner == "you" && services["x"]?.rto == .seconds(10))
        #expect((services["a"] == nil) == !text.contains("a:\n") || services["a"]?.owner == "me")
    }

    @Test(arguments: [
        "format: 1\nservices: { a: { owner: me } }\n", "format: 1\nservices: {}\n", "format: 1\n",
        "broken: [",
        "format: 1\nservices:\n  x: { owner: me }\n", "format: 1\n\"services\":\n  a: { owner: me }\n", "",
    ])
    func whatCannotBeAddedToIsLeftAlone(_ text: String) { #expect(adding(text) == nil) }
}
