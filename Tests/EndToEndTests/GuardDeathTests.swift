import Glibc
import MusterCore
import MusterSystem
import Testing

extension EndToEndTroubles {
    /// Guard, hands or warden die under a running drill.
    @Suite struct GuardEnds {
        private func paused(_ lab: Lab, _ arguments: String...) throws -> (
            Running, guard: Int32, service: Int32
        ) {
            try lab.write(ShortDrill.pause(for: "30s"), to: "drills/pause.yaml")
            let running = try lab.start(["run", "drills/pause.yaml"] + arguments)
            try running.waits(for: "'health' sees the first failure")
            return (running, try running.guardProcess(), try lab.service())
        }

        private func expectAborted(_ running: Running, _ lab: Lab) throws {
            let answer = try running.end(within: .seconds(60))
            #expect(answer.code == 4, "\(answer.all)")
            let outcome = try lab.newestOutcome()
            #expect(outcome["ending"] == "aborted" && outcome["verdict"] != "pass", "\(answer.all)")
            #expect(outcome["residue"] == [], "\(answer.all)")
            #expect(!outcome.events("abort").isEmpty)
            #expect(answer.output.contains("everything was put back"), "\(answer.all)")
            try lab.expectNothingLeft()
        }

        @Test func theGuardKilledItsWardenMendsWithinASecondAndTheEngineRecords() throws {
            let lab = try Lab()
            let (running, guardProcess, service) = try paused(lab)
            let start = lab.clock.monotonic()
            kill(guardProcess, SIGKILL)
            let mended = lab.eventually { !lab.isStopped(service) }
            let took = lab.clock.monotonic() - start
            #expect(mended != nil)
            print("guard death: mended after \(took.forPeople)")
            try expectAborted(running, lab)
            #expect(try !lab.newestOutcome().events("guard-lost").isEmpty)
        }

        @Test func theGuardStoppedItsWardenEndsItAfterTwoLeases() throws {
            let lab = try Lab()
            let (running, guardProcess, service) = try paused(lab, "--lease", "500ms")
            let start = lab.clock.monotonic()
            kill(guardProcess, SIGSTOP)
            let mended = lab.eventually { !lab.isStopped(service) }
            let took = lab.clock.monotonic() - start
            #expect(mended != nil)
            print("guard death: mended after \(took.forPeople)")
            try expectAborted(running, lab)
        }

        @Test func itsHandsKilledTheGuardMendsWithNewOnes() throws {
            let lab = try Lab()
            let (running, guardProcess, service) = try paused(lab)
            let hands = try #require(lab.child(of: guardProcess, named: "hands"))
            kill(hands, SIGKILL)
            #expect(lab.eventually(within: .seconds(30)) { !lab.isStopped(service) } != nil)
            try expectAborted(running, lab)
        }

        @Test func itsWardenKilledTheGuardMendsAndRefusesMore() throws {
            let lab = try Lab()
            let (running, guardProcess, service) = try paused(lab)
            let warden = try #require(lab.child(of: guardProcess, named: "warden"))
            kill(warden, SIGKILL)
            #expect(lab.eventually(within: .seconds(30)) { !lab.isStopped(service) } != nil)
            try expectAborted(running, lab)
        }

        @Test func engineAndGuardKilledTheWardenMendsWithinASecond() throws {
            let lab = try Lab()
            let (running, guardProcess, service) = try paused(lab)
            let start = lab.clock.monotonic()
            kill(guardProcess, SIGKILL)
            try running.child.kill()
            let mended = lab.eventually { !lab.isStopped(service) }
            let took = lab.clock.monotonic() - start
            #expect(mended != nil)
            print("guard death: mended after \(took.forPeople)")
            try lab.expectNothingLeft()
        }

        @Test func guardAndWardenHungTheEngineHasTheHostMended() throws {
            let lab = try Lab()
            let (running, guardProcess, service) = try paused(lab, "--lease", "500ms")
            let warden = try #require(lab.child(of: guardProcess, named: "warden"))
            for victim in [warden, guardProcess] { kill(victim, SIGSTOP) }
            #expect(lab.eventually(within: .seconds(60)) { !lab.isStopped(service) } != nil)
            try expectAborted(running, lab)
        }

        @Test func allKilledTheNextCommandMends() throws {
            let lab = try Lab()
            let (running, guardProcess, service) = try paused(lab)
            let warden = try #require(lab.child(of: guardProcess, named: "warden"))
            let hands = try #require(lab.child(of: guardProcess, named: "hands"))
            for victim in [warden, guardProcess, running.pid, hands] { kill(victim, SIGSTOP) }
            for victim in [warden, guardProcess, running.pid, hands] { kill(victim, SIGKILL) }
            let list = try lab.muster("guard", "list")
            // The service may have been taken down with its hands; its rows still stand open.
            #expect(list.output.contains("process-pause"), "\(list.all)")
            let undo = try lab.muster("undo")
            #expect(undo.code == 0 && undo.output.contains("hang"), "\(undo.all)")
            #expect(!lab.isStopped(service))
            try lab.expectNothingLeft()
            #expect(try lab.json("outcomes").at(0, "ending") == "interrupted")
        }

        @Test func aRunAfterAllWereKilledMendsFirstAndSaysSo() throws {
            let lab = try Lab()
            let (running, guardProcess, service) = try paused(lab)
            // Its hands as well: they mend when their guard is gone, and might be quicker than the next run.
            let warden = try #require(lab.child(of: guardProcess, named: "warden"))
            let hands = try #require(lab.child(of: guardProcess, named: "hands"))
            for victim in [warden, guardProcess, running.pid, hands] { kill(victim, SIGSTOP) }
            for victim in [warden, guardProcess, running.pid, hands] { kill(victim, SIGKILL) }
            try lab.write(ShortDrill.kill, to: "drills/kill.yaml")
            let answer = try lab.muster("run", "drills/kill.yaml")
            #expect(answer.code == 0, "\(answer.all)")
            #expect(
                answer.output.contains("earlier drill") && answer.output.contains("hang"), "\(answer.all)")
            #expect(!lab.isStopped(service))
            try lab.expectNothingLeft()
        }
    }
}
