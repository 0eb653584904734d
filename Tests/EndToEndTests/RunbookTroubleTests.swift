import Foundation
import Glibc
import MusterCore
import MusterSystem
import Testing

extension EndToEndTroubles {
    /// Runbooks where something is in the way: the terminal goes, the disk is full, a file cannot be read.
    @Suite struct RunbookTroubles {
        private func asking(_ lab: Lab) throws {
            var runbook = LabRunbook(lab)
            runbook.block("act", "command", ",\"rollback\":\"undo\"", "touch acted")
            runbook.block("look", "manual", "", "Look at it, carefully, before you go on with the rest.")
            runbook.block("undo", "rollback", "", "touch undone")
            try runbook.write()
        }

        private func expectStopped(_ lab: Lab) throws {
            let run = try lab.json("runbook", "show", "1")
            #expect(
                run["state"] == "cancelled" && run.stepStates == ["act succeeded", "look cancelled"], "\(run)"
            )
            #expect(!lab.exists("runbooks/undone"), "nothing of a recovery is rolled back unasked")
            #expect(try lab.muster("runbook", "resume", "--answer", "look=yes").code == 0)
        }

        @Test(.enabled(if: Tmux.isInstalled)) func theEndOfInputAtAQuestionStops() throws {
            let lab = try Lab()
            try asking(lab)
            let tmux = try Tmux(lab, "'\(Lab.built)/muster' runbook run test.md")
            try tmux.waits(for: "? look")
            try tmux.type("C-d")
            try tmux.waits(for: "muster runbook resume 1")
            try expectStopped(lab)
        }

        @Test(.enabled(if: Tmux.isInstalled)) func aTerminalThatIsClosedStops() throws {
            let lab = try Lab()
            try asking(lab)
            let tmux = try Tmux(lab, "'\(Lab.built)/muster' runbook run test.md")
            try tmux.waits(for: "? look")
            tmux.end()
            let cancelled = try lab.eventually {
                try lab.json("runbook", "show", "1")["state"] == "cancelled"
            }
            let shown = try lab.json("runbook", "show", "1")
            #expect(cancelled != nil, "\(shown)")
            try expectStopped(lab)
        }

        /// At 80 × 24 and at 20 columns whoever is asked sees how long there is, and what can be answered.
        @Test(.enabled(if: Tmux.isInstalled), arguments: [(80, 24), (20, 24)])
        func aQuestionFitsIntoASmallTerminal(_ columns: Int, _ rows: Int) throws {
            let lab = try Lab()
            try asking(lab)
            let tmux = try Tmux(
                lab, "'\(Lab.built)/muster' runbook run test.md", size: (columns, rows))
            for word in ["left", "begun", "done", "WHY:"] { try tmux.waits(for: word) }
            let lines = tmux.screen.split(separator: "\n").map(String.init)
            #expect(lines.contains { $0.hasSuffix("> _") || $0 == "> _" }, "\(tmux.screen)")
            // Narrower while it asks: nothing of the wider one stays.
            try tmux.resize(columns / 2 + 8, rows)
            try tmux.type("x")
            try tmux.waits(for: "> x_")
            #expect(tmux.screen.components(separatedBy: "? look").count == 2, "\(tmux.screen)")
            try tmux.type("BSpace", "y", "Enter")
            try tmux.waits(for: "exit code 0")
        }

        @Test func aResumedRunIsJudgedByAllOfItsTime() throws {
            let lab = try Lab()
            var runbook = LabRunbook(lab)
            runbook.objectives = "{ rto: 2s }"
            runbook.block(
                "slow", "command", ",\"rollback\":\"none\",\"idempotent\":\"true\"",
                "test -e gone || { touch gone; sleep 600; }")
            try runbook.write()
            let running = try lab.start(["runbook", "run", "test.md"])
            #expect(lab.eventually { lab.exists("runbooks/gone") } != nil)
            try running.child.kill(SIGINT)
            let stopped = try running.end()
            #expect(!stopped.output.contains("met by this run"), "\(stopped.all)")
            // It lies there for a minute, by the record's own clock.
            try lab.shell(
                "sqlite3 '\(lab.outcomes)' 'UPDATE runbook_runs SET started_utc_ns = started_utc_ns - 60000000000'"
            )
            let answer = try lab.muster("runbook", "resume")
            #expect(answer.code == 1 && answer.output.contains("MISSED"), "\(answer.all)")
            #expect(answer.output.contains("from begin to end, resumed in between"))
            #expect(try lab.muster("runbook", "show").output.contains("succeeded, resumed"))
            let run = try lab.json("runbook", "show", "1")
            #expect(run["resumed"] == true && (run["elapsedNanoseconds"]?.asInt ?? 0) > 60_000_000_000)
        }

        @Test func whatFailedHasMetNoObjective() throws {
            let lab = try Lab()
            var runbook = LabRunbook(lab)
            runbook.block("bad", "check", "", "echo no route >&2; echo '  what to do: nothing' >&2; exit 3")
            let answer = try runbook.run()
            #expect(answer.code == 5 && answer.output.contains("not met: the run failed"), "\(answer.all)")
            #expect(!answer.output.contains("met by this run"))
            #expect(try runbook.newest().step("bad")?["reason"] == "no route")
        }

        @Test func aBlockForDrillsIsRefusedOutsideOfThem() throws {
            let lab = try Lab()
            let answer = try lab.muster(
                "runbook", "run", "restart-redis.md", "--var", "fixture=redis", "--var", "port=6390")
            #expect(answer.code == 7 && answer.errors.contains("works within a drill only"), "\(answer.all)")
            #expect(answer.errors.contains("muster run drills/restart-redis.yaml"))
            #expect(!lab.exists("runbooks/outcomes.sqlite"), "nothing is recorded")
        }

