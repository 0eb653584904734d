import MusterCore
import MusterDocuments
import Testing

/// What a person is told who broke a drill: one change to a good file each, and the whole answer.
/// `RECORD=1 swift test` writes the answers anew.
@Suite struct BrokenDrillTests {
    struct Broken: CustomTestStringConvertible, Sendable {
        var name: String
        var old: String
        var new: String
        var testDescription: String { name }
        init(_ name: String, _ old: String, _ new: String) {
            self.name = name
            self.old = old
            self.new = new
        }
    }

    static let table = [
        Broken("unknown-key", "every: 10ms", "evry: 10ms"),
        Broken("unknown-top-key", "judgedBy:", "judgeBy:"),
        Broken("bare-duration", "every: 10ms", "every: 10"),
        Broken("bare-rate", "500/s", "500"),
        Broken("mode-of-another-kind", "500/s", "500/s, mode: bank"),
        Broken(
            "mode-without-accounts", "redis: \"redis://127.0.0.1:${port:redis}\", rate: 500/s",
            "files: /srv, rate: 500/s, mode: bank"),
        Broken(
            "kind-without-replicas", "redis: \"redis://127.0.0.1:${port:redis}\", rate: 500/s",
            "files: /srv, readback: [/other]"),
        Broken("key-of-another-mode", "500/s", "500/s, keys: 7"),
        Broken("bare-rto", "rto: 2s", "rto: 2"),
        Broken(
            "restored-over-itself", "steps:\n",
            "steps:\n  - restore: r.md\n    source: [/backup/app]\n    into: /backup/app/restored\n"),
        Broken(
            "restored-to-anywhere", "steps:\n",
            "steps:\n  - { restore: r.md, source: [], into: restored, maxAge: 1, within: 0s }\n"),
        Broken(
            "restored-twice", "steps:\n",
            "steps:\n  - { restore: r.md, source: [/a], into: /b }\n  - { restore: s.md, source: [/a], into: /c }\n"
        ),
        Broken("dataset-of-no-kind", "steps:\n", "datasets: { docs: { file: /srv/docs } }\nsteps:\n"),
        Broken(
            "dataset-without-a-unit", "steps:\n",
            "datasets: { docs: { files: /srv/docs, within: 5 } }\nsteps:\n"),
        Broken("not-a-list", "run: [redis-server, --port, \"${port:redis}\"]", "run: redis-server"),
        Broken("octal", "format: 1", "format: 01"),
        Broken("missing-drill", "drill: broken\n", ""),
        Broken("missing-steps", "steps:", "stepz:"),
        Broken("unknown-fault", "inject: process-kill", "inject: proces-kill"),
        Broken("unknown-parameter", "{ signal: KILL }", "{ sginal: KILL }"),
        Broken("unknown-signal", "{ signal: KILL }", "{ signal: KIL }"),
        Broken("unknown-target", "into: redis", "into: rediss"),
        Broken("wrong-target", "into: redis", "into: disk"),
        Broken("unknown-fixture", "{ fixture: redis }", "{ fixture: reddis }"),
        Broken("unknown-probe-kind", "ping: { redis:", "ping: { reddis:"),
        Broken("unknown-variable", "/var/lib/x", "\"/var/lib/${mod}\""),
        Broken("variable-without-quotes", "/var/lib/x", "/var/lib/${mode}"),
        Broken("open-brace", "/var/lib/x", "\"/var/lib/${mode\""),
        Broken("default-not-allowed", "default: fast", "default: fats"),
        Broken("hold-on-instant", "    with: { signal: KILL }", "    for: 3s\n    recovery: after"),
        Broken(
            "held-without-recovery", "inject: process-kill\n    into: redis\n    with: { signal: KILL }",
            "inject: process-pause\n    into: redis"),
        Broken("parameter-of-none", "inject: process-kill", "inject: process-pause"),
        Broken(
            "despite-too-short", "inject: process-kill\n    into: redis\n    with: { signal: KILL }",
            "inject: process-pause\n    into: redis\n    recovery: despite\n    for: 20s"),
        Broken(
            "never-lifted", "inject: process-kill\n    into: redis\n    with: { signal: KILL }",
            "inject: process-pause\n    into: redis\n    recovery: after"),
        Broken(
            "over-before-its-lift",
            "inject: process-kill\n    into: redis\n    with: { signal: KILL }",
            "inject: net-partition\n    into: redis\n    for: 12s\n    recovery: after\n    with: { deadline: 2s }"
        ),
        Broken(
            "over-before-its-lift-step",
            "inject: process-kill\n    into: redis\n    with: { signal: KILL }",
            "inject: net-partition\n    into: redis\n    recovery: after\n    with: { deadline: 20s }\n  - wait: 15s\n  - lift: net-partition"
        ),
        Broken(
            "over-before-recovery-despite-it",
            "inject: process-kill\n    into: redis\n    with: { signal: KILL }",
            "inject: net-partition\n    into: redis\n    recovery: despite\n    with: { deadline: 41s }"),
        Broken(
            "held-longer-than-any-deadline",
            "inject: process-kill\n    into: redis\n    with: { signal: KILL }",
            "inject: net-partition\n    into: redis\n    recovery: after\n    for: 48h"),
        Broken(
            "listen-beside-the-redirect",
            "    run: [redis-server, --port, \"${port:redis}\"]\n    restart: { always: 200ms }",
            "    proxy: { listen: \"10.0.0.9:7000\", redirect: { cgroup: /lab, to: [\"10.0.0.2:6379\"] } }"),
        Broken("lift-unknown", "recovered:", "  - lift: proces-kill\nrecovered:"),
        Broken("lift-instant", "recovered:", "  - lift: process-kill\nrecovered:"),
        Broken("same-injection-twice", "recovered:", "  - { inject: process-kill, into: redis }\nrecovered:"),
        Broken("unknown-step", "recovered:", "  - wiat: 1s\nrecovered:"),
        Broken("judged-by-nobody", "[writes, ping]", "[writes, pong]"),
        Broken("no-write-decides", "[writes, ping]", "[ping]"),
        Broken("abort-hides-the-miss", "failing: 60s", "failing: 20s"),
        Broken("abort-too-early", "after: 5m", "after: 10s"),
        Broken("weak-stability", "stable: 30s", "stable: 5s"),
        Broken("deadline-too-early", "within: 2m", "within: 31s"),
        Broken("declared-without-runbook", "rto: 2s", "rto: { max: 2s, from: declared }"),
        Broken("detected-without-alerts", "rto: 2s", "detect: 10s, rto: { max: 2s, from: detected }"),
        Broken("budget-of-nothing", "rto: 2s", "rto: { max: 2s, from: declared, detectBudget: 5s }"),
        Broken("alerts-wrong", "recovered:", alertsWrong),
        Broken("alerts-doubtful", "recovered:", alertsDoubtful),
        Broken("alert-unknown", "recovered:", "  - alert: downn\n" + alertsGood + "recovered:"),
        Broken("availability-without-window", "rpo: 0s", "availability: { min: 95% }"),
        Broken("availability-is-a-share", "rpo: 0s", "availability: { min: 0.95, window: 30s }"),
        Broken("latency-of-nothing", "rpo: 0s", "latency: { quantile: 0%, max: 1s, window: 0s }"),
        Broken("abort-before-the-window", "rpo: 0s", "availability: { min: 95%, window: 10m }"),
        Broken(
            "slowness-without-limit", "inject: process-kill\n    into: redis\n    with: { signal: KILL }",
            "inject: cpu-burn\n    into: redis\n    recovery: despite"),
        Broken("not-yet-host", "{ path: /var/lib/x }", "{ path: /var/lib/x, host: db1 }"),
        Broken("unknown-clock", "    with: { signal: KILL }", "    clock: efective"),
        Broken("relative-path", "/var/lib/x", "var/lib/x"),
        Broken("two-selectors", "{ fixture: redis }", "{ fixture: redis, path: /x }"),
        Broken("secret-in-argv", "--port, \"${port:redis}\"", "\"${env:HOME}\""),
        Broken("password-in-url", "redis: \"redis://127", "redis: \"redis://me:word@127"),
        Broken("replica", "rate: 500/s", "readback: [\"redis://a:1\", \"http://a:2\"]"),
        Broken("sample", "rate: 500/s", "sample: { older: 0 }"),
        Broken("sample-of-another-mode", "500/s", "500/s, deletes: 5%, sample: { older: 99 }"),
        Broken("prediction", "objectives:", "predict: { outage: 2s..100ms, lost: 0 }\nobjectives:"),
        Broken("duplicate-key", "    into: redis\n", "    into: redis\n    into: redis\n"),
        Broken("alias", "{ fixture: redis }", "&r { fixture: redis }"),
        Broken("tab", "  disk:", "\tdisk:"),
        Broken("unclosed", "[writes, ping]", "[writes, ping"),
        Broken("bad-name", "  disk:", "  \"the disk\":"),
        Broken("several-at-once", "every: 10ms }\nworkloads:", "evry: 10 }\nworklods:"),
    ]

