import MusterCore
import Testing

extension EndToEndDrills {
    /// Services that people bring back, with a runbook.
    @Suite struct Runbooks {
        private static func steps(_ outcome: Value) -> [String] {
            outcome.events("runbook-step").map {
                "\($0["subject"]?.asText ?? "?") \($0.at("detail", "ok") == true ? "ok" : "failed")"
            }
        }

        /// Both at once: each waits a lot.
        @Test func theShippedOnesBringTheirServicesBack() throws {
            let service = try Lab()
            let redis = Redis.isInstalled ? try Lab() : nil
            let first = try service.start(["run", "drills/restart-sample-service.yaml"])
            let second = try redis?.start(["run", "drills/restart-redis.yaml"])
            try expectPassed(first, service, "restart-sample-service.md", ["start", "answers", "has-data"])
            if let redis, let second { try expectPassed(second, redis, "restart-redis.md", nil) }
        }

        private func expectPassed(_ running: Running, _ lab: Lab, _ runbook: String, _ steps: [String]?)
            throws
        {
            let answer = try running.end()
            // A machine that stood still for a moment makes a run inconclusive, and it says so.
            let stoodStill = answer.code == 3 && answer.output.contains("the instrument is suspect")
            #expect(answer.code == 0 || stoodStill, "\(answer.all)")
            let outcome = try lab.newestOutcome()
            let taken = Self.steps(outcome)
            if let steps { #expect(taken == steps.map { $0 + " ok" }) }
            #expect(!taken.isEmpty && taken.allSatisfy { $0.hasSuffix(" ok") }, "\(taken)")
            #expect(outcome.events("runbook-finished").count == 1)
            for step in outcome.events("runbook-step") {
                #expect((step.at("detail", "nanoseconds")?.asInt ?? 0) > 0, "every step is timed")
            }
            #expect(try lab.shell("sqlite3 '\(lab.outcomes)' 'SELECT path FROM runbooks'") == runbook)
            try lab.expectNothingLeft()
        }

        @Test func aStepThatFailsEndsTheDrillUnprovenAndEverythingIsPutBack() throws {
            let lab = try Lab()
            try lab.write(
                """
                ---
                shell: bash
                muster:
                  id: hopeless
                ---
                # Hopeless

                ```sh {"name":"try","kind":"command","timeout":"5s","excludeFromRunAll":"true","interactive":"false"}
                echo "no such luck" >&2; exit 3
                ```

                ```sh {"name":"never","kind":"command","timeout":"5s","excludeFromRunAll":"true","interactive":"false"}
                touch ../reached
                ```
                """, to: "runbooks/hopeless.md")
            try lab.write(
                ShortDrill.make(
                    "hopeless",
                    steps: """
                          - inject: process-kill
                            as: crash
                            into: kv
                          - runbook: hopeless.md
                        """, restart: "never", rto: "{ max: 2s, from: declared }"),
                to: "drills/hopeless.yaml")
            let answer = try lab.muster("run", "drills/hopeless.yaml")
            let outcome = try lab.newestOutcome()
            #expect(answer.code != 0 && outcome["verdict"] != "pass", "\(answer.all)")
            #expect(Self.steps(outcome) == ["try failed"])
            #expect(
                answer.output.contains("no such luck") && answer.output.contains("exit code 3"),
                "\(answer.all)")
            #expect(!lab.exists("\(lab.project)/reached"))
            try lab.expectNothingLeft()
        }

        @Test func aFixtureCommandOutsideADrillSaysWhereItBelongs() throws {
            let lab = try Lab()
            let answer = try lab.muster("fixture", "start", "kv")
            #expect(answer.code == 2 && answer.errors.contains("no fixture 'kv' runs here"), "\(answer.all)")
        }
    }
}
