import Foundation
import MusterCore
import Testing

extension EndToEndTroubles {
    /// `approval: required`, `muster schedule approve`, and blackouts for those who run drills by hand.
    @Suite struct Approvals {
        private func lab(_ more: String = "approval: required") throws -> Lab {
            try Serving.lab("cron: 0 3 1 1 *, \(more)")
        }

        private func why(_ lab: Lab) throws -> String {
            try lab.json("schedule", "next", "often", "-n", "1").asList?.first?["approval"]?.asText ?? "none"
        }

        @Test func aYesIsBoundToWhatWasApproved() throws {
            let lab = try lab("approval: required, approvers: [ada, grace]")
            #expect(try why(lab) == "wants an approval")
            #expect(try lab.muster("schedule", "ics").output.contains("STATUS:TENTATIVE"))
            let yes = try lab.muster(
                "schedule", "approve", "often", "--next", "--as", "ada", "--ticket", "CHG-17")
            #expect(yes.code == 0 && yes.output.contains("is approved by ada (CHG-17)"), "\(yes.all)")
            #expect(try why(lab) == "approved by ada (CHG-17)")
            let next = try lab.muster("schedule", "next", "--why", "-n", "2")
            #expect(next.output.contains("approved by ada (CHG-17)"), "\(next.all)")
            let feed = try lab.muster("schedule", "ics", "--days", "700").output
            #expect(feed.components(separatedBy: "STATUS:CONFIRMED").count == 2, "\(feed)")
            #expect(feed.contains("STATUS:TENTATIVE"))

            // A new port, another scratch, another time of asking: still the same thing. An edit is another.
            #expect(try lab.json("schedule", "approvals").asList?.first?["stands"] == "yes")
            try lab.write(ShortDrill.kill + "\n", to: "drills/short.yaml")
            #expect(try why(lab).contains("void: the drill was edited after it"))
            #expect(
                try lab.json("schedule", "approvals").asList?.first?["stands"]
                    == "no: the drill was edited after it")
            try lab.write(ShortDrill.kill, to: "drills/short.yaml")
            #expect(try why(lab) == "approved by ada (CHG-17)")

