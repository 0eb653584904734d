import MusterCore
import MusterDocuments
import MusterDrills
import Testing

@Suite struct RunbookTests {
    /// FNV-1a, in place of SHA-256: the reader takes whatever hash it is given.
    private func hash(_ text: String) -> String {
        String(
            text.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 },
            radix: 16)
    }

    private func examine(_ text: String) -> RunbookExamination {
        RunbookReader.examine(text, fallbackTitle: "x.md", hash: hash)
    }

    @Test func blocksWithAKindAreSteps() throws {
        let text = try FixtureFiles.text("runbooks/restart.md")
        let runbook = try RunbookReader.read(text, fallbackTitle: "restart.md", hash: hash)
        #expect(runbook.title == "Restart Redis")
        #expect(runbook.service == "sessions" && runbook.owner == "team-platform")
        #expect(runbook.source == text)
        #expect(runbook.variables.map(\.name) == ["unit", "TOKEN"])
        #expect(runbook.variables[1].secret == "env:DR_TOKEN")
        #expect(runbook.steps.map(\.name) == ["start", "writable", "count"])
        let start = runbook.steps[0]
        #expect(start.kind == .command && start.shell == "bash" && start.retry.count == 2)
        #expect(
            start.retry.codes == [75, 124] && start.retry.delay == .seconds(3)
                && start.heading == "1. Start it")
        #expect(
            start.body
                == "systemctl start \"$unit\" \\\n  && echo \"started\\t$unit\"   # trailing blanks  \n")
        let wait = runbook.steps[1]
        #expect(wait.body == "redis-cli ping | grep -qx PONG\n  indented\n")
        #expect(wait.interval == .milliseconds(500) && wait.stable == 3 && wait.onFailure == .step("start"))
        #expect(runbook.steps[2].isCritical == false && runbook.steps[2].isIdempotent)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        for step in runbook.steps { #expect(lines[step.line - 1].contains("\"\(step.name)\"")) }
    }

    private func block(_ info: String, _ body: String = "true") -> String {
        "# T\n\n```\(info)\n\(body)\n```\n"
    }

    @Test(arguments: [
        ("sh {\"name\":\"a\",\"kind\":\"command\",}", "nothing behind a comma"),
        ("sh {\"name\":\"a\",\"kind\":{\"x\":1}}", "neither text"),
        ("sh {\"name\":\"a}\",\"kind\":\"command\"}", "a brace inside a value"),
        ("sh {\"name\":\"a\",\"kind\":\"command\"} more", "text behind the '}'"),
        ("sh {name=a kind=command}", "a key without quotes"),
        ("sh name=a kind=command", "read differently"),
        ("sh {\"name\":\"a\",\"name\":\"b\",\"kind\":\"check\"}", "stands here twice"),
        ("sh {\"name\":\"a\",\"knid\":\"check\"}", "without 'kind'"),
        ("sh {\"name\":\"a\",\"timeout\":\"1s\"}", "without 'kind'"),
        ("sh {\"name\":\"a\",\"kind\":\"fault\"}", "'fault' is not known"),
        ("sh {\"name\":\"a\",\"kind\":\"capture\"}", "where the captured text goes"),
        ("sh {\"name\":\"a\",\"kind\":\"capture\",\"into\":\"a-b\"}", "not allowed here"),
        ("sh {\"name\":\"a\",\"kind\":\"capture\",\"into\":\"PATH\"}", "not allowed here"),
        ("sh {\"name\":\"a\",\"kind\":\"check\",\"into\":\"A\"}", "'into' on a check"),
        ("sh {\"name\":\"a\",\"kind\":\"check\",\"role\":\"ic\"}", "'role' on a check"),
        ("sh {\"name\":\"a\",\"kind\":\"wait\",\"retries\":\"2\"}", "'retries' on a wait"),
        ("sh {\"name\":\"a\",\"kind\":\"rollback\",\"retries\":\"2\"}", "not idempotent"),
        ("sh {\"name\":\"a\",\"kind\":\"rollback\",\"onFailure\":\"abort\"}", "'onFailure' on a rollback"),
        ("sh {\"name\":\"a\",\"kind\":\"command\",\"setup\":\"true\"}", "done again when the run is resumed"),
        (
            "sh {\"name\":\"a\",\"kind\":\"check\",\"critical\":\"false\",\"onFailure\":\"abort\"}",
            "is not critical"
        ),
        ("sh {\"name\":\"a\",\"kind\":\"check\",\"background\":\"true\"}", "not allowed here"),
        ("sh {\"name\":\"a\",\"kind\":\"check\",\"interpreter\":\"ruby\"}", "is not a shell"),
        ("sh {\"name\":\"a\",\"kind\":\"check\",\"timeout\":\"0s\"}", "not allowed here"),
        ("sh {\"name\":\"a\",\"kind\":\"check\",\"backoff\":\"0.5\"}", "not allowed here"),
        ("sh {\"name\":\"none\",\"kind\":\"check\"}", "is no name"),
        ("sh {\"name\":\"a\",\"kind\":\"comand\"}", "'comand' is not known"),
        ("sh {\"kind\":\"check\"}", "'name' is missing"),
        ("python {\"name\":\"a\",\"kind\":\"check\"}", "is not a shell"),
        ("sh {\"name\":\"a\",\"kind\":\"command\",\"retries\":\"2\"}", "not idempotent"),
        ("sh {\"name\":\"a\",\"kind\":\"check\",\"stable\":\"2\"}", "'stable' on a check"),
        ("sh {\"name\":\"a\",\"kind\":\"check\",\"timeout\":\"5\"}", "found '5'"),
        ("sh {\"name\":\"a\",\"kind\":\"check\",\"tmeout\":\"5s\"}", "unknown key 'tmeout'"),
        ("sh {\"name\":\"a\",\"kind\":\"check\",\"onFailure\":\"step:b\"}", "no block is named 'b'"),
        ("sh {\"name\":\"a\",\"kind\":\"check\",\"rollback\":\"b\"}", "'rollback' on a check"),
        ("sh {\"name\":\"a\",\"kind\":\"command\",\"rollback\":\"b\"}", "no rollback block is named 'b'"),
        ("sh {\"name\":\"a\",\"kind\":\"check\",\"retryOn\":\"0\"}", "found '0'"),
        ("sh {\"name\":\"a\",\"kind\":\"check\",\"onFailure\":\"step:a\"}", "would lead to itself"),
        (
            "sh {\"name\":\"a\",\"kind\":\"wait\",\"stable\":\"1000\",\"timeout\":\"5s\"}",
            "1000 looks, 1s apart, never fit into 5s"
        ),
        ("sh {\"name\":\"a\",\"kind\":\"capture\",\"into\":\"LD_PRELOAD\"}", "not allowed here"),
        ("sh {\"name\":\"a\",\"kind\":\"capture\",\"into\":\"BASH_ENV\"}", "not allowed here"),
    ])
    func refused(_ info: String, _ message: String) {
        let errors = examine(block(info)).errors
        #expect(errors.count == 1)
        #expect(errors.first?.message.contains(message) == true, "\(errors)")
        #expect(errors.first?.place?.line == 3)
    }

    @Test(arguments: ["", "sh", "sh {name=a}", "sh {\"name\":\"a\"}", "text {}", "yaml {{ x }}"])
    func blocksWithoutAKindAreProse(_ info: String) {
        let examination = examine(block(info))
        #expect(examination.errors.isEmpty)
        #expect(examination.runbook?.steps.isEmpty == true)
    }

    @Test func unclosedAndEmptyBlocksAreRefused() {
        let info = "```sh {\"name\":\"a\",\"kind\":\"check\"}\n"
        #expect(examine(info + "true\n").errors.first?.message == "the block does not end")
        #expect(examine(info + "```\n").errors.first?.message == "an empty block")
        #expect(examine("---\nmuster: {}\n").errors.first?.message == "the front matter does not end")
    }

    @Test func frontMatterProblemsNameTheLineOfTheFile() {
        let errors = examine("---\nshell: sh\nmuster:\n  ownr: x\n---\n# T\n").errors
        #expect(errors.first?.place == Place(line: 4, column: 3))
        #expect(errors.first?.nearest == "owner")
    }

    @Test func proseDoesNotChangeWhatIsExecutedButCommandsDo() throws {
        let text = try FixtureFiles.text("runbooks/restart.md")
        let one = try #require(examine(text).runbook)
        let prose = try #require(examine(text.replacing("Look first", with: "Look twice")).runbook)
        #expect(prose.execHash == one.execHash && prose.fileHash != one.fileHash)
        for change in [
            ("-gt 0", "-gt 1"), ("\"60s\"", "\"61s\""), ("[a-z0-9-]", "[a-z]"), ("rto: 5m", "rto: 6m"),
        ] {
            let changed = try #require(examine(text.replacing(change.0, with: change.1)).runbook)
            #expect(changed.execHash != one.execHash, "\(change)")
        }
        let mark = "<!-- muster:verified -->\n"
        let stamped = try #require(examine(text + mark + "outcome 7\n" + mark).runbook)
        let again = try #require(examine(text + mark + "outcome 8\n" + mark).runbook)
        #expect(stamped.fileHash == again.fileHash)
    }
}
