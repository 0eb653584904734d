import Foundation
import MusterCore
import MusterSystem
import Testing

extension EndToEndTroubles {
    /// `drills/notify.yaml`: who is told of what, at least once, and never at the expense of a drill.
    @Suite struct Notifications {
        private static let secret = "s3cr3t-of-the-webhook"

        private func lab(_ channels: String) throws -> Lab {
            let lab = try Serving.lab("cron: 0 3 1 1 *")
            try lab.write("format: 1\nchannels:\n" + channels, to: "drills/notify.yaml")
            return lab
        }

        @Test func aRunThatNobodyWatchesIsToldOf() throws {
            let lab = try Serving.lab("cron: 0 3 1 1 *")
            let receiver = try Receiver(lab)
            try lab.write(Self.secret + "\n", to: "\(lab.directory)/key")
            try lab.write(
                "cat >> \(lab.directory)/told; echo \"$MUSTER_NOTICE_KIND\" >> \(lab.directory)/kinds\n",
                to: "tell.sh")
            try lab.write(
                """
                format: 1
                channels:
                  hook: { webhook: "http://127.0.0.1:\(receiver.port)/hook", secret: "${file:\(lab.directory)/key}", on: [start, verdict] }
                  chat: { webhook: "${env:CHAT}", body: text, on: [verdict] }
                  page: { command: [/bin/sh, tell.sh], on: [verdict] }

                """, to: "drills/notify.yaml")
            let chat = ["CHAT": "http://127.0.0.1:\(receiver.port)/services/T0KEN"]
            // Who watches it is not told.
            #expect(
                try lab.muster("run", "drills/short.yaml", environment: chat, within: .seconds(90)).code == 0)
            #expect(try lab.json("notify", "list") == [])
            let run = try lab.muster(
                "run", "drills/short.yaml", "--notify", environment: chat, within: .seconds(90))
            #expect(run.code == 0, "\(run.all)")
            let arrived = lab.eventually {
                receiver.requests.count == 3 && lab.exists("\(lab.directory)/kinds")
            }
            let listed = try lab.muster("notify", "list").all
            #expect(arrived != nil, "\(listed)")

            let hook = receiver.requests.filter { $0["path"] == "/hook" }
            let notices = hook.compactMap { $0["body"]?.asText }.compactMap {
                try? JSONDecoder().decode(Value.self, from: Data($0.utf8))
            }
            #expect(notices.map { $0["kind"] } == ["start", "verdict"])
            #expect(notices[1].at("detail", "verdict") == "pass" && notices[1].at("detail", "outcome") == 2)
            #expect(notices[1]["format"] == 1 && notices[1]["title"]?.asText?.contains("short-kill") == true)
            for request in hook {
                let headers = request["headers"]?.asMap ?? [:]
                let time = try #require(headers["X-Muster-Timestamp"]?.asText)
                let body = try #require(request["body"]?.asText)
                let code = HMAC.hex(of: Array("\(time).\(body)".utf8), key: Array(Self.secret.utf8))
                #expect(headers["X-Muster-Signature"] == .text("sha256=\(code)"))
                #expect(headers["X-Muster-Id"]?.asText?.isEmpty == false)
            }
            let text = try #require(
                receiver.requests.first { $0["path"] == "/services/T0KEN" }?["body"]?.asText)
            #expect(text.hasPrefix(#"{"text":"drill 'short-kill': PASS"#), "\(text)")
            #expect(try lab.read("\(lab.directory)/kinds") == "verdict\n")
            #expect(try lab.read("\(lab.directory)/told").contains(#""kind":"verdict""#))

