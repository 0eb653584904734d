import Glibc
import MusterCore
import MusterSystem
import Testing

extension EndToEndTroubles {
    /// The engine dies, hangs, is asked to stop, or loses its terminal, in the middle of a fault.
    @Suite struct EngineEnds {
        /// A drill that holds its service suspended for as long as nobody mends it.
        private func paused(_ lab: Lab, _ arguments: String...) throws -> (running: Running, service: Int32) {
            try lab.write(ShortDrill.pause(for: "30s"), to: "drills/pause.yaml")
            let running = try lab.start(["run", "drills/pause.yaml"] + arguments)
            // An outage that was seen is told from a system that never went down sooner.
            try running.waits(for: "'health' sees the first failure")
            let service = try lab.service()
            #expect(lab.isStopped(service))
            return (running, service)
        }

        @Test func killedItsGuardMendsAtTheEndOfInputAndTheRunIsSeenAsInterrupted() throws {
            let lab = try Lab()
            let (running, service) = try paused(lab)
            let start = lab.clock.monotonic()
            try running.child.kill()
            let mended = lab.eventually { !lab.isStopped(service) }
            let took = lab.clock.monotonic() - start
            #expect(mended != nil)
            print("engine death: mended after \(took.forPeople)")
            try lab.expectNothingLeft()
            let row = try #require(lab.json("outcomes").at(0))
            #expect(row["ending"] == "interrupted" && row["verdict"] == .null, "\(row.canonicalJSON)")
            let shown = try lab.muster("show")
            #expect(shown.code == 0 && shown.output.contains("INTERRUPTED"), "\(shown.all)")
            #expect(shown.output.contains("suspended"), "what it had is kept: \(shown.all)")
            let undo = try lab.muster("undo")
            #expect(undo.code == 0 && undo.output.contains("nothing was open"), "\(undo.all)")
            let report = try lab.muster("report")
            #expect(report.code == 0, "\(report.all)")
        }

        @Test func stoppedItsFaultIsMendedAtTheLeaseAndItFindsOutWhenItGoesOn() throws {
            let lab = try Lab()
            let (running, service) = try paused(lab, "--lease", "1s")
            let start = lab.clock.monotonic()
            try running.child.kill(SIGSTOP)
            let mended = lab.eventually { !lab.isStopped(service) }
            let took = lab.clock.monotonic() - start
            // The last renewal was up to half a lease ago: never sooner, however quick the guard.
            #expect(mended != nil && took >= .milliseconds(450))
            print("engine stopped, lease 1s: mended after \(took.forPeople)")
            try running.child.kill(SIGCONT)
            let answer = try running.end(within: .seconds(60))
            #expect(answer.code == 4, "\(answer.all)")
            let outcome = try lab.newestOutcome()
            #expect(outcome["ending"] == "aborted" && outcome["verdict"] != "pass", "\(answer.all)")
            let why = outcome.texts("abort") + outcome.texts("guard-lost")
            #expect(why.contains { $0.contains("lease") || $0.contains("guard") }, "\(why)")
            #expect(outcome["residue"] == [], "\(answer.all)")
            try lab.expectNothingLeft()
        }

        /// Three at once, one for each signal.
        @Test func askedToStopItRevertsMeasuresAndRecords() throws {
            let signals = [SIGINT, SIGTERM, SIGHUP]
            let labs = try signals.map { _ in try Lab() }
            let drills = try labs.map { try paused($0) }
            for (signal, drill) in zip(signals, drills) { try drill.running.child.kill(signal) }
            for (index, drill) in drills.enumerated() {
                let lab = labs[index]
                let mended = lab.eventually { !lab.isStopped(drill.service) }
                #expect(mended != nil, "reverted first of all")
                let answer = try drill.running.end(within: .seconds(30))
                #expect(answer.code == 4, "signal \(signals[index]): \(answer.all)")
                let outcome = try lab.newestOutcome()
                #expect(outcome["ending"] == "aborted", "\(answer.all)")
                #expect(outcome.texts("abort").count == 1, "\(answer.all)")
                // It went on measuring: the service was seen to come back, and its ledger was read.
                #expect(!outcome.events("first-success").isEmpty, "\(answer.all)")
                #expect(!outcome.events("read-back").isEmpty, "\(answer.all)")
                try lab.expectNothingLeft()
            }
        }

        /// What is asked for while the guard says goodbye was never done.
        @Test(arguments: [0, 20, 50, 100]) func stoppedAtTheVeryBeginningNothingIsLeft(_ delay: Int64) throws
        {
            let lab = try Lab()
            try lab.write(ShortDrill.kill, to: "drills/kill.yaml")
            let running = try lab.start(["run", "drills/kill.yaml"])
            try running.waits(for: "outcome #1")
            SystemTimekeeper().sleep(for: .milliseconds(delay))
            try running.child.kill(SIGINT)
            let answer = try running.end(within: .seconds(60))
            #expect(answer.code == 4 && !answer.all.contains("NOT everything"), "\(answer.all)")
            #expect(try lab.newestOutcome()["residue"] == [], "\(answer.all)")
            try lab.expectNothingLeft()
        }

