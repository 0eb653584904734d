import Foundation
import Glibc
import MusterCore
import MusterSystem
import Testing

extension EndToEndDrills {
    /// A game day with the real `muster`, from `new` to `close`.
    @Suite struct GameDays {
        @Test func aDayFromNewToClose() throws {
            let lab = try Lab()
            let day = try ShortGameDay(lab, hold: "12s")
            let twice = try lab.muster("gameday", "new", ShortGameDay.file)
            #expect(twice.code == 2 && twice.errors.contains("exists already"), "\(twice.all)")
            try lab.write(
                "format: 1\nchannels: { file: { command: [/bin/sh, tell.sh], on: [finding] } }\n",
                to: "drills/notify.yaml")
            try lab.write("cat >> told; echo >> told\n", to: "tell.sh")
            try day.prepare()
            let run = try day.start("--go", "ivan")
            try run.waits(for: "process-pause hit 'kv'", within: .seconds(90))
            // From another terminal, while the second drill runs.
            let note = try lab.muster("note", "the page came", "--as", "mika", "--at", "2020-05-01T10:00")
            let decision = try lab.muster("decision", "we wait", "--as", "ivan", "--role", "ic")
            let finding = try lab.muster("finding", "--critical", "no alert", "--as", "zoe")
            let todo = try lab.muster("todo", "add an alert", "--as", "zoe")
            for answer in [note, decision, finding, todo] { #expect(answer.code == 0, "\(answer.all)") }
            // Whoever is not in the room is told of the one that is critical, and of nothing else.
            let told = lab.eventually { (try? lab.read("told"))?.hasSuffix("\n") == true }
            let notices = (try? lab.read("told")) ?? ""
            #expect(told != nil, "\(notices)")
            #expect(notices.contains(#""title":"DRILL: critical finding of zoe""#), "\(notices)")
            #expect(notices.contains(#""text":"no alert""#) && notices.split(separator: "\n").count == 1)
            let future = try lab.muster("note", "x", "--at", "2089-01-01T00:00")
            #expect(future.code == 2 && future.errors.contains("has not come yet"))
            // In nanoseconds 64 bits do not hold it; it would stand in the record for good.
            let ancient = try lab.muster("note", "x", "--at", "0001-01-01T00:00")
            #expect(ancient.code == 2 && ancient.errors.contains("is before 1970"), "\(ancient.all)")
            let stranger = try lab.muster("note", "x", "--as", "mika", "--role", "ic")
            #expect(stranger.code == 2 && stranger.errors.contains("'mika' is not ic"))
            let second = try day.start("--go", "ivan").end()
            #expect(second.code == 7 && second.errors.contains("carries the game day out"), "\(second.all)")
            let ended = try run.end(within: .seconds(120))
            let drills = try day.drills()
            #expect(drills.count == 3 && drills.allSatisfy { $0.contains(" finished ") }, "\(ended.all)")
            if drills.allSatisfy({ $0.hasSuffix("pass") }) { #expect(ended.code == 0, "\(ended.all)") }
            try hold(hotwash: day)
            let lines = try day.lines()
            let all: Comment = "\(lines.joined(separator: "\n"))"
            #expect(
                try day.states() == [
                    "planned", "approved", "preflight", "go-no-go", "running", "recovering", "verifying",
                    "hotwash",
                    "reported", "closed",
                ], all)
            let wanted = [
                "approval grace approver: approved by grace, ticket CHG-1", "decision ivan ic: go",
                "comm muster: DRILL: We begin.",
                "drill muster: drill 1 of 3, 'crash', begins: The service dies",
                "drill muster: the gate behind 'crash' is passed: nothing was left broken for 100 ms",
                "drill muster: drill 2 of 3, 'hang', begins: The service hangs",
                "note mika responder: the page came",
                "decision ivan ic: we wait", "finding zoe scribe: no alert",
                "comm muster: DRILL: critical finding of zoe: no alert", "todo zoe scribe: add an alert",
                "drill muster: drill 3 of 3, 'last', begins: The service dies again",
                "comm muster: DRILL: It is over.",
                "hotwash mika responder: it came back", "state ada owner → closed: closed",
            ]
            #expect(lines.filter(wanted.contains) == wanted, all)
            try checkLinks(day)
            try lab.expectNothingLeft()
        }

        private func hold(hotwash day: ShortGameDay) throws {
            let lab = day.lab
            let silent = try lab.muster("gameday", "hotwash", "short")
            #expect(silent.code == 7 && silent.errors.contains("nothing was said"), "\(silent.all)")
            let early = try lab.muster("gameday", "close", "--as", "ada")
            #expect(early.code == 7, "\(early.all)")
            let remarks = try lab.muster(
                "gameday", "hotwash", "--well", "it came back", "--surprised", "no alert", "--as", "mika")
            #expect(remarks.code == 0 && remarks.output == "2 remarks kept\n", "\(remarks.all)")
            let done = try lab.muster("gameday", "hotwash", "--done", "--as", "ada")
            #expect(done.code == 0, "\(done.all)")
            let wrong = try lab.muster("gameday", "close", "short", "--as", "mika")
            #expect(wrong.code == 7 && wrong.errors.contains("'mika' is not its owner"), "\(wrong.all)")
            // Nothing else is under way, and so the day that waits to be closed is meant.
            let todo = try day.record()["entries"]?.asList?.first { $0["kind"] == "todo" }?["sequence"]?.asInt
            let item = try lab.muster(
                "actions", "add", "--from", "\(todo ?? 0)", "--owner", "mika", "--as", "ada")
            #expect(item.code == 0 && item.output.contains("for mika: add an alert"), "\(item.all)")
            let closed = try lab.muster("gameday", "close", "--as", "ada")
            #expect(closed.code == 0 && !closed.output.contains("became no action item"), "\(closed.all)")
            #expect(try lab.read("runbooks/reports/gameday-1.md").contains("| State | **closed** |"))
        }

        /// Runs, back-dating, attachments.
        private func checkLinks(_ day: ShortGameDay) throws {
            let record = try day.record()
            #expect(record["chain"] == "intact" && record["holder"] == .null)
            let entries = record["entries"]?.asList ?? []
            let note = try #require(entries.first { $0["text"] == "the page came" })
            #expect(note["utc"] == "2020-05-01T08:00:00.000Z" && note["source"] == "human")
            #expect((note["recordedUtc"]?.asInt ?? 0) > (note["happenedUtc"]?.asInt ?? 0))
            let hang = try #require(record.at("drills", 1))
            #expect(note["run"] == hang["run"])
            let outcome = try day.lab.json("show", "\(hang["outcome"]?.asInt ?? 0)")
            #expect(
                outcome["id"] == hang["run"] && outcome["verdict"] == hang["verdict"],
                "\(outcome.canonicalJSON)")
            let kinds = (record["documents"]?.asList ?? []).compactMap { $0["kind"]?.asText }
            #expect(kinds.count { $0 == "drill" } == 3 && kinds.count { $0 == "expectation" } == 3)
        }

