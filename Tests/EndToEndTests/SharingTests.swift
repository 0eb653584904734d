import Glibc
import MusterCore
import MusterSystem
import Testing

extension EndToEndTroubles {
    /// Several drills, several users, no root.
    @Suite struct Sharing {
        /// nobody on Debian.
        static let nobody: UInt32 = 65534
        static var isRoot: Bool { geteuid() == 0 }

        private func start(_ lab: Lab) throws -> Running {
            try lab.write(ShortDrill.pause(for: "30s"), to: "drills/pause.yaml")
            let running = try lab.start(["run", "drills/pause.yaml"])
            try running.waits(for: "'health' sees the first failure")
            return running
        }

        private func expectRefused(_ lab: Lab, naming first: Running, of user: UInt32) throws {
            try lab.write(ShortDrill.kill, to: "drills/second.yaml")
            let before = lab.exists(lab.outcomes) ? try lab.json("outcomes").asList?.count : 0
            let second = try lab.muster("run", "drills/second.yaml")
            #expect(second.code == 7, "\(second.all)")
            let run = try first.lab.json("outcomes").at(0, "id")?.asText ?? "?"
            #expect(second.errors.contains("taken by") && second.errors.contains(run), "\(second.all)")
            #expect(second.errors.contains("user \(user)"), "\(second.all)")
            #expect(second.errors.contains("muster abort"), "what to do: \(second.all)")
            let after = lab.exists(lab.outcomes) ? try lab.json("outcomes").asList?.count : 0
            #expect(before == after, "what was refused is no outcome")
        }

        private func abort(_ running: Running, _ lab: Lab) throws {
            try running.child.kill(SIGINT)
            let answer = try running.end(within: .seconds(60))
            #expect(answer.code == 4, "\(answer.all)")
            try lab.expectNothingLeft()
        }

        @Test func aSecondDrillOnTheHostIsRefusedNamingTheFirst() throws {
            let lab = try Lab()
            let first = try start(lab)
            try expectRefused(lab, naming: first, of: geteuid())
            try abort(first, lab)
        }

        @Test(.enabled(if: isRoot)) func soIsThatOfAnotherUserWhoCannotHarmTheFirst() throws {
            let lab = try Lab()
            let first = try start(lab)
            let other = try Lab(user: Self.nobody, meeting: lab)
            try expectRefused(other, naming: first, of: 0)
            let abort = try other.muster("abort")
            #expect(abort.code == 7, "\(abort.all)")
            let undo = try other.muster("undo")
            #expect(undo.code == 0, "nothing of theirs is open: \(undo.all)")
            #expect(lab.isStopped(try lab.service()), "the first goes on")
            try self.abort(first, lab)
        }

        @Test(.enabled(if: isRoot)) func aUsersDrillHoldsTheHostAgainstRoot() throws {
            let lab = try Lab(user: Self.nobody)
            let first = try start(lab)
            let root = try Lab(meeting: lab)
            try expectRefused(root, naming: first, of: Self.nobody)
            try abort(first, lab)
        }

        @Test(.enabled(if: isRoot)) func theFirstDrillNeedsNoRoot() throws {
            let lab = try Lab(user: Self.nobody)
            let answer = try lab.judged("run", "drills/first-drill.yaml")
            #expect(answer.code == 0, "\(answer.all)")
            #expect(answer.output.contains("PASS"), "\(answer.all)")
            try lab.expectNothingLeft()
        }

        @Test(.enabled(if: isRoot)) func planSaysWhatNeedsRootAndWhy() throws {
            let lab = try Lab(user: Self.nobody)
            for drill in ["partition", "disk-full"] {
                let plan = try lab.muster("plan", "drills/\(drill).yaml")
                #expect(plan.code == 7, "\(drill): \(plan.all)")
                #expect(
                    plan.output.contains("refused") && plan.output.contains("root"), "\(drill): \(plan.all)")
                #expect(plan.output.contains("what to do"), "\(drill): \(plan.all)")
                let run = try lab.muster("run", "drills/\(drill).yaml")
                #expect(run.code == 7 && run.errors.contains("root"), "\(drill): \(run.all)")
                #expect(!lab.exists(lab.outcomes), "refused before anything was started")
                try lab.expectNothingLeft()
            }
            let fine = try lab.muster("plan", "drills/first-drill.yaml")
            #expect(fine.code == 0 && fine.output.contains("nothing was touched"), "\(fine.all)")
            #expect(!lab.exists("\(lab.state)/journal.sqlite") || lab.leftovers().isEmpty)
        }
    }
}