        @Test func aSecondCtrlCSaysThatTheRevertGoesOn() throws {
            let lab = try Lab()
            let (running, _) = try paused(lab)
            try running.child.kill(SIGINT)
            try running.waits(for: "Ctrl-C")
            try running.child.kill(SIGINT)
            let answer = try running.end(within: .seconds(60))
            #expect(answer.code == 4, "\(answer.all)")
            #expect(answer.output.contains("still putting things back"), "\(answer.all)")
        }

        /// A store that takes everything and returns nothing would be asked for two minutes.
        @Test func aSecondCtrlCEndsAReadBackThatDoesNotEnd() throws {
            let lab = try Lab()
            let program = try lab.write(
                """
                import json, sys
                for line in sys.stdin:
                    request = json.loads(line)
                    answer = {"ok": True} if request["op"] == "put" else {"fail": "the disk is gone"}
                    print(json.dumps({"id": request["id"], **answer}), flush=True)
                """, to: "mute.py")
            let drill = ShortDrill.pause(for: "200ms").replacing(
                "writes: { http: \"http://127.0.0.1:${port:kv}/kv/{key}\"",
                with: "writes: { exec: [python3, \"\(program)\"]")
            try lab.write(drill, to: "drills/mute.yaml")
            let running = try lab.start(["run", "drills/mute.yaml"])
            try running.waits(for: "goes on until two passes agree")
            try running.child.kill(SIGINT)
            try running.waits(for: "Ctrl-C")
            try running.child.kill(SIGINT)
            let answer = try running.end(within: .seconds(30))
            #expect(answer.code == 4 && answer.output.contains("the read-back ends here"), "\(answer.all)")
            let outcome = try lab.newestOutcome()
            #expect(outcome["verdict"] == "inconclusive", "\(answer.all)")
            #expect(outcome.at("ledgers", 0, "lost") == 0, "\(answer.all)")
            #expect(outcome.at("ledgers", 0, "unread") == outcome.at("ledgers", 0, "sent"), "\(answer.all)")
            try lab.expectNothingLeft()
        }

        @Test func abortFromAnotherTerminalDoesTheSame() throws {
            let lab = try Lab()
            let (running, _) = try paused(lab)
            let seen = try lab.muster("show")
            #expect(seen.output.contains("RUNNING"), "\(seen.all)")
            let abort = try lab.muster("abort")
            #expect(abort.code == 0 && abort.output.contains("asked run"), "\(abort.all)")
            let answer = try running.end(within: .seconds(60))
            #expect(answer.code == 4, "\(answer.all)")
            try lab.expectNothingLeft()
            let again = try lab.muster("abort")
            #expect(again.code == 2 && again.errors.contains("no drill runs"), "\(again.all)")
        }

        @Test func undoFromAnotherTerminalEndsTheDrill() throws {
            let lab = try Lab()
            let (running, service) = try paused(lab)
            let undo = try lab.muster("undo")
            #expect(undo.code == 0 && !lab.isStopped(service), "\(undo.all)")
            let answer = try running.end(within: .seconds(60))
            #expect(answer.code == 4, "\(answer.all)")
            try lab.expectNothingLeft()
        }

        /// script(1) owns the terminal; when it is killed the terminal hangs up.
        @Test(.enabled(if: access("/usr/bin/script", X_OK) == 0)) func aTerminalThatClosesIsAnAbort() throws {
            let lab = try Lab()
            try lab.write(ShortDrill.pause(for: "30s"), to: "drills/pause.yaml")
            let command = "exec '\(lab.binaries)/muster' run drills/pause.yaml"
            let terminal = try lab.start(
                program: "/usr/bin/script", ["--quiet", "--flush", "--command", command, "/dev/null"],
                environment: ["TERM": "xterm"])
            try terminal.waits(for: "'health' sees the first failure")
            #expect(terminal.said.contains("\u{1B}["), "a person looks: there is a live view")
            let service = try lab.service()
            try terminal.child.kill()
            #expect(lab.eventually { !lab.isStopped(service) } != nil)
            try lab.expectNothingLeft()
            let outcome = try lab.newestOutcome()
            #expect(outcome["ending"] == "aborted" && outcome["exitCode"] == 4, "\(outcome.texts("abort"))")
            #expect(outcome.texts("abort").contains { $0.contains("terminal") }, "\(outcome.texts("abort"))")
        }
    }
}
