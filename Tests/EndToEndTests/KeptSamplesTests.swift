import MusterCore
import MusterDrills
import Testing

extension EndToEndDrills {
    /// `--keep-samples none`: everything that is reckoned from samples, and none of them.
    @Suite struct KeptSamples {
        @Test func withoutSamplesThereIsEverythingElse() throws {
            let lab = try Lab()
            try lab.write(ShortDrill.kill, to: "drills/kill.yaml")
            let answer = try lab.judged("run", "drills/kill.yaml", "--keep-samples", "none")
            #expect(answer.code == 0, "\(answer.all)")
            let counts = { (table: String) in
                try lab.shell("sqlite3 '\(lab.outcomes)' 'SELECT count(*) FROM \(table)'")
            }
            #expect(try counts("samples") == "0")
            // Of the probe and of each of four writers.
            #expect(try counts("signal_summaries") == "5")
            let bad = try lab.shell(
                """
                sqlite3 -separator ' ' '\(lab.outcomes)' "SELECT ok > 50, error + timeout > 0 FROM signal_summaries \
                JOIN signals ON signals.id = signal WHERE name = 'health'"
                """)
            #expect(bad == "1 1")

            let outcome = try lab.newestOutcome()
            #expect(outcome["verdict"] == "pass", "\(answer.all)")
            let objectives = outcome["objectives"]?.asList ?? []
            #expect(objectives.count == 3 && objectives.allSatisfy { $0["result"] == "met" }, "\(objectives)")
            let rto = try #require(objectives.first { $0["name"] == "rto" })
            #expect(rto["measured"]?.asText?.contains("ms") == true, "\(rto.canonicalJSON)")
            #expect(outcome.at("ledgers", 0, "lost") == 0)
            #expect(answer.output.contains("PASS"), "\(answer.all)")

            let report = try lab.read("runbooks/reports/1.md")
            #expect(
                report.contains("The samples themselves were not kept (--keep-samples none)"), "\(report)")
            #expect(report.contains("health") && report.contains("Verdict"), "\(report)")
            // Written again from the store alone, it is the same.
            let again = try lab.muster("report", "1")
            #expect(again.code == 0, "\(again.all)")
            #expect(try lab.read("runbooks/reports/1.md") == report)
            // What somebody wrote into it is not lost, and another store's report is not ours.
            try lab.write(report + "\nWe were lucky.\n", to: "runbooks/reports/1.md")
            let third = try lab.muster("report", "1")
            #expect(third.errors.contains("runbooks/reports/1.md.~1~"), "\(third.all)")
            #expect(try lab.read("runbooks/reports/1.md") == report)
            #expect(try lab.read("runbooks/reports/1.md.~1~").hasSuffix("We were lucky.\n"))
            try lab.shell("mkdir other && cp runbooks/outcomes.sqlite other/ && rm runbooks/reports/1.*")
            let other = try lab.muster("report", "1", "--outcomes", "other/outcomes.sqlite")
            #expect(other.code == 0 && lab.exists("other/reports/1.html"), "\(other.all)")
            #expect(!lab.exists("runbooks/reports/1.md"))
            try lab.expectNothingLeft()
        }

        @Test func aReportThatCannotBeWrittenLeavesTheOutcomeOnRecord() throws {
            let lab = try Lab()
            try lab.write(ShortDrill.kill, to: "drills/kill.yaml")
            try lab.shell("rm -rf runbooks/reports && echo mine > runbooks/reports")
            let answer = try lab.muster("run", "drills/kill.yaml", within: .seconds(90))
            #expect(answer.code == 0 || answer.output.contains("the instrument is suspect"), "\(answer.all)")
            #expect(
                answer.output.contains("outcome #1 · NO REPORT") && answer.errors.contains("muster report 1"),
                "\(answer.all)")
            #expect(try lab.newestOutcome()["ending"] == "completed")
            #expect(try lab.shell("cat runbooks/reports && rm runbooks/reports") == "mine")
            let again = try lab.muster("report", "1")
            #expect(again.code == 0 && lab.exists("\(lab.project)/runbooks/reports/1.md"), "\(again.all)")
            try lab.expectNothingLeft()
        }
    }
}
