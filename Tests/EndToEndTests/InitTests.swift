import Foundation
import Glibc
import MusterCore
import MusterSystem
import Testing

extension EndToEndDrills {
    /// `muster init` on servers that run: what it writes is linted, planned and run as it is.
    @Suite struct InitDrills {
        /// A Redis that somebody's loop starts again: written, confirmed, run, passed.
        @Test(.enabled(if: Redis.isInstalled)) func aRedisWithASupervisor() throws {
            let lab = try Lab()
            let site = try InitSite(lab)
            let (port, loop) = try site.redis()
            // Redis writes its title over its environment, by which the lab would know it.
            defer { try? site.end(port, loop) }
            let written = try lab.muster("init", "--port", "\(port)")
            let files = [
                "drills/redis-server-kill.yaml", "runbooks/restart-redis-server.md", "drills/services.yaml",
            ]
            // Another Redis of this machine takes the name from both.
            let name = try site.name(of: port)
            let own = files.map { $0.replacing("redis-server", with: name) }
            #expect(written.code == 0, "\(written.all)")
            for file in own {
                #expect(written.output.contains("wrote \(file)\n") && lab.exists(file), "\(written.all)")
            }
            try site.expectValid(name)
            let drill = try lab.read(own[0])
            #expect(
                drill.contains("redis: \"redis://127.0.0.1:\(port)\"")
                    && drill.contains("listening: \(port)"), "\(drill)")
            #expect(
                drill.contains("--daemonize") && drill.contains("--dir") && drill.contains("Its parent is: "),
                "\(drill)")
            try site.hasten(own[0])
            let run = try lab.judged("run", own[0])
            #expect(run.code == 0, "\(run.all)")
            try lab.expectNothingOpen()
        }

        /// Nobody starts it again: the drill follows its runbook, whose command was rebuilt from the process.
        @Test func aServiceThatNobodyStartsAgain() throws {
            let lab = try Lab()
            let site = try InitSite(lab)
            let port = try site.webServer()
            let written = try lab.muster("init", "--port", "\(port)", "--name", "web")
            #expect(written.code == 0, "\(written.all)")
            try site.expectValid("web")
            let drill = try lab.read("drills/web-kill.yaml")
            #expect(
                drill.contains("- runbook: restart-web.md") && drill.contains("from: declared"), "\(drill)")
            #expect(drill.contains("http: \"http://127.0.0.1:\(port)/\""), "\(drill)")
            try site.hasten("drills/web-kill.yaml")
            let run = try lab.judged("run", "drills/web-kill.yaml")
            #expect(run.code == 0, "\(run.all)")
            #expect(run.output.contains("as predicted"), "\(run.all)")
            try lab.expectNothingOpen()
            try lab.shell("curl -fsS -o /dev/null http://127.0.0.1:\(port)/")
        }
    }
}

extension EndToEndTroubles {
    @Suite struct InitTroubles {
        /// A whole cluster is found by its pid file, and the start that is written for the undo starts it.
        @Test(.enabled(if: EndToEndDrills.Postgres.isInstalled)) func aPostgres() throws {
            let lab = try Lab()
            let site = try InitSite(lab)
            let port = try site.postgres()
            let written = try lab.muster("init", "--port", "\(port)", "--name", "orders")
            #expect(written.code == 0, "\(written.all)")
            try site.expectValid("orders")
            let drill = try lab.read("drills/orders-kill.yaml")
            #expect(drill.contains("/postmaster.pid\"") && drill.contains("exec: [pg_isready"), "\(drill)")
            #expect(drill.contains("tree: true") && drill.contains("pg_ctl"), "\(drill)")
        }

