import MusterCore
import Testing

@testable import MusterDocuments

/// How servers that hide their command line, or add to it, are started again.
@Suite struct ServerStartTests {
    private func only(_ host: CapturedHost) throws -> FoundService {
        let found = try Surveyor(on: host, greets: { _ in true }).survey()
        try #require(found.services.count == 1, "\(found)")
        return found.services[0]
    }

    @Test(
        arguments: [
            ("nginx: master process nginx", ["nginx"]),
            (
                "nginx: master process /usr/sbin/nginx -c /etc/n.conf ",
                ["/usr/sbin/nginx", "-c", "/etc/n.conf"]
            ),
            (
                "nginx: master process /usr/sbin/nginx -g daemon on; master_process on; -c /a -q",
                ["/usr/sbin/nginx", "-g", "daemon on; master_process on;", "-c", "/a", "-q"]
            ),
            // One path or two words, and what no nginx takes.
            ("nginx: master process nginx -c /etc/my site.conf", nil),
            ("nginx: master process nginx -c", nil),
            ("nginx: master process nginx -g -q", nil), ("nginx: master process nginx stray", nil),
            ("nginx: worker process", nil), ("nginx -c /a", nil), ("nginx: master process ", nil),
        ] as [(String, [String]?)])
    func titlesOfNginx(_ title: String, _ arguments: [String]?) {
        #expect(ServerArguments.nginx([title]) == arguments)
    }

    @Test func whatAReloadAddsToHaproxyIsLeftOut() {
        let line = ["haproxy", "-sf", "12", "13", "-x", "sockpair@4", "-W", "-f", "/etc/a", "-st", "7"]
        #expect(ServerArguments.haproxy(line) == ["haproxy", "-W", "-f", "/etc/a"])
        #expect(ServerArguments.haproxy(["haproxy", "-D", "-sf"]) == ["haproxy", "-D"])
    }

    /// Its children have its command line, so that only a pid file tells it.
    private func apache(_ arguments: [String], _ files: [String: String]) throws -> (
        CapturedHost, FoundService
    ) {
        let host = CapturedHost()
        host.files.merge(files) { _, new in new }
        host.runs(300, "apache2", arguments, listens: [.tcp("00000000:0050", 31)], exe: "/usr/sbin/apache2")
        host.runs(301, "apache2", arguments, parent: 300, user: 33)
        host.open[301] = [31]
        return (host, try only(host))
    }

