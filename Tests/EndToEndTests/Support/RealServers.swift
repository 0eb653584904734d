import Foundation
import Glibc
import MusterCore
import MusterSystem
import Testing

/// A real server of one test's own.
struct RealServer {
    /// As the kernel calls it.
    var program: String
    var port: Int
}

/// Servers as somebody starts them by hand: orphans on loopback, with all of their files in the lab.
extension InitSite {
    static func has(_ programs: String...) -> Bool {
        programs.allSatisfy { program in
            (["/usr/bin", "/usr/sbin", "/usr/local/bin"] as [String]).contains {
                access("\($0)/\(program)", X_OK) == 0
            }
        }
    }

    private var place: String { lab.directory }

    /// Starts it, and waits until it listens.
    private func start(_ program: String, on port: Int, _ command: String) throws -> RealServer {
        try lab.shell("cd '\(place)' && \(command) </dev/null >>server.log 2>&1")
        try waits(for: port, within: .seconds(60))
        return RealServer(program: program, port: port)
    }

    /// A master with two workers.
    func nginx() throws -> RealServer {
        let port = try port()
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map {
            "\($0)_temp_path \(place)/\($0);"
        }
        try lab.write(
            """
            pid \(place)/nginx.pid;
            error_log \(place)/nginx.log;
            worker_processes 2;
            events { worker_connections 64; }
            http {
              access_log off;
              \(temporary.joined(separator: " "))
              server { listen 127.0.0.1:\(port); location / { return 200 "here"; } }
            }

            """, to: "\(place)/nginx.conf")
        return try start("nginx", on: port, "nginx -e \(place)/nginx.log -c \(place)/nginx.conf")
    }

    func apache() throws -> RealServer {
        let port = try port()
        let modules = ["mpm_event", "authz_core"].map {
            "LoadModule \($0)_module /usr/lib/apache2/modules/mod_\($0).so"
        }
        try lab.write(
            """
            ServerRoot \(place)
            ServerName localhost
            PidFile apache.pid
            Mutex file:\(place) default
            ErrorLog \(place)/apache.log
            Listen 127.0.0.1:\(port)
            \(modules.joined(separator: "\n"))
            StartServers 2
            User www-data
            Group www-data

            """, to: "\(place)/apache.conf")
        return try start("apache2", on: port, "apache2 -f \(place)/apache.conf -k start")
    }

    /// A master with a worker, which was reloaded once.
    func haproxyInTheBackground() throws -> RealServer {
        let port = try port()
        try lab.write(
            """
            global
              pidfile \(place)/haproxy.pid
            defaults
              mode http
              timeout connect 1s
              timeout client 5s
              timeout server 5s
            frontend front
              bind 127.0.0.1:\(port)
              http-request return status 200 content-type text/plain string here

            """, to: "\(place)/haproxy.cfg")
        let server = try start("haproxy", on: port, "haproxy -W -D -f \(place)/haproxy.cfg")
        // A signal that comes while it still starts is lost.
        try lab.shell(
            """
            for n in $(seq 40); do
                kill -USR2 $(head -n 1 \(place)/haproxy.pid); sleep 0.5
                ps -ww -C haproxy -o args= | grep -q ' -sf .*\(place)/haproxy.cfg' && exit
            done
            exit 1
            """)
        let settled = try lab.eventually(within: .seconds(30)) { try processes(of: server).count == 2 }
        try #require(settled != nil, "old workers go on")
        return server
    }

    func memcached() throws -> RealServer {
        let port = try port()
        return try start(
            "memcached", on: port, "memcached -d -u nobody -l 127.0.0.1 -p \(port) -P \(place)/memcached.pid")
    }

    /// Started again by runit.
    func memcachedUnderRunit() throws -> RealServer {
        let port = try port()
        try lab.shell("mkdir \(place)/cache")
        try lab.write(
            "#!/bin/sh\nexec memcached -u nobody -l 127.0.0.1 -p \(port) -P \(place)/memcached.pid\n",
            to: "\(place)/cache/run")
        try lab.shell("chmod 755 \(place)/cache/run")
        return try start("memcached", on: port, "setsid -f runsv \(place)/cache")
    }

    func etcd() throws -> RealServer {
        let (port, peers) = (try port(), try port())
        return try start(
            "etcd", on: port,
            "setsid -f etcd --name a --data-dir \(place)/etcd --listen-client-urls http://127.0.0.1:\(port) "
                + "--advertise-client-urls http://127.0.0.1:\(port) --listen-peer-urls http://127.0.0.1:\(peers) "
                + "--initial-advertise-peer-urls http://127.0.0.1:\(peers) --initial-cluster a=http://127.0.0.1:\(peers)"
        )
    }

    func mariadb() throws -> RealServer {
        let port = try port()
        try lab.shell(
            """
            mkdir -p \(place)/rows && chown nobody \(place)/rows && cd / && mariadb-install-db --no-defaults \
            --datadir=\(place)/rows --user=nobody --auth-root-authentication-method=normal --skip-test-db \
            --innodb-log-file-size=8M >\(place)/install.log 2>&1
            """)
        return try start(
            "mariadbd", on: port,
            "setsid -f mariadbd --no-defaults --datadir=\(place)/rows --user=nobody --bind-address=127.0.0.1 "
                + "--port=\(port) --socket=\(place)/rows/s --pid-file=\(place)/rows/pid --innodb-log-file-size=8M"
        )
    }

