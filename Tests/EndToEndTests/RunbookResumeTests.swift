import Foundation
import Glibc
import MusterCore
import MusterSystem
import Testing

extension EndToEndTroubles {
    /// Muster killed with SIGKILL in the midst of a step of every kind, and what `resume` makes of it.
    @Suite struct RunbookResumes {
        /// A runbook whose step `x` of that kind hangs the first time.
        private func hanging(_ kind: String, _ lab: Lab, _ more: String = "") throws -> LabRunbook {
            var runbook = LabRunbook(lab)
            runbook.block(
                "first", "command", ",\"rollback\":\"\(kind == "rollback" ? "x" : "none")\"",
                "echo x >> first")
            let hang = "echo x >> done; test -e hung || { touch hung; exec sleep 600; }"
            if kind == "rollback" {
                runbook.block("bad", "check", "", "false")
            }
            switch kind {
            case "manual": runbook.block("x", kind, "", "Wait for it.")
            case "capture": runbook.block("x", kind, ",\"into\":\"X\"" + more, hang + "; echo got")
            case "command": runbook.block("x", kind, ",\"rollback\":\"none\"" + more, hang)
            default: runbook.block("x", kind, more, hang)
            }
            if kind == "capture" {
                runbook.block("after", "check", "", "test \"$X\" = got")
            } else {
                runbook.block("after", "check", "", "true")
            }
            try runbook.write()
            return runbook
        }

        /// Starts it, waits until it hangs, and kills muster alone.
        private func kill(_ runbook: LabRunbook, _ lab: Lab) throws {
            let running = try lab.start(["runbook", "run", "test.md"])
            #expect(lab.eventually { lab.exists("runbooks/hung") } != nil)
            try running.child.kill()
            _ = try running.end()
        }

        private func endTheStep(_ lab: Lab) throws {
            for pid in lab.leftovers() { Glibc.kill(pid, SIGKILL) }
            #expect(lab.eventually { lab.leftovers().isEmpty } != nil)
        }

        @Test(arguments: ["check", "wait", "capture"]) func whatChangesNothingIsDoneAgain(_ kind: String)
            throws
        {
            let lab = try Lab()
            let runbook = try hanging(kind, lab)
            try kill(runbook, lab)
            #expect(lab.eventually { lab.leftovers().isEmpty } != nil, "what only looks ends with muster")
            #expect(try runbook.newest()["state"] == "interrupted")
            let answer = try lab.muster("runbook", "resume")
            #expect(answer.code == 0, "\(answer.all)")
            #expect(try lab.read("runbooks/first") == "x\n")
            #expect(
                try runbook.newest().stepStates == [
                    "first succeeded", "x unknown", "x succeeded", "after succeeded",
                ])
        }

        @Test func aCommandNeedsAWordUnlessItMayBeDoneTwice() throws {
            let lab = try Lab()
            let runbook = try hanging("command", lab)
            try kill(runbook, lab)
            // What it had started lives on, and is not begun beside itself.
            let alive = try lab.muster("runbook", "resume", "--assume", "redo")
            #expect(alive.code == 7 && alive.errors.contains("still runs, as process"), "\(alive.all)")
            try endTheStep(lab)
            let refused = try lab.muster("runbook", "resume")
            #expect(
                refused.code == 7 && refused.errors.contains("--assume done, or --assume redo"),
                "\(refused.all)")
            let answer = try lab.muster("runbook", "resume", "--assume", "done")
            #expect(answer.code == 0, "\(answer.all)")
            #expect(try lab.read("runbooks/done") == "x\n", "not done again")
            let run = try runbook.newest()
            #expect(run.step("x")?["assumed"] == true && run["resumptions"] == 1)
            #expect(
                try lab.json("runbook", "status", "test.md").at(0, "state") == "NEVER",
                "what somebody only assumed proves nothing")
        }

        @Test func aCommandIsDoneAgainWhereThatIsWanted() throws {
            for more in ["", ",\"idempotent\":\"true\""] {
                let lab = try Lab()
                let runbook = try hanging("command", lab, more)
                try kill(runbook, lab)
                try endTheStep(lab)
                let arguments = ["runbook", "resume"] + (more.isEmpty ? ["--assume", "redo"] : [])
                let answer = try lab.start(arguments).end()
                #expect(answer.code == 0, "\(more) \(answer.all)")
                #expect(try lab.read("runbooks/done") == "x\nx\n")
                #expect(try runbook.newest().step("x")?["attempts"] == 2, "a new key for each attempt")
            }
        }

        @Test func aRollbackGoesOn() throws {
            let lab = try Lab()
            let runbook = try hanging("rollback", lab)
            try kill(runbook, lab)
            try endTheStep(lab)
            #expect(try lab.muster("runbook", "resume").code == 7)
            let answer = try lab.muster("runbook", "resume", "--assume", "redo")
            #expect(answer.code == 5 && answer.output.contains("step 'bad' failed"), "\(answer.all)")
            #expect(try runbook.newest().stepStates.last == "x succeeded")
            #expect(try runbook.newest()["openRollbacks"] == [])
            let again = try lab.muster("runbook", "resume", "1")
            #expect(again.code == 2 && again.errors.contains("is over"), "\(again.all)")
        }

        @Test func aChangedFileIsRefusedUntilItIsAccepted() throws {
            let lab = try Lab()
            var runbook = try hanging("check", lab)
            try kill(runbook, lab)
            try endTheStep(lab)
            runbook.block("more", "check", "", "true")
            try runbook.write()
            let refused = try lab.muster("runbook", "resume")
            #expect(refused.code == 7 && refused.errors.contains("was changed since"), "\(refused.all)")
            let answer = try lab.muster("runbook", "resume", "--accept-change")
            #expect(answer.code == 0, "\(answer.all)")
            #expect(try runbook.newest()["changed"] == true)
            #expect(try runbook.newest().stepStates.last == "more succeeded")
            #expect(try lab.json("runbook", "status", "test.md").at(0, "state") == "NEVER")
        }

        @Test func whatRunsIsNotTakenOver() throws {
            let lab = try Lab()
            let runbook = try hanging("check", lab)
            let running = try lab.start(["runbook", "run", "test.md"])
            #expect(lab.eventually { lab.exists("runbooks/hung") } != nil)
            let refused = try lab.muster("runbook", "resume", "1")
            #expect(refused.code == 7 && refused.errors.contains("is being carried out"), "\(refused.all)")
            #expect(try runbook.newest()["state"] == "running")
            try running.child.kill(SIGINT)
            #expect(try running.end().code == 5)
        }
    }
}
