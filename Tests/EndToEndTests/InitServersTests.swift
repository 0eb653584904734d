import Foundation
import Glibc
import MusterCore
import MusterSystem
import Testing

extension EndToEndDrills {
    /// `muster init` on real servers of every kind that it knows: what it writes finds the server, asks it in its own
    /// protocol, and brings it back.
    @Suite(.enabled(if: geteuid() == 0)) struct InitServers {
        private func site() throws -> InitSite { try InitSite(try Lab()) }

        /// It wrote its title over its arguments, and they are read from there.
        @Test(.enabled(if: InitSite.has("nginx"))) func nginx() throws {
            let site = try site()
            let server = try site.nginx()
            defer { site.end(server) }
            let place = site.lab.directory
            try site.proves(
                server,
                drill: [
                    "http: \"http://127.0.0.1:\(server.port)/\", every", "pidFile: \"\(place)/nginx.pid\"",
                    "signal: KILL, tree: true", "- runbook: restart-mine.md", "from: declared",
                ],
                runbook: ["/nginx -e \(place)/nginx.log -c \(place)/nginx.conf </dev/null"])
        }

        /// Its children have its command line, so only its pid file tells it. It would not start while that names somebody
        /// whom init has not collected yet.
        @Test(.enabled(if: InitSite.has("apache2"))) func apache() throws {
            let site = try site()
            let server = try site.apache()
            defer { site.end(server) }
            let place = site.lab.directory
            try site.proves(
                server,
                drill: [
                    "pidFile: \"\(place)/apache.pid\"", "tree: true",
                    "status: \"200-399, 404\"",
                ],
                runbook: ["rm -f \(place)/apache.pid", "apache2 -f \(place)/apache.conf -k start"])
        }

        /// A reload adds to its command line what must not be used again: processes that it is to end.
        @Test(.enabled(if: InitSite.has("haproxy"))) func haproxyAfterAReload() throws {
            let site = try site()
            let server = try site.haproxyInTheBackground()
            defer { site.end(server) }
            let place = site.lab.directory
            try site.proves(
                server,
                drill: [
                    "http: \"http://127.0.0.1:\(server.port)/\", every", "pidFile: \"\(place)/haproxy.pid\"",
                    "tree: true",
                ],
                runbook: ["/haproxy -W -D -f \(place)/haproxy.cfg </dev/null"])
        }

        @Test(.enabled(if: InitSite.has("memcached"))) func memcached() throws {
            let site = try site()
            let server = try site.memcached()
            defer { site.end(server) }
            try site.proves(
                server,
                drill: [
                    "exec: [bash, \"-c\", \"exec 3<>/dev/tcp/127.0.0.1/\(server.port)", "== VERSION*",
                    "listening: \(server.port)",
                ],
                runbook: [
                    "exec setsid -f /usr/bin/memcached -d -u nobody",
                    "\"name\":\"answers\",\"kind\":\"wait\"",
                ])
        }

        /// Nobody needs a runbook; it stands there for the day that runit is not enough.
        @Test(.enabled(if: InitSite.has("memcached", "runsv"))) func memcachedUnderASupervisor() throws {
            let site = try site()
            let server = try site.memcachedUnderRunit()
            defer {
                _ = try? site.lab.shell("sv force-shutdown \(site.lab.directory)/cache")
                site.end(server)
            }
            let place = site.lab.directory
            try site.proves(
                server,
                drill: [
                    "# Its parent is runit, which starts it again.", "from: fault",
                    "restart: [sv, start, \"\(place)/cache\"]",
                    "connects: { tcp: \"127.0.0.1:\(server.port)\", every: 10ms",
                ],
                runbook: ["\nsv start \(place)/cache\n"])
            let drill = try site.lab.read("drills/mine-kill.yaml")
            #expect(!drill.contains("- runbook:"), "\(drill)")
        }

        @Test(.enabled(if: InitSite.has("etcd"))) func etcd() throws {
            let site = try site()
            let server = try site.etcd()
            defer { site.end(server) }
            try site.proves(
                server,
                drill: [
                    "http: \"http://127.0.0.1:\(server.port)/health\", json: { /health: \"true\" }",
                    "listening: \(server.port)",
                ],
                runbook: ["exec setsid -f /usr/bin/etcd --name a", "grep -q '\"health\":\"true\"'"])
        }

        @Test(.enabled(if: InitSite.has("mariadbd", "mariadb-install-db"))) func mariadb() throws {
            let site = try site()
            let server = try site.mariadb()
            defer { site.end(server) }
            let hasTool = InitSite.has("mariadb-admin")
            try site.proves(
                server,
                drill: [
                    hasTool ? "exec: [mariadb-admin, \"--no-defaults\"" : "head -c 5 <&3",
                    "listening: \(server.port)",
                ],
                runbook: ["exec setsid -f /usr/sbin/mariadbd --no-defaults", "--pid-file="])
        }

        /// The words say that its start has to come from people, and the drill is refused until they gave it.
        @Test(.enabled(if: InitSite.has("rabbitmq-server", "epmd"))) func rabbitmq() throws {
            let site = try site()
            let (server, start) = try site.rabbitmq()
            defer { site.end(server) }
            let lab = site.lab
            let shown = try lab.muster("init", "--port", "\(server.port)", "--name", "mine")
            let drill = try lab.read("drills/mine-kill.yaml")
            #expect(drill.contains("# CONFIRM: what starts it? Nobody is known who does"), "\(drill)")
            let refused = try lab.muster("plan", "drills/mine-kill.yaml")
            #expect(
                refused.output.contains("declare `restart:` on the target"), "\(shown.all)\n\(refused.all)")
            try lab.shell("rm -r drills runbooks; mkdir drills runbooks")
            try site.proves(
                server, ["--restart", start],
                drill: ["printf \\\"AMQP\\\\000\\\\000\\\\011\\\\001\\\"", "listening: \(server.port)"],
                runbook: ["\n\(start)\n"])
        }

