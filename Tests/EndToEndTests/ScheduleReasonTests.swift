import Foundation
import MusterCore
import MusterSystem
import Testing

extension EndToEndTroubles {
    /// What a scheduler breaks off or is refused: the true reason stands in the outcome, in the report, in the notice and
    /// in the history.
    @Suite struct ScheduleReasons {
        private static let notify = """
            format: 1
            channels: { file: { command: [/bin/sh, tell.sh], on: [abort, missed, residue] } }

            """

        private func lab(_ schedule: String = "every: 10s", drill: String) throws -> Lab {
            let lab = try Serving.lab(schedule, drill: drill)
            try lab.write("cat >> told; echo >> told\n", to: "tell.sh")
            try lab.write(Self.notify, to: "drills/notify.yaml")
            return lab
        }

        private func told(_ lab: Lab) -> String { (try? lab.read("told")) ?? "" }

        /// A blackout that holds by now.
        private func freeze(_ lab: Lab, _ schedule: String) throws {
            try lab.write(
                Serving.file(schedule)
                    + "blackouts: { freeze: { from: 2020-01-01, to: 2099-12-31, reason: audit } }\n",
                to: "drills/schedules.yaml")
        }

        private func runs(_ lab: Lab) throws -> [Value] {
            try Serving.history(lab).filter { $0["fate"] == "RUN" }
        }

        @Test func aBlackoutThatBeginsBreaksOffWhatRuns() throws {
            let lab = try lab(drill: ShortDrill.pause(for: "60s"))
            let daemon = try Serving.serve(lab)
            try #require(
                lab.eventually { daemon.said.contains("process-pause hit 'kv'") } != nil,
                "\(Serving.log(daemon))")
            try freeze(lab, "every: 10s")
            let why = "blackout 'freeze' begins: audit"
            let over = lab.eventually {
                Serving.log(daemon).contains("ended with exit code 4: broken off: \(why)")
            }
            try #require(over != nil, "\(Serving.log(daemon))")
            #expect(Serving.log(daemon).contains("\(why); it is aborted and put back"))
            let outcome = try lab.newestOutcome()
            #expect(outcome["ending"] == "aborted" && outcome["residue"] == [])
            #expect(outcome.texts("abort") == [why], "\(outcome.texts("abort"))")
            let written = try lab.shell("cat runbooks/reports/*.md")
            #expect(written.contains(why) && !written.contains("Ctrl-C"), "\(written)")
            let all = try runs(lab)
            #expect(all.count == 1 && all[0]["outcome"] == 1 && all[0]["exitCode"] == 4)
            #expect(all[0]["ending"] == .text("broken off: \(why)"), "\(all)")
            let table = try lab.muster("schedule", "history", "--limit", "1000").output
            #expect(table.contains("due; outcome #1; broken off: \(why)"), "\(table)")
            #expect(lab.eventually { told(lab).contains("is aborted: \(why)") } != nil, "\(told(lab))")
            // What comes due now does not start.
            let later = try lab.eventually {
                try Serving.history(lab).contains { $0["fate"] == "SUPPRESSED" && $0["reason"] == "blackout" }
            }
            #expect(later != nil)
            _ = try daemon.child.kill(SIGTERM)
            #expect(try daemon.end(within: .seconds(60)).code == 0)
            try lab.expectNothingLeft()
        }