    private static let alertsGood = """
        alertSources:
          hook: { webhook: "127.0.0.1:${port:alerts}", token: "${env:ALERT_TOKEN}" }
        alerts:
          down: { from: hook, labels: { alertname: Down } }

        """

    private static let alertsWrong = """
        alertSources:
          plain: { webhook: "127.0.0.1:9", token: geheim-geheim }
          anybody: { webhook: "127.0.0.1:9" }
          public: { webhook: "0.0.0.0:9", token: "${env:ALERT_TOKEN}" }
          left: { webhook: "127.0.0.1:9", tokenFile: /tmp/token }
          both: { webhook: "127.0.0.1:9", prometheus: "http://127.0.0.1:9" }
          none: { every: 1s }
          url: { prometheus: "http://127.0.0.1:9/?token=geheim" }
          user: { alertmanager: "http://me:geheim@127.0.0.1:9" }
          asked: { prometheus: "http://127.0.0.1:9", token: "${env:ALERT_TOKEN}" }
        alerts:
          all: { from: plain }
          two: { from: plain, labels: { a: b }, json: { /a: b } }
          pointer: { from: plain, json: { a: b } }
          over: { from: plain, labels: { a: b }, resolved: { /a: b } }
        recovered:
        """

    private static let alertsDoubtful = """
        alertSources:
          hook: { webhook: "127.0.0.1:9", token: "${env:ALERT_TOKEN}" }
          prom: { prometheus: "http://127.0.0.1:9" }
        alerts:
          down: { from: hok, labels: { alertname: Down } }
          asked: { from: prom, json: { /state: alarm } }
        recovered:
        """