        @Test func whoMayDoWhat() throws {
            let lab = try Lab()
            let day = try ShortGameDay(lab)
            func refused(_ arguments: String..., because words: String) throws {
                let answer = try lab.start(["gameday"] + arguments).end()
                #expect(answer.code == 7 && answer.errors.contains(words), "\(arguments): \(answer.all)")
            }
            try refused("approve", "short", "--as", "grace", because: "'short' is not planned")
            #expect(try lab.muster("gameday", "check", "short").code == 0)
            try refused("preflight", "short", because: "not approved")
            try refused("approve", "short", "--as", "ivan", because: "'ivan' may not approve it")
            try refused("approve", "short", "--as", "ada", because: "'ada' drew it up")
            try refused("approve", "short", "--as", "carl", because: "'carl' is absent")
            #expect(try lab.muster("gameday", "approve", "short", "--as", "grace").code == 0)
            try refused("run", "short", "--go", "ivan", because: "the preflight has not passed")
            try refused("preflight", "short", because: "2 items block: roster, told")
            try refused(
                "preflight", "short", "--confirm", "roster", "--as", "carl", because: "'carl' is absent")
            try refused(
                "preflight", "short", "--confirm", "roster", "--as", "ivan", because: "1 item block: told")
            try refused(
                "preflight", "short", "--override", "told", "--reason", "r", "--as", "ivan",
                because: "may not override")
            let unknown = try lab.muster("gameday", "preflight", "short", "--confirm", "tolt", "--as", "ivan")
            #expect(unknown.code == 2 && unknown.errors.contains("did you mean 'told'?"), "\(unknown.all)")
            let over = try lab.muster(
                "gameday", "preflight", "short", "--override", "told", "--reason", "nobody is there", "--as",
                "grace")
            #expect(
                over.code == 0 && over.output.contains("overridden by grace: nobody is there"), "\(over.all)")
            // There is no terminal, and nobody has said go: a confirmation that never comes is none.
            try refused("run", "short", because: "nobody has said go")
            try refused("run", "short", "--go", "mika", because: "'mika' may not say go")
            try refused(
                "run", "short", "--no-go", "sam", "--reason", "storm", because: "sam says no go: storm")
            #expect(try day.state() == "go-no-go" && lab.json("outcomes").asList?.isEmpty == true)
            let off = try lab.muster("gameday", "abort", "short", "--reason", "storm", "--as", "sam")
            #expect(off.code == 0 && off.output.contains("called off"), "\(off.all)")
            #expect(try day.states().suffix(1) == ["aborted"])
            #expect(try day.lines().last == "state sam safety → aborted: storm")
        }

        @Test(arguments: ["drills/gamedays/short.yaml", "drills/short-last.yaml"])
        func anEditVoidsTheApproval(_ path: String) throws {
            let lab = try Lab()
            let day = try ShortGameDay(lab)
            try day.prepare()
            try lab.write(try lab.read(path) + "\n# edited\n", to: path)
            let answer = try day.start("--go", "ivan").end()
            #expect(answer.code == 7 && answer.errors.contains("\(path) was edited"), "\(answer.all)")
            #expect(try day.state() == "planned")
            #expect(try lab.json("outcomes").asList?.isEmpty == true)
            #expect(try day.lines().last?.contains("the approval of grace is void") == true)
        }
    }
}
