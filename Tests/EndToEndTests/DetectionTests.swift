import Foundation
import MusterCore
import MusterSystem
import Testing

extension EndToEndDrills {
    /// Drills that expect an alert: from curl, from a real Prometheus, and through a real Alertmanager.
    @Suite struct Detection {
        static let hasPrograms = ["prometheus", "prometheus-alertmanager"].allSatisfy {
            FileManager.default.isExecutableFile(atPath: "/usr/bin/\($0)")
        }

        /// - Parameters:
        ///   - teller: a script that sends what it likes; `$hook` is where to, `$kv` the service, `tell STATUS NAME` sends.
        ///   - source: of alerts; else a webhook with a token in a file.
        private func drill(
            _ name: String, teller: String, detect: String = "8s", source: String? = nil,
            match: String = "labels: { alertname: Down }", fixtures: String = "", steps: String = ""
        ) -> String {
            let script = """
                tell() { curl -s -o /dev/null -m 2 -H @header -d "{\\"version\\":\\"4\\",\\"alerts\\":[{\\"status\\":\\"$1\\",\\"labels\\":{\\"alertname\\":\\"$2\\"},\\"fingerprint\\":\\"$2\\"}]}" $hook/alerts; }
                """
            return ShortDrill.make(
                name,
                steps: """
                      - inject: process-kill
                        as: crash
                        into: kv
                    \(steps)
                    """,
                extra: """
                    alertSources:
                      pager: \(source ?? "{ webhook: \"127.0.0.1:${port:hook}\", tokenFile: \"${scratch}/token\" }")
                    alerts:
                      down: { from: pager, \(match) }
                    """
            ).replacing("integrity: strict", with: "integrity: strict, detect: \(detect)").replacing(
                "targets:",
                with: """
                      teller:
                        run: [bash, -c, 'cd "${scratch}"; (echo -n "Authorization: Bearer "; cat token) >header; \(script); \(teller)']
                        env: { hook: "http://127.0.0.1:${port:hook}", kv: "http://127.0.0.1:${port:kv}/health" }
                    \(fixtures)
                    targets:
                    """)
        }

        private let whenDown = "while curl -sfo /dev/null -m 1 $kv; do sleep 0.05; done"
        private let stay = "exec sleep 1000"

        private func detection(_ outcome: Value) -> Value? {
            outcome["objectives"]?.asList?.first { $0["name"] == "detect" }
        }

        @Test func aWebhookTellsWhenAndByWhichAlert() throws {
            let lab = try Lab()
            try lab.write(
                drill(
                    "told",
                    teller:
                        "tell firing Other; \(whenDown); tell firing Down; sleep 0.3; tell resolved Down; \(stay)"
                ),
                to: "drills/told.yaml")
            let answer = try lab.judged("run", "drills/told.yaml")
            #expect(answer.code == 0, "\(answer.all)")
            let outcome = try lab.newestOutcome()
            #expect(detection(outcome)?["result"] == "met")
            #expect(detection(outcome)?["measured"]?.asText?.hasSuffix("by 'down'") == true)
            let measured = outcome["measurements"]?.asList?.first {
                $0["name"] == "time-to-detect" && $0["subject"] == "down"
            }
            let (lower, upper) = (measured?["lowerNanoseconds"]?.asInt, measured?["upperNanoseconds"]?.asInt)
            #expect((lower ?? -1) >= 0 && (upper ?? 0) > (lower ?? 0) && (upper ?? .max) < 8_000_000_000)
            #expect(outcome.texts("alert") == ["alert 'down' fires: Down", "alert 'down' is over: Down"])
            #expect(outcome.texts("alert-other") == ["Other fires, which is no expected alert"])
            let report = try lab.read("runbooks/reports/1.md")
            #expect(report.contains("## Detection") && report.contains("**detection met**"))
            #expect(report.contains("something else") && report.contains("Other fires"))
            try lab.expectNothingLeft()
        }

