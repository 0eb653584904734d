import Foundation
import Glibc
import MusterCore
import MusterSystem
import Testing

/// A terminal that a person sits at: tmux, with a server of its own.
final class Tmux {
    private let lab: Lab
    private let socket: String
    static let isInstalled = FileManager.default.isExecutableFile(atPath: "/usr/bin/tmux")

    /// - Parameter size: columns and rows.
    init(_ lab: Lab, _ command: String, size: (columns: Int, rows: Int) = (160, 50)) throws {
        self.lab = lab
        socket = "\(lab.directory)/tmux.\(UInt32.random(in: 0 ... .max))"
        try lab.shell(
            "TERM=xterm NO_COLOR=1 tmux -S '\(socket)' -f /dev/null new-session -d -x \(size.columns) -y \(size.rows) "
                + "\"\(command); echo exit code \\$?; exec cat\"")
    }

    deinit { end() }

    func end() { _ = try? lab.shell("tmux -S '\(socket)' kill-server 2>&1 || true") }

    var screen: String { (try? lab.shell("tmux -S '\(socket)' capture-pane -p -S -")) ?? "" }

    func type(_ keys: String...) throws {
        for key in keys { try lab.shell("tmux -S '\(socket)' send-keys '\(key)'") }
    }

    /// What stands on the screen now, without what has left it.
    var visible: String { (try? lab.shell("tmux -S '\(socket)' capture-pane -p")) ?? "" }

    func resize(_ columns: Int, _ rows: Int) throws {
        try lab.shell("tmux -S '\(socket)' resize-window -x \(columns) -y \(rows)")
    }

    func waits(for text: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let seen = lab.eventually(within: .seconds(60)) { screen.contains(text) }
        try #require(seen != nil, "it never showed '\(text)':\n\(screen)", sourceLocation: sourceLocation)
    }
}

extension EndToEndTroubles {
    /// People at a terminal who carry out a runbook.
    @Suite(.enabled(if: Tmux.isInstalled, "tmux is not installed")) struct RunbookTerminals {
        private func runbook(_ lab: Lab) throws {
            var runbook = LabRunbook(lab, "failover")
            runbook.variable("replica: { required: true }")
            runbook.block("promote", "command", ",\"rollback\":\"demote\"", "echo \"promoted $replica\"")
            runbook.block("writable", "wait", ",\"interval\":\"50ms\",\"stable\":\"2\"", "true")
            runbook.block(
                "confirm-dns", "manual", ",\"role\":\"ic\",\"expect\":\"5m\",\"ask\":\"ticket\"",
                "Confirm that the change of DNS\nis visible from outside.")
            runbook.block("note", "check", "", "echo \"by $ticket\"")
            runbook.block("demote", "rollback", "", "true")
            try runbook.write()
        }

        private func start(_ lab: Lab, _ arguments: String) throws -> Tmux {
            try Tmux(lab, "'\(Lab.built)/muster' runbook \(arguments)")
        }

        /// The whole screen, with its times and numbers made alike; `RECORD=1` writes it anew.
        @Test func aTranscript() throws {
            let lab = try Lab()
            try runbook(lab)
            let tmux = try start(lab, "run failover.md --var replica=db2 --as mika")
            try tmux.waits(for: "for the role ic")
            try tmux.waits(for: "objective 5m 0s")
            #expect(tmux.screen.contains("waiting for"))
            try tmux.type("Enter")
            try tmux.waits(for: "working for")
            try tmux.type("m", "a", "y", "b", "e", "Enter")
            try tmux.waits(for: "'maybe' is no answer")
            let asked = Self.alike(tmux.screen)
            try tmux.type("y", "x", "BSpace", "Enter")
            try tmux.waits(for: "your name, in the role ic")
            try tmux.type("k", "i", "m", "Enter")
            try tmux.waits(for: "ticket >")
            try tmux.type("Enter")
            try tmux.waits(for: "it cannot be empty")
            try tmux.type("C", "H", "G", "-", "7", "Enter")
            try tmux.waits(for: "exit code")
            let shown = asked + "\n--- and in the end\n\n" + Self.alike(tmux.screen)
            let file = URL(filePath: #filePath).deletingLastPathComponent().appending(
                path: "Fixtures/runbook-transcript.txt")
            if ProcessInfo.processInfo.environment["RECORD"] == "1" {
                try shown.write(to: file, atomically: true, encoding: .utf8)
            }
            #expect(shown == (try String(contentsOf: file, encoding: .utf8)), "\(tmux.screen)")
            let step = try #require(try lab.json("runbook", "show", "1").step("confirm-dns"))
            #expect(step["actor"] == "kim" && step["evidence"] == "CHG-7")
            #expect(
                (step["humanWaitNanoseconds"]?.asInt ?? 0) > 0
                    && (step["humanWorkNanoseconds"]?.asInt ?? 0) > 0)
            #expect(step["machineNanoseconds"] == 0)
        }

