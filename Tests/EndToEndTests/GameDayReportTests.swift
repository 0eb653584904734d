import Foundation
import MusterCore
import MusterSystem
import Testing

extension EndToEndDrills {
    /// The report of a day that was really held, read as a participant would.
    @Suite struct GameDayReports {
        private static let path = "runbooks/reports/gameday-1"

        @Test func theReportHoldsEverythingThatWasSaid() throws {
            let lab = try Lab()
            let day = try ShortGameDay(lab)
            try day.prepare()
            let run = try day.start("--go", "ivan")
            try run.waits(for: "process-pause hit 'kv'", within: .seconds(90))
            for arguments in [
                ["note", "the page | came <b>late</b>", "--as", "mika"],
                ["decision", "we wait", "--as", "ivan", "--role", "ic"],
                ["finding", "--critical", "no alert", "--as", "zoe"],
                ["todo", "add an alert", "--as", "zoe"],
            ] {
                let answer = try lab.start(arguments).end()
                #expect(answer.code == 0, "\(answer.all)")
            }
            let ended = try run.end(within: .seconds(120))
            #expect(ended.output.contains("report \(Self.path).md"), "\(ended.all)")
            let draft = try lab.read(Self.path + ".md")
            #expect(draft.contains("## What went well\n\n- TODO(owner)"))

            let remark = try lab.muster(
                "gameday", "hotwash", "short", "--well", "it came back", "--done", "--as", "mika")
            #expect(remark.code == 0 && remark.output.contains(Self.path), "\(remark.all)")
            let text = try lab.read(Self.path + ".md")
            #expect(text.contains("## What went well\n\n- it came back (mika (responder))"))
            try checkTimeline(of: day, in: text)
            #expect(text.contains("> **!** **Critical:** No alert. (zoe (scribe))"))
            #expect(text.contains("TODO(owner): an owner and a day for entry"))
            let html = try lab.read(Self.path + ".html")
            #expect(html.contains("the page | came &lt;b&gt;late&lt;/b&gt;") && !html.contains("<b>late"))
            try checkThatEditsStay(in: lab)
            try lab.expectNothingLeft()
        }

        /// Every entry is there, in order, with who and in which role; and between them what the drills recorded.
        private func checkTimeline(of day: ShortGameDay, in text: String) throws {
            let rows = text.split(separator: "\n").drop { $0 != "## Timeline" }.prefix {
                !$0.hasPrefix("## D")
            }
            let times = rows.filter { $0.hasPrefix("| 20") }.map { String($0.prefix(26)) }
            #expect(times.count > 40 && times == times.sorted())
            for entry in try day.record()["entries"]?.asList ?? [] {
                let said = String((entry["text"]?.asText ?? "").prefix { !"|<>_*`".contains($0) })
                let who = (entry["actor"]?.asText ?? "") + (entry["role"]?.asText.map { " (\($0))" } ?? "")
                #expect(
                    rows.contains { $0.contains(said) && $0.hasSuffix("| \(who) |") }, "\(said) by \(who)")
            }
            for drill in ["crash", "hang", "last"] {
                #expect(rows.contains { $0.contains("| \(drill) | injected |") }, "\(drill)")
            }
        }

        private func checkThatEditsStay(in lab: Lab) throws {
            let again = try lab.muster("report", "--gameday", "short")
            #expect(again.code == 0 && !lab.exists(Self.path + ".new.md"), "\(again.all)")
            let edited = try lab.read(Self.path + ".md").replacing(
                "TODO(owner)", with: "mika and zoe", maxReplacements: 1)
            try lab.write(edited, to: Self.path + ".md")
            let beside = try lab.muster("gameday", "report", "short")
            #expect(beside.code == 0 && beside.errors.contains("was edited"), "\(beside.all)")
            #expect(try lab.read(Self.path + ".md") == edited && lab.exists(Self.path + ".new.md"))
            let both = try lab.muster("report", "1", "--gameday", "short")
            #expect(both.code == 2, "\(both.all)")
            let unknown = try lab.muster("gameday", "report", "nobody")
            #expect(
                unknown.code == 2 && unknown.errors.contains("there is no game day 'nobody'"),
                "\(unknown.all)")
        }
    }
}
