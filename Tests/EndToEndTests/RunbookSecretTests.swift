import Foundation
import Glibc
import MusterCore
import MusterSystem
import Testing

extension EndToEndTroubles {
    /// Secrets in variables, environment, files and commands, and programs that repeat them in every way.
    @Suite struct RunbookSecrets {
        private static let planted = [
            "env": "e7Gh-Envi-2f\"x/ 9q", "file": "f9Lk_File+secret=Z1", "cmd": "c3Mn.Comm&secret%Y2",
            "capture": "k5Pq-Capt-secret-X3",
        ]

        /// How a secret may look: as it is, in base64 at each of three places, and percent-encoded.
        private static func looks(_ secret: String) -> [String] {
            let shifted = (0..<3).map { shift in
                Data((String(repeating: "x", count: shift) + secret).utf8).base64EncodedString()
            }
            let inner = shifted.enumerated().map { String($1.dropFirst([0, 2, 3][$0]).dropLast(4)) }
            let allowed = CharacterSet(
                charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
            return [secret, secret.addingPercentEncoding(withAllowedCharacters: allowed) ?? secret] + inner
        }

        private static let leak = """
            set -x
            for s in "$E" "$F" "$C" "${K:-}"; do
              echo "plain $s"; printf '%s' "$s" | base64 -w0; echo; printf 'u:%s' "$s" | base64 -w0; echo
              printf 'me:%s' "$s" | base64 -w0 >&2; echo >&2
              printf '%s' "$s" | python3 -c 'import sys,urllib.parse,json
            t = sys.stdin.read(); print(urllib.parse.quote(t, safe="")); print(json.dumps({"x": t}))'
            done
            """

        private func make(_ lab: Lab, name: String = "test", _ more: (inout LabRunbook) -> Void = { _ in })
            throws
        {
            let secret = Self.planted
            try lab.write(try #require(secret["file"]) + "\n", to: "runbooks/secret-file")
            try lab.write(try #require(secret["cmd"]) + "\n", to: "\(lab.directory)/command-secret")
            try lab.write(try #require(secret["capture"]) + "\n", to: "\(lab.directory)/capture-secret")
            var runbook = LabRunbook(lab, name)
            runbook.variable("E: { secret: \"env:LAB_SECRET\" }")
            runbook.variable("F: { secret: \"file:secret-file\" }")
            runbook.variable("C: { secret: \"cmd:cat \(lab.directory)/command-secret\" }")
            runbook.block(
                "take", "capture", ",\"into\":\"K\",\"secret\":\"true\"",
                "cat \(lab.directory)/capture-secret")
            runbook.block("leak", "command", ",\"rollback\":\"none\"", Self.leak)
            runbook.block("copy", "capture", ",\"into\":\"COPY\"", "echo \"has $E\"")
            more(&runbook)
            runbook.block("fails", "check", "", Self.leak + "\nexit 1")
            try runbook.write()
        }

        /// Looks through everything that was kept or shown.
        private func expectNowhere(
            _ lab: Lab, _ shown: [String], sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            var texts = shown.enumerated().map { ("what was shown #\($0)", Data($1.utf8)) }
            let planted = ["secret-file", "command-secret", "capture-secret"]
            for folder in [lab.project, lab.state, lab.runtime] {
                for name in FileManager.default.enumerator(atPath: folder)?.compactMap({ $0 as? String })
                    ?? []
                {
                    if planted.contains(where: name.hasSuffix) { continue }
                    if let data = FileManager.default.contents(atPath: "\(folder)/\(name)") {
                        texts.append((name, data))
                    }
                }
            }
            for (kind, secret) in Self.planted {
                for look in Self.looks(secret) {
                    for (name, data) in texts {
                        #expect(
                            data.range(of: Data(look.utf8)) == nil,
                            "the \(kind) secret stands in \(name) as \(look)",
                            sourceLocation: sourceLocation)
                    }
                }
            }
            #expect(texts.contains { $0.0.contains("outcomes.sqlite") })
        }

        @Test func aRunKeepsAndShowsNone() throws {
            let lab = try Lab()
            try make(lab)
            let environment = try ["LAB_SECRET": #require(Self.planted["env"])]
            let answer = try lab.start(["runbook", "run", "test.md"], environment: environment).end()
            #expect(answer.code == 5 && answer.output.contains("plain ***"), "\(answer.all)")
            let dry = try lab.start(
                ["runbook", "run", "test.md", "--dry-run", "--probe"], environment: environment
            ).end()
            let show = try lab.muster("runbook", "show", "1")
            let json = try lab.muster("runbook", "show", "1", "--json")
            let steps = try json.json()
            #expect(steps.step("leak")?["output"]?.asText?.contains("***") == true)
            #expect(steps.step("take")?["value"] == .null && steps.step("copy")?["value"] == .null)
            #expect(
                steps["secrets"]?.asList?.map { $0["source"]?.asText } == [
                    "env:LAB_SECRET", "file:secret-file", "cmd",
                ])
            try expectNowhere(lab, [answer.all, dry.all, show.all, json.all])
        }

        private static let key = """
            -----BEGIN PRIVATE KEY-----
            MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgevZzL1gdAFr88hb2
            OF/2NxApJCzGCEDdfSp6VQO30hyhRANCAAQRWz+jn65BtOMvdyHKcvjBeBSDZH2r
            1RTwjmYSi9R/zpBnuQ4EiMnCqfMPWiZqB4QdbAd0E7oH50VpuZ1P087G
            -----END PRIVATE KEY-----
            """

        /// A key of several lines, line by line and in one, and a token whose base64 is broken into lines.
        @Test func secretsOfSeveralLinesAndLongOnesLeakNoLine() throws {
            let lab = try Lab()
            let token = (0..<300).map { String(UnicodeScalar(UInt8(0x61 + $0 * $0 % 26))) }.joined()
            var runbook = LabRunbook(lab)
            runbook.variable("KEY: { secret: \"env:LAB_KEY\" }")
            runbook.variable("TOKEN: { secret: \"env:LAB_TOKEN\" }")
            runbook.block(
                "leak", "command", ",\"rollback\":\"none\"",
                """
                echo "$KEY"; echo $KEY; echo "$KEY" | sed 's/^/    /'; echo "$KEY" | tac; echo "$KEY" | sed 's/$/\\r/'
                printf %s "$KEY" | base64; printf 'x%s' "$TOKEN" | base64; printf %s "$TOKEN" | base64 | sed 's/$/\\r/'
                """)
            let answer = try runbook.run(environment: ["LAB_KEY": Self.key, "LAB_TOKEN": token])
            #expect(answer.code == 0 && answer.output.contains("***"), "\(answer.all)")
            let shown = try lab.muster("runbook", "show", "1", "--json").output
            let encoded = Data(Self.key.utf8).base64EncodedString() + Data(token.utf8).base64EncodedString()
            let shifted = String(Data(("x" + token).utf8).base64EncodedString().dropFirst(8).dropLast(8))
            let letters = Array(encoded + shifted)
            // Any twelve letters in a row would be a leak; every line of any width holds some.
            let parts = stride(from: 0, to: letters.count - 12, by: 12).map { String(letters[$0..<$0 + 12]) }
            let lines = Self.key.split(separator: "\n").map(String.init)
            let store = try lab.shell("strings -n 6 '\(lab.outcomes)'* | cat")
            for text in [answer.all, shown, store] {
                for part in lines + parts { #expect(!text.contains(part), "\(part)") }
                #expect(!text.contains(String(token.prefix(12))))
            }
        }

        @Test func noCommandLineHoldsOne() throws {
            let lab = try Lab()
            try make(lab) { $0.block("hold", "command", ",\"rollback\":\"none\"", "touch held; sleep 600") }
            let environment = try ["LAB_SECRET": #require(Self.planted["env"])]
            let running = try lab.start(["runbook", "run", "test.md"], environment: environment)
            #expect(lab.eventually { lab.exists("runbooks/held") } != nil)
            let lines = lab.leftoversInWords()
            #expect(lines.contains("sleep 600"), "\(lines)")
            for secret in Self.planted.values {
                for look in Self.looks(secret) { #expect(!lines.contains(look)) }
            }
            try running.child.kill(SIGTERM)
            try expectNowhere(lab, [try running.end().all, lines])
        }

        @Test func aDrillKeepsAndReportsNone() throws {
            let lab = try Lab()
            try make(lab, name: "leaky")
            try lab.write(
                ShortDrill.make(
                    "leaky",
                    steps: """
                          - inject: process-kill
                            as: crash
                            into: kv
                          - runbook: leaky.md
                        """, rto: "{ max: 5s, from: declared }"),
                to: "drills/leaky.yaml")
            let environment = try ["LAB_SECRET": #require(Self.planted["env"])]
            let answer = try lab.start(["run", "drills/leaky.yaml"], environment: environment).end()
            let outcome = try lab.newestOutcome()
            #expect(outcome.events("runbook-step").count == 4, "\(answer.all)")
            #expect(lab.exists("runbooks/reports/1.md"))
            try expectNowhere(lab, [answer.all])
            try lab.expectNothingLeft()
        }

        /// A daemon, a drill with a runbook that repeats its secrets, somebody who is told over the web with a secret of
        /// its own, and everything that can be asked afterwards.
        @Test func aDaemonItsLogAndWhatItTellsHoldNone() throws {
            let lab = try Lab()
            try make(lab, name: "leaky") {
                $0.block(
                    "hold", "command", ",\"rollback\":\"none\"",
                    "touch held; until test -e seen; do sleep 0.1; done")
            }
            try lab.write(
                ShortDrill.make(
                    "leaky",
                    steps: """
                          - inject: process-kill
                            as: crash
                            into: kv
                          - runbook: leaky.md
                        """, rto: "{ max: 5s, from: declared }"),
                to: "drills/leaky.yaml")
            try lab.write(
                "format: 1\ntimezone: UTC\nschedules:\n  often: { drill: drills/leaky.yaml, every: 10s }\n",
                to: "drills/schedules.yaml")
            let receiver = try Receiver(lab)
            let secret = try #require(Self.planted["file"])
            try lab.write(
                """
                format: 1
                channels:
                  hook: { webhook: "http://127.0.0.1:\(receiver.port)/hook", secret: "${file:\(lab.project)/runbooks/secret-file}" }

                """, to: "drills/notify.yaml")
            let environment = try ["LAB_SECRET": #require(Self.planted["env"])]
            let daemon = try Serving.serve(lab, environment: environment)
            #expect(lab.eventually { lab.exists("runbooks/held") } != nil, "\(Serving.log(daemon))")
            let lines = lab.leftoversInWords()
            #expect(lines.contains("muster run") && lines.contains("muster-guard"), "\(lines)")
            try lab.write("", to: "runbooks/seen")
            let told = lab.eventually { receiver.notices.contains { $0["kind"] == "verdict" } }
            #expect(told != nil, "\(Serving.log(daemon)) \(receiver.requests)")
            _ = try daemon.child.kill(SIGTERM)
            let log = try daemon.end(within: .seconds(90)).all
            let requests = receiver.requests.map(\.canonicalJSON)
            #expect(requests.contains { $0.contains("X-Muster-Signature") })
            let asked = [
                ["show"], ["show", "--json"], ["outcomes", "--json"], ["report"], ["verify"],
                ["notify", "list", "--json"], ["schedule", "history", "--json"],
                ["runbook", "show", "1", "--json"],
                ["export", "--format", "edn"],
            ]
            let answers = try asked.map { try lab.start($0, environment: environment).end().all }
            #expect(answers.allSatisfy { !$0.isEmpty })
            try receiver.end()
            try expectNowhere(lab, [log, lines] + requests + answers)
            #expect(!requests.contains { $0.contains(secret) })
            try lab.expectNothingLeft()
        }

        @Test func whatCannotBeHadIsSaidWithoutBeingShown() throws {
            let lab = try Lab()
            var runbook = LabRunbook(lab)
            runbook.variable("C: { secret: \"cmd:echo half-a-secret; exit 3\" }")
            runbook.block("a", "check", "", "true")
            let answer = try runbook.run()
            #expect(answer.code == 2 && answer.errors.contains("exit code 3"), "\(answer.all)")
            #expect(!answer.all.contains("half-a-secret"))
            #expect(
                try runbook.run("--var", "C=x").errors.contains(
                    "is a secret, and is not given on a command line"))
        }
    }
}
