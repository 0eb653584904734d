import MusterCore
import MusterDocuments
import MusterDrills
import Testing

/// What a runbook can say beyond commands, checks and waits.
@Suite struct RunbookFormatTests {
    private func examine(_ text: String) -> RunbookExamination {
        RunbookReader.examine(text, fallbackTitle: "x.md") { "\($0.utf8.count)" }
    }

    private func hash(_ text: String) -> String? {
        RunbookReader.examine(text, fallbackTitle: "x.md") { $0 }.runbook?.execHash
    }

    private static let all = """
        ---
        shell: bash
        cwd: ops
        runme: { id: 01HG, version: v3 }
        muster:
          owner: team
          objectives: { rto: 5m, rpo: 0s, mtd: 30m }
          verifyEvery: 90d
          testedWith: { redis: "7.0" }
          vars:
            host: { required: true }
            TOKEN: { secret: "cmd:pass show token" }
        ---
        # All of it

        ```sh {"name":"login","kind":"command","setup":"true","idempotent":"true","rollback":"none","excludeFromRunAll":"true","interactive":"false"}
        true
        ```
        ```sh {"name":"leader","kind":"capture","into":"LEADER","interactive":"false"}
        echo db1
        ```
        ```bash {"name":"promote","kind":"command","timeout":"60s","onFailure":"step:page","rollback":"demote","cwd":"db","excludeFromRunAll":"true","interactive":"false"}
        true
        ```
        ```text {"name":"dns","kind":"manual","ignore":"true","role":"ic","expect":"5m","timeout":"20m","ask":"ticket","end":"true"}
        Look at it from outside.
        ```
        ```text {"name":"page","kind":"manual","ignore":"true"}
        Page the database's owner.
        ```
        ```sh {"name":"demote","kind":"rollback","idempotent":"true","retries":"3","backoff":"2","maxDelay":"10s","excludeFromRunAll":"true","interactive":"false"}
        true
        ```
        """