        /// What was heard is the same, but nobody was told: observation goes on to the end of the objective.
        @Test func nobodyNoticedIsAMiss() throws {
            let lab = try Lab()
            try lab.write(
                drill("silent", teller: "\(whenDown); tell firing Other; \(stay)", detect: "3s"),
                to: "drills/silent.yaml")
            let answer = try lab.judged("run", "drills/silent.yaml")
            #expect(answer.code == 1, "\(answer.all)")
            #expect(answer.output.contains("nobody noticed: the expected alert 'down' did not fire"))
            let outcome = try lab.newestOutcome()
            #expect(detection(outcome)?["result"] == "missed")
            #expect(try lab.read("runbooks/reports/1.md").contains("**detection missed**: nobody noticed"))
            try lab.expectNothingLeft()
        }

        @Test func anAlertBeforeTheFaultIsRefused() throws {
            let lab = try Lab()
            try lab.write(
                drill("early", teller: "tell firing Down; \(stay)").replacing(
                    "success: 100%", with: "success: 100%, within: 2s"), to: "drills/early.yaml")
            let answer = try lab.muster("run", "drills/early.yaml")
            #expect(answer.code == 4, "\(answer.all)")
            #expect(try lab.newestOutcome()["verdict"] == "inconclusive")
            #expect(answer.output.contains("the expected alert 'down' fires already"), "\(answer.all)")
            #expect(try lab.newestOutcome().events("injected").isEmpty)
            try lab.expectNothingLeft()
        }

        @Test func anyJSONCanBeTheAlert() throws {
            let lab = try Lab()
            let send =
                "curl -s -o /dev/null -m 2 -d '{\"service\": \"kv\", \"state\": \"alarm\"}' $hook/x/$(cat token)"
                .replacing("'", with: "''")
            try lab.write(
                drill(
                    "generic", teller: "\(whenDown); \(send); \(stay)",
                    match: "json: { /service: kv, /state: alarm }, resolved: { /state: ok }"),
                to: "drills/generic.yaml")
            let answer = try lab.judged("run", "drills/generic.yaml")
            #expect(answer.code == 0, "\(answer.all)")
            #expect(try lab.newestOutcome().texts("alert") == ["alert 'down' fires"])
            try lab.expectNothingLeft()
        }

        /// A receiver that is killed stops nothing; that no alert was heard proves nothing then.
        @Test func aLostReceiverLeavesItInconclusive() throws {
            let lab = try Lab()
            try lab.write(drill("deaf", teller: stay, detect: "4s"), to: "drills/deaf.yaml")
            let running = try lab.start(["run", "drills/deaf.yaml"])
            try running.waits(for: "sees the first failure")
            let receiver = try #require(lab.child(of: running.pid, named: "receive"))
            kill(receiver, SIGKILL)
            let answer = try running.end()
            #expect(answer.code == 3, "\(answer.all)")
            #expect(answer.output.contains("the receiver of 'pager' is gone"), "\(answer.all)")
            #expect(try detection(lab.newestOutcome())?["result"] == "inconclusive")
            try lab.expectNothingLeft()
        }

        /// The receiver goes with an engine that is killed.
        @Test func nothingIsLeftOfAKilledEngine() throws {
            let lab = try Lab()
            try lab.write(drill("killed", teller: stay, detect: "30s"), to: "drills/killed.yaml")
            let running = try lab.start(["run", "drills/killed.yaml"])
            try running.waits(for: "sees the first failure")
            let receiver = try #require(lab.child(of: running.pid, named: "receive"))
            kill(running.pid, SIGKILL)
            #expect(lab.eventually { !lab.isAlive(receiver) } != nil)
            #expect(lab.eventually { lab.leftovers().isEmpty } != nil, "\(lab.leftoversInWords())")
        }

