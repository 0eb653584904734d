import Glibc
import MusterCore
import MusterDrills
import MusterSystem
import Testing

extension EndToEndDrills {
    /// `muster run --repeat`: one group, each fault at another moment, nothing left out.
    @Suite struct Repeats {
        /// A prediction that no restart can meet, and one that it must.
        private static let drill = ShortDrill.make(
            "short-kill",
            steps: """
                  - inject: process-kill
                    as: crash
                    into: kv
                """, extra: "predict: { outage: 1ms..2ms, lost: 0..0 }")

        private func start(_ lab: Lab, _ arguments: String...) throws -> Running {
            try lab.write(Self.drill, to: "drills/kill.yaml")
            return try lab.start(["run", "drills/kill.yaml"] + arguments)
        }

        @Test func threeRunsAreOneGroupAndSaySoEverywhere() throws {
            let lab = try Lab()
            let running = try start(lab, "--repeat", "3", "--phase", "300ms", "--seed", "42")
            let answer = try running.end(within: .seconds(120))
            try #require(answer.code == 0 || answer.code == 3, "\(answer.all)")
            let rows = try #require(lab.json("outcomes").asList)
            #expect(rows.count == 3)
            let met = rows.count { $0["verdict"] == "pass" }

            #expect(answer.output.contains("3 repeats of 'short-kill'") && answer.output.contains("seed 42"))
            #expect(answer.output.contains("repeat 1 of 3: the fault waits for"), "\(answer.all)")
            #expect(answer.output.contains("RTO       \(met)/3 met"), "\(answer.all)")
            if met == 3 {
                #expect(answer.output.contains("at 95 % confidence the success rate is at least 36 %"))
                #expect(
                    answer.output.contains("0 acknowledged writes lost or corrupt in each of 3 runs"),
                    "\(answer.all)")
            }
            #expect(answer.output.contains("model wrong or system changed"), "\(answer.all)")
            #expect(!answer.output.contains("proven\n") && !answer.output.contains("RTO proven"))

            try theMembersBelongTogether(lab, met)
            try theGroupIsShownAgain(lab, answer)
            try lab.expectNothingLeft()
        }

        private func theMembersBelongTogether(_ lab: Lab, _ met: Int) throws {
            let waits = FaultPhase.all(3, within: .milliseconds(300), seed: 42).map(\.wait.nanoseconds)
            var groups: Set<String> = []
            for (index, wait) in waits.enumerated() {
                let shown = try lab.json("show", "\(index + 1)")
                let planned = try #require(shown.events("repeat-planned").first)
                #expect(planned.at("detail", "waitNanoseconds")?.asInt == wait)
                // It struck no earlier than its phase says, after everything was steady.
                let steady = try #require(shown.events("workload-started").first?["atNanoseconds"]?.asInt)
                let struck = try #require(shown.events("injecting").first?["atNanoseconds"]?.asInt)
                #expect(struck - steady >= 1_000_000_000 + wait, "\(index + 1)")
                groups.insert(shown.at("repeats", "group")?.asText ?? "none")
                #expect(
                    shown.at("repeats", "runs") == 3 && shown.at("repeats", "passed")?.asInt == Int64(met))
                let outage = shown["predictions"]?.asList?.first { $0["name"] == "outage" }
                if shown["verdict"] == "pass" { #expect(outage?["result"] == "outside") }
                // The first report knew of nobody else when it was written.
                let report = try lab.read("runbooks/reports/\(index + 1).md")
                #expect(report.contains("## Repeats") && report.contains("outcomes #1 to #3"))
                #expect(report.contains("| \(index + 1) (this one) |"))
            }
            #expect(groups.count == 1 && !groups.contains("none"))
        }

        private func theGroupIsShownAgain(_ lab: Lab, _ answer: Lab.Answer) throws {
            let group = try #require(try lab.json("show", "1").at("repeats", "group")?.asText)
            let again = try lab.muster("outcomes", "--group", group)
            let byNumber = try lab.muster("outcomes", "--group", "2")
            #expect(again.code == 0 && again.output == byNumber.output, "\(again.all)")
            let line = try #require(answer.output.split(separator: "\n").first { $0.hasPrefix("recovery ") })
            #expect(again.output.contains(line), "the same words at any time: \(again.all)")
            let data = try lab.json("outcomes", "--group", group)
            #expect(data["seed"] == 42 && data["wanted"] == 3 && data["phaseNanoseconds"] == 300_000_000)
            let unknown = try lab.muster("outcomes", "--group", "9")
            #expect(unknown.code == 2 && unknown.errors.contains("there is no outcome 9"), "\(unknown.all)")
            let nobody = try lab.muster("outcomes", "--group", "nobody")
            #expect(nobody.code == 2 && nobody.errors.contains(group), "\(nobody.all)")
        }

