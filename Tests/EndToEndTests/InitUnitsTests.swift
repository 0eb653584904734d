import Foundation
import Glibc
import MusterCore
import MusterSystem
import Testing

extension EndToEndDrills {
    /// `muster init` on units of a real systemd: whether they come back is read from their files, and is so.
    @Suite(.enabled(if: OwnSystemd.canBoot)) struct InitUnits {
        @Test(.enabled(if: InitSite.has("memcached", "nginx"))) func oneThatComesBackAndOneThatDoesNot()
            throws
        {
            let lab = try Lab()
            let site = try InitSite(lab)
            let systemd = try OwnSystemd(lab)
            defer { systemd.end() }
            let list = try systemd.muster("init", "--all", "--json").json()
            let found = list["services"]?.asList ?? []
            #expect(found.compactMap { $0["unit"]?.asText } == ["web.service", "cache.service"])
            #expect(found.map { $0["comesBack"] == true } == [false, true], "\(list.canonicalJSON)")
            let lint = try lab.muster("lint", "drills", "runbooks")
            #expect(lint.code == 0 && lint.output.contains("0 errors"), "\(lint.all)")

            let cache = try lab.read("drills/cache-kill.yaml")
            #expect(cache.contains("Restart=on-failure, RestartSec=1s (/run/systemd/system/cache.service)"))
            #expect(
                cache.contains("predict: { outage: 1s..10s }") && !cache.contains("- runbook:"), "\(cache)")
            let web = try lab.read("drills/web-kill.yaml")
            #expect(web.contains("# It is not started again after a SIGKILL"), "\(web)")
            #expect(web.contains("pidFile: \"/run/web.pid\"") && web.contains("- runbook: restart-web.md"))
            let runbook = try lab.read("runbooks/restart-web.md")
            #expect(runbook.contains("\nsystemctl restart web\n"), "\(runbook)")

            // A master with two workers, and a single process.
            for (name, count) in [("web", 3), ("cache", 1)] {
                let plan = try systemd.muster("plan", "drills/\(name)-kill.yaml")
                let touched = plan.output.matches(of: #/sends SIGKILL to process (\d+) /#)
                #expect(
                    touched.count == count && plan.output.contains("systemctl start \(name)"), "\(plan.all)")
                try site.hasten("drills/\(name)-kill.yaml")
                let run = try systemd.muster("run", "drills/\(name)-kill.yaml")
                #expect(run.code == 0 && run.output.contains("as predicted"), "\(run.all)")
                #expect(run.output.contains("every fact verified"), "\(run.all)")
            }
        }
    }
}

/// A systemd as process 1 of namespaces of its own, with two units.
private struct OwnSystemd {
    private static let fixture = Lab.root + "/Tests/EndToEndTests/Fixtures/boot-systemd"
    private let lab: Lab
    private let holder: Running
    private let first: Int32
    private var cgroup: String { (lab.directory as NSString).lastPathComponent }

    /// Where systemd has a hierarchy of its own, and this user may make namespaces.
    static let canBoot: Bool = {
        guard geteuid() == 0, access("/lib/systemd/systemd", X_OK) == 0,
            access("/sys/fs/cgroup/systemd/cgroup.procs", W_OK) == 0
        else { return false }
        let trial = Process()
        trial.executableURL = URL(fileURLWithPath: "/usr/bin/unshare")
        trial.arguments = ["--cgroup", "--mount", "--net", "--uts", "--ipc", "--pid", "--fork", "true"]
        trial.standardError = FileHandle.nullDevice
        do { try trial.run() } catch { return false }
        trial.waitUntilExit()
        return trial.terminationStatus == 0
    }()

    init(_ lab: Lab) throws {
        self.lab = lab
        let place = lab.directory
        try lab.shell("mkdir \(place)/units")
        try lab.write(
            "events {}\nworker_processes 2;\nhttp { access_log off; server { listen 127.0.0.1:80; return 200; } }\n",
            to: "\(place)/web.conf")
        let unit = "[Unit]\nDefaultDependencies=no\n[Service]\n"
        try lab.write(
            unit + "ExecStart=/usr/bin/memcached -u nobody -l 127.0.0.1\nRestart=on-failure\nRestartSec=1s\n",
            to: "\(place)/units/cache.service")
        try lab.write(
            unit + "Type=forking\nPIDFile=/run/web.pid\n"
                + "ExecStart=/usr/sbin/nginx -e /run/web.log -g 'pid /run/web.pid;' -c \(place)/web.conf\n",
            to: "\(place)/units/web.service")
        try lab.write("[Unit]\nWants=cache.service web.service\n", to: "\(place)/units/muster.target")
        let name = (place as NSString).lastPathComponent
        let holder = try lab.start(program: "/bin/bash", [Self.fixture, "\(place)/units", name])
        self.holder = holder
        var found: Int32?
        lab.eventually(within: .seconds(20)) {
            found = lab.child(of: holder.pid, named: "--system")
            return found != nil
        }
        let first = try #require(found, "systemd did not begin: \(holder.said)")
        self.first = first
        var said = ""
        let up = try lab.eventually(within: .seconds(30)) {
            let answer = try Self.start(["systemctl", "is-active", "cache", "web"], below: first, lab).end()
            said = answer.all
            return answer.code == 0
        }
        try #require(up != nil, "\(said)")
    }

    private static func start(_ argv: [String], below first: Int32, _ lab: Lab) throws -> Running {
        try lab.start(program: "/usr/bin/nsenter", ["-t", "\(first)", "-a", "--wd=\(lab.project)"] + argv)
    }

    func muster(_ arguments: String...) throws -> Lab.Answer {
        let argv = ["\(lab.binaries)/muster"] + arguments
        return try Self.start(argv, below: first, lab).end(within: .seconds(90))
    }

    /// With its process 1 all of its processes end.
    func end() {
        kill(first, SIGKILL)
        _ = try? holder.child.wait(for: .seconds(10))
        let places = ["systemd", "unified"].map { "/sys/fs/cgroup/\($0)/\(cgroup)" }
        let gone = lab.eventually(within: .seconds(10)) {
            for place in places where access(place, F_OK) == 0 {
                _ = try? lab.shell("find \(place) -depth -type d -exec rmdir {} + 2>/dev/null || true")
            }
            return places.allSatisfy { access($0, F_OK) != 0 }
        }
        if gone == nil { Issue.record("cgroups of \(cgroup) are left") }
    }
}
