import Foundation
import Glibc
import MusterCore
import MusterSystem
import Testing

extension EndToEndTroubles {
    /// Game days that do not go as planned: whatever happens, nothing stays broken, and it is on record.
    @Suite struct GameDayTroubles {
        /// A day in the middle of its second drill, which suspends its service for long.
        private func running(_ day: ShortGameDay) throws -> Running {
            try day.prepare()
            let run = try day.start("--go", "ivan")
            try run.waits(for: "process-pause hit 'kv'", within: .seconds(90))
            return run
        }

        @Test func aDayThatIsKilledIsTakenUpAgain() throws {
            let lab = try Lab()
            let day = try ShortGameDay(lab, hold: "60s")
            let run = try running(day)
            let service = try lab.service()
            #expect(lab.isStopped(service))
            _ = try run.child.kill()
            // Nobody is left to do it but those below: the drill is aborted, and put back.
            #expect(lab.eventually { (try? lab.newestOutcome()["ending"]) == "aborted" } != nil)
            #expect(try lab.newestOutcome()["residue"] == [])
            #expect(try day.state() == "running" && day.record()["holder"] == .null)
            let note = try lab.muster("note", "muster is gone", "--as", "zoe")
            #expect(note.code == 0, "\(note.all)")
            let again = try day.start().end(within: .seconds(120))
            let lines = try day.lines()
            let all: Comment = "\(again.all)\n\(lines.joined(separator: "\n"))"
            #expect(try day.state() == "hotwash", all)
            let drills = try day.drills()
            #expect(
                drills.map { $0.split(separator: " ").prefix(2).joined(separator: " ") } == [
                    "crash finished", "hang finished", "last finished",
                ], all)
            #expect(lines.count { $0.hasPrefix("gap muster: nobody carried the day out for") } == 1, all)
            // Since the drill began: what zoe wrote meanwhile is no sign of life.
            let entries = try day.record()["entries"]?.asList ?? []
            let gap = entries.first { $0["kind"] == "gap" }?["detail"]
            let begin = entries.last { $0["text"]?.asText?.contains("'hang', begins") == true }
            #expect(gap?["sinceUtc"] != nil && gap?["sinceUtc"] == begin?["recordedUtc"], all)
            let report = try lab.read("runbooks/reports/gameday-1.md")
            #expect(
                report.contains(
                    "| drill 'hang' | aborted | SIGINT, after the process that started it ended |"),
                "\(report)")
            let order = [
                "'hang', begins", "muster is gone", "nobody carried", "'hang' ended", "'last', begins",
            ]
            let found = order.compactMap { words in lines.firstIndex { $0.contains(words) } }
            #expect(found.count == order.count && found == found.sorted(), all)
            // The drill that was cut off is not run a second time.
            #expect(try lab.json("outcomes").asList?.count == 3, all)
            #expect(again.code == 4 || again.code == 1, all)
            #expect(try day.record()["chain"] == "intact")
            try lab.expectNothingLeft()
        }

        @Test(arguments: [
            ("abort", "DRILL: We stop."), ("convert", "REAL INCIDENT: this is no drill any more"),
        ])
        func aDayThatIsStopped(_ how: String, _ message: String) throws {
            let lab = try Lab()
            let day = try ShortGameDay(lab, hold: "60s")
            let run = try running(day)
            let asked = try lab.muster("gameday", how, "--reason", "customers suffer", "--as", "sam")
            #expect(asked.code == 0 && asked.output.contains("asked process \(run.pid)"), "\(asked.all)")
            let ended = try run.end(within: .seconds(90))
            let lines = try day.lines()
            let all: Comment = "\(ended.all)\n\(lines.joined(separator: "\n"))"
            #expect(ended.code == 4, all)
            #expect(lines.contains("\(how) sam safety: customers suffer"), all)
            #expect(lines.contains { $0.hasPrefix("comm muster: \(message)") }, all)
            #expect(try day.drills().last == "last skipped -", all)
            #expect(
                try day.states().suffix(how == "abort" ? 4 : 2)
                    == (how == "abort"
                        ? ["running", "recovering", "verifying", "aborted"]
                        : ["running", "converted-to-incident"]),
                all)
            #expect(try lab.newestOutcome()["ending"] == "aborted" && lab.newestOutcome()["residue"] == [])
            #expect(
                try lab.json("gameday", "show", "short")["prefix"]
                    == (how == "abort" ? "DRILL" : "REAL INCIDENT"))
            // A report is written for every drill, also for one that was stopped.
            #expect(lab.exists("runbooks/reports/2.md"))
            let hotwash = try lab.muster(
                "gameday", "hotwash", "short", "--poorly", "it hurt", "--done", "--as", "mika")
            #expect(hotwash.code == 0, "\(hotwash.all)")
            try lab.expectNothingLeft()
        }

        @Test func aDayThatNobodyCarriesOutCanBeAborted() throws {
            let lab = try Lab()
            let day = try ShortGameDay(lab, hold: "60s")
            let run = try running(day)
            _ = try run.child.kill()
            _ = try run.child.wait(for: .seconds(10))
            let abort = try lab.start(["gameday", "abort", "--reason", "enough", "--as", "sam"]).end(
                within: .seconds(90))
            #expect(abort.code == 4, "\(abort.all)")
            #expect(try day.state() == "aborted")
            #expect(try day.drills().last == "last skipped -")
            try lab.expectNothingLeft()
        }

        /// A web server that takes notices and never answers: a minute for each of them would be longer than the day.
        @Test func aDeadWebhookHoldsNobodyUp() throws {
            let lab = try Lab()
            let receiver = try Receiver(lab, answering: "hang")
            try lab.write(
                """
                format: 1
                channels:
                  hook: { webhook: "http://127.0.0.1:\(receiver.port)/", on: [start, abort, verdict, finding], timeout: 60s }

                """, to: "drills/notify.yaml")
            let day = try ShortGameDay(lab)
            try day.prepare()
            let run = try day.start("--go", "ivan").end(within: .seconds(200))
            #expect(try day.state() == "hotwash", "\(run.all)")
            let drills = try day.drills()
            #expect(drills.count == 3 && drills.allSatisfy { $0.contains(" finished ") }, "\(run.all)")
            let critical = try lab.muster("finding", "--critical", "nobody hears us", "--as", "zoe")
            #expect(critical.code == 0, "\(critical.all)")
            // What nobody heard waits for somebody who does.
            let left = try lab.json("notify", "list", "--undelivered").asList ?? []
            #expect(left.count >= 3 && left.allSatisfy { $0["channel"] == "hook" }, "\(left)")
            try receiver.end()
        }

        @Test func aPlanThatIsEditedWhileItRunsEndsTheDay() throws {
            let lab = try Lab()
            let day = try ShortGameDay(lab)
            let run = try running(day)
            try lab.write(
                try lab.read("drills/short-last.yaml") + "\n# edited\n", to: "drills/short-last.yaml")
            let ended = try run.end(within: .seconds(90))
            let lines = try day.lines()
            #expect(ended.code == 4, "\(ended.all)")
            #expect(
                lines.contains {
                    $0.contains("the plan was edited while the day ran: drill drills/short-last.yaml")
                },
                "\(lines)")
            #expect(try day.state() == "aborted" && day.drills().last == "last skipped -")
            try lab.expectNothingLeft()
        }

        @Test func respondersOfABlindDayAreToldNothing() throws {
            let lab = try Lab()
            let day = try ShortGameDay(lab, hold: "60s", extra: "blind: true")
            let run = try running(day)
            let blind = try lab.muster("gameday", "show", "--as", "mika")
            let stranger = try lab.muster("gameday", "show", "--json")
            let knowing = try lab.muster("gameday", "show", "--as", "otto")
            for answer in [blind, stranger] {
                #expect(answer.code == 0)
                for secret in ["crash", "hang", "hangs", "short-pause"] {
                    // As a word: a "change freeze" gives no hang away.
                    let word = try Regex("\\b\(secret)\\b")
                    #expect(!answer.output.contains(word), "\(secret): \(answer.all)")
                }
                #expect(answer.output.contains("drill 2"))
            }
            #expect(knowing.output.contains("The service hangs"), "\(knowing.all)")
            _ = try run.child.kill(SIGINT)
            #expect(try run.end(within: .seconds(90)).code == 4)
            let after = try lab.muster("gameday", "hotwash", "--done", "--as", "ada")
            #expect(after.code == 0, "\(after.all)")
            #expect(
                try lab.muster("gameday", "show", "short", "--as", "mika").output.contains(
                    "The service hangs"))
            try lab.expectNothingLeft()
        }
    }

    /// Who comes and goes, and what is to be done.
    @Suite struct ActionItems {
        @Test func closingWantsEvidence() throws {
            let lab = try Lab()
            try lab.write(ShortDrill.kill, to: "drills/short-kill.yaml")
            #expect(try lab.muster("actions").output == "No action item is open.\n")
            // Nothing is on record yet, and so there is no store that could be opened for reading.
            let add = try lab.muster(
                "actions", "add", "page when it dies", "--kind", "detect", "--owner", "mika", "--due",
                "2020-02-29",
                "--drill", "short-kill", "--priority", "p1", "--as", "ada")
            #expect(add.code == 0 && add.output.contains("action item #1 for mika"), "\(add.all)")
            let list = try lab.muster("actions")
            #expect(
                list.output.contains("2020-02-29 OVERDUE") && list.output.contains("proven by short-kill"))
            let bare = try lab.muster("actions", "close", "1")
            #expect(bare.code == 7 && bare.errors.contains("nothing shows that it is done"), "\(bare.all)")
            let wrong = try lab.muster("actions", "add", "x", "--owner", "o", "--due", "2027-02-30")
            #expect(wrong.code == 2 && wrong.errors.contains("not a day"), "\(wrong.all)")
            // A machine that stood still for a moment makes a run inconclusive; then once more.
            var drill = try lab.muster("run", "drills/short-kill.yaml", within: .seconds(90))
            if drill.code == 3 {
                drill = try lab.muster("run", "drills/short-kill.yaml", within: .seconds(90))
            }
            try #require(drill.code == 0, "\(drill.all)")
            let number = try #require(try lab.newestOutcome()["number"]?.asInt)
            let before = try lab.muster(
                "actions", "add", "too late", "--owner", "mika", "--drill", "short-kill")
            #expect(before.code == 0)
            let late = try lab.muster("actions", "close", "2", "--outcome", "\(number)")
            #expect(late.code == 7 && late.errors.contains("from before the item was opened"), "\(late.all)")
            let closed = try lab.muster("actions", "close", "1", "--outcome", "\(number)", "--as", "ivan")
            #expect(closed.code == 0 && closed.output.contains("outcome #\(number) passed"), "\(closed.all)")
            let dropped = try lab.muster("actions", "close", "2", "--drop", "--note", "switched off")
            #expect(dropped.code == 0, "\(dropped.all)")
            let all = try lab.json("actions", "list", "--all").asList ?? []
            #expect(all.map { $0["status"]?.asText ?? "" } == ["done", "dropped"], "\(all)")
            #expect(all[0]["closedBy"] == "ivan" && all[0]["overdue"] == false)
        }
    }

    /// People at a terminal who are asked.
    @Suite(.enabled(if: Tmux.isInstalled, "tmux is not installed")) struct GameDayTerminals {
        @Test func peopleAreAsked() throws {
            let lab = try Lab()
            let day = try ShortGameDay(lab)
            #expect(try lab.muster("gameday", "check", "short").code == 0)
            #expect(try lab.muster("gameday", "approve", "short", "--as", "grace").code == 0)
            let program = "'\(Lab.built)/muster' gameday"
            let first = try Tmux(lab, "\(program) preflight short")
            try first.waits(for: "? roster: Everybody who holds a role")
            try first.type("p", "e", "r", "h", "a", "p", "s", "Enter")
            try first.waits(for: "is no answer; y or n")
            try first.type("y", "Enter")
            // Whoever sits there holds no role.
            try first.waits(for: "who says so?")
            try first.type("i", "v", "a", "n", "Enter")
            try first.waits(for: "? told: Everybody was told.")
            try first.type("n", "Enter")
            try first.waits(for: "who says so?")
            try first.type("s", "a", "m", "Enter")
            try first.waits(for: "? later")
            try first.type("y", "Enter")
            try first.waits(for: "who says so?")
            try first.type("c", "a", "r", "l", "Enter")
            try first.waits(for: "'carl' is absent")
            try first.type("z", "o", "e", "Enter")
            try first.waits(for: "exit code 7")
            #expect(first.screen.contains("told: Everybody was told. sam says no"), "\(first.screen)")
            // What was confirmed is not asked again.
            let second = try Tmux(lab, "\(program) preflight short --as ivan")
            try second.waits(for: "? told")
            #expect(!second.screen.contains("? roster"))
            try second.type("y", "Enter")
            try second.waits(for: "exit code 0")
            let third = try Tmux(lab, "\(program) run short")
            try third.waits(for: "who decides (ivan, sam)?")
            try third.type("m", "i", "k", "a", "Enter")
            try third.waits(for: "'mika' may not say go")
            try third.type("s", "a", "m", "Enter")
            try third.waits(for: "sam, is it go?")
            try third.type("n", "Enter")
            try third.waits(for: "why not?")
            try third.type("r", "a", "i", "n", "Enter")
            try third.waits(for: "sam says no go: rain")
            try third.waits(for: "exit code 7")
            #expect(try day.state() == "go-no-go")
            #expect(try lab.json("outcomes").asList?.isEmpty == true)
        }
    }
}