        /// A cluster that was started with pg_ctl, whose start refuses while its pid file names a dead process.
        @Test(.enabled(if: Postgres.isInstalled)) func postgresql() throws {
            let site = try site()
            let server = try site.postgresByHand()
            defer { site.endPostgres(server) }
            try site.proves(
                server, drill: ["postmaster.pid\"", "exec: [pg_isready", "tree: true"],
                runbook: ["/pg_ctl -D "])
        }

        /// What a person does without root, with a server of their own.
        @Test(.enabled(if: InitSite.has("nginx"))) func nginxWithoutRoot() throws {
            let lab = try Lab(user: 65_534)
            let site = try InitSite(lab)
            let server = try site.nginx()
            defer { site.end(server) }
            try site.proves(
                server,
                drill: [
                    "pidFile: \"\(lab.directory)/nginx.pid\"", "user nobody.", "need root: sudo muster run",
                ],
                runbook: ["/nginx -e \(lab.directory)/nginx.log"])
        }

        /// Two of a kind, one on ::1, one on a socket alone, one that nobody knows and one that says nothing: each gets
        /// files of its own, once; and drills of the odd ones pass.
        @Test(.enabled(if: InitSite.has("memcached", "redis-server", "redis-cli", "ip", "nsenter")))
        func oddOnesInANetworkOfTheirOwn() throws {
            let lab = try Lab()
            let site = try InitSite(lab)
            let network = try OwnNetwork(lab)
            defer { network.endAll() }
            try network.startOddServers()
            let list = try network.muster("init", "--all", "--json").json()
            let names = (list["services"]?.asList ?? []).compactMap { $0["name"]?.asText }
            #expect(
                names == [
                    "python3-7777", "python3-8000", "memcached-11211", "memcached-11212", "redis-server",
                ],
                "\(list.canonicalJSON)")
            #expect(
                list["written"]?.asList?.count == 11
                    && list["written"]?.asList?.last == "drills/services.yaml")
            let lint = try lab.muster("lint", "drills", "runbooks")
            #expect(lint.code == 0 && lint.output.contains("0 errors"), "\(lint.all)")
            for (name, word) in [
                ("python3-7777", "tcp: \"127.0.0.1:7777\""), ("python3-8000", "http: \"http://[::1]:8000/\""),
                ("memcached-11212", "/dev/tcp/127.0.0.1/11212"),
                ("redis-server", "unix: \"\(lab.directory)/redis.sock\""),
            ] {
                let drill = try lab.read("drills/\(name)-kill.yaml")
                #expect(drill.contains(word), "'\(word)' is missing:\n\(drill)")
                try lab.shell("cp drills/services.yaml ..")
                let plan = try network.muster("plan", "drills/\(name)-kill.yaml")
                let touched = plan.output.matches(of: #/sends SIGKILL to process (\d+) /#)
                #expect(touched.count == 1, "\(plan.all)")
            }
            let again = try network.muster("init", "--all")
            #expect(again.output.contains("Nothing was left to write."), "\(again.all)")
            #expect(try lab.shell("cmp drills/services.yaml ../services.yaml && ls drills | wc -l") == "6")
            for name in ["python3-8000", "redis-server"] {
                try site.hasten("drills/\(name)-kill.yaml")
                let run = try network.muster("run", "drills/\(name)-kill.yaml")
                #expect(run.code == 0 && run.output.contains("every fact verified"), "\(run.all)")
            }
        }
    }
}