        @Test func aHaproxyWithAWorker() throws {
            guard access("/usr/sbin/haproxy", X_OK) == 0 else { return }
            let lab = try Lab()
            let site = try InitSite(lab)
            let port = try site.haproxy()
            let written = try lab.muster("init", "--port", "\(port)", "--name", "front")
            #expect(written.code == 0, "\(written.all)")
            try site.expectValid("front")
            let drill = try lab.read("drills/front-kill.yaml")
            // It answers 503 without a server behind it, which is said and not hidden.
            #expect(drill.contains("status: \"200-399, 503\"") && drill.contains("tree: true"), "\(drill)")
            #expect(drill.contains("pidFile: \"\(lab.directory)/haproxy.pid\""), "\(drill)")
        }

        /// The second time nothing is written, and it says what stands; a change of one's own stays.
        @Test func twiceIsAsGoodAsOnce() throws {
            let lab = try Lab()
            let site = try InitSite(lab)
            let port = try site.webServer()
            #expect(try lab.muster("init", "--port", "\(port)", "--name", "web").code == 0)
            try lab.shell(
                "echo '# mine' >> drills/web-kill.yaml; cp -r drills ../drills; cp -r runbooks ../runbooks")
            for arguments in [["--name", "web"], []] {
                let again = try lab.start(["init", "--port", "\(port)"] + arguments).end()
                #expect(
                    again.code == 0 && again.output.contains("drills/web-kill.yaml stands already"),
                    "\(again.all)")
                #expect(again.output.contains("Nothing was left to write."), "\(again.all)")
            }
            #expect(
                try lab.shell("diff -r drills ../drills && diff -r runbooks ../runbooks && echo same")
                    == "same")
            let list = try lab.muster("init", "--no-greeting")
            #expect(
                list.code == 0 && list.output.contains("stands already: drills/web-kill.yaml"), "\(list.all)")
        }

        /// Only lines are added to a services file, and what it was is kept; one in braces is left alone.
        @Test func aServicesFileThatStands() throws {
            let lab = try Lab()
            let site = try InitSite(lab)
            let port = try site.webServer()
            let before = "format: 1\nservices:\n    mine: { owner: me }   # ours\n\n# the end\n"
            try lab.write(before, to: "drills/services.yaml")
            try lab.shell("chmod 640 drills/services.yaml")
            let written = try lab.muster("init", "--port", "\(port)", "--name", "web")
            #expect(
                written.code == 0 && written.output.contains("(as it was: drills/services.yaml.before-1)"),
                "\(written.all)")
            #expect(try lab.read("drills/services.yaml.before-1") == before)
            let after = try lab.read("drills/services.yaml")
            #expect(
                after.hasPrefix("format: 1\nservices:\n    mine: { owner: me }   # ours\n    web:\n"),
                "\(after)")
            #expect(after.hasSuffix("\n\n# the end\n"), "\(after)")
            #expect(try lab.shell("stat -c %a drills/services.yaml") == "640")
            try site.expectValid("web")
            let braces = "format: 1\nservices: { mine: { owner: me } }\n"
            try lab.write(braces, to: "drills/services.yaml")
            try lab.shell("rm drills/web-kill.yaml runbooks/restart-web.md")
            let printed = try lab.muster("init", "--port", "\(port)", "--name", "other")
            #expect(
                printed.code == 0 && printed.output.contains("yourself:\n  other:\n    owner: you"),
                "\(printed.all)")
            #expect(try lab.read("drills/services.yaml") == braces)
        }

        @Test func aDryRunWritesNothing() throws {
            let lab = try Lab()
            let site = try InitSite(lab)
            let port = try site.webServer()
            let shown = try lab.muster("init", "--port", "\(port)", "--name", "web", "--dry-run")
            #expect(shown.code == 0, "\(shown.all)")
            for text in [
                "--- drills/web-kill.yaml", "format: 1\ndrill: web-kill", "--- runbooks/restart-web.md",
                "--- drills/services.yaml",
            ] {
                #expect(shown.output.contains(text), "\(shown.all)")
            }
            let json = try lab.muster("init", "--port", "\(port)", "--name", "web", "--dry-run", "--json")
                .json()
            #expect(json["files"]?.asList?.count == 3)
            #expect(try lab.shell("find drills runbooks -type f") == "")
        }

        /// No room, or no right: a clear error, and nothing of it is left.
        @Test(.enabled(if: geteuid() == 0)) func whereItCannotWrite() throws {
            let lab = try Lab()
            let site = try InitSite(lab)
            let port = try site.webServer()
            let mounts = ["size=4k": "No space left on device", "ro": "Read-only file system"]
            for (option, words) in mounts {
                let answer = try lab.start(
                    program: "/usr/bin/unshare",
                    [
                        "-m", "sh", "-c",
                        "mkdir -p ../small && mount -t tmpfs -o \(option) none ../small && "
                            + "'\(lab.binaries)/muster' init --port \(port) --name web --directory ../small; "
                            + "echo code $?; find ../small -mindepth 1",
                    ]
                ).end()
                #expect(
                    answer.errors.contains(words) && answer.errors.contains("nothing was written"),
                    "\(answer.all)")
                #expect(answer.output == "code 2\n", "\(answer.all)")
            }
        }

        @Test(.enabled(if: geteuid() == 0)) func asAUserWhoSeesLittle() throws {
            let site = try InitSite(try Lab())
            let port = try site.webServer()
            let lab = try Lab(user: 65_534)
            let list = try lab.muster("init", "--no-greeting")
            #expect(list.code == 0 && list.output.contains("hidden from this user"), "\(list.all)")
            #expect(list.output.contains("could not be looked into"), "\(list.all)")
            let refused = try lab.muster("init", "--port", "\(port)")
            #expect(refused.code == 2 && refused.errors.contains("with sudo it is seen"), "\(refused.all)")
            withExtendedLifetime(site) {}
        }

        @Test func commandLinesThatAreWrong() throws {
            let lab = try Lab()
            for (arguments, words) in [
                (["--port", "1"], "nothing that this user may see listens on port 1"),
                (["--unit", "no-such"], "no service of unit no-such"),
                (["--all", "--port", "1"], "--all beside"),
                (["--name", "x"], "--name is about one service"),
                (["--port", "1", "--name", "A b"], "such as a-b"),
                (["--port", "1", "--restart", "x --password=y"], "must not be written down"),
                (["--directory", "nowhere"], "is no directory"), (["--port", "x"], "x"),
            ] {
                let answer = try lab.start(["init", "--no-greeting"] + arguments).end()
                #expect(answer.code == 2 && answer.errors.contains(words), "\(arguments): \(answer.all)")
            }
        }

        /// At a terminal: the list, the question, the files, the question, the files written.
        @Test(.enabled(if: Tmux.isInstalled, "tmux is not installed")) func atATerminal() throws {
            let lab = try Lab()
            let site = try InitSite(lab)
            let port = try site.webServer()
            let tmux = try Tmux(lab, "'\(Lab.built)/muster' init --no-greeting")
            try tmux.waits(for: "For which of them?")
            let line = try #require(
                tmux.screen.split(separator: "\n").first { $0.contains(" \(port) ") }, "\(tmux.screen)")
            let number = String(line.prefix { $0 != " " })
            try tmux.type("x", "Enter")
            try tmux.waits(for: "'x' is no answer")
            for key in number { try tmux.type(String(key)) }
            try tmux.type("Enter")
            try tmux.waits(for: "Write these 3 files?")
            #expect(try lab.shell("find drills runbooks -type f") == "")
            try tmux.type("y", "Enter")
            try tmux.waits(for: "exit code 0")
            #expect(tmux.screen.contains("wrote drills/services.yaml"), "\(tmux.screen)")
            #expect(try lab.shell("ls drills/*-\(port)-kill.yaml | wc -l") == "1")
            withExtendedLifetime(tmux) {}
        }
    }
}
