import Foundation
import Glibc
import MusterCore
import MusterSystem
import Testing

/// A runbook in a lab, made of short blocks.
struct LabRunbook {
    let lab: Lab
    let name: String
    private var blocks: [String] = []
    private var variables: [String] = []
    var objectives = "{ rto: 5m }"

    init(_ lab: Lab, _ name: String = "test") {
        self.lab = lab
        self.name = name
    }

    mutating func variable(_ text: String) { variables.append("    " + text) }

    mutating func block(_ name: String, _ kind: String, _ more: String = "", _ body: String) {
        let language = kind == "manual" ? "text" : "bash"
        blocks.append("```\(language) {\"name\":\"\(name)\",\"kind\":\"\(kind)\"\(more)}\n\(body)\n```\n")
    }

    func write() throws {
        let vars = variables.isEmpty ? "" : "  vars:\n" + variables.joined(separator: "\n") + "\n"
        try lab.write(
            """
            ---
            shell: bash
            muster:
              owner: team
              objectives: \(objectives)
            \(vars)---
            # Test it

            \(blocks.joined(separator: "\n"))
            """, to: "runbooks/\(name).md")
    }

    func run(_ arguments: String..., environment: [String: String] = [:]) throws -> Lab.Answer {
        try write()
        return try lab.start(["runbook", "run", name + ".md"] + arguments, environment: environment).end()
    }

    /// The newest run as it is on record.
    func newest() throws -> Value {
        let all = try lab.json("runbook", "show")
        return try #require(all.asList?.first)
    }
}

extension Value {
    /// The steps of a runbook's run: `a succeeded`.
    var stepStates: [String] {
        (self["steps"]?.asList ?? []).map { "\($0["name"]?.asText ?? "?") \($0["state"]?.asText ?? "?")" }
    }

    func step(_ name: String) -> Value? { self["steps"]?.asList?.last { $0["name"] == .text(name) } }
}