    @Test func apacheIsFoundByThePidFileOfItsConfiguration() throws {
        let line = ["/usr/sbin/apache2", "-f", "/srv/a.conf", "-k", "start"]
        let files = [
            "/srv/a.conf": "# PidFile /no\nServerRoot \"/srv/web\"\npidfile run/a.pid\n",
            "/srv/web/run/a.pid": "300\n",
        ]
        let (_, found) = try apache(line, files)
        #expect(found.choice == TargetChoice(.pidFile("/srv/web/run/a.pid"), tree: true))
        let command = try #require(found.restart?[2])
        #expect(
            command.hasSuffix(
                "setsid -f /usr/sbin/apache2 -f /srv/a.conf -k start </dev/null >/dev/null 2>&1"))
        #expect(command.contains("|| rm -f /srv/web/run/a.pid; } && exec "), "\(command)")
        let drill = FirstDrill(found, name: "x")
        #expect(
            drill.drill.contains("# It removes /srv/web/run/a.pid while")
                && drill.runbook.contains("It removes"))
        let runbook = RunbookReader.examine(drill.runbook, fallbackTitle: "x") { _ in "" }
        #expect(runbook.errors.isEmpty && runbook.warnings.isEmpty, "\(runbook)")
        // One that names somebody else tells nothing.
        let (_, other) = try apache(line, files.merging(["/srv/web/run/a.pid": "301"]) { _, new in new })
        #expect(other.choice == TargetChoice(.listening(80), count: 2) && other.start?.besides == nil)
    }

    /// Debian's own configuration wants variables that only its script gives.
    @Test func apacheOfDebianIsStartedByItsScript() throws {
        let (host, _) = try apache(["/usr/sbin/apache2", "-k", "start"], ["/run/apache2/apache2.pid": "300"])
        #expect(try only(host).restart?[2].contains("/usr/sbin/apache2 -k start") == true)
        host.tools = ["apache2ctl"]
        #expect(try only(host).restart?[2].contains("setsid -f /usr/bin/apache2ctl -k start") == true)
    }

    @Test func haproxyAndNginxAreFoundByThePidFilesOfTheirConfigurations() throws {
        let proxy = CapturedHost()
        proxy.files = proxy.files.merging([
            "/srv/h.cfg": "global\n    pidfile /srv/h.pid\n", "/srv/h.pid": "310",
        ]) { _, new in new }
        let line = ["haproxy", "-W", "-f", "/srv/h.cfg", "-sf", "5"]
        proxy.runs(310, "haproxy", line).runs(
            311, "haproxy", line, parent: 310, listens: [.tcp("00000000:0050", 32)])
        let found = try only(proxy)
        #expect(found.main == 310 && found.choice == TargetChoice(.pidFile("/srv/h.pid"), tree: true))
        #expect(found.restart?[2].contains("haproxy -W -f /srv/h.cfg <") == true, "\(found.restart ?? [])")

        let web = CapturedHost()
        web.files["/srv/n.conf"] = "worker_processes 1;\n  pid   /srv/n.pid; # here\n"
        web.files["/srv/n.pid"] = "320"
        let title = "nginx: master process nginx -c /srv/n.conf"
        web.runs(320, "nginx", [title], listens: [.tcp("00000000:0050", 33)])
        web.runs(321, "nginx", ["nginx: worker process"], parent: 320)
        #expect(try only(web).choice == TargetChoice(.pidFile("/srv/n.pid"), tree: true))
        // Without one: what stays the same once it is started by its path.
        web.files["/srv/n.pid"] = nil
        #expect(try only(web).choice == TargetChoice(.commandLine("nginx -c /srv/n.conf"), tree: true))
    }

    /// A server that becomes another user itself needs root before it does: for its pid file, for instance.
    @Test func whoBecomesAnotherUserIsStartedAsRoot() throws {
        let host = CapturedHost()
        host.runs(
            330, "memcached", ["memcached", "-u", "www-data"], user: 33, listens: [.tcp("0100007F:2BCB", 34)])
        #expect(try only(host).restart?[2].contains("setpriv") == false)
        host.running[0].arguments = ["memcached"]
        #expect(try only(host).restart?[2].contains("setpriv --reuid=33") == true)
    }

    /// The runtime alone does not start; that it is RabbitMQ, its arguments tell.
    @Test func erlangIsNotRebuilt() throws {
        let host = CapturedHost()
        let exe = "/usr/lib/erlang/erts-13/bin/beam.smp"
        host.runs(
            340, "beam.smp", [exe, "-pa", "/usr/lib/rabbitmq"], listens: [.tcp("0100007F:1628", 35)], exe: exe
        )
        let found = try only(host)
        #expect(found.kind == .rabbitmq && found.restart == nil)
        host.running[0].arguments = [exe, "-pa", "/opt/couchdb"]
        #expect(try only(host).kind == .tcp)
    }

    /// The start waits for a dead server to be collected, which its pid file still names.
    @Test func postgresqlWaitsForItsPredecessor() throws {
        let host = CapturedHost()
        host.files["/srv/d/postmaster.pid"] = "350\n"
        host.runs(
            350, "postgres", ["/opt/pg/bin/postgres", "-D", "/srv/d", "-p", "6000"],
            listens: [.tcp("0100007F:1770", 36)],
            exe: "/opt/pg/bin/postgres", cwd: "/srv/d")
        host.runs(351, "postgres", ["postgres: checkpointer"], parent: 350)
        let found = try only(host)
        let words = try #require(found.restart)
        let runbook = RunbookReader.examine(FirstDrill(found, name: "x").runbook, fallbackTitle: "x") { _ in
            ""
        }
        #expect(runbook.errors.isEmpty && runbook.warnings.isEmpty, "\(runbook)")
        #expect(words[0] == "sh" && words[2].contains("/proc/$(head -n 1 /srv/d/postmaster.pid"), "\(words)")
        #expect(words[2].hasSuffix("exec /opt/pg/bin/pg_ctl -D /srv/d -s -w -l /dev/null -o '-p 6000' start"))
    }

    /// Of a service with several ports the one that somebody asked for is looked at.
    @Test func thePortThatWasAskedFor() throws {
        let host = CapturedHost()
        host.runs(
            360, "nginx", ["nginx: master process nginx"],
            listens: [.tcp("00000000:0050", 37), .tcp("00000000:20FB", 38)])
        #expect(try only(host).address.port == 80)
        let found = try Surveyor(on: host, preferring: [8443], greets: { _ in true }).survey()
        #expect(found.services.first?.address.port == 8443)
    }
}
