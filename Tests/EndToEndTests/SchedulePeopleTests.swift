import Foundation
import MusterCore
import MusterSystem
import Testing

extension EndToEndTroubles {
    /// Pauses, approvals and notices as people order them: who did, and that nothing they type or leave lying about does
    /// harm.
    @Suite struct SchedulePeople {
        private func lab(_ more: String = "") throws -> Lab { try Serving.lab("cron: 0 3 1 1 *" + more) }

        @Test func whoPausedWhatIsSaid() throws {
            let lab = try lab()
            for words in ["", "  "] {
                let none = try lab.muster("schedule", "pause", "often", "--reason", words)
                #expect(none.code == 2 && none.errors.contains("--reason needs words"), "\(none.all)")
            }
            #expect(try lab.muster("schedule", "pause", "often", "--reason", "migration").code == 0)
            let actor = try #require(lab.json("schedule", "history", "--pauses").asList?.first?["by"]?.asText)
            #expect(!actor.isEmpty)
            let list = try lab.muster("schedule", "list").output
            #expect(list.contains("paused: migration, by \(actor)"), "\(list)")
            let until = try lab.muster(
                "schedule", "pause", "often", "--reason", "more of it", "--until", "2090-01-31T08:00")
            #expect(until.code == 0, "\(until.all)")
            let again = try lab.json("schedule", "list").asList?.first?["paused"]?.asText ?? ""
            #expect(again == "paused: more of it, by \(actor), until Tue 2090-01-31 08:00", "\(again)")
            #expect(try lab.muster("schedule", "resume", "often", "--reason", " ").code == 2)
            #expect(try lab.muster("schedule", "resume", "often", "--reason", "it is over").code == 0)
            #expect(try lab.json("schedule", "list").asList?.first?["paused"] == .null)
            let past = try lab.muster("schedule", "history", "--pauses").output
            #expect(past.contains("migration") && past.contains("by \(actor): it is over"), "\(past)")
            // What the file itself pauses is nobody's order.
            try lab.write(
                Serving.file("cron: 0 3 1 1 *, pause: { reason: by file }"), to: "drills/schedules.yaml")
            let file = try lab.muster("schedule", "list").output
            #expect(file.contains("paused: by file, by the schedules"), "\(file)")
        }

        /// Nothing that somebody typed moves the cursor of somebody else, or writes a line of its own.
        @Test func whatPeopleTypeStaysText() throws {
            let lab = try lab(", approval: required")
            let evil = "x\u{1B}[2J\nRUN forged\u{9B}31m"
            let name = try lab.muster("schedule", "approve", "often", "--next", "--as", "ada\u{1B}[2J")
            #expect(name.code == 2 && !name.all.contains("\u{1B}"), "\(name.all)")
            let yes = try lab.muster(
                "schedule", "approve", "often", "--next", "--as", "ada", "--ticket", evil)
            #expect(yes.code == 0, "\(yes.all)")
            let pause = try lab.muster("schedule", "pause", "often", "--reason", evil)
            #expect(pause.code == 0, "\(pause.all)")
            var all = yes.all + pause.all
            for arguments in [
                ["next", "--why", "-n", "2"], ["list"], ["approvals"], ["history", "--pauses"],
            ] { all += try lab.start(["schedule"] + arguments).end().all }
            #expect(all.contains("x·[2J RUN forged·31m"), "\(all.debugDescription)")
            #expect(!all.contains("\u{1B}") && !all.contains("\u{9B}") && !all.contains("\nRUN forged"))
        }

        @Test func manyWhoApproveAtOnceOnAFreshStore() throws {
            let lab = try lab(", approval: required")
            let all = try (0..<6).map {
                try lab.start(["schedule", "approve", "often", "--next", "--as", "person\($0)"])
            }
            for one in all {
                let answer = try one.end(within: .seconds(120))
                #expect(answer.code == 0, "\(answer.all)")
            }
            #expect(try lab.json("schedule", "approvals").asList?.count == 6)
            // Nothing in it yet is nothing to show, and no trouble.
            let fresh = try self.lab()
            try fresh.write("", to: "runbooks/outcomes.sqlite")
            for arguments in [["schedule", "list"], ["schedule", "history"], ["notify", "list"]] {
                let answer = try fresh.start(arguments).end()
                #expect(answer.code == 0, "\(arguments): \(answer.all)")
            }
        }

