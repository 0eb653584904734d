import Foundation
import MusterCore
import Testing

extension EndToEndTroubles {
    /// What keeps runbooks from rotting: check, status and stamp.
    @Suite struct RunbookStatus {
        @Test func theShippedOnesAreWell() throws {
            let lab = try Lab()
            let answer = try lab.muster("runbook", "check")
            let count = try lab.shell("ls runbooks/*.md | wc -l")
            #expect(
                answer.code == 0 && answer.output.contains("\(count) runbooks: 0 errors"), "\(answer.all)")
        }

        @Test func nothingIsNoProof() throws {
            let lab = try Lab()
            try lab.shell("rm runbooks/*.md; echo prose > runbooks/notes.md")
            for arguments in [["check"], ["check", "runbooks"], ["status", "--sweep"]] {
                let answer = try lab.start(["runbook"] + arguments).end()
                #expect(answer.code == 2 && answer.errors.contains("there is no runbook in"), "\(answer.all)")
            }
            #expect(
                try lab.muster("runbook", "check", "runbooks/notes.md").output.contains(
                    "no block carries a kind"))
            let answer = try lab.muster("runbook", "resume")
            #expect(
                answer.code == 2 && answer.errors.contains("There is no store of outcomes"), "\(answer.all)")
            #expect(!lab.exists("runbooks/outcomes.sqlite"))
        }

        @Test func everythingThatIsWrongIsFoundAtItsLine() throws {
            let lab = try Lab()
            try lab.write(
                """
                ---
                muster: { id: bad }
                ---
                # Bad

                See [the other](other.md) and [below](#blow).

                ```bash {"name":"a","kind":"command","onFailure":"step:nobody","interactive":"false"}
                if true; then
                  echo x
                ```
                """, to: "runbooks/bad.md")
            let answer = try lab.muster("runbook", "check", "runbooks/bad.md")
            #expect(answer.code == 2, "\(answer.all)")
            #expect(
                answer.output.contains("bad.md:8:50: error: no block is named 'nobody'"), "\(answer.output)")
            let mended = try lab.read("runbooks/bad.md").replacing("step:nobody", with: "continue")
            try lab.write(mended, to: "runbooks/bad.md")
            let strict = try lab.muster("runbook", "check", "runbooks/bad.md")
            for text in [
                "bad.md: error: nobody owns this runbook", "bad.md:6:17: error: the link leads to 'other.md'",
                "bad.md:6:39: error: the link leads to '#blow'", "Runme's 'run all' would run 'a'",
                "nothing says what undoes 'a'", "error: bash cannot read 'a'",
            ] { #expect(strict.output.contains(text), "\(text): \(strict.output)") }
            #expect(strict.code == 2 && strict.output.contains("1 runbook: 6 errors"), "\(strict.output)")
            #expect(try lab.muster("lint", "runbooks/bad.md").code == 0, "it could be run, all the same")
        }

        @Test func aProofComesAndGoes() throws {
            let lab = try Lab()
            let marker = "<!-- muster:verified -->"
            func write(_ command: String) throws {
                try lab.write(
                    """
                    ---
                    shell: sh
                    muster: { owner: team, verifyEvery: 90d, testedWith: { thing: "7.0" } }
                    ---
                    # Prove me
                    \(marker)
                    \(marker)

                    ```sh {"name":"a","kind":"check","interactive":"false"}
                    \(command)
                    ```
                    """, to: "runbooks/prove.md")
            }
            func state(_ arguments: String...) throws -> String {
                let answer = try lab.start(["runbook", "status", "prove.md", "--json"] + arguments).end()
                return try answer.json().at(0, "state")?.asText ?? answer.all
            }
            try write("true")
            #expect(try state() == "NEVER")
            #expect(try lab.muster("runbook", "run", "prove.md").code == 0)
            #expect(try state() == "VERIFIED")
            #expect(try state("--observed", "thing=7.2.1") == "DEPS_CHANGED")
            #expect(try state("--observed", "thing=7.0.9") == "VERIFIED")
            #expect(try lab.muster("runbook", "status", "prove.md", "--sweep").code == 0)
            // A stamp is no change, and is written once.
            let before = try lab.read("runbooks/prove.md")
            #expect(try lab.muster("runbook", "stamp", "prove.md").output.contains("stamped"))
            let stamped = try lab.read("runbooks/prove.md")
            #expect(stamped.contains("\(marker)\nLast proven on 20") && stamped.contains("by run #1"))
            #expect(
                stamped.components(separatedBy: "\n").count == before.components(separatedBy: "\n").count + 1)
            #expect(try lab.muster("runbook", "stamp", "prove.md").output.contains("says so already"))
            #expect(try lab.read("runbooks/prove.md") == stamped)
            #expect(try state() == "VERIFIED")
            try lab.write(stamped.replacing("# Prove me", with: "# Prove me again"), to: "runbooks/prove.md")
            #expect(try state() == "VERIFIED", "prose may change")
            try write("test 1 = 1")
            #expect(try state() == "DRIFTED")
            try write("exit 4")
            #expect(try lab.muster("runbook", "run", "prove.md").code == 5)
            #expect(try state() == "FAILED")
            // Time, by the record's own clock.
            try write("true")
            #expect(try lab.muster("runbook", "run", "prove.md").code == 0)
            try lab.shell(
                "sqlite3 '\(lab.outcomes)' 'UPDATE runbook_endings SET finished_utc_ns = finished_utc_ns - 91 * 86400000000000'"
            )
            #expect(try state() == "STALE")
            #expect(try lab.muster("runbook", "status", "prove.md", "--sweep").code == 6)
        }

        @Test func aDrillProvesItsRunbook() throws {
            let lab = try Lab()
            try lab.write(
                ShortDrill.make(
                    "proves",
                    steps: """
                          - inject: process-kill
                            as: crash
                            into: kv
                          - runbook: restart-sample-service.md
                            vars: { fixture: kv, url: "http://127.0.0.1:${port:kv}" }
                        """, restart: "never", rto: "{ max: 30s, from: declared }", rate: "20/s"
                ).replacing("within: 20s }", with: "within: 60s }").replacing(
                    "after: 60s", with: "after: 120s"),
                to: "drills/proves.yaml")
            let answer = try lab.judged("run", "drills/proves.yaml")
            let status = try lab.json("runbook", "status", "restart-sample-service.md")
            // A busy machine may keep a drill from proving anything; then it is no proof.
            let verdict = try lab.newestOutcome()["verdict"]?.asText ?? ""
            let state = ["pass": "VERIFIED", "fail": "FAILED", "inconclusive": "NEVER"][verdict]
            #expect(state != nil && status.at(0, "state")?.asText == state, "\(answer.all)")
            if verdict == "pass" { #expect(status.at(0, "lastProvenBy") == "outcome #1") }
            let stamp = try lab.muster("runbook", "stamp", "restart-sample-service.md")
            #expect(stamp.code == 2 && stamp.errors.contains("no place for a stamp"), "\(stamp.all)")
        }
    }
}
