import MusterCore
import Testing

@testable import MusterDocuments

/// What servers are, where their data are, and who starts them, when that is not what their command lines seem to say.
@Suite struct ServersInPlaceTests {
    private func only(_ host: CapturedHost) throws -> FoundService {
        let found = try Surveyor(on: host, greets: { _ in true }).survey()
        try #require(found.services.count == 1, "\(found)")
        return found.services[0]
    }

    /// Erlang runs much beside RabbitMQ: ejabberd, CouchDB, everything of Elixir.
    @Test(arguments: [
        ("beam.smp", "-sname rabbit@h -s rabbit boot", ServiceKind.rabbitmq),
        ("beam", "-s rabbit boot", .rabbitmq),
        ("erl", "-s rabbit boot", .rabbitmq), ("beam.smp", "-sname ejabberd@h -s ejabberd", .tcp),
        ("beam", "-s couchdb", .tcp), ("erl", "-s phoenix", .tcp),
    ]) func onlySomeErlangIsABroker(_ program: String, _ arguments: String, _ kind: ServiceKind) throws {
        let host = CapturedHost()
        host.runs(
            971, program, [program] + arguments.split(separator: " ").map(String.init),
            listens: [.tcp("0100007F:1B58", 121)])
        #expect(try only(host).kind == kind)
    }

    /// A path from where it was started; it is in its data directory by now.
    @Test(arguments: [["-D", "data"], ["-Ddata"], ["-D", "/somewhere/data"]])
    func aPostgresIsWhereItsDataIs(_ flag: [String]) throws {
        let host = CapturedHost()
        let data = flag.last == "/somewhere/data" ? "/somewhere/data" : "/srv/pg/data"
        host.files[data + "/postmaster.pid"] = "810\n"
        host.runs(
            810, "postgres", ["/opt/pg/bin/postgres"] + flag + ["-p", "5433"],
            listens: [.tcp("0100007F:1539", 84)], exe: "/opt/pg/bin/postgres", cwd: "/srv/pg/data")
        host.runs(811, "postgres", ["postgres: checkpointer "], parent: 810)
        let found = try only(host)
        #expect(found.choice.selector == .pidFile(data + "/postmaster.pid"))
        let start = try #require(found.restart).joined(separator: " ")
        #expect(start.contains("/opt/pg/bin/pg_ctl -D \(data) ") && start.contains("-p 5433"), "\(start)")
    }

    /// Some servers leave the directory in which they were started; what they were told from there leads elsewhere now.
    @Test(
        arguments: [
            ("mariadbd", "--datadir=data --port=1", "--datadir=data --port=1 --datadir=/now"),
            ("mysqld", "-h data", "-h data --datadir=/now"), ("mysqld", "-hdata", "-hdata --datadir=/now"),
            ("mariadbd", "--datadir=/data", "--datadir=/data"), ("mariadbd", "--defaults-file=my.cnf", nil),
            ("mysqld", "--basedir ./x", nil), ("haproxy", "-f near.cfg -D", "-f near.cfg -D"),
            ("haproxy", "-f far.cfg", nil), ("haproxy", "-f /etc/h.cfg", "-f /etc/h.cfg"),
            ("httpd", "-d etc", nil),
            ("httpd", "-d /etc -f a.conf", "-d /etc -f a.conf"),
            ("etcd", "--data-dir default.etcd", "--data-dir default.etcd"), ("memcached", "-d", "-d"),
        ] as [(String, String, String?)]) func pathsFromADirectoryThatWasLeft(
            _ program: String, _ said: String, _ wanted: String?
        ) throws
    {
        let host = CapturedHost()
        host.files["/now/near.cfg"] = "global"
        host.runs(
            997, program, ["/bin/\(program)"] + said.split(separator: " ").map(String.init),
            listens: [.tcp("00000000:1F40", 134)], cwd: "/now")
        let line = try only(host).restart?[2]
        #expect(
            line
                == wanted.map { "cd /now && exec setsid -f /bin/\(program) \($0) </dev/null >/dev/null 2>&1" }
        )
    }

    /// systemd holds the socket of a unit that runs already: killed, it is started by whoever connects next.
    @Test func oneWhoseSocketSystemdHolds() throws {
        let host = CapturedHost()
        host.files["/lib/systemd/system/app.service"] = "[Service]\nExecStart=/srv/app\n"
        host.runs(1, "systemd", ["/sbin/init"], listens: [.tcp("0100007F:1F40", 140)])
        host.runs(
            935, "app", ["/srv/app", "--serve"], cgroup: "/system.slice/app.service",
            listens: [.tcp("0100007F:1F40", 140)])
        let found = try only(host)
        #expect(found.main == 935 && found.listeners == [935] && found.isSocketActivated && found.comesBack)
        #expect(found.restart == ["systemctl", "start", "app"])
        // By its port init would be struck with it.
        #expect(found.choice.selector == .commandLine("/srv/app --serve"))
        let drill = FirstDrill(found, name: "app").drill
        #expect(
            drill.contains("# systemd holds its socket, and starts it when somebody connects"), "\(drill)")
        #expect(drill.contains("predict: { outage: 0s..") && !drill.contains("- runbook:"), "\(drill)")
        host.open[1] = []
        let own = try only(host)
        #expect(!own.isSocketActivated && !own.comesBack && own.choice.selector == .listening(8000))
    }
}