    @Test func everyKindIsRead() throws {
        let examination = examine(Self.all)
        #expect(examination.errors.isEmpty && examination.warnings.isEmpty, "\(examination)")
        let runbook = try #require(examination.runbook)
        #expect(runbook.steps.map(\.name) == ["login", "leader", "promote", "dns", "page"])
        #expect(runbook.rollbacks.map(\.name) == ["demote"])
        #expect(runbook.directory == "ops" && runbook.rto == .seconds(300))
        #expect(runbook.verifyEvery == .seconds(90 * 86_400) && runbook.testedWith == ["redis": "7.0"])
        #expect(runbook.variables.last?.secret == "cmd:pass show token")
        let (login, leader, promote, dns) = (
            runbook.steps[0], runbook.steps[1], runbook.steps[2], runbook.steps[3]
        )
        #expect(login.isSetup && login.isIdempotent && login.rollback == .nothing)
        #expect(leader.into == "LEADER" && !leader.isSecret && leader.isIdempotent)
        #expect(
            promote.rollback == .block("demote") && promote.onFailure == .step("page")
                && promote.directory == "db")
        #expect(dns.role == "ic" && dns.ask == "ticket" && dns.expected == .seconds(300) && dns.isEnd)
        #expect(dns.timeout == .seconds(1200) && runbook.steps[4].timeout == .seconds(900))
        #expect(dns.body == "Look at it from outside.\n")
        let demote = runbook.rollbacks[0]
        #expect(demote.retry.count == 3 && demote.retry.backoff == 2 && demote.retry.longest == .seconds(10))
    }

    /// Runme's own page of options, as keys of JSON; none is refused, and none changes what is executed.
    @Test func everyAttributeOfRunmesIsKnown() throws {
        let plain = "# T\n\n```sh {\"name\":\"a\",\"kind\":\"check\",\"interactive\":\"false\"}\ntrue\n```\n"
        let runmes = [
            "\"background\":\"false\"", "\"closeTerminalOnSuccess\":\"false\"", "\"category\":\"build\"",
            "\"tag\":\"build\"", "\"excludeFromRunAll\":\"true\"", "\"mimeType\":\"text/plain\"",
            "\"mimetype\":\"text/plain\"", "\"terminalRows\":\"20\"", "\"terminalRows\":20",
            "\"promptEnv\":\"auto\"",
            "\"skipPrompts\":\"true\"", "\"ignore\":\"false\"", "\"transform\":\"false\"",
            "\"id\":\"01HFPW3ES2Y7TXV064BKC5WS41\"",
        ]
        let expected = try #require(hash(plain))
        for attribute in runmes {
            let text = plain.replacing("\"interactive\"", with: attribute + ",\"interactive\"")
            #expect(examine(text).errors.isEmpty, "\(attribute)")
            #expect(hash(text) == expected, "\(attribute)")
            #expect(examine(text).runbook?.source == text)
        }
        for attribute in ["\"cwd\":\"..\"", "\"interpreter\":\"bash\""] {
            let text = plain.replacing("\"interactive\"", with: attribute + ",\"interactive\"")
            #expect(examine(text).errors.isEmpty && hash(text) != expected, "\(attribute)")
        }
    }

    @Test(arguments: [
        ("\"role\":\"ic\"", "\"role\":\"dba\""), ("ask\":\"ticket", "ask\":\"change"),
        ("\"end\":\"true\"", "\"end\":\"false\""),
        ("\"setup\":\"true\",", ""), ("into\":\"LEADER", "into\":\"PRIMARY"), ("cwd: ops", "cwd: lab"),
        ("\"cwd\":\"db\"", "\"cwd\":\"data\""), ("\"backoff\":\"2\"", "\"backoff\":\"3\""),
        ("Look at it", "Listen to it"), ("pass show token", "pass show other"),
        ("expect\":\"5m", "expect\":\"6m"),
    ])
    func whatIsDoneIsHashed(_ old: String, _ new: String) throws {
        let one = try #require(hash(Self.all))
        let other = try #require(hash(Self.all.replacing(old, with: new)), "\(old)")
        #expect(one != other, "\(old)")
    }

    @Test func whatTheFormatGainedLeavesOlderHashesAlone() throws {
        let text = "# T\n\n```sh {\"name\":\"a\",\"kind\":\"check\"}\ntrue\n```\n"
        let expected =
            #"{"format":1,"objectives":null,"steps":[{"body":"true","critical":true,"idempotent":true,"interval":"1s","#
            + #""kind":"check","name":"a","onFailure":"abort","retries":0,"retryDelay":"1s","retryOn":[],"shell":"sh","#
            + #""stable":1,"timeout":"5m"}],"vars":{}}"#
        #expect(hash(text) == expected)
    }

    private func warnings(_ info: String, _ more: String = "") -> [String] {
        examine("---\nmuster: { owner: x }\n---\n# T\n\n```\(info)\ntrue\n```\n\(more)").warnings.map(
            \.message)
    }

    @Test func whatIsDoubtfulIsSaid() {
        let quiet = ",\"excludeFromRunAll\":\"true\",\"interactive\":\"false\""
        #expect(warnings("sh {\"name\":\"a\",\"kind\":\"command\",\"rollback\":\"none\"\(quiet)}") == [])
        #expect(
            warnings("sh {\"name\":\"a\",\"kind\":\"command\"\(quiet)}") == ["nothing says what undoes 'a'"])
        #expect(
            warnings(
                "sh {\"name\":\"a\",\"kind\":\"command\",\"rollback\":\"none\",\"interactive\":\"false\"}")
                == ["Runme's 'run all' would run 'a'"])
        #expect(warnings("sh {\"name\":\"a\",\"kind\":\"check\"}").count == 1)
        #expect(
            warnings("sh {\"name\":\"a\",\"kind\":\"check\",\"interactive\":\"true\"}") == [
                "'a' gets no terminal"
            ])
        #expect(
            warnings("text {\"name\":\"a\",\"kind\":\"manual\"}").first?.contains("is for people") == true)
        #expect(
            warnings("sh {\"name\":\"a\",\"kind\":\"rollback\"\(quiet)}") == [
                "'a' never runs: no step names it as its rollback"
            ])
        let second = "```sh {\"name\":\"b\",\"kind\":\"check\",\"interactive\":\"false\"}\ntrue\n```\n"
        #expect(
            warnings(
                "sh {\"name\":\"a\",\"kind\":\"check\",\"end\":\"true\",\"interactive\":\"false\"}", second
            )
            .first?.hasPrefix("'b' never runs") == true)
    }

    /// Each attribute is right by itself, and the two together do nothing.
    @Test(arguments: [
        ("wait\",\"interval\":\"10m\",\"timeout\":\"1m", "only one look fits into 1m"),
        ("check\",\"retryOn\":\"75", "'retryOn' without retries does nothing"),
        ("check\",\"retryDelay\":\"2s", "'retryDelay' without retries does nothing"),
        (
            "check\",\"retries\":\"2\",\"retryDelay\":\"1h\",\"timeout\":\"1s",
            "after 1h the timeout of 1s is over: nothing is tried again"
        ),
    ])
    func whatHasNoEffectIsSaid(_ attributes: String, _ message: String) {
        #expect(
            warnings("sh {\"name\":\"a\",\"kind\":\"\(attributes)\",\"interactive\":\"false\"}") == [message])
    }

    /// As Runme does it: the front matter's shell reads every block that is for a shell.
    @Test func theShellOfTheFrontMatterReadsAllBlocks() {
        func shell(_ front: String, _ info: String) -> String? {
            examine("---\n\(front)muster: { owner: x }\n---\n# T\n\n```\(info)\ntrue\n```\n").runbook?.steps[
                0
            ].shell
        }
        let block = "{\"name\":\"a\",\"kind\":\"check\"}"
        #expect(shell("shell: bash\n", "sh \(block)") == "bash")
        #expect(shell("shell: dash\n", "bash \(block)") == "dash")
        #expect(shell("shell: bash\n", block) == "bash")
        #expect(shell("", "sh \(block)") == "sh")
        #expect(
            shell("shell: bash\n", "sh {\"name\":\"a\",\"kind\":\"check\",\"interpreter\":\"ksh\"}") == "ksh")
        #expect(shell("shell: bash\n", "python \(block)") == nil, "no shell reads that")
    }

    @Test func whatBlocksReferToMustFit() {
        let head = "# T\n"
        func block(_ attributes: String) -> String { "```sh {\(attributes)}\ntrue\n```\n" }
        let toRollback =
            head + block("\"name\":\"a\",\"kind\":\"command\",\"onFailure\":\"step:r\",\"rollback\":\"r\"")
            + block("\"name\":\"r\",\"kind\":\"rollback\"")
        #expect(
            examine(toRollback).errors.map(\.message) == ["no block is named 'r'"], "a rollback is no step")
        let toStep =
            head + block("\"name\":\"a\",\"kind\":\"command\",\"rollback\":\"b\"")
            + block("\"name\":\"b\",\"kind\":\"check\"")
        #expect(examine(toStep).errors.map(\.message) == ["no rollback block is named 'b'"])
    }

    @Test(arguments: [
        ("a-b: {}", "a variable named 'a-b'"), ("MUSTER_X: {}", "a variable named 'MUSTER_X'"),
        ("LD_PRELOAD: {}", "a variable named 'LD_PRELOAD'"), ("ENV: {}", "a variable named 'ENV'"),
        ("IFS: {}", "a variable named 'IFS'"), ("BASH_ENV: {}", "a variable named 'BASH_ENV'"),
        ("T: { secret: \"vault:x\" }", "not allowed here"),
        ("T: { secret: \"env:X\", default: y }", "a secret with a default"),
    ])
    func variablesThatCannotBe(_ line: String, _ message: String) {
        let errors = examine("---\nmuster:\n  owner: x\n  vars:\n    \(line)\n---\n# T\n").errors
        #expect(errors.count == 1 && errors[0].message.contains(message), "\(errors)")
        #expect(errors.first?.place?.line == 5)
    }

    /// A `\r\n` is one character to Swift: a file full of them must not be taken for one without steps.
    @Test func carriageReturnsHideNothing() {
        let text = Self.all.replacing("\n", with: "\r\n")
        #expect(examine(text).errors.isEmpty, "\(examine(text).errors)")
        #expect(examine(text).runbook?.steps.map(\.body) == examine(Self.all).runbook?.steps.map(\.body))
        #expect(hash(text) == hash(Self.all))
    }

    @Test func aBlockThatNoShellWouldTakeIsRefused() {
        let body = String(repeating: "echo 0123456789\n", count: 7000)
        let text = "# T\n\n```sh {\"name\":\"a\",\"kind\":\"check\"}\n\(body)```\n"
        #expect(examine(text).errors.map(\.message) == ["a block of more than 100 KiB"])
    }
}
