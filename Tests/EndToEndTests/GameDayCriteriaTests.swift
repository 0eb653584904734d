import Foundation
import Glibc
import MusterCore
import MusterSystem
import Testing

extension EndToEndTroubles {
    /// What ends a game day by itself while a drill runs: everything is put back, measured on, recorded and reported.
    @Suite struct GameDayCriteria {
        private func day(_ lab: Lab, _ abort: String, hang: String) throws -> ShortGameDay {
            let day = try ShortGameDay(lab, extra: "abort: { \(abort) }")
            // A day may be down for 8.64 s of a day.
            try lab.write(
                "format: 1\nservices:\n  kv: { owner: ada, availability: { min: 99.99%, window: 1d } }\n",
                to: "drills/services.yaml")
            try lab.write(hang, to: "drills/short-pause.yaml")
            for name in ["short-kill", "short-pause", "short-last"] {
                let text = try lab.read("drills/\(name).yaml")
                try lab.write(
                    text.replacing("environment: lab", with: "environment: lab\nservice: kv"),
                    to: "drills/\(name).yaml")
            }
            try day.prepare()
            return day
        }

        /// What holds for each of them.
        private func expectEnded(
            _ day: ShortGameDay, _ ended: Lab.Answer, by criterion: String, _ words: String, code: Int32 = 4
        ) throws {
            let lines = try day.lines()
            let all: Comment = "\(ended.all)\n\(lines.joined(separator: "\n"))"
            #expect(ended.code == code, all)
            let entries = try day.record()["entries"]?.asList ?? []
            let abort = try #require(entries.first { $0["kind"] == "abort" }, all)
            #expect(abort["actor"] == "muster" && abort.at("detail", "criterion") == .text(criterion), all)
            #expect(abort["text"]?.asText?.contains(words) == true, all)
            #expect(lines.contains("comm muster: DRILL: We stop."), all)
            #expect(try day.drills().last == "last skipped -" && day.state() == "aborted", all)
            #expect(
                ended.output.contains("'short' ended early: ")
                    && ended.output.contains("Everything is put back."))
            // The drill was put back, measured on until it was steady again, and has a report.
            let outcome = try day.lab.newestOutcome()
            #expect(outcome["ending"] == "aborted" && outcome["residue"] == [], all)
            #expect(!outcome.events("steady-again").isEmpty, all)
            #expect(day.lab.exists("runbooks/reports/2.md"))
            let report = try day.lab.read("runbooks/reports/gameday-1.md")
            let row = report.split(separator: "\n").first { $0.hasPrefix("| \(criterion) |") } ?? ""
            #expect(row.contains("ended the day") && row.lowercased().contains(words), "\(report)")
            try day.lab.expectNothingLeft()
        }

        @Test func theErrorBudgetIsSpent() throws {
            let lab = try Lab()
            let day = try day(lab, "errorBudget: 75%", hang: ShortDrill.pause(for: "50s"))
            let ended = try day.start("--go", "ivan").end(within: .seconds(150))
            try expectEnded(
                day, ended, by: "errorBudget", "the day may spend 6.48 s: 75 % of its error budget of 8.64 s")
            // What each drill cost is on record, also of the one that was cut off.
            let finished = (try day.record()["entries"]?.asList ?? []).filter {
                $0.at("detail", "phase") == "finished"
            }
            let spent = finished.map { $0.at("detail", "spending", "down")?.asInt ?? 0 }
            #expect(spent.count == 2 && spent[0] > 0 && spent[0] + spent[1] > 6_480_000_000, "\(spent)")
        }

        @Test func answersAreTooSlow() throws {
            let lab = try Lab()
            let slow = ShortDrill.slowNetwork(for: "50s").replacing("latency: 30ms", with: "latency: 250ms")
                .replacing("drill: short-proxy", with: "drill: short-pause")
            let day = try day(lab, "latency: { max: 200ms, window: 2s }", hang: slow)
            let ended = try day.start("--go", "ivan").end(within: .seconds(150))
            try expectEnded(day, ended, by: "latency", "in the last 2 s took longer than 200 ms")
        }

        /// A fault without a hold lasts as long as its drill; the plan says how long it may.
        @Test func somethingIsBrokenForTooLong() throws {
            let lab = try Lab()
            let hang = ShortDrill.make(
                "short-pause",
                steps: """
                      - inject: process-pause
                        as: hang
                        into: kv
                        recovery: despite
                      - wait: 50s
                    """)
            let day = try day(lab, "faultLongerThan: 30s", hang: hang)
            let ended = try day.start("--go", "ivan").end(within: .seconds(200))
            // It should have recovered in spite of the fault, and by then it was too late for that.
            try expectEnded(day, ended, by: "faultLongerThan", "and may be for 30 s", code: 1)
        }

        @Test func nobodyIsAtTheSwitch() throws {
            let lab = try Lab()
            let day = try day(lab, "heartbeat: { every: 15s }", hang: ShortDrill.pause(for: "55s"))
            let early = try lab.muster("gameday", "beat", "--as", "sam")
            #expect(early.code == 7 && early.errors.contains("does not run"), "\(early.all)")
            let run = try day.start("--go", "ivan")
            // As long as somebody is there, the day goes on.
            let hit = lab.eventually(within: .seconds(90)) {
                _ = try? lab.muster("gameday", "beat", "--as", "sam")
                return run.said.contains("process-pause hit 'kv'")
            }
            try #require(hit != nil, "\(run.said)")
            let other = try lab.muster("gameday", "beat", "--as", "mika")
            #expect(other.code == 7 && other.errors.contains("--as sam"), "\(other.all)")
            // A note of somebody else is no heartbeat.
            #expect(try lab.muster("note", "where is sam?", "--as", "zoe").code == 0)
            let ended = try run.end(within: .seconds(120))
            try expectEnded(day, ended, by: "heartbeat", "nothing was heard of safety (sam) for")
            #expect(ended.output.contains("heartbeat due of sam, else the day ends"), "\(ended.all)")
            let shown = try lab.muster("gameday", "show", "short")
            #expect(
                !shown.output.contains("heartbeat  sam") && shown.output.contains("heartbeats, with --json"))
        }

        @Test func aDayWithoutASwitch() throws {
            let lab = try Lab()
            let day = try ShortGameDay(lab)
            try day.prepare()
            let answer = try lab.muster("gameday", "beat", "short", "--as", "sam")
            #expect(answer.code == 7 && answer.errors.contains("waits for no heartbeat"), "\(answer.all)")
        }

        @Test func whatWouldEndItWithoutNeedIsAnError() throws {
            let lab = try Lab()
            let day = try ShortGameDay(lab, extra: "abort: { errorBudget: 50% }")
            let bare = try lab.muster("gameday", "check", "short")
            #expect(
                bare.code == 2 && bare.all.contains("'crash' has no error budget that could be spent"),
                "\(bare.all)")
            withExtendedLifetime(day) {}
        }
    }
}
