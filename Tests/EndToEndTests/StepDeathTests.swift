import Glibc
import MusterCore
import MusterSystem
import Testing

extension EndToEndTroubles {
    /// A runbook's step runs when its drill is lost, and holds on to life: it ignores signals, leaves its session, and
    /// makes the scratch directory anew. A step before it has left services that are meant to stay.
    @Suite struct StepEnds {
        enum Blow: CaseIterable {
            case engineKilled, engineStopped, guardKilled, bothKilled, allKilled, interrupted
        }

        private static func block(_ name: String, _ kind: String, _ body: String) -> String {
            let own = kind == "wait" ? #""interval":"100ms","stable":"2""# : #""rollback":"none""#
            let head = #"{"name":"\#(name)","kind":"\#(kind)","timeout":"120s",\#(own)"#
            let plain = #","excludeFromRunAll":"true","interactive":"false"}"#
            return "```sh \(head)\(plain)\n\(body)\n```\n"
        }

        private static let runbook =
            """
            ---
            shell: bash
            muster: { id: stuck, owner: me, vars: { place: { required: true }, pids: { required: true } } }
            ---
            # Stuck


            """
            + block(
                "serve", "command",
                """
                setsid -f sh -c 'echo $$ > "$pids/service"; exec sleep 600' < /dev/null > /dev/null 2>&1
                sleep 600 < /dev/null > /dev/null 2>&1 &
                echo $! > "$pids/nearby"
                until [ -s "$pids/service" ]; do sleep 0.02; done
                """) + "\n"
            + block("up", "wait", #"test -s "$pids/service""#) + "\n"
            + block(
                "restore", "command",
                """
                trap '' TERM HUP
                export again="$place/again/again"
                setsid sh -c 'echo $$ > "$pids/loop"; while :; do mkdir -p "$place/again"; date > "$again"; sleep 0.05; done' &
                echo $$ > "$pids/step"
                sleep 600
                """)

        private static let drill = ShortDrill.make(
            "stuck",
            steps: """
                  - inject: process-kill
                    as: crash
                    into: kv
                  - runbook: stuck.md
                    vars: { place: "${scratch}", pids: "PIDS" }
                """, restart: "never", rto: "{ max: 15s, from: declared }")

        private func pid(_ name: String, _ lab: Lab) throws -> Int32 {
            let text = try lab.read("\(lab.directory)/\(name)")
            return try #require(Int32(text.filter(\.isNumber)), "no pid in '\(name)'")
        }

        @Test(arguments: Blow.allCases) func whatItRunsIsEndedAndWhatEarlierStepsLeftStays(_ blow: Blow)
            throws
        {
            let lab = try Lab()
            try lab.write(Self.runbook, to: "runbooks/stuck.md")
            try lab.write(Self.drill.replacing("PIDS", with: lab.directory), to: "drills/stuck.yaml")
            let lease = blow == .engineStopped ? "5s" : "20s"
            let running = try lab.start(["run", "drills/stuck.yaml", "--lease", lease])
            let place = waitUntilItWrites(lab)
            let said = try place == nil ? running.end().all : ""
            let scratch = try #require(place, "the step never wrote: \(said)")
            let step = [try pid("step", lab), try pid("loop", lab)]
            let kept = [try pid("service", lab), try pid("nearby", lab)]
            defer { for pid in kept { kill(pid, SIGKILL) } }

            try strike(blow, running, lab, step)
            #expect(lab.eventually { !step.contains(where: lab.isAlive) } != nil, "the step goes on")
            #expect(lab.eventually { !lab.exists(scratch) } != nil, "\(scratch) is left")
            if blow == .engineStopped { try running.child.kill(SIGCONT) }
            if [.engineStopped, .guardKilled, .interrupted].contains(blow) {
                let answer = try running.end(within: .seconds(90))
                let outcome = try lab.newestOutcome()
                #expect(outcome["ending"] == "aborted" && answer.code != 0, "\(answer.all)")
                #expect(outcome["residue"] == [], "\(answer.all)")
                let turn = outcome.events("runbook-step").last
                #expect(
                    turn?["subject"] == "restore" && turn?.at("detail", "state") == "cancelled",
                    "\(answer.all)")
                let told = "'restore' (command) was cancelled"
                #expect(turn?["text"]?.asText?.hasPrefix(told) == true, "\(answer.all)")
                if blow != .interrupted {
                    #expect(turn?["text"]?.asText?.contains("the guard, which") == true, "\(answer.all)")
                }
            }
            let undo = try lab.muster("undo", within: .seconds(90))
            #expect(undo.code == 0, "\(undo.all)")
            #expect(kept.allSatisfy(lab.isAlive), "what a finished step had left is gone")
            for pid in kept { kill(pid, SIGKILL) }
            try lab.expectNothingLeft()
        }

        /// - Returns: the scratch directory, once the step has written into it.
        private func waitUntilItWrites(_ lab: Lab) -> String? {
            var found: String?
            _ = lab.eventually {
                found = lab.runs().map(lab.scratch).first { lab.exists($0 + "/again/again") }
                return found != nil && lab.exists("\(lab.directory)/step")
            }
            return found
        }

        private func strike(_ blow: Blow, _ running: Running, _ lab: Lab, _ step: [Int32]) throws {
            let guardProcess = try running.guardProcess()
            switch blow {
            case .engineKilled: try running.child.kill()
            case .engineStopped: try running.child.kill(SIGSTOP)
            case .guardKilled: kill(guardProcess, SIGKILL)
            case .bothKilled: for victim in [guardProcess, running.pid] { kill(victim, SIGKILL) }
            case .interrupted: try running.child.kill(SIGINT)
            case .allKilled:
                let warden = try #require(lab.child(of: guardProcess, named: "warden"))
                let hands = try #require(lab.child(of: guardProcess, named: "hands"))
                for signal in [SIGSTOP, SIGKILL] {
                    for victim in [warden, guardProcess, running.pid, hands] { kill(victim, signal) }
                }
                let ended = lab.eventually { ![warden, guardProcess, hands].contains(where: lab.isAlive) }
                #expect(ended != nil && step.allSatisfy(lab.isAlive), "nobody is left who would end the step")
                let undo = try lab.muster("undo", within: .seconds(90))
                let told =
                    "step 'restore' of stuck.md was still running though its drill was lost; it was ended"
                #expect(undo.code == 0 && undo.output.contains(told), "\(undo.all)")
            }
        }
    }
}