        /// A pipe or a device is waited for by whoever reads it.
        @Test(arguments: [
            ("drills/schedules.yaml", "schedule check"), ("drills/schedules.yaml", "schedule next"),
            ("drills/schedules.yaml", "schedule tick"), ("drills/schedules.yaml", "serve"),
            ("drills/short.yaml", "lint drills/short.yaml"), ("drills/short.yaml", "run drills/short.yaml"),
            ("drills/short.yaml", "plan drills/short.yaml"), ("drills/short.yaml", "schedule check"),
            ("drills/notify.yaml", "notify test"), ("runbooks/x.md", "runbook run x.md"),
            ("runbooks/x.md", "runbook check runbooks/x.md"),
            ("runbooks/x.md", "runbook stamp runbooks/x.md"),
            ("drills/holidays.ics", "schedule check"),
        ]) func aPipeIsNotWaitedFor(file: String, command: String) throws {
            let lab = try lab()
            if file.hasSuffix(".ics") {
                try lab.write(
                    "holidays: { ics: holidays.ics }\n" + Serving.file("cron: 0 3 1 1 *"),
                    to: "drills/schedules.yaml")
            }
            try lab.shell("rm -f \(file); mkfifo \(file)")
            let answer = try lab.start(command.split(separator: " ").map(String.init)).end(
                within: .seconds(60))
            #expect(
                answer.code == 2 && answer.all.contains("is no regular file"), "\(command): \(answer.all)")
            try lab.shell("rm \(file); ln -s /dev/zero \(file)")
            let device = try lab.start(command.split(separator: " ").map(String.init)).end(
                within: .seconds(60))
            #expect(
                device.code == 2 && device.all.contains("is no regular file"), "\(command): \(device.all)")
        }

        /// A shell's own pipe has an end.
        @Test func whatAShellHandsOverIsRead() throws {
            let lab = try lab()
            let said = try lab.shell("'\(lab.binaries)/muster' lint <(sleep 1; cat drills/short.yaml)")
            #expect(said.contains("0 errors"), "\(said)")
        }

        @Test func aDaemonThatWasKilledIsNoted() throws {
            let lab = try lab()
            let first = try Serving.serve(lab)
            let pid = first.pid
            // It says so before it has put it on record.
            try #require(lab.eventually { try Serving.history(lab, "--daemons").count == 1 } != nil)
            _ = try first.child.kill()
            _ = try first.end()
            let second = try Serving.serve(lab)
            let noted = try lab.eventually {
                try Serving.history(lab, "--daemons").map { $0["kind"]?.asText } == [
                    "started", "died", "started",
                ]
            }
            let notes = try Serving.history(lab, "--daemons")
            #expect(noted != nil && notes.count == 3 && notes[1]["pid"] == .int(Int64(pid)), "\(notes)")
            #expect(Serving.log(second).contains("process \(pid), ended without a word"))
            _ = try second.child.kill(SIGTERM)
            #expect(try second.end(within: .seconds(60)).code == 0)
        }

        /// One empties the outbox at a time, and what somebody asks for is delivered by whoever asked: environments differ.
        @Test func aTrialIsDeliveredByWhoeverAsked() throws {
            let lab = try lab()
            let receiver = try Receiver(lab)
            try lab.write(
                "format: 1\nchannels: { chat: { webhook: \"${env:CHAT}\" } }\n", to: "drills/notify.yaml")
            // It looks every second, and does not know where to.
            let daemon = try Serving.serve(lab)
            for _ in 0..<4 {
                let trial = try lab.muster(
                    "notify", "test", environment: ["CHAT": "http://127.0.0.1:\(receiver.port)/"])
                #expect(trial.code == 0 && trial.output.contains("chat: arrived"), "\(trial.all)")
            }
            let all = try lab.json("notify", "list").asList ?? []
            #expect(all.count == 4 && all.allSatisfy { $0["attempts"] == 1 }, "\(all)")
            // As long as the daemon is there, nobody else takes what waits.
            let failed = try lab.muster("notify", "test")
            #expect(
                failed.code == 6 && failed.output.contains("the variable CHAT is not set"), "\(failed.all)")
            let other = try lab.muster(
                "notify", "deliver", environment: ["CHAT": "http://127.0.0.1:\(receiver.port)/"])
            #expect(other.code == 0 && receiver.requests.count == 4, "\(other.all)")
            _ = try daemon.child.kill(SIGTERM)
            #expect(try daemon.end(within: .seconds(60)).code == 0)
            let arrived = try lab.eventually {
                _ = try lab.muster(
                    "notify", "deliver", environment: ["CHAT": "http://127.0.0.1:\(receiver.port)/"],
                    within: .seconds(120))
                return receiver.requests.count == 5
            }
            #expect(arrived != nil)
            try receiver.end()
        }
    }
}
