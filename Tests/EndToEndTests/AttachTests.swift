import Foundation
import Glibc
import MusterCore
import MusterSystem
import Testing

extension EndToEndTroubles {
    /// A drill that runs in one terminal, and is watched and answered from another.
    @Suite(.enabled(if: Tmux.isInstalled, "tmux is not installed")) struct Attaching {
        /// A drill that waits for a person in the middle of an outage.
        private func drill(_ lab: Lab) throws {
            var runbook = LabRunbook(lab, "by-hand")
            runbook.block("look", "manual", ",\"role\":\"ic\",\"ask\":\"ticket\"", "Look at the service.")
            runbook.block(
                "start", "command", ",\"rollback\":\"none\"", "muster fixture start kv; echo \"for $ticket\"")
            try runbook.write()
            let text = ShortDrill.make(
                "by-hand",
                steps: """
                      - inject: process-kill
                        as: crash
                        into: kv
                      - runbook: by-hand.md
                    """, restart: "never", rto: "{ max: 60s, from: declared }"
            ).replacing("within: 20s }", with: "within: 120s }").replacing(
                "abort: { after: 60s }", with: "abort: { after: 180s }")
            try lab.write(text, to: "drills/by-hand.yaml")
        }

        private func start(_ lab: Lab) throws -> Running {
            let running = try lab.start(["run", "drills/by-hand.yaml", "--answers-elsewhere"])
            try running.waits(for: "waits for a person", within: .seconds(60))
            return running
        }

        private func attach(_ lab: Lab, _ arguments: String = "") throws -> Tmux {
            try Tmux(lab, "'\(Lab.built)/muster' attach \(arguments)")
        }

        @Test func notedAndConfirmedFromThere() throws {
            let lab = try Lab()
            try drill(lab)
            let nothing = try lab.muster("attach")
            #expect(nothing.code == 2, "\(nothing.all)")
            let running = try start(lab)
            let board = try attach(lab, "--as kim --role ic")
            try board.waits(for: "? look")
            try board.waits(for: "DOWN")
            #expect(board.screen.contains("process-kill into kv") && board.screen.contains("[a] ABORT"))
            try board.type("n", "s", "e", "e", "n", "Enter")
            try board.waits(for: "kim: seen")
            // Left and come back: nothing has changed.
            try board.type("q")
            try board.waits(for: "exit code 0")
            #expect(lab.isAlive(running.pid))
            let again = try attach(lab, "--as kim --role ic")
            try again.waits(for: "? look")
            try again.type("b")
            try again.waits(for: "kim works on it")
            try again.type("c")
            try again.waits(for: "ticket>")
            try again.type("C", "7", "Enter")
            let late = try lab.muster("confirm", "look", "--as", "kim", "--role", "ic", "--evidence", "C8")
            #expect(late.code == 7 || late.code == 2, "\(late.all)")
            let ended = try running.end(within: .seconds(120))
            let outcome = try lab.newestOutcome()
            let step = try #require(outcome.events("runbook-step").first, "\(ended.all)")
            #expect(step["actor"] == "kim" && step.at("detail", "evidence") == "C7")
            #expect((step.at("detail", "humanWaitNanoseconds")?.asInt ?? 0) > 0)
            #expect((step.at("detail", "humanWorkNanoseconds")?.asInt ?? 0) > 0)
            #expect(outcome.texts("note").contains("seen"))
            // Their servers are named after the lab, and would count as left over.
            board.end()
            again.end()
            try lab.expectNothingLeft()
        }

        @Test func abortedFromThere() throws {
            let lab = try Lab()
            try drill(lab)
            let running = try start(lab)
            let board = try attach(lab, "--as sam")
            try board.waits(for: "? look")
            try board.type("c")
            try board.waits(for: "for the role ic")
            try board.type("a", "y")
            let ended = try running.end(within: .seconds(120))
            #expect(ended.code == 4, "\(ended.all)")
            #expect(try lab.newestOutcome().texts("abort").contains { $0.hasPrefix("sam: ") })
            board.end()
            try lab.expectNothingLeft()
        }

        /// By a command, without any board; refused from whoever has not the role.
        @Test func confirmedByCommand() throws {
            let lab = try Lab()
            try drill(lab)
            let running = try start(lab)
            let stranger = try lab.muster("confirm", "--as", "sam", "--evidence", "C7")
            #expect(stranger.code == 7 && stranger.errors.contains("for the role ic"), "\(stranger.all)")
            let empty = try lab.muster("confirm", "--as", "kim", "--role", "ic")
            #expect(empty.code == 2 && empty.errors.contains("asks for ticket"), "\(empty.all)")
            let refused = try lab.muster("refuse", "--reason", "no time", "--as", "kim", "--role", "ic")
            #expect(refused.code == 0, "\(refused.all)")
            let ended = try running.end(within: .seconds(120))
            #expect(ended.output.contains("no time"), "\(ended.all)")
            let lines = try lab.muster("attach", "1", "--plain")
            #expect(lines.code == 0 && lines.output.contains("runbook-step"), "\(lines.all)")
            try lab.expectNothingLeft()
        }

        /// Neither end needs the other.
        @Test func killedTerminalsAndKilledRunners() throws {
            let lab = try Lab()
            try drill(lab)
            let running = try start(lab)
            let first = try attach(lab)
            try first.waits(for: "? look")
            let pid = try #require(
                lab.leftovers().first { pid in
                    let line = ((try? readSmallFile("/proc/\(pid)/cmdline")) ?? nil) ?? ""
                    return line.contains("/muster\0attach")
                })
            #expect(kill(pid, SIGKILL) == 0)
            try first.waits(for: "exit code 137")
            #expect(lab.isAlive(running.pid))
            let second = try attach(lab)
            try second.waits(for: "? look")
            _ = try running.child.kill(SIGKILL)
            try second.waits(for: "THE RUNNER IS GONE")
            try second.type("q")
            try second.waits(for: "exit code 0")
            let late = try lab.muster("confirm", "look", "--as", "kim", "--role", "ic", "--run", "1")
            #expect(late.code == 7, "\(late.all)")
            withExtendedLifetime((first, second)) {}
        }
    }
}