    @Test(arguments: table)
    func answer(_ broken: Broken) throws {
        let base = try FixtureFiles.text("drills/base.yaml")
        let text = base.replacing(broken.old, with: broken.new, maxReplacements: 1)
        #expect(text != base, "'\(broken.old)' is not in base.yaml")
        let found = Catalogues.reader().examine(text)
        let answer =
            ProblemText.render(found.errors, path: "drills/x.yaml", source: text)
            + ProblemText.render(found.warnings, .warning, path: "drills/x.yaml", source: text)
        #expect(!answer.isEmpty)
        #expect(try FixtureFiles.golden("golden/\(broken.name).txt", recording: answer) == answer)
    }

    @Test func theBaseIsGood() throws {
        let found = Catalogues.reader().examine(try FixtureFiles.text("drills/base.yaml"))
        #expect(found.errors.isEmpty && found.warnings.isEmpty, "\(found)")
    }

    @Test func longLinesAreCutAroundTheCaret() {
        let source = String(repeating: "x", count: 300) + "Y" + String(repeating: "z", count: 300)
        let text = ProblemText.render(
            [FormProblem("no", at: Place(line: 1, column: 301))], path: "f", source: source)
        let lines = text.split(separator: "\n").map(Array.init)
        #expect(lines[1].count < 120)
        #expect(lines[2].firstIndex(of: "^").map { lines[1][$0] } == "Y")
    }
}