        /// The one that the manual begins with.
        @Test func theFirstExampleWorks() throws {
            let lab = try Lab()
            let answer = try lab.muster("runbook", "run", "host-busy.md")
            #expect(answer.code == 0 && answer.output.contains("DONE"), "\(answer.all)")
            #expect(try lab.json("runbook", "status", "host-busy.md").at(0, "state") == "VERIFIED")
        }

        @Test func oneThatCannotBeReadHidesNoOther() throws {
            let lab = try Lab()
            try lab.shell("cd runbooks && printf '\\377' > latin.md && ln -s nowhere.md dangling.md")
            try lab.write("---\nmuster: { owner: [\n---\n# T\n", to: "runbooks/torn.md")
            let status = try lab.json("runbook", "status")
            let states =
                status.asList?.map { "\($0["path"]?.asText ?? "") \($0["state"]?.asText ?? "")" } ?? []
            for name in ["latin", "dangling", "torn"] {
                #expect(states.contains("runbooks/\(name).md UNREADABLE"), "\(states)")
            }
            #expect(states.contains("runbooks/restart-redis.md NEVER"))
            #expect(try lab.muster("runbook", "status", "--sweep").code == 6)
            let check = try lab.muster("runbook", "check")
            #expect(check.code == 2 && check.output.contains("latin.md: error: "), "\(check.all)")
            #expect(check.output.contains("dangling.md: error: ") && check.output.contains("torn.md"))
            #expect(try lab.muster("runbook", "check", "restart-redis.md").code == 0, "by its name alone")
            #expect(try lab.muster("runbook", "status", "no-such.md").code == 2, "a slip is no runbook")
        }

        @Test(.enabled(if: geteuid() == 0)) func onAFullDiskWhatIsOnRecordCanBeRead() throws {
            let lab = try Lab()
            var runbook = LabRunbook(lab)
            runbook.block("a", "check", "", "true")
            try lab.shell("mkdir full && mount -t tmpfs -o size=2m muster-test full")
            defer { _ = try? lab.shell("umount -l full") }
            let store = "\(lab.project)/full/outcomes.sqlite"
            #expect(try runbook.run("--outcomes", store).code == 0)
            try lab.shell("dd if=/dev/zero of=full/fill bs=4k 2>/dev/null; true")
            let shown = try lab.muster("runbook", "show", "1", "--outcomes", store)
            #expect(shown.code == 0 && shown.output.contains("succeeded"), "\(shown.all)")
            let refused = try runbook.run("--outcomes", store)
            #expect(refused.code != 0 && refused.all.contains("--outcomes"), "\(refused.all)")
            #expect(try runbook.run("--outcomes", "\(lab.project)/elsewhere.sqlite").code == 0)
            try lab.shell("mount -o remount,ro full")
            let readOnly = try lab.muster("runbook", "show", "1", "--outcomes", store)
            #expect(readOnly.code == 0 && readOnly.output.contains("succeeded"), "\(readOnly.all)")
        }

        /// Two million lines: counted right, and not held up by whoever reads them.
        @Test func muchOutputIsCountedAndHoldsNothingUp() throws {
            let lab = try Lab()
            var runbook = LabRunbook(lab)
            runbook.block("much", "check", "", "seq 2000000")
            let answer = try runbook.run()
            #expect(answer.code == 0 && answer.output.contains("… 1999997 lines before"), "\(answer.output)")
            #expect(answer.output.contains("| 2000000"))
        }

        @Test func aDryRunIsDataToo() throws {
            let lab = try Lab()
            var runbook = LabRunbook(lab)
            runbook.block(
                "flaky", "check", ",\"retries\":\"3\",\"retryDelay\":\"2s\",\"retryOn\":\"75,124\"",
                "touch done")
            let answer = try runbook.run("--dry-run")
            #expect(
                answer.output.contains("up to 4 attempts, 2 s apart, after exit code 75 or 124"),
                "\(answer.output)")
            let data = try runbook.run("--dry-run", "--json").json()
            #expect(data.at("steps", 0, "name") == "flaky" && data["dryRun"] == true, "\(data)")
            #expect(!lab.exists("runbooks/done"))
        }

        /// Nobody answers: the drill ends, says so first, and puts everything back.
        @Test func aConfirmationThatNeverComesEndsTheDrill() throws {
            let lab = try Lab()
            var runbook = LabRunbook(lab, "by-hand")
            runbook.block("look", "manual", ",\"timeout\":\"2s\"", "Look at the service.")
            runbook.block("start", "command", ",\"rollback\":\"none\"", "muster fixture start kv")
            try runbook.write()
            try lab.write(
                ShortDrill.make(
                    "by-hand",
                    steps: """
                          - inject: process-kill
                            as: crash
                            into: kv
                          - runbook: by-hand.md
                        """, restart: "never", rto: "{ max: 15s, from: declared }"
                ), to: "drills/by-hand.yaml")
            let answer = try lab.muster("run", "drills/by-hand.yaml", "--answers-elsewhere")
            try #require(answer.code != 2 && answer.code != 7, "\(answer.all)")
            let outcome = try lab.newestOutcome()
            let reason = outcome["reason"]?.asText ?? ""
            #expect(
                answer.code != 0 && outcome["verdict"] != "pass" && outcome["ending"] == "aborted",
                "\(answer.all)")
            #expect(
                reason.hasPrefix(
                    "Inconclusive: runbook by-hand.md: step 'look' timed out: nobody answered within 2 s")
                    || reason.contains("is suspect"), "\(reason)")
            #expect(outcome.events("runbook-step").map { $0["subject"]?.asText } == ["look"])
            #expect(try lab.json("runbook", "status", "by-hand.md").at(0, "state") == "FAILED")
            try lab.expectNothingLeft()
        }
    }
}
