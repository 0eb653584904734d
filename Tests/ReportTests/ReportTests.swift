import Foundation
import MusterCore
import MusterDocuments
import MusterDrills
import Testing

struct ReportTests {
    /// One hour east, as in Berlin's winter.
    private static func report(_ outcome: Outcome) -> Report {
        Report(outcome, localOffset: { _ in 3600 }, chainRoot: "c0ffee")
    }

    private static let golden: [(name: String, outcome: Outcome)] = [
        ("pass", SampleOutcomes.pass), ("fail-with-losses", SampleOutcomes.failWithLosses),
        ("interrupted", SampleOutcomes.interrupted), ("no-outage", SampleOutcomes.noOutage),
    ]

    /// `RECORD=1 swift test --filter ReportTests` writes the golden files anew; look at the difference then.
    @Test(arguments: golden.map(\.name))
    func reportsStayAsTheyWereApproved(_ name: String) throws {
        let outcome = try #require(Self.golden.first { $0.name == name }).outcome
        let report = Self.report(outcome)
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden")
        for (ending, text) in [("md", report.markdown), ("html", report.html)] {
            let file = folder.appending(path: "\(name).\(ending)")
            if ProcessInfo.processInfo.environment["RECORD"] == "1" {
                try text.write(to: file, atomically: true, encoding: .utf8)
                continue
            }
            let approved = try String(contentsOf: file, encoding: .utf8)
            let difference = zip(text.split(separator: "\n"), approved.split(separator: "\n"))
                .first { $0 != $1 }
            #expect(
                text == approved,
                "\(file.lastPathComponent) differs: \(String(describing: difference)); RECORD=1 rewrites it")
        }
    }

    @Test func theReasonIsRightBelowTheTitle() throws {
        let lines = Self.report(SampleOutcomes.failWithLosses).markdown.split(separator: "\n")
        let summary = try #require(lines.firstIndex(of: "## Summary"))
        #expect(lines[1] == "**FAIL** 63 acknowledged writes were lost; the oldest was 1.055 s old.")
        #expect(
            lines[summary + 1].contains(
                "lost 63 of 1604 acknowledged writes, the oldest acknowledged 1.051 s to 1.055 s before"))
    }

    @Test func whatPeopleMustWriteIsMarked() {
        let text = Self.report(SampleOutcomes.pass).markdown
        for section in ["What went well", "What went poorly", "Where we got lucky", "Action items"] {
            #expect(text.contains("## \(section)\n\n"))
        }
        #expect(text.components(separatedBy: "TODO(owner)").count == 9)
    }

    @Test func whatWasNotPutBackCannotBeOverlooked() {
        let text = Self.report(SampleOutcomes.failWithLosses).markdown
        #expect(text.contains("> **!** **Not everything was put back.** See Undo"))
        #expect(text.contains("- host db1 does not answer: muster undo --host db1"))
        #expect(Self.report(SampleOutcomes.interrupted).markdown.contains("The record ends before undo"))
        #expect(!Self.report(SampleOutcomes.pass).markdown.contains("> **!**"))
    }

    @Test func nothingIsCalledPutBackThatIsNotKnownToBe() {
        var outcome = SampleOutcomes.pass
        #expect(Self.report(outcome).markdown.contains("Nothing is left: every fact"))
        for state in [InjectionRecord.State.requested, .open, .unreachable] {
            outcome.injections[0].state = state
            let text = Self.report(outcome).markdown
            #expect(text.contains("It is not known that everything was put back:** crash."))
            #expect(!text.contains("Nothing is left"))
        }
    }

    @Test func lossesAreNamedEvenWhereTheLedgerIsNotComplete() throws {
        var outcome = SampleOutcomes.failWithLosses
        outcome.closing?.judgement.ledgers[0].inconclusive = "2 entries could not be read"
        #expect(Self.report(outcome).markdown.contains("and perhaps more (2 entries could not be read)"))
        #expect(!Self.report(outcome).markdown.contains("unread"))
        outcome.closing?.judgement.ledgers[0].counts[.unread] = 2
        #expect(Self.report(outcome).markdown.contains("could not be read: it may be there or not"))
        outcome.closing?.judgement.ledgers[0].counts = [:]
        #expect(Self.report(outcome).markdown.contains("the ledger proves nothing (2 entries could not"))
    }

    @Test func anomaliesAreCappedAndCounted() {
        let text = Report(SampleOutcomes.failWithLosses, anomalyLimit: 10).markdown
        #expect(text.contains("And 53 more, which the store keeps."))
        #expect(text.contains("| 1.500 | lost-tail |"))
        #expect(!text.contains("Local ("))
    }

    @Test func samplesAreToldInTheWordsOfTheProbes() {
        var outcome = SampleOutcomes.noOutage
        #expect(!Self.report(outcome).markdown.contains("How samples went wrong"))
        let start = outcome.header.startedAt
        func sample(_ second: Int, _ result: Sample.Outcome, _ code: Int32) -> Sample {
            let at = start + .seconds(second)
            return Sample(due: at, started: at, finished: at + .milliseconds(3), outcome: result, code: code)
        }
        outcome.signals = [
            Signal(
                name: "front", every: .seconds(1),
                samples: (0..<3).map { sample($0, .ok, 200) } + (3..<6).map { sample($0, .error, 111) }
                    + (6..<8).map { sample($0, .timeout, 0) } + [sample(8, .ok, 100_012)]
                    + (9..<20).map { sample($0, .unknown, Int32(5000 + $0)) })
        ]
        let text = Report(outcome, codeInWords: { "code<\($0)>" }).markdown
        let rows = text.split(separator: "\n").filter { $0.hasPrefix("| front |") }
        #expect(text.contains("### How samples went wrong"))
        #expect(rows.contains { $0.contains("error") && $0.contains("111") && $0.contains("| 3 |") })
        #expect(rows.contains { $0.contains("timeout | no answer in time | 2 |") })
        #expect(rows.contains { $0.contains("ok | ") && $0.contains("100012") })
        #expect(rows.contains { $0.contains("other kinds") })
        #expect(!rows.contains { $0.contains("| code<200") } && !text.contains("code<111>"))
    }

    @Test func nothingFromOutsideBecomesMarkup() {
        let report = Self.report(SampleOutcomes.hostile)
        #expect(!report.html.lowercased().contains("<script"))
        #expect(!report.html.contains("onload='"))
        #expect(report.html.components(separatedBy: "</style>").count == 2)
        #expect(!report.html.unicodeScalars.contains("\u{202E}"))
        #expect(!report.html.unicodeScalars.contains("\u{1B}"))
        // Only within a fence and a code span, where it is text.
        #expect(report.markdown.components(separatedBy: "[x](javascript:").count == 3)
        #expect(!report.markdown.unicodeScalars.contains("\u{202E}"))
        let headings = report.markdown.split(separator: "\n").filter { $0.hasPrefix("# ") }
        #expect(headings.count == 2, "the title, and the line within the fenced drill: \(headings)")
        // The fence around the drill is longer than any within it.
        #expect(report.markdown.contains("\n`````text\n```\n"))
    }

    @Test func theFileLoadsNothing() {
        let html = Self.report(SampleOutcomes.pass).html
        #expect(html.contains("default-src 'none'; style-src 'nonce-01JD8Q6Z5W4R8T2M1N0P9XCVBA'"))
        let own = html.replacing("http://www.w3.org/2000/svg", with: "")
        for word in ["http://", "https://", "src=\"", "href=", "url(", "@import", " style=", "<script"] {
            #expect(!own.contains(word), "\(word)")
        }
    }

    /// One failure among 100,000 samples is drawn, listed and counted.
    @Test func aSingleFailureIsNeverSampledAway() throws {
        var samples = (0..<100_000).map { index in
            let due = SampleOutcomes.at(Double(index))
            return Sample(due: due, started: due, finished: due + .microseconds(200), outcome: .ok)
        }
        samples[61_803].outcome = .error
        var outcome = SampleOutcomes.pass
        outcome.signals = [Signal(name: "ping", every: .milliseconds(1), samples: samples)]
        let report = Self.report(outcome)
        #expect(report.html.contains("<rect class=\"down\""))
        #expect(report.html.contains("<path class=\"failures\""))
        #expect(report.markdown.contains("X"))
        #expect(report.markdown.contains("| ping | 100000 | 99999 | 0 | 1 | 0 | 99.99 % |"))
        #expect(report.html.utf8.count < 200_000)
    }

    @Test func longHistoriesAreCutInTheMiddle() {
        var outcome = SampleOutcomes.pass
        outcome.events = (0..<800).map { SampleOutcomes.event(.note, Double($0), "note \($0)") }
        let text = Self.report(outcome).markdown
        #expect(text.contains("300 events between the first 400 and the last 100"))
        #expect(text.contains("note 399 |"))
        #expect(!text.contains("note 400 |"))
        #expect(text.contains("note 700 |"))
    }
}