        /// The present run is put back and kept, no other one begins, and what there is is summed up.
        @Test func anInterruptStopsTheSeriesAndSumsUp() throws {
            let lab = try Lab()
            let running = try start(lab, "--repeat", "5", "--phase", "0s", "--json")
            let second = lab.eventually(within: .seconds(90)) {
                lab.exists(lab.outcomes)
                    && (try? lab.json("show", "2"))?.events("injected").isEmpty == false
            }
            try #require(second != nil, "no second run: \(running.said)")
            try running.child.kill(SIGINT)
            let answer = try running.end(within: .seconds(60))
            #expect(answer.code == 4 || answer.code == 1, "\(answer.all)")
            let data = try answer.json()
            let runs = try #require(data["runs"]?.asList)
            #expect(data["wanted"] == 5 && runs.count == 2, "\(answer.all)")
            #expect(data.at("summary", "runs") == 2 && data.at("summary", "wanted") == 5)
            #expect(runs.allSatisfy { $0["residue"] == [] }, "\(answer.all)")
            #expect(answer.errors.contains("stopped after 2 of 5: Ctrl-C"), "\(answer.all)")
            #expect(lab.exists("runbooks/reports/2.md"))
            try lab.expectNothingLeft()
        }

        @Test func whatSomebodyWroteIntoAReportIsKept() throws {
            let lab = try Lab()
            let running = try start(lab, "--repeat", "2", "--phase", "0s")
            let first = lab.eventually(within: .seconds(60)) { lab.exists("runbooks/reports/1.html") }
            try #require(first != nil, "\(running.said)")
            let mine = try lab.read("runbooks/reports/1.md") + "\nWe were lucky.\n"
            try lab.write(mine, to: "runbooks/reports/1.md")
            let answer = try running.end(within: .seconds(60))
            #expect(try lab.read("runbooks/reports/1.md") == mine, "\(answer.all)")
            #expect(try lab.read("runbooks/reports/2.md").contains("outcomes #1 to #2"))
        }

        /// A miss is no reason to stop: how often it misses is what was asked.
        @Test func whatIsMissedIsRepeatedAndCounted() throws {
            let lab = try Lab()
            try lab.write(
                ShortDrill.kill.replacing("max: 5s", with: "max: 1ms"), to: "drills/kill.yaml")
            let answer = try lab.start(["run", "drills/kill.yaml", "--repeat", "2", "--phase", "0s"])
                .end(within: .seconds(90))
            try #require(answer.output.contains("2 of 2 runs of 'short-kill'"), "\(answer.all)")
            let missed = try #require(lab.json("outcomes").asList).count { $0["verdict"] == "fail" }
            #expect(answer.code == (missed == 0 ? 3 : 1), "the greater harm wins: \(answer.all)")
            if missed == 2 {
                let words = "0/2 met, 2 missed; at 95 % confidence the success rate is at most 78 %"
                #expect(answer.output.contains(words), "\(answer.all)")
            }
            try lab.expectNothingLeft()
        }

        @Test func whatDoesNotBecomeSteadyIsNotTriedAgain() throws {
            let lab = try Lab()
            let drill = ShortDrill.kill.replacing("/health\", every", with: "/kv/nobody\", every")
                .replacing("success: 100%", with: "success: 100%, within: 1s")
            try lab.write(drill, to: "drills/kill.yaml")
            let answer = try lab.start(["run", "drills/kill.yaml", "--repeat", "3"]).end(within: .seconds(60))
            #expect(answer.code == 4, "\(answer.all)")
            #expect(
                answer.output.contains("stopped after 1 of 3: the steady state was not reached"),
                "\(answer.all)")
            #expect(answer.output.contains("1 of 3 runs of 'short-kill'"), "\(answer.all)")
            #expect(try lab.json("outcomes").asList?.count == 1)
            try lab.expectNothingLeft()
        }

        @Test func whatMeansNothingIsRefused() throws {
            let lab = try Lab()
            try lab.write(Self.drill, to: "drills/kill.yaml")
            for (arguments, words) in [
                (["--repeat", "0"], "--repeat 0: not a number of runs"),
                (["--seed", "3"], "--seed means nothing for a single run"),
                (["--repeat", "2", "--phase", "soon"], "--phase soon: not a window"),
                (["--repeat", "2", "--seed", "-1"], "--seed"),
            ] {
                let answer = try lab.start(["run", "drills/kill.yaml"] + arguments).end()
                #expect(answer.code == 2 && answer.errors.contains(words), "\(arguments): \(answer.all)")
            }
            #expect(!lab.exists(lab.outcomes))
        }
    }
}
