import Foundation
import MusterCore
import Testing

extension EndToEndDrills {
    /// What is exported, judged by a program that shares nothing with Muster: it reads EDN with edn_format, and
    /// searches for an order of the operations by itself.
    @Suite struct Histories {
        /// Where scripts/setup puts Python packages for tests.
        static let python = Lab.root + "/.build/python/bin/python3"
        static let canJudge =
            FileManager.default.isExecutableFile(atPath: python) && Redis.isInstalled

        /// - Parameters:
        ///   - keeps: whether Redis has an append-only file; without one it forgets everything when it is killed.
        ///   - keys: registers of each of the four writers.
        private func drill(keeps: Bool, keys: Int) -> String {
            let redis = "redis: \"redis://127.0.0.1:${port:redis}\""
            let writing = "\(redis), writers: 4, rate: 100/s, timeout: 1s"
            return """
                format: 1
                drill: histories
                environment: lab
                failureMode: process-crash
                objectives: { rpo: 0s, integrity: strict }
                fixtures:
                  redis:
                    run: [redis-server, drills/redis/aof-always.conf, --port, "${port:redis}", --dir, "${scratch}",
                      --appendonly, "\(keeps ? "yes" : "no")"]
                    restart: { always: 200ms }
                    ready: { tcp: "127.0.0.1:${port:redis}", within: 10s }
                targets: { redis: { fixture: redis } }
                probes:
                  ping: { \(redis), every: 20ms, timeout: 500ms }
                workloads:
                  notes: { \(writing) }
                  versions: { \(writing), mode: register, keys: \(keys) }
                steady: { for: 1s, success: 100% }
                steps:
                  - inject: process-kill
                    as: crash
                    into: redis
                recovered: { stable: 500ms, within: 30s }
                abort: { after: 60s }
                """
        }

        private func judged(_ lab: Lab, _ file: String) throws -> Value {
            let program = Lab.root + "/Tests/EndToEndTests/Fixtures/judge_history.py"
            let answer = try lab.start(program: Self.python, [program, file]).end(within: .seconds(90))
            try #require(answer.code == 0, "\(answer.all)")
            return try answer.json()
        }

        /// Runs the drill and exports it, and holds what the program counted to what the ledgers count.
        private func run(_ lab: Lab, keeps: Bool, keys: Int) throws -> (ledgers: [Value], found: [Value]) {
            try lab.write(drill(keeps: keeps, keys: keys), to: "drills/histories.yaml")
            let answer = try lab.judged("run", "drills/histories.yaml")
            // On a machine that stands still a run proves nothing about recovery; its writes are what they are.
            #expect(keeps ? [0, 3].contains(answer.code) : answer.code == 1, "\(answer.all)")
            let export = try lab.muster("export", "--output", "history.edn")
            #expect(export.code == 0, "\(export.all)")
            let judgement = try judged(lab, "history.edn")
            // The kill, before and after.
            #expect((judgement["faults"]?.asInt ?? 0) >= 2, "\(judgement.canonicalJSON)")
            let ledgers = try #require(lab.newestOutcome()["ledgers"]?.asList)
            let found = try ["notes", "versions"].map { try #require(judgement.at("workloads", $0)) }
            try #require(ledgers.map { $0["workload"]?.asText } == ["notes", "versions"])
            for (ledger, found) in zip(ledgers, found) {
                let both: Comment = "\(ledger.canonicalJSON)\n\(found.canonicalJSON)"
                let ends = { (end: String) in found.at("ends", "write \(end)")?.asInt ?? 0 }
                #expect((ledger["acknowledged"]?.asInt ?? 0) > 0, both)
                #expect(ends("ok") == ledger["acknowledged"]?.asInt, both)
                #expect(ends("fail") == ledger["refused"]?.asInt, both)
                #expect(ends("info") + ends("open") == ledger["inDoubt"]?.asInt, both)
            }
            let notes = found[0]
            #expect(notes["missing"] == ledgers[0]["lost"], "\(answer.all)\n\(notes.canonicalJSON)")
            #expect(notes["keys"] == ledgers[0]["sent"] && notes.at("ends", "read ok") == notes["keys"])
            for nothing in ["unread", "damaged", "foreign"] {
                #expect(notes[nothing] == 0, "\(notes.canonicalJSON)")
            }
            return (ledgers, found)
        }

        @Test(.enabled(if: canJudge, "needs redis-server and what `scripts/setup python` installs"))
        func whatWasKeptIsLinearizableAndAStaleReadIsNot() throws {
            let lab = try Lab()
            let (ledgers, found) = try run(lab, keeps: true, keys: 3)
            #expect(ledgers[0]["lost"] == 0 && ledgers[1]["lost"] == 0)
            #expect(found[1]["linearizable"] == true && found[1]["keys"] == 12, "\(found[1].canonicalJSON)")
            // Looks while it ran, and one read of each register at the end.
            #expect((found[1].at("ends", "read ok")?.asInt ?? 0) > 12, "\(found[1].canonicalJSON)")

            // The last read of a register shows its first version again, which was written over long ago.
            var lines = try lab.read("history.edn").components(separatedBy: "\n")
            let last = try #require(
                lines.lastIndex {
                    $0.contains(":type :ok") && $0.contains(":f :read, :key \"versions/2-r0\"")
                })
            let value = try #require(lines[last].range(of: #":value \d+"#, options: .regularExpression))
            try #require(lines[last][value] != ":value 1")
            lines[last].replaceSubrange(value, with: ":value 1")
            try lab.write(lines.joined(separator: "\n"), to: "stale.edn")
            let stale = try #require(try judged(lab, "stale.edn").at("workloads", "versions"))
            #expect(stale["linearizable"] == false && stale["broken"] == 1, "\(stale.canonicalJSON)")
            try lab.expectNothingLeft()
        }

        /// More registers than there is time for a second version: each that was lost stays lost.
        @Test(.enabled(if: canJudge, "needs redis-server and what `scripts/setup python` installs"))
        func whatWasForgottenIsNotLinearizable() throws {
            let lab = try Lab()
            let (ledgers, found) = try run(lab, keeps: false, keys: 1000)
            let lost = try #require(ledgers[1]["lost"]?.asInt)
            #expect(lost > 0 && (ledgers[0]["lost"]?.asInt ?? 0) > 0)
            #expect(found[1]["linearizable"] == false, "\(found[1].canonicalJSON)")
            #expect(found[1]["broken"]?.asInt == lost, "\(found[1].canonicalJSON)")
            try lab.expectNothingLeft()
        }
    }
}
