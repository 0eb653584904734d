import Foundation
import MusterCore
import Testing

extension EndToEndDrills {
    /// Workloads on files of this machine, from the drill file to the verdict.
    @Suite struct Workloads {
        private func drill(_ workload: String, steps: String, extra: String = "") -> String {
            """
            format: 1
            drill: local-writes
            environment: lab
            \(extra)
            objectives: { rpo: 0s, integrity: strict }
            targets: { machine: { host: local }, data: { path: "${scratch}" } }
            workloads:
              money: { \(workload), writers: 4, rate: 100/s, timeout: 5s }
            steady: { for: 300ms, success: 100% }
            steps:
            \(steps)
            recovered: { stable: 500ms, within: 30s }
            abort: { after: 60s }
            """
        }

        /// The fault takes an account away, and nothing else would notice.
        @Test func moneyThatVanishesFailsTheDrill() throws {
            let lab = try Lab()
            let script =
                "import sqlite3, sys; db = sqlite3.connect(sys.argv[1], timeout=20); "
                + "db.execute(\\\"DELETE FROM muster_entries WHERE key LIKE 'bank-%-3'\\\"); db.commit()"
            try lab.write(
                drill(
                    "sqlite: \"${scratch}/app.db\", create: true, mode: bank",
                    steps: """
                          - inject: command
                            as: theft
                            into: machine
                            with:
                              inject: [python3, -c, "\(script)", "${scratch}/app.db"]
                              check: ["true"]
                              proof: ["true"]
                              restore: ["true"]
                              lasting: false
                          - wait: 500ms
                        """), to: "drills/theft.yaml")
            let answer = try lab.judged("run", "drills/theft.yaml", "--json")
            let outcome = try answer.json()
            #expect(outcome["verdict"] == "fail", "\(answer.all)")
            #expect(outcome["reason"]?.asText?.contains("account 3 is missing") == true, "\(answer.all)")
            // Transfers are no reads and writes of registers: nothing half of it is written.
            let export = try lab.muster("export", "--format", "edn", "--output", "history.edn")
            #expect(export.code == 2, "\(export.all)")
            #expect(
                export.errors.contains(
                    "the workload 'money' has mode: bank: of that no history can be exported yet"),
                "\(export.all)")
            #expect(export.errors.contains("name another workload with --workload"), "\(export.all)")
            #expect(!lab.exists("history.edn") && export.output.isEmpty)
            try lab.expectNothingLeft()
        }

        @Test(.enabled(if: geteuid() == 0, "mounting needs root"))
        func aFullDiskRefusesAndLosesNothing() throws {
            let lab = try Lab()
            try lab.write(
                drill(
                    "append: \"${scratch}\", payload: 4KiB",
                    steps: """
                          - inject: disk-fill
                            into: data
                            with: { leave: 256KiB, floor: 256KiB, mount: "${scratch}" }
                            for: 3s
                            recovery: after
                        """, extra: "scratch: { size: 16MiB }"), to: "drills/full.yaml")
            let answer = try lab.judged("run", "drills/full.yaml", "--json")
            let outcome = try answer.json()
            #expect(outcome["verdict"] == "pass", "\(answer.all)")
            let ledger = try #require(outcome.at("ledgers", 0))
            #expect(ledger["lost"] == 0 && ledger["inDoubt"] == 0, "\(ledger.canonicalJSON)")
            #expect((ledger["refused"]?.asInt ?? 0) > 0, "\(ledger.canonicalJSON)")
            try lab.expectNothingLeft()
        }

        @Test func aModeThatTheKindCannotDoIsRefusedBeforeAnythingStarts() throws {
            let lab = try Lab()
            try lab.write(
                drill("append: \"${scratch}\", mode: bank", steps: "  - { inject: cpu-burn, into: machine }"),
                to: "drills/wrong.yaml")
            let answer = try lab.muster("lint", "drills/wrong.yaml")
            #expect(answer.code != 0, "\(answer.all)")
            #expect(answer.all.contains("a workload of kind 'append' cannot do mode: bank"), "\(answer.all)")
            let others = "mode: entries, or a workload of kind postgres, redis, sqlite"
            #expect(answer.all.contains(others), "\(answer.all)")
        }
    }
}