        @Test func aTokenIsNowhereToBeFound() throws {
            let token = "planted-secret-of-the-pager"
            let lab = try Lab()
            try lab.write(token + "\n", to: "\(lab.directory)/token")
            try lab.write(
                drill(
                    "secret",
                    teller:
                        "curl -s -d @\(lab.directory)/token $hook/alerts/$(cat \(lab.directory)/token); \(stay)",
                    detect: "3s",
                    source:
                        "{ webhook: \"127.0.0.1:${port:hook}\", token: \"${file:\(lab.directory)/token}\" }"
                ).replacing("cat token", with: "cat \(lab.directory)/token"),
                to: "drills/secret.yaml")
            let running = try lab.start(["run", "drills/secret.yaml"])
            try running.waits(for: "sees the first failure")
            for pid in [running.pid] + lab.leftovers() {
                for file in ["cmdline", "environ"] {
                    let text = (try? readSmallFile("/proc/\(pid)/\(file)")) ?? nil
                    #expect(text?.contains(token) != true, "\(pid) \(file)")
                }
            }
            let answer = try running.end()
            #expect(answer.code == 1, "\(answer.all)")
            #expect(!answer.all.contains(token))
            // Said by the sender, in a body that was no JSON: told of, without it.
            #expect(answer.output.contains("a message was no JSON"), "\(answer.all)")
            for path in [lab.project, lab.state] {
                let found = try lab.shell("grep -rl '\(token)' '\(path)' || true")
                #expect(found.isEmpty, "\(found)")
            }
            try lab.expectNothingLeft()
        }

        /// A real Prometheus that is asked, once for itself and once through a real Alertmanager. Before it has asked the
        /// service once, nothing can be noticed: steady is when it has.
        @Test(.enabled(if: hasPrograms), arguments: ["prometheus", "alertmanager"])
        func realAlertsAreAskedFor(_ kind: String) throws {
            let lab = try Lab()
            try lab.write(
                drill(
                    "asked", teller: stay, detect: "20s",
                    source: "{ \(kind): \"http://127.0.0.1:${port:\(kind)}\", every: 200ms }",
                    match: "labels: { alertname: ServiceDown, job: kv }",
                    fixtures: """
                          alertmanager:
                            run: [drills/alerting/serve-alertmanager, "${scratch}/alertmanager", "/dev/null"]
                            env: { ALERTMANAGER_PORT: "${port:alertmanager}", HOOK_PORT: "1" }
                            ready: { http: "http://127.0.0.1:${port:alertmanager}/-/ready", within: 30s }
                          prometheus:
                            run: [drills/alerting/serve-prometheus, "${scratch}/prometheus"]
                            env: { PROMETHEUS_PORT: "${port:prometheus}", KV_PORT: "${port:kv}", ALERTMANAGER_PORT: "${port:alertmanager}" }
                            ready: { http: "http://127.0.0.1:${port:prometheus}/-/ready", within: 30s }
                        """
                ).replacing("restart: { always: 100ms }", with: "restart: { always: 4s }").replacing(
                    "rto: { max: 5s", with: "rto: { max: 15s"
                ).replacing(
                    "workloads:",
                    with: """
                          watched: { prometheus: "http://127.0.0.1:${port:prometheus}", query: 'up{job="kv"}', above: 0, every: 100ms }
                        judgedBy: [writes, health]
                        workloads:
                        """), to: "drills/asked.yaml")
            let answer = try lab.judged("run", "drills/asked.yaml")
            #expect(answer.code == 0, "\(answer.all)")
            let outcome = try lab.newestOutcome()
            #expect(detection(outcome)?["result"] == "met", "\(answer.all)")
            #expect(outcome.events("alert").first?.at("detail", "labels", "job") == "kv")
            // Its own time is that of the alert, and close to ours: both are this machine's.
            #expect(outcome.events("alert").first?.at("detail", "startsAt")?.asInt != nil)
            try lab.expectNothingLeft()
        }

        /// The shipped drill: killed, noticed by Prometheus, told by Alertmanager, brought back by the runbook.
        @Test(.enabled(if: hasPrograms)) func theShippedDrillIsNoticed() throws {
            let lab = try Lab()
            let answer = try lab.judged("run", "drills/noticed-crash.yaml")
            #expect(answer.code == 0, "\(answer.all)")
            let outcome = try lab.newestOutcome()
            let alert = try #require(outcome.events("alert").first?["atNanoseconds"]?.asInt)
            let runbook = try #require(outcome.events("runbook-started").first?["atNanoseconds"]?.asInt)
            #expect(alert <= runbook, "nobody began before somebody was told")
            #expect(!outcome.events("alert").isEmpty && detection(outcome)?["result"] == "met")
            #expect(
                outcome["objectives"]?.asList?.first { $0["name"] == "rto" }?["objective"]
                    == "5 s from detected")
            try lab.expectNothingLeft()
        }
    }
}