            // Neither secrets nor addresses are kept.
            let delivered = lab.eventually {
                (try? lab.json("notify", "list").asList?.allSatisfy { $0["state"] == "delivered" }) ?? false
            }
            #expect(delivered != nil)
            let store = try Data(contentsOf: URL(fileURLWithPath: "\(lab.project)/runbooks/outcomes.sqlite"))
            let log =
                (try? Data(contentsOf: URL(fileURLWithPath: "\(lab.project)/runbooks/outcomes.sqlite-wal")))
                ?? Data()
            for word in [Self.secret, "T0KEN", "/hook"] {
                #expect(store.range(of: Data(word.utf8)) == nil && log.range(of: Data(word.utf8)) == nil)
                #expect(!run.all.contains(word))
            }
            try receiver.end()
            try lab.expectNothingLeft()
        }

        @Test func whatDoesNotArriveIsTriedAgainAndSaid() throws {
            let lab = try Serving.lab("cron: 0 3 1 1 *")
            let receiver = try Receiver(lab, answering: "503")
            try lab.write(
                "format: 1\nchannels: { hook: { webhook: \"http://127.0.0.1:\(receiver.port)/T0KEN\" } }\n",
                to: "drills/notify.yaml")
            let failed = try lab.muster("notify", "test")
            #expect(failed.code == 6 && failed.output.contains("hook: waits until"), "\(failed.all)")
            #expect(failed.output.contains("the server answered 503") && !failed.all.contains("T0KEN"))
            // No redirect is followed, however kind the server is there.
            try receiver.answer("307")
            let moved = try lab.muster("notify", "retry")
            #expect(moved.code == 6 && moved.output.contains("the server answered 307"), "\(moved.all)")
            #expect(Set(receiver.requests.compactMap { $0["path"]?.asText }) == ["/T0KEN"])
            try receiver.answer("204")
            let arrived = try lab.muster("notify", "retry")
            #expect(
                arrived.code == 0 && arrived.output.contains("tried 1; 0 did not arrive"), "\(arrived.all)")
            // The same name each time, by which whoever gets it twice knows it.
            let ids = Set(receiver.requests.compactMap { $0.at("headers", "X-Muster-Id")?.asText })
            #expect(ids.count == 1 && receiver.requests.count == 3)
            #expect(try lab.muster("notify", "retry", "nothing").code == 2)
        }

        @Test func aWebhookThatHangsHoldsNobodyUp() throws {
            let lab = try Serving.lab("every: 10s")
            let receiver = try Receiver(lab, answering: "hang")
            try lab.write(
                """
                format: 1
                channels:
                  hook: { webhook: "http://127.0.0.1:\(receiver.port)/", on: [start, verdict, missed], timeout: 60s }
                  file: { command: [/bin/sh, tell.sh], on: [verdict] }

                """, to: "drills/notify.yaml")
            try lab.write("cat >> told\n", to: "tell.sh")
            let daemon = try Serving.serve(lab)
            // Several runs, while the first notice still hangs.
            let ran = lab.eventually(within: .seconds(120)) {
                ((try? Serving.history(lab).filter { $0["exitCode"] != .null }.count) ?? 0) >= 2
            }
            #expect(ran != nil, "\(Serving.log(daemon))")
            _ = try daemon.child.kill(SIGTERM)
            let answer = try daemon.end(within: .seconds(90))
            #expect(answer.code == 0, "\(answer.all)")
            #expect(receiver.requests.count == 1)
            // It is kept, for the next one.
            let left = try lab.json("notify", "list", "--undelivered").asList ?? []
            #expect(left.count >= 3 && left.allSatisfy { $0["channel"] == "hook" || $0["channel"] == "file" })
            try receiver.end()
            try lab.expectNothingLeft()
        }

        @Test func whatWasMissedAndWhatWasRefusedIsToldOf() throws {
            let lab = try Serving.lab("every: 10s")
            try lab.write("cat >> told; echo >> told\n", to: "tell.sh")
            try lab.write(
                "format: 1\nchannels: { file: { command: [/bin/sh, tell.sh], on: [missed, abort] } }\n",
                to: "drills/notify.yaml")
            #expect(try lab.muster("schedule", "tick").code == 0)
            // It can be read, and cannot be carried out.
            try lab.write(
                ShortDrill.kill.replacing("run: [sample-service,", with: "run: [no-such-program,"),
                to: "drills/short.yaml")
            var told = ""
            let refused = try lab.eventually {
                _ = try lab.start(["schedule", "tick"]).end()
                told = (try? lab.read("told")) ?? ""
                return told.contains("could not be carried out (exit code 7)")
            }
            let listed = try lab.muster("notify", "list").all
            #expect(refused != nil, "\(told) \(listed)")
            #expect(told.contains(#""occurrence":"often@"#))
        }

        @Test func withoutAUsableFileNothingIsLostInSilence() throws {
            let lab = try lab("  a: { webhook: \"https://u:hunter2@example.org\" }\n")
            let lint = try lab.muster("lint", "drills/notify.yaml")
            #expect(lint.code == 2 && lint.all.contains("a password in the URL"), "\(lint.all)")
            let run = try lab.judged("run", "drills/short.yaml", "--notify")
            #expect(run.code == 0, "\(run.all)")
            let kept = try lab.json("notify", "list", "--undelivered").asList ?? []
            #expect(!kept.isEmpty && kept.allSatisfy { $0["channel"] == "?" && $0["state"] == "given-up" })
            #expect(kept.allSatisfy { $0["failure"]?.asText?.contains("cannot be used") == true })
            #expect(try lab.muster("notify", "test").code == 2)
            try FileManager.default.removeItem(atPath: "\(lab.project)/drills/notify.yaml")
            let nobody = try lab.muster("notify", "test")
            #expect(nobody.code == 2 && nobody.errors.contains("nobody to tell"))
        }
    }
}
