import Foundation
import MusterCore
import MusterSystem
import Testing

extension EndToEndDrills {
    /// `muster schedule tick`: what is due runs once, whoever looks how often.
    @Suite struct Ticks {
        private func lab(_ more: String = "") throws -> Lab {
            let lab = try Lab()
            try lab.write(ShortDrill.kill, to: "drills/short.yaml")
            try lab.write(
                "format: 1\ntimezone: UTC\nschedules:\n  often: { drill: drills/short.yaml, every: 10s\(more) }\n",
                to: "drills/schedules.yaml")
            return lab
        }

        private func history(_ lab: Lab) throws -> [Value] {
            try lab.json("schedule", "history", "--limit", "1000").asList ?? []
        }

        @Test func ofManyTicksOneRunsADrill() throws {
            let lab = try lab()
            let first = try lab.muster("schedule", "tick")
            // A new schedule begins with what comes.
            #expect(first.code == 0 && first.output.isEmpty, "\(first.all)")
            #expect(try history(lab).isEmpty)
            var said: [String] = []
            let ran = try lab.eventually(within: .seconds(60)) {
                let ticks = try (0..<3).map { _ in try lab.start(["schedule", "tick"]) }
                said += try ticks.map { try $0.end(within: .seconds(90)).all }
                return try history(lab).contains { $0["fate"] == "RUN" }
            }
            #expect(ran != nil, "\(said)")
            let records = try history(lab)
            let runs = records.filter { $0["fate"] == "RUN" }
            let outcomes = try lab.json("outcomes").asList ?? []
            let all: Comment = "\(records.map(\.canonicalJSON))\n\(said)"
            // Each that is said to have run has run, once; its code is the drill's.
            #expect(outcomes.count == runs.count && runs.count >= 1, all)
            #expect(Set(records.compactMap { $0["key"]?.asText }).count == records.count, all)
            #expect(
                runs.compactMap { $0["exitCode"]?.asInt }.sorted()
                    == outcomes.compactMap { $0["exitCode"]?.asInt }.sorted(), all)
            #expect(records.allSatisfy { ($0["why"]?.asText ?? "").isEmpty == false }, all)
            try lab.expectNothingLeft()
        }

        @Test func pausesAreKeptAndSaid() throws {
            let lab = try lab()
            #expect(try lab.muster("schedule", "tick").code == 0)
            let pause = try lab.muster("schedule", "pause", "often", "--reason", "migration")
            #expect(pause.code == 0 && pause.output.contains("paused: migration"), "\(pause.all)")
            let next = try lab.json("schedule", "next", "-n", "1")
            #expect(next.asList?.first?["why"] == "paused: migration")
            let suppressed = try lab.eventually(within: .seconds(60)) {
                let tick = try lab.muster("schedule", "tick")
                #expect(tick.code == 0, "\(tick.all)")
                return try history(lab).contains { $0["reason"] == "paused" && $0["fate"] == "SUPPRESSED" }
            }
            #expect(suppressed != nil)
            let unknown = try lab.muster("schedule", "pause", "oftn", "--reason", "r")
            #expect(unknown.code == 2 && unknown.all.contains("did you mean 'often'?"))
            let over = try lab.muster(
                "schedule", "pause", "often", "--reason", "r", "--until", "2020-01-01T00:00")
            #expect(over.code == 2 && over.all.contains("is over already"))
            #expect(
                try lab.muster("schedule", "resume", "often", "--reason", "done").output
                    == "'often' goes on\n")
            #expect(try lab.json("schedule", "next", "-n", "1").asList?.first?["fate"] == "RUN")
            #expect(try lab.json("outcomes").asList?.isEmpty == true)
        }

        /// A scheduler that is killed takes its run with it, which puts everything back; what ran runs no more.
        @Test func aSchedulerThatIsKilledLeavesNoFault() throws {
            let lab = try lab()
            try lab.write(ShortDrill.pause(for: "60s"), to: "drills/short.yaml")
            #expect(try lab.muster("schedule", "tick").code == 0)
            var running: Running?
            try lab.eventually(within: .seconds(60)) {
                let tick = try lab.start(["schedule", "tick"])
                while lab.child(of: tick.pid, named: "run") == nil {
                    if try tick.child.wait(for: .milliseconds(20)) != nil { return false }
                }
                running = tick
                return true
            }
            let tick = try #require(running)
            #expect(lab.eventually { tick.said.contains("process-pause hit 'kv'") } != nil)
            let service = try lab.service()
            #expect(lab.isStopped(service))
            _ = try tick.child.kill()
            // Aborted, and put back.
            #expect(lab.eventually { (try? lab.newestOutcome()["ending"]) == "aborted" } != nil)
            #expect(try lab.newestOutcome()["residue"] == [])
            // Those that come now are none of this test's.
            #expect(try lab.muster("schedule", "pause", "often", "--reason", "enough").code == 0)
            #expect(try lab.muster("schedule", "tick").code == 0)
            let dead = try history(lab).filter { $0["why"]?.asText?.contains("the scheduler died") == true }
            #expect(dead.count == 1 && dead[0]["fate"] == "RUN" && dead[0]["exitCode"] == .null)
            try lab.expectNothingLeft()
        }
    }
}
