import Foundation
import MusterCore
import Testing

extension EndToEndDrills {
    /// What a newcomer sees.
    @Suite struct FirstDrill {
        @Test func passesAndIsFoundAgainByEveryCommand() throws {
            let lab = try Lab()
            let answer = try lab.judged("run", "drills/first-drill.yaml", "--json")
            #expect(answer.code == 0, "\(answer.all)")
            let outcome = try answer.json()
            #expect(outcome["verdict"] == "pass" && outcome["ending"] == "completed", "\(answer.all)")
            #expect(outcome["residue"] == [], "\(answer.all)")

            let rta = try #require(outcome["objectives"]?.asList?.first { $0["name"] == "rto" })
            let lower = try #require(rta["lowerNanoseconds"]?.asInt)
            let upper = try #require(rta["upperNanoseconds"]?.asInt)
            #expect(0 < lower && lower < upper && upper <= 2_000_000_000, "\(rta.canonicalJSON)")
            // Its supervisor waits for 200 ms before it starts the service again.
            #expect(lower >= 100_000_000, "\(rta.canonicalJSON)")

            let ledger = try #require(outcome.at("ledgers", 0))
            #expect(ledger["lost"] == 0 && ledger["duplicated"] == 0 && ledger["corrupt"] == 0)
            let acknowledged = try #require(ledger["acknowledged"]?.asInt)
            #expect(acknowledged > 200, "\(ledger.canonicalJSON)")

            try theCommandsAgree(lab)
            try theReportStandsAlone(lab)
            try verifyKnowsWhatWasDrilled(lab)
            try lab.expectNothingLeft()
        }

        private func theCommandsAgree(_ lab: Lab) throws {
            let rows = try #require(lab.json("outcomes").asList)
            #expect(rows.count == 1 && rows[0]["verdict"] == "pass" && rows[0]["number"] == 1)
            let shown = try lab.json("show", "1")
            #expect(shown["verdict"] == "pass")
            #expect(shown.events("effective").count == 1 && shown.events("injected").count == 1)
            let text = try lab.muster("show")
            #expect(
                text.code == 0 && text.output.contains("PASS") && text.output.contains("RTO"), "\(text.all)")
            let none = try lab.muster("show", "7")
            #expect(none.code == 2 && none.errors.contains("there is no outcome 7"), "\(none.all)")
        }

        private func theReportStandsAlone(_ lab: Lab) throws {
            let markdown = try lab.read("runbooks/reports/1.md")
            #expect(markdown.contains("first-drill") && markdown.contains("RTO"))
            let page = try lab.read("runbooks/reports/1.html")
            #expect(page.contains("<svg") && !page.contains("src=\"http") && !page.contains("<script"))
            let again = try lab.muster("report", "1", "--output", "\(lab.directory)/again")
            #expect(again.code == 0, "\(again.all)")
            #expect(
                try lab.read("\(lab.directory)/again.html") == page, "a report is a function of its outcome")
        }

        private func verifyKnowsWhatWasDrilled(_ lab: Lab) throws {
            let all = try lab.muster("verify", "--json")
            #expect(all.code == 6, "\(all.all)")
            let rows = try #require(all.json().asList)
            for row in rows {
                let wanted: Value = row["service"] == "sample-kv" ? "proven" : "never"
                #expect(row["state"] == wanted, "\(row.canonicalJSON)")
            }
            #expect(try lab.muster("verify", "--service", "sample-kv").code == 0)
            #expect(try lab.muster("verify", "--allow-missing").code == 0)
            #expect(try lab.muster("verify", "--service", "sessions-rdb").code == 6)
            let unknown = try lab.muster("verify", "--service", "sample")
            #expect(unknown.code == 2 && unknown.errors.contains("no service 'sample'"), "\(unknown.all)")
            let old = try lab.muster("verify", "--service", "sample-kv", "--max-age", "1ms")
            #expect(old.code == 6 && old.output.contains("STALE"), "\(old.all)")
        }

        @Test func aShortDrillShowsItsStoryLineByLine() throws {
            let lab = try Lab()
            try lab.write(ShortDrill.kill, to: "drills/kill.yaml")
            let answer = try lab.muster(
                "run", "drills/kill.yaml", "--outcomes", "\(lab.directory)/mine.sqlite")
            #expect(answer.code == 0, "\(answer.all)")
            var rest = answer.output[...]
            for word in [
                "steady for", "hit 'kv'", "first failure", "answers again", "stable", "PASS", "outcome #1",
            ] {
                let place = try #require(
                    rest.range(of: word), "'\(word)' is missing or late: \(answer.output)")
                rest = rest[place.upperBound...]
            }
            #expect(!answer.output.contains("\u{1B}"), "no escapes where nobody looks")
            #expect(lab.exists("\(lab.directory)/mine.sqlite") && !lab.exists(lab.outcomes))
            let listed = try lab.muster("outcomes", "--outcomes", "\(lab.directory)/mine.sqlite")
            #expect(listed.code == 0 && listed.output.contains("short-kill"), "\(listed.all)")
            try lab.expectNothingLeft()
        }
    }
}