            let key = try #require(
                lab.json("schedule", "next", "often", "-n", "1").asList?.first?["nominal"]?.asText)
            let no = try lab.muster(
                "schedule", "revoke", "often", key, "--as", "grace", "--reason", "not this week")
            #expect(no.code == 0, "\(no.all)")
            #expect(try why(lab) == "wants an approval")
            let stands = try lab.json("schedule", "approvals").asList?.first?["stands"]
            #expect(stands == "no: taken back by grace: not this week")
        }

        @Test func filesThatTheDrillNamesCount() throws {
            let lab = try lab()
            try lab.write("#!/bin/sh\nexec sample-service \"$@\"\n", to: "drills/start.sh")
            let drill = ShortDrill.make(
                "short-kill", steps: "  - inject: process-kill\n    as: crash\n    into: kv",
                service: "--data, \"${scratch}/kv\""
            ).replacing(
                "run: [sample-service,", with: "run: [/bin/sh, drills/start.sh,")
            try lab.write(drill, to: "drills/short.yaml")
            #expect(try lab.muster("schedule", "approve", "often", "--next", "--as", "ada").code == 0)
            #expect(try why(lab) == "approved by ada")
            try lab.write("#!/bin/sh\nexec sample-service --verbose \"$@\"\n", to: "drills/start.sh")
            #expect(try why(lab).contains("void: the drill was edited after it"))
        }

        @Test func whoMayNotAndWhatCannot() throws {
            let lab = try lab("approval: required, approvers: [ada]")
            func refused(_ code: Int32, _ words: String, _ arguments: String...) throws {
                let answer = try lab.start(["schedule", "approve", "often"] + arguments).end()
                #expect(answer.code == code && answer.errors.contains(words), "\(answer.all)")
            }
            try refused(7, "eve may not approve 'often'", "--next", "--as", "eve")
            try refused(2, "which occurrence", "--as", "ada")
            try refused(2, "say two things", "2027-01-01T03:00", "--next", "--as", "ada")
            try refused(2, "has no occurrence", "2027-01-01T03:01", "--as", "ada")
            try refused(2, "is no occurrence", "tomorrow", "--as", "ada")
            try refused(2, "ends before it is due", "--next", "--as", "ada", "--expires", "1m")
            try refused(2, "not a length of time", "--next", "--as", "ada", "--expires", "soon")
            try refused(2, "--as needs a name", "--next", "--as", " ")
            try lab.write(Serving.file("cron: 0 3 1 1 *"), to: "drills/schedules.yaml")
            try refused(2, "needs no approval", "--next", "--as", "ada")
            try lab.write(Serving.file("cron: 0 3 1 1 *, approvers: [ada]"), to: "drills/schedules.yaml")
            try refused(2, "nobody has to approve it", "--next", "--as", "ada")
        }

        @Test func whatIsApprovedRunsAndAnEditInBetweenDoesNot() throws {
            let lab = try Serving.lab("every: 10s, approval: required, startDeadline: 5m")
            #expect(try lab.muster("schedule", "tick").code == 0)
            func queued() throws -> Bool {
                try Serving.history(lab).contains { $0["fate"] == "QUEUED" && $0["reason"] == "not-approved" }
            }
            let waits = try lab.eventually {
                #expect(try lab.muster("schedule", "tick").code == 0)
                return try queued()
            }
            #expect(waits != nil)
            let yes = try lab.muster("schedule", "approve", "often", "--next", "--as", "ada")
            #expect(yes.code == 0, "\(yes.all)")
            var said = ""
            let ran = try lab.eventually(within: .seconds(120)) {
                said = try lab.start(["schedule", "tick"]).end(within: .seconds(90)).all
                return try Serving.history(lab).contains { $0["fate"] == "RUN" && $0["exitCode"] != .null }
            }
            #expect(ran != nil, "\(said)")
            #expect(try Serving.occurrences(lab).count == 1)
            // Between the decision and the run's own reading.
            let late = try lab.muster("run", "drills/short.yaml", "--approved", "0123")
            #expect(late.code == 7 && late.errors.contains("was edited after it was approved"), "\(late.all)")
            #expect(try Serving.occurrences(lab).count == 1)
            try lab.expectNothingLeft()
        }

        @Test func blackoutsHoldForPeopleToo() throws {
            let lab = try Serving.lab("cron: 0 3 1 1 *")
            // Whatever else is wrong with the file.
            let freeze =
                "format: 1\ntimezone: UTC\nblackouts: { freeze: { from: 2020-01-01, to: 2099-12-31, reason: audit } }\n"
            try lab.write(freeze + "schedules: { a: { drill: none.yaml } }\n", to: "drills/schedules.yaml")
            let no = try lab.muster("run", "drills/short.yaml")
            #expect(
                no.code == 7 && no.errors.contains("blackout 'freeze' until 2100-01-01T00:00:00Z: audit"),
                "\(no.all)")
            #expect(no.errors.contains("--override"))
            #expect(!lab.exists("runbooks/outcomes.sqlite"))
            let half = try lab.muster("run", "drills/short.yaml", "--override", "--reason", "r")
            #expect(half.code == 2 && half.errors.contains("somebody who allows it"), "\(half.all)")
            let loose = try lab.muster("run", "drills/short.yaml", "--approver", "ada")
            #expect(loose.code == 2 && loose.errors.contains("belongs to --override"), "\(loose.all)")
            let yes = try lab.judged(
                "run", "drills/short.yaml", "--override", "--reason", "rehearsal", "--approver", "ada")
            #expect(yes.code == 0, "\(yes.all)")
            let events = try lab.json("show", "1")["events"]?.asList ?? []
            let found = try #require(events.first { $0["kind"] == "blackout-overridden" })
            #expect(found.at("detail", "approver") == "ada" && found.at("detail", "reason") == "rehearsal")
            #expect(found["text"]?.asText?.contains("audit") == true)

            try lab.write("timezone: [\n", to: "drills/schedules.yaml")
            let unknown = try lab.judged("run", "drills/short.yaml")
            #expect(
                unknown.code == 0 && unknown.output.contains("nobody knows whether a blackout holds"),
                "\(unknown.all)")
        }
    }
}