        @Test func whatMayFinishInABlackoutDoes() throws {
            let lab = try lab("every: 10s, onFreeze: finish", drill: ShortDrill.pause(for: "20s"))
            let daemon = try Serving.serve(lab)
            try #require(
                lab.eventually { daemon.said.contains("process-pause hit 'kv'") } != nil,
                "\(Serving.log(daemon))")
            try freeze(lab, "every: 10s, onFreeze: finish")
            // The daemon knows of it while the drill goes on.
            #expect(lab.eventually { Serving.log(daemon).contains("goes by the new") } != nil)
            #expect(try runs(lab).map { $0["exitCode"] } == [.null], "\(Serving.log(daemon))")
            let over = try lab.eventually { try runs(lab).first?["exitCode"] != .null }
            try #require(over != nil, "\(Serving.log(daemon))")
            #expect(!Serving.log(daemon).contains("is aborted") && !told(lab).contains("abort"))
            let outcome = try lab.newestOutcome()
            #expect(outcome["ending"] == "completed" && outcome.texts("abort").isEmpty)
            let all = try runs(lab)
            #expect(all.count == 1 && all[0]["ending"] == .null && all[0]["outcome"] == 1)
            let later = try lab.eventually {
                try Serving.history(lab).contains { $0["fate"] == "SUPPRESSED" && $0["reason"] == "blackout" }
            }
            #expect(later != nil)
            _ = try daemon.child.kill(SIGTERM)
            #expect(try daemon.end(within: .seconds(60)).code == 0)
            try lab.expectNothingLeft()
        }

        @Test func aTickThatIsStoppedSaysSo() throws {
            let lab = try lab(drill: ShortDrill.pause(for: "60s"))
            #expect(try lab.muster("schedule", "tick").code == 0)
            var running: Running?
            try lab.eventually {
                let tick = try lab.start(["schedule", "tick"])
                while lab.child(of: tick.pid, named: "run") == nil {
                    if try tick.child.wait(for: .milliseconds(20)) != nil { return false }
                }
                running = tick
                return true
            }
            let tick = try #require(running)
            try #require(lab.eventually { tick.said.contains("process-pause hit 'kv'") } != nil)
            _ = try tick.child.kill(SIGTERM)
            let answer = try tick.end(within: .seconds(90))
            let why = "the scheduler was stopped (SIGTERM)"
            #expect(answer.code == 4 && answer.errors.contains("\(why); the run is aborted"), "\(answer.all)")
            #expect(try lab.newestOutcome().texts("abort") == [why])
            #expect(try runs(lab).map { $0["ending"] } == [.text("broken off: \(why)")])
            try lab.expectNothingLeft()
        }

        @Test func whyARunWasRefusedIsOnRecord() throws {
            let lab = try lab(drill: ShortDrill.kill)
            #expect(try lab.muster("schedule", "tick").code == 0)
            // It can be read, and cannot be carried out.
            try lab.write(
                ShortDrill.kill.replacing("run: [sample-service,", with: "run: [no-such-program,"),
                to: "drills/short.yaml")
            let refused = try lab.eventually {
                _ = try lab.start(["schedule", "tick"]).end()
                return try !runs(lab).isEmpty
            }
            #expect(refused != nil)
            let why = "the program 'no-such-program' is not on this machine"
            let run = try #require(runs(lab).last)
            #expect(run["exitCode"] == 7 && run["outcome"] == .null)
            #expect(run["ending"]?.asText?.contains(why) == true, "\(run)")
            #expect(try lab.muster("schedule", "history").output.contains(why))
            #expect(lab.eventually { told(lab).contains(why) } != nil, "\(told(lab))")
        }

        /// A drill that needs a person is none for a scheduler: the check says so, and where it becomes one later, the
        /// history does.
        @Test func aDrillThatNeedsAPersonIsNoneForASchedule() throws {
            let drill = ShortDrill.make(
                "short-by-hand",
                steps: "  - inject: process-kill\n    as: crash\n    into: kv\n  - runbook: by-hand.md")
            let lab = try lab(drill: drill)
            func write(_ kind: String) throws {
                var runbook = LabRunbook(lab, "by-hand")
                runbook.block("look", kind, "", "true")
                try runbook.write()
            }
            try write("check")
            let good = try lab.muster("schedule", "check")
            #expect(good.code == 0, "\(good.all)")
            let daemon = try Serving.serve(lab)
            try write("manual")
            let check = try lab.muster("schedule", "check")
            #expect(check.code == 2 && check.all.contains("the runbook by-hand.md needs a person for 'look'"))
            #expect(check.all.contains("muster run, muster gameday"), "\(check.all)")
            let refused = try lab.eventually { try runs(lab).contains { $0["exitCode"] == 7 } }
            #expect(refused != nil, "\(Serving.log(daemon))")
            let run = try #require(runs(lab).first { $0["exitCode"] == 7 })
            #expect(run["ending"]?.asText?.contains("needs a person for 'look'") == true, "\(run)")
            _ = try daemon.child.kill(SIGTERM)
            #expect(try daemon.end(within: .seconds(60)).code == 0)
            try lab.expectNothingLeft()
        }

        /// An undo that cannot succeed: the journal is gone, and with it those who knew it.
        @Test func somethingStillBrokenIsToldOf() throws {
            let lab = try lab("cron: 0 3 1 1 *", drill: ShortDrill.pause(for: "30s"))
            let running = try lab.start(["run", "drills/short.yaml", "--notify"])
            try running.waits(for: "'health' sees the first failure")
            #expect(truncate(lab.state + "/journal.sqlite", 0) == 0)
            let service = try lab.service()
            let hands = try #require(lab.child(of: try running.guardProcess(), named: "hands"))
            kill(hands, SIGKILL)
            let answer = try running.end()
            #expect(answer.code == 5, "\(answer.all)")
            #expect(
                lab.eventually { told(lab).contains("SOMETHING IS STILL BROKEN after drill 'short-pause'") }
                    != nil,
                "\(told(lab))")
            let notices = told(lab).split(separator: "\n").compactMap {
                try? JSONDecoder().decode(Value.self, from: Data($0.utf8))
            }
            #expect(notices.last?["kind"] == "residue", "\(told(lab))")
            #expect(notices.last?["text"]?.asText?.contains("run `muster undo` on") == true)
            #expect(notices.last?.at("detail", "residue")?.asList?.isEmpty == false)
            #expect(notices.last?.at("detail", "exitCode") == 5)
            _ = try lab.muster("undo", "--scan")
            #expect(lab.eventually { !lab.isAlive(service) } != nil)
            for run in lab.runs() { try lab.shell("rm -rf --one-file-system \(lab.scratch(of: run))") }
            try lab.shell("rm -f \(lab.state)/*.log \(lab.state)/*.sock")
            #expect(try lab.muster("undo", "--scan").code == 0)
            try lab.expectNothingLeft()
        }
    }
}