extension EndToEndTroubles {
    /// Runbooks by themselves, outside drills.
    @Suite struct RunbookRuns {
        @Test func everyStepIsCarriedOutTimedAndKept() throws {
            let lab = try Lab()
            var runbook = LabRunbook(lab)
            runbook.variable("host: { required: true, pattern: \"^[a-z0-9]+$\" }")
            runbook.block(
                "leader", "capture", ",\"into\":\"LEADER\"", "echo \"$host-leader\"; echo noise >&2")
            runbook.block(
                "act", "command", ",\"rollback\":\"none\"",
                "echo \"$LEADER $MUSTER_STEP $MUSTER_ATTEMPT ${#MUSTER_RUN_ID}\" > acted; pwd >> acted")
            runbook.block("twice", "wait", ",\"interval\":\"20ms\",\"stable\":\"2\"", "test -e acted")
            runbook.block(
                "flaky", "check", ",\"retries\":\"3\",\"retryDelay\":\"10ms\",\"retryOn\":\"75\"",
                "test \"$MUSTER_ATTEMPT\" -ge 3 || exit 75")
            let answer = try runbook.run("--var", "host=db1")
            #expect(answer.code == 0 && answer.output.contains("DONE"), "\(answer.all)")
            let acted = try lab.read("runbooks/acted").split(separator: "\n")
            #expect(acted.first == "db1-leader act 1 26")
            #expect(
                acted.last?.hasSuffix("/project/runbooks") == true, "as Runme does: in the file's directory")
            let run = try runbook.newest()
            #expect(
                run.stepStates == ["leader succeeded", "act succeeded", "twice succeeded", "flaky succeeded"])
            #expect(run.step("flaky")?["attempts"] == 3 && run.step("leader")?["value"] == "db1-leader")
            #expect((run["machineNanoseconds"]?.asInt ?? 0) > 0 && run["humanWaitNanoseconds"] == 0)
            #expect(try lab.json("runbook", "status", "test.md").at(0, "state") == "VERIFIED")
            #expect(answer.output.contains("attempt 1 failed with exit code 75; again in"))
            #expect(run.step("flaky")?["failedAttempts"]?.asList?.count == 2)
            // The next one is set against it.
            #expect(try runbook.run("--var", "host=db1").output.contains("last time"))
            try lab.expectNothingLeft()
        }

        @Test func aFailureRollsBackAndIsIncomplete() throws {
            let lab = try Lab()
            var runbook = LabRunbook(lab)
            runbook.block("act", "command", ",\"rollback\":\"undo\"", "touch acted")
            runbook.block("bad", "check", "", "echo no such luck >&2; exit 3")
            runbook.block("never", "command", ",\"rollback\":\"none\"", "touch reached")
            runbook.block("undo", "rollback", "", "rm acted")
            let answer = try runbook.run()
            #expect(answer.code == 5, "\(answer.all)")
            #expect(answer.output.contains("exit code 3") && answer.output.contains("no such luck"))
            #expect(!lab.exists("runbooks/acted") && !lab.exists("runbooks/reached"))
            #expect(try runbook.newest().stepStates == ["act succeeded", "bad failed", "undo succeeded"])
            let status = try lab.muster("runbook", "status", "test.md", "--sweep")
            #expect(status.code == 6 && status.output.contains("FAILED"), "\(status.all)")
        }

        /// Of a step whose time is over nothing is left, also what it had put aside.
        @Test func aTimeoutEndsTheWholeGroup() throws {
            let lab = try Lab()
            var runbook = LabRunbook(lab)
            runbook.block(
                "slow", "command", ",\"rollback\":\"none\",\"timeout\":\"500ms\"",
                "trap '' TERM; echo $$ > pids; sleep 600 & echo $! >> pids; wait; sleep 600")
            let answer = try runbook.run()
            #expect(answer.code == 5 && answer.output.contains("timed out"), "\(answer.all)")
            let pids = try lab.read("runbooks/pids").split(separator: "\n").compactMap { Int32($0) }
            #expect(pids.count == 2)
            for pid in pids { #expect(lab.eventually { !lab.isAlive(pid) } != nil, "\(pid)") }
        }

        @Test(arguments: [SIGINT, SIGTERM]) func aSignalEndsTheStepAndTheRunGoesOnLater(_ signal: Int32)
            throws
        {
            let lab = try Lab()
            var runbook = LabRunbook(lab)
            runbook.block("before", "command", ",\"rollback\":\"none\"", "echo x >> before")
            runbook.block(
                "slow", "command", ",\"rollback\":\"none\",\"idempotent\":\"true\"",
                "echo $$ > pid; test -e gone || { touch gone; sleep 600; }")
            try runbook.write()
            let running = try lab.start(["runbook", "run", "test.md"])
            #expect(lab.eventually { lab.exists("runbooks/gone") } != nil)
            try running.child.kill(signal)
            let answer = try running.end()
            #expect(answer.code == 5 && answer.output.contains("muster runbook resume 1"), "\(answer.all)")
            let pid = try #require(Int32(lab.read("runbooks/pid").trimmingCharacters(in: .newlines)))
            #expect(!lab.isAlive(pid))
            let resumed = try lab.muster("runbook", "resume")
            #expect(resumed.code == 0, "\(resumed.all)")
            #expect(try lab.read("runbooks/before") == "x\n", "what was over is not done again")
            #expect(try runbook.newest().at("steps", 2, "attempts") == 2)
        }

        @Test func withoutATerminalNobodyIsAsked() throws {
            let lab = try Lab()
            var runbook = LabRunbook(lab)
            runbook.block("act", "command", ",\"rollback\":\"none\"", "touch acted")
            runbook.block("look", "manual", ",\"ask\":\"ticket\",\"role\":\"ic\"", "Look at it.")
            runbook.block("use", "check", "", "test \"$ticket\" = CHG-7")
            let refused = try runbook.run()
            #expect(refused.code == 7 && refused.errors.contains("'look' needs a person"), "\(refused.all)")
            #expect(!lab.exists("runbooks/acted"), "refused before anything was begun")
            #expect(try runbook.run("--answer", "look=CHG-7").errors.contains("the role ic"))
            #expect(try runbook.run("--answer", "look=yes", "--role", "ic").errors.contains("wants ticket"))
            #expect(try runbook.run("--answer", "lok=yes").errors.contains("no manual step 'lok'"))
            let answer = try runbook.run("--answer", "look=CHG-7", "--role", "ic", "--as", "mika")
            #expect(answer.code == 0, "\(answer.all)")
            let step = try #require(try runbook.newest().step("look"))
            #expect(step["actor"] == "mika" && step["evidence"] == "CHG-7")
            let no = try runbook.run("--answer", "look=no", "--role", "ic")
            #expect(no.code == 5 && no.output.contains("was refused"), "\(no.all)")
        }

        @Test func aDryRunShowsEverythingAndDoesNothing() throws {
            let lab = try Lab()
            var runbook = LabRunbook(lab)
            runbook.variable("TOKEN: { secret: \"env:LAB_TOKEN\" }")
            runbook.block("look", "check", "", "touch looked")
            runbook.block("act", "command", ",\"rollback\":\"undo\",\"timeout\":\"2m\"", "touch \"acted\"")
            runbook.block("undo", "rollback", "", "rm acted")
            let answer = try runbook.run("--dry-run", environment: ["LAB_TOKEN": "top-secret-value"])
            #expect(answer.code == 0, "\(answer.all)")
            for text in ["touch \"acted\"", "undone by 'undo'", "at most 7m 0s", "from env:LAB_TOKEN"] {
                #expect(answer.output.contains(text), "\(text): \(answer.output)")
            }
            #expect(!answer.all.contains("top-secret"))
            #expect(!lab.exists("runbooks/looked") && !lab.exists("runbooks/acted"))
            #expect(!lab.exists("runbooks/outcomes.sqlite"), "it leaves no record")
            #expect(try runbook.run("--dry-run").errors.contains("it is not set"))
            let probed = try runbook.run(
                "--dry-run", "--probe", environment: ["LAB_TOKEN": "top-secret-value"])
            #expect(lab.exists("runbooks/looked") && !lab.exists("runbooks/acted"), "\(probed.all)")
        }

        @Test func tooSlowIsAnObjectiveMissed() throws {
            let lab = try Lab()
            var runbook = LabRunbook(lab)
            runbook.objectives = "{ rto: 100ms }"
            runbook.block("slow", "check", "", "sleep 0.3")
            let answer = try runbook.run()
            #expect(answer.code == 1 && answer.output.contains("MISSED"), "\(answer.all)")
        }
    }
}
