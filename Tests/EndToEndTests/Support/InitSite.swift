import Foundation
import Glibc
import MusterCore
import MusterSystem
import Testing

/// A project without anything in it, and servers of one test's own.
struct InitSite {
    let lab: Lab

    init(_ lab: Lab) throws {
        self.lab = lab
        try lab.shell("mv drills/postgres ../serve; rm -rf drills runbooks; mkdir drills runbooks")
    }

    func port() throws -> Int {
        let text = try lab.shell(
            "python3 -c 'import socket; s = socket.socket(); s.bind((\"127.0.0.1\", 0)); print(s.getsockname()[1])'"
        )
        return try #require(Int(text))
    }

    func waits(for port: Int, within limit: Duration = .seconds(30)) throws {
        let up = lab.eventually(within: limit) {
            (try? StreamSocket.connect(
                to: .tcp(host: "127.0.0.1", port: port), from: nil, until: lab.clock.monotonic() + .seconds(1)
            )) != nil
        }
        try #require(up != nil, "nothing listens on port \(port)")
    }

    func redis() throws -> (port: Int, loop: Running) {
        let port = try port()
        let file = "\(lab.directory)/redis.conf"
        try lab.write("port \(port)\nbind 127.0.0.1\nsave \"\"\ndir \(lab.directory)\n", to: file)
        let loop = try lab.start(
            program: "/bin/bash", ["-c", "while :; do redis-server '\(file)'; sleep 0.2; done"])
        try waits(for: port)
        return (port, loop)
    }

    func end(_ port: Int, _ loop: Running) throws {
        try loop.child.kill()
        _ = try loop.child.wait(for: .seconds(5))
        try lab.shell("redis-cli -p \(port) shutdown nosave || true")
    }

    /// An orphan: nobody is above it but init.
    func webServer() throws -> Int {
        let port = try port()
        try lab.shell(
            "mkdir -p ../site && cd ../site && setsid -f python3 -m http.server --bind 127.0.0.1 \(port) >/dev/null 2>&1 </dev/null"
        )
        try waits(for: port)
        return port
    }

    func postgres() throws -> Int {
        let port = try port()
        try lab.shell("mkdir '\(lab.directory)/data'")
        _ = try lab.start(
            program: "/bin/bash", ["\(lab.directory)/serve/serve", "\(lab.directory)/data", "\(port)"])
        try waits(for: port)
        return port
    }

    func haproxy() throws -> Int {
        let port = try port()
        try lab.write(
            """
            defaults
              mode http
              timeout connect 1s
              timeout client 5s
              timeout server 5s
            frontend front
              bind 127.0.0.1:\(port)
              default_backend none
            backend none

            """, to: "\(lab.directory)/haproxy.cfg")
        _ = try lab.start(
            program: "/usr/sbin/haproxy",
            ["-W", "-f", "\(lab.directory)/haproxy.cfg", "-p", "\(lab.directory)/haproxy.pid"])
        try waits(for: port)
        return port
    }

    func name(of port: Int) throws -> String {
        let listed = try lab.muster("init", "--port", "\(port)", "--json").json()
        let found = listed["services"]?.asList?.first { $0.at("standing") != nil && $0["standing"] != .null }
        return try #require(found?["name"]?.asText, "\(listed.canonicalJSON)")
    }

    /// Lint, the runbooks' check and the plan take what was written.
    func expectValid(_ name: String) throws {
        let lint = try lab.muster("lint", "drills", "runbooks")
        #expect(lint.code == 0 && lint.output.contains("0 errors"), "\(lint.all)")
        let runbook = try lab.muster("runbook", "check", "runbooks/restart-\(name).md")
        #expect(runbook.code == 0, "\(runbook.all)")
        let plan = try lab.muster("plan", "drills/\(name)-kill.yaml")
        #expect(plan.code == 0 && plan.output.contains("sends SIGKILL to process"), "\(plan.all)")
    }

    /// As quick as a test may be; everything else stays as it was written.
    func hasten(_ drill: String) throws {
        let text = try lab.read(drill)
        try lab.write(
            text.replacing("stable: 30s", with: "stable: 2s").replacing(
                "steady: { for: 5s }", with: "steady: { for: 1s }"),
            to: drill)
    }
}

extension Lab {
    /// As `expectNothingLeft`, where a service of the test's own goes on.
    func expectNothingOpen() throws {
        let list = try muster("guard", "list", "--json")
        #expect(list.output == "[]\n" && list.code == 0, "\(list.all)")
    }
}
