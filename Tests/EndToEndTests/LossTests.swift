import Glibc
import MusterCore
import MusterSystem
import Testing

extension EndToEndDrills {
    /// What a run says when something that it relies on is lost.
    @Suite struct Losses {
        @Test func aGuardThatIsLostIsRecordedWithHowItEnded() throws {
            let lab = try Lab()
            try lab.write(ShortDrill.pause(for: "30s"), to: "drills/pause.yaml")
            let running = try lab.start(["run", "drills/pause.yaml"])
            try running.waits(for: "'health' sees the first failure")
            kill(try running.guardProcess(), SIGKILL)
            let answer = try running.end(within: .seconds(30))
            #expect(answer.code == 4, "\(answer.all)")
            let texts = try lab.newestOutcome().texts("guard-lost")
            #expect(
                texts.count == 1 && texts.allSatisfy { $0.contains("it was ended by signal 9") }, "\(texts)")
            try lab.expectNothingLeft()
        }

        private func emptied(_ lab: Lab) throws -> (Running, service: Int32) {
            try lab.write(ShortDrill.pause(for: "30s"), to: "drills/pause.yaml")
            let running = try lab.start(["run", "drills/pause.yaml"])
            try running.waits(for: "'health' sees the first failure")
            #expect(truncate(lab.state + "/journal.sqlite", 0) == 0)
            return (running, try lab.service())
        }

        private func expectPointerToTheScan(_ lab: Lab) throws {
            for command in [["undo"], ["guard", "list"], ["run", "drills/pause.yaml"]] {
                let said = try lab.start(command).end(within: .seconds(60))
                let code: Int32 = command[0] == "run" ? 7 : 5
                #expect(said.code == code && said.all.contains("undo --scan"), "\(command): \(said.all)")
            }
        }

        @Test func aJournalEmptiedUnderADrillIsMendedFromMemoryAndNotForgotten() throws {
            let lab = try Lab()
            let (running, service) = try emptied(lab)
            kill(running.pid, SIGINT)
            let answer = try running.end()
            #expect(answer.code == 4 && answer.output.contains("everything was put back"), "\(answer.all)")
            #expect(!lab.isAlive(service))
            try expectPointerToTheScan(lab)
            #expect(try lab.muster("undo", "--scan").code == 5)
            try lab.shell("rm -f \(lab.state)/*.log")
            #expect(try lab.muster("undo", "--scan").code == 0)
            try lab.expectNothingLeft()
        }

        @Test func aJournalLostWithTheHandsLeavesResidueAndNobodyClaimsOtherwise() throws {
            let lab = try Lab()
            let (running, service) = try emptied(lab)
            let hands = try #require(lab.child(of: try running.guardProcess(), named: "hands"))
            kill(hands, SIGKILL)
            let answer = try running.end()
            #expect(answer.code == 5 && !answer.all.contains("taken down"), "\(answer.all)")
            #expect(try lab.newestOutcome()["residue"] != [], "\(answer.all)")
            try expectPointerToTheScan(lab)
            let scan = try lab.muster("undo", "--scan")
            #expect(scan.code == 5 && scan.output.contains("rm -rf"), "\(scan.all)")
            #expect(lab.eventually { !lab.isAlive(service) } != nil, "\(scan.all)")
            for run in lab.runs() { try lab.shell("rm -rf --one-file-system \(lab.scratch(of: run))") }
            try lab.shell("rm -f \(lab.state)/*.log \(lab.state)/*.sock")
            #expect(try lab.muster("undo", "--scan").code == 0)
            try lab.expectNothingLeft()
        }

        @Test(.enabled(if: geteuid() == 0, "mounting needs root"))
        func aStateDirectoryThatCannotBeWrittenIsARefusal() throws {
            let lab = try Lab()
            try lab.write(ShortDrill.kill, to: "drills/kill.yaml")
            try lab.shell("mount --bind \(lab.state) \(lab.state) && mount -o remount,ro,bind \(lab.state)")
            defer { _ = try? lab.shell("umount \(lab.state)") }
            let answer = try lab.start(["run", "drills/kill.yaml"]).end(within: .seconds(30))
            #expect(answer.code == 7, "\(answer.all)")
            #expect(answer.errors.count(of: "cannot be written") == 1, "\(answer.all)")
            #expect(!lab.exists(lab.outcomes))
        }
    }
}

extension String {
    /// How often it says something.
    fileprivate func count(of words: String) -> Int { ranges(of: words).count }
}