        private static func alike(_ screen: String) -> String {
            let text =
                screen
                .replacing(/[0-9]{2}:[0-9]{2}\.[0-9]{3}/, with: "00:00.000")
                .replacing(/[0-9]+(\.[0-9]+)? (ms|µs|s)\b/, with: "N")
                .replacing(/[0-9]+m [0-9]+s left/, with: "N left")
                .replacing(/(machine|wait|work) N/) { "\($0.1) N" }
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
                // Columns are as wide as what stands in them.
                String(line).replacing(/\ {2,}/, with: "  ").replacing(/\ +$/, with: "")
            }
            return lines.joined(separator: "\n").trimmingCharacters(in: .newlines) + "\n"
        }

        @Test func aPersonSaysNo() throws {
            let lab = try Lab()
            try runbook(lab)
            let tmux = try start(lab, "run failover.md --var replica=db2 --role ic")
            try tmux.waits(for: "for the role ic")
            try tmux.type("n", "Enter")
            try tmux.waits(for: "why not?")
            try tmux.type("l", "a", "t", "e", "Enter")
            try tmux.waits(for: "exit code 5")
            let run = try lab.json("runbook", "show", "1")
            #expect(
                run.step("confirm-dns")?["reason"] == "late" && run.step("demote")?["state"] == "succeeded")
        }

        /// Ctrl-C at a question gives the terminal back as it was.
        @Test func ctrlCAtAQuestionStops() throws {
            let lab = try Lab()
            try runbook(lab)
            let tmux = try start(lab, "run failover.md --var replica=db2; stty -a | grep -o ' icanon'")
            try tmux.waits(for: "for the role ic")
            try tmux.type("C-c")
            try tmux.waits(for: "muster runbook resume 1")
            try tmux.waits(for: "icanon")
            #expect(try lab.json("runbook", "show", "1")["state"] == "cancelled")
        }

        /// Within a drill, and its report tells people from machines.
        @Test func aDrillAsksToo() throws {
            let lab = try Lab()
            var runbook = LabRunbook(lab, "by-hand")
            runbook.block("look", "manual", ",\"ask\":\"ticket\"", "Look at the service.")
            runbook.block(
                "start", "command", ",\"rollback\":\"none\"", "muster fixture start kv; echo \"for $ticket\"")
            try runbook.write()
            let drill = ShortDrill.make(
                "by-hand",
                steps: """
                      - inject: process-kill
                        as: crash
                        into: kv
                      - runbook: by-hand.md
                    """, restart: "never", rto: "{ max: 30s, from: declared }"
            ).replacing("within: 20s }", with: "within: 60s }")
            try lab.write(drill, to: "drills/by-hand.yaml")
            let refused = try lab.muster("run", "drills/by-hand.yaml")
            #expect(
                refused.code == 7 && refused.errors.contains("needs a person for 'look'"), "\(refused.all)")
            let tmux = try Tmux(lab, "'\(Lab.built)/muster' run drills/by-hand.yaml")
            try tmux.waits(for: "? look")
            #expect(tmux.screen.contains("Look at the service."))
            try tmux.type("y", "Enter")
            try tmux.waits(for: "ticket >")
            try tmux.type("C", "7", "Enter")
            try tmux.waits(for: "exit code")
            let outcome = try lab.newestOutcome()
            let steps = outcome.events("runbook-step")
            #expect(steps.map { $0["subject"]?.asText } == ["look", "start"], "\(tmux.screen)")
            #expect(steps.first?.at("detail", "evidence") == "C7")
            #expect((steps.first?.at("detail", "humanWaitNanoseconds")?.asInt ?? 0) > 0)
            #expect(steps.last?.at("detail", "output")?.asText?.contains("for C7") == true)
            let report = try lab.read("runbooks/reports/1.md")
            #expect(report.contains("### Time by step") && report.contains("One step was for people."))
            tmux.end()
            try lab.expectNothingLeft()
        }

        /// Killed while it asked: nothing was done, so it asks again.
        @Test func aManualStepIsAskedAgainAfterAKill() throws {
            let lab = try Lab()
            try runbook(lab)
            let tmux = try start(lab, "run failover.md --var replica=db2 --role ic")
            try tmux.waits(for: "waiting for")
            let pid = try #require(
                lab.leftovers().first { pid in
                    let line = ((try? readSmallFile("/proc/\(pid)/cmdline")) ?? nil) ?? ""
                    return line.contains("/muster\0runbook\0run\0")
                })
            #expect(kill(pid, SIGKILL) == 0)
            try tmux.waits(for: "exit code 137")
            #expect(try lab.json("runbook", "show", "1").step("confirm-dns")?["state"] == "running")
            let again = try start(lab, "resume --role ic --as kim")
            try again.waits(for: "for the role ic")
            try again.type("y", "Enter")
            try again.waits(for: "ticket >")
            try again.type("C", "1", "Enter")
            try again.waits(for: "exit code 0")
            let run = try lab.json("runbook", "show", "1")
            #expect(
                run.stepStates == [
                    "promote succeeded", "writable succeeded", "confirm-dns unknown", "confirm-dns succeeded",
                    "note succeeded",
                ])
            #expect(run["resumptions"] == 1 && run.at("variables", "replica") == "db2")
            withExtendedLifetime((tmux, again)) {}
        }
    }
}