    /// A node, with an epmd of its own.
    /// - Returns: and what starts it, which nobody can find out.
    func rabbitmq() throws -> (server: RealServer, start: String) {
        let (port, peers, names) = (try port(), try port(), try port())
        try lab.shell(
            "mkdir -m 711 \(place)/rabbit && cp '\(Lab.root)/drills/rabbitmq/serve' \(place)/rabbit")
        _ = try lab.start(program: "/usr/bin/epmd", ["-port", "\(names)", "-address", "127.0.0.1"])
        try waits(for: names)
        let command =
            "setsid -f bash \(place)/rabbit/serve a \(place)/rabbit \(port) \(peers) \(names) a </dev/null >/dev/null 2>&1"
        return (try start("beam.smp", on: port, command), command)
    }

    /// A cluster as its owner starts it.
    func postgresByHand() throws -> RealServer {
        let port = try port()
        try lab.shell("install -d -m 700 -o postgres \(place)/rows")
        try postgres("initdb -D \(place)/rows -A trust -U postgres --no-sync --no-instructions")
        try postgres(
            "pg_ctl -D \(place)/rows -s -w -l \(place)/rows/log -o '-p \(port) -c listen_addresses=127.0.0.1 -k \(place)/rows' start"
        )
        try waits(for: port)
        return RealServer(program: "postgres", port: port)
    }

    /// Not by SIGKILL, which would leave its shared memory behind.
    func endPostgres(_ server: RealServer) {
        try? postgres("pg_ctl -D \(place)/rows -s -w -m immediate stop")
        end(server)
    }

    private func postgres(_ command: String) throws {
        try lab.shell(
            """
            cd / && exec setpriv --reuid postgres --regid postgres --clear-groups \
            $(find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin | sort -V | tail -n 1)/\(command) \
            </dev/null >>\(place)/server.log 2>&1
            """)
    }

    // MARK: Its processes

    /// Those of the program that name the lab in their command line, and what is below them.
    func processes(of server: RealServer) throws -> Set<Int32> { Set(try tree(of: server)) }

    /// The same, those above first.
    private func tree(of server: RealServer) throws -> [Int32] {
        let table = try lab.shell("ps -ww -eo pid=,ppid=,comm=,args=")
        let rows = table.split(separator: "\n").compactMap {
            row -> (pid: Int32, parent: Int32, line: Substring)? in
            let fields = row.split(separator: " ", maxSplits: 3)
            guard fields.count == 4, fields[2] == server.program, let pid = Int32(fields[0]),
                let parent = Int32(fields[1])
            else { return nil }
            return (pid, parent, fields[3])
        }
        var found = rows.filter { $0.line.contains("\(place)/") }.map(\.pid)
        var next = 0
        while next < found.count {
            let children = rows.filter { $0.parent == found[next] && !found.contains($0.pid) }.map(\.pid)
            found += children
            next += 1
        }
        return found.filter { lab.isAlive($0) }
    }

    func end(_ server: RealServer) {
        let gone = lab.eventually(within: .seconds(20)) {
            // A master that outlived a worker would start another one, which nobody would know by then.
            let left = (try? tree(of: server)) ?? []
            for pid in left { kill(pid, SIGKILL) }
            return left.isEmpty
        }
        if gone == nil { Issue.record("\(server.program) cannot be ended") }
    }

    // MARK: A newcomer's way

    /// Written, linted, planned for the server's processes and nothing else, run, passed. Nothing is changed but times.
    /// - Parameters:
    ///   - words: stand in the drill.
    ///   - steps: stand in the runbook.
    func proves(
        _ server: RealServer, _ options: [String] = [], drill words: [String], runbook steps: [String]
    ) throws {
        let written = try lab.start(["init", "--port", "\(server.port)", "--name", "mine"] + options).end()
        try #require(written.code == 0, "\(written.all)")
        try expectValid("mine")
        let drill = try lab.read("drills/mine-kill.yaml")
        for word in words { #expect(drill.contains(word), "'\(word)' is missing:\n\(drill)") }
        let runbook = try lab.read("runbooks/restart-mine.md")
        for step in steps { #expect(runbook.contains(step), "'\(step)' is missing:\n\(runbook)") }
        try hasten("drills/mine-kill.yaml")

        let own = try processes(of: server)
        let plan = try lab.muster("plan", "drills/mine-kill.yaml")
        let touched = plan.output.matches(of: #/sends SIGKILL to process (\d+) /#).compactMap { Int32($0.1) }
        #expect(!own.isEmpty && Set(touched) == own && touched.count == own.count, "\(own): \(plan.all)")

        let run = try lab.judged("run", "drills/mine-kill.yaml")
        #expect(run.code == 0 && run.output.contains("every fact verified"), "\(run.all)")
        #expect(try processes(of: server).isDisjoint(with: own), "it was not killed")
        try lab.expectNothingOpen()
        let verified = try lab.muster("verify", "--service", "mine")
        #expect(verified.code == 0, "\(verified.all)")
    }
}
