import Glibc
import MusterCore
import Testing

extension EndToEndDrills {
    /// What comes of the writes, from the drill's file to the export.
    @Suite struct Ledgers {
        private let two = ShortDrill.kill.replacing(
            "\nsteady:",
            with: """

                  others: { http: "http://127.0.0.1:${port:kv}/kv/{key}", writers: 2, rate: 40/s, timeout: 1s, \
                readback: ["http://127.0.0.1:${port:kv}/kv/{key}"] }
                steady:
                """)

        @Test func severalWorkloadsAreJudgedAndExported() throws {
            let lab = try Lab()
            try lab.write(two, to: "drills/two.yaml")
            let answer = try lab.judged("run", "drills/two.yaml")
            let outcome = try lab.newestOutcome()
            let names = outcome["ledgers"]?.asList?.compactMap { $0["workload"]?.asText }
            #expect(names == ["writes", "others"])
            for index in 0...1 {
                // Both write to one store under the same numbers, and know nothing of each other.
                #expect(outcome.at("ledgers", index, "counts", "phantom") == nil, "\(answer.all)")
                #expect(outcome.at("ledgers", index, "counts", "aborted-visible") == nil, "\(answer.all)")
                #expect(outcome.at("ledgers", index, "lost") == 0, "\(answer.all)")
            }
            #expect(outcome.at("ledgers", 0, "replicas") == [])
            // A replica that is the store itself holds what the store holds.
            #expect(outcome.at("ledgers", 1, "replicas", 0, "missing") == 0, "\(answer.all)")
            #expect(outcome.at("ledgers", 1, "counts", "divergent") == nil)
            #expect(outcome.events("read-back").count == 2)

            let export = try lab.muster("export", "--format", "edn", "--output", "history.edn")
            #expect(export.code == 0, "\(export.all)")
            let lines = try lab.read("history.edn").split(separator: "\n")
            #expect(export.output.hasPrefix("\(lines.count) operations"))
            for (index, workload) in ["writes", "others"].enumerated() {
                let sent = try #require(outcome.at("ledgers", index, "sent")?.asInt)
                let begun = lines.count {
                    $0.contains(":type :invoke") && $0.contains("[[:w \"\(workload)/")
                }
                let read = lines.count {
                    $0.contains(":type :invoke") && $0.contains("[[:r \"\(workload)/")
                }
                #expect(begun == Int(sent) && read == begun)
            }
            #expect(lines.count { $0.contains(":process :nemesis, :f :process-kill, :value \"crash\"") } == 2)
            // Whatever stands where it is to go stays what it is.
            try lab.shell("ln -s ../target.edn link.edn")
            #expect(try lab.muster("export", "--output", "link.edn").code == 0)
            #expect(try lab.shell("test -L link.edn && wc -l < ../target.edn") == "\(lines.count)")
            for question in ["show", "outcomes --json", "export"] {
                let said = try lab.shell(
                    "'\(lab.binaries)/muster' \(question) 2>&1 >/dev/full; echo \"code $?\"")
                #expect(said.contains("No space left") && said.hasSuffix("code 2"), "\(question): \(said)")
            }
            let nobody = try lab.muster("undo", "--forget", "nobody-1", "--reason", "x", "--as", "y")
            #expect(nobody.code == 2 && nobody.errors.contains("nobody-1"), "\(nobody.all)")
            let elsewhere = try lab.muster("guard", "list", "--state", "/etc")
            #expect(elsewhere.code == 7, "\(elsewhere.all)")

            let one = try lab.muster("export", "--workload", "others", "--replicas")
            #expect(one.code == 0 && !one.output.contains("writes/"))
            #expect(one.output.contains(":node \"http://"))

            // Somebody changed it, then somebody removed it.
            let file = try #require(outcome.events("read-back").first?.at("detail", "ledger")?.asText)
            try lab.shell("printf x >> '\(file)'")
            let changed = try lab.muster("export")
            #expect(changed.code == 2, "\(changed.all)")
            #expect(changed.errors.contains("not the one that was recorded"), "\(changed.all)")
            try lab.shell("rm '\(file)'")
            let gone = try lab.muster("export")
            #expect(gone.code == 2 && gone.errors.contains("is gone"), "\(gone.all)")
            #expect(gone.errors.contains("newest 50 runs"))
            try lab.expectNothingLeft()
        }
    }
}
