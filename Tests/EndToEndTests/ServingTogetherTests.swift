import Foundation
import MusterCore
import MusterDrills
import MusterSystem
import Testing

extension EndToEndDrills {
    /// Two daemons and ticks on one store, killed and started again.
    @Suite struct ServingTogether {
        @Test func whateverRunsRunsOnce() throws {
            let lab = try EndToEndTroubles.Serving.lab("every: 10s, catchUp: latest")
            var daemons = try (0..<2).map { _ in try EndToEndTroubles.Serving.serve(lab) }
            var ticks: [Running] = []
            let seed = UInt64(lab.clock.utcNanoseconds())
            print("two daemons and ticks: seed \(seed)")
            var random = SplitMix64(seed: seed)
            let start = lab.clock.monotonic()
            var kills = 0
            // Long enough for some runs, while one daemon after the other is killed in the middle of something.
            while lab.clock.monotonic() - start < .seconds(60) {
                ticks.append(try lab.start(["schedule", "tick"]))
                let pause = lab.clock.monotonic() + .milliseconds(2000 + Int(random.next() % 3000))
                lab.clock.sleep(until: pause)
                let victim = kills % 2
                _ = try daemons[victim].child.kill()
                _ = try daemons[victim].end()
                daemons[victim] = try EndToEndTroubles.Serving.serve(lab)
                kills += 1
            }
            for daemon in daemons {
                _ = try daemon.child.kill(SIGTERM)
                #expect(try daemon.end(within: .seconds(90)).code == 0)
            }
            for tick in ticks { _ = try tick.end(within: .seconds(90)) }
            // What a killed daemon had started is put back without it.
            #expect(
                lab.eventually {
                    (try? lab.json("outcomes").asList?.allSatisfy { $0["ending"] != "running" }) ?? false
                } != nil)
            let records = try EndToEndTroubles.Serving.history(lab)
            let runs = records.filter { $0["fate"] == "RUN" }.compactMap { $0["key"]?.asText }
            let ran = try EndToEndTroubles.Serving.occurrences(lab)
            let all: Comment =
                "seed \(seed), \(kills) kills\n\(records.map(\.canonicalJSON).joined(separator: "\n"))\n\(ran)"
            #expect(Set(ran).count == ran.count && !ran.isEmpty, all)
            #expect(Set(ran).isSubset(of: runs), all)
            #expect(Set(records.compactMap { $0["key"]?.asText }).count == records.count, all)
            // None vanished: from the first to the last there is a record every ten seconds.
            let seconds = records.compactMap { $0["nominal"]?.asText.flatMap { LocalTime($0)?.seconds } }
                .sorted()
            #expect(zip(seconds, seconds.dropFirst()).allSatisfy { $1 - $0 == 10 }, all)
            try lab.expectNothingLeft()
        }
    }
}
