import Foundation
import MusterCore
import MusterDocuments
import MusterDrills
import Testing

struct GameDayReportTests {
    private func lines(_ text: String) -> [String] {
        text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    /// The rows of the first table below a heading.
    private func table(_ heading: String, in text: String) -> [String] {
        let all = lines(text)
        guard let start = all.firstIndex(of: heading) else { return [] }
        let rest = all[(start + 1)...].prefix { !$0.hasPrefix("## ") }
        return Array(rest.drop { !$0.hasPrefix("|") }.prefix { $0.hasPrefix("|") }.dropFirst(2))
    }

    @Test func theReportStaysAsItWasApproved() throws {
        let report = GameDayReport(SampleGameDay.material())
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Golden")
        for (ending, text) in [("md", report.markdown), ("html", report.html)] {
            let file = folder.appending(path: "game-day.\(ending)")
            if ProcessInfo.processInfo.environment["RECORD"] == "1" {
                try text.write(to: file, atomically: true, encoding: .utf8)
                continue
            }
            let approved = try String(contentsOf: file, encoding: .utf8)
            let difference = zip(text.split(separator: "\n"), approved.split(separator: "\n")).first {
                $0 != $1
            }
            #expect(
                text == approved,
                "\(file.lastPathComponent) differs: \(String(describing: difference)); RECORD=1 rewrites it")
        }
    }

    @Test func anAbortedRunIsCalledOne() throws {
        var material = SampleGameDay.material()
        let first = try #require(material.outcomes[0].events.first)
        material.outcomes[0].events.append(
            Event(
                .abort, at: first.at + .seconds(5), utc: first.utcNanoseconds + 5_000_000_000,
                actor: "muster", text: "the muster abort of mika"))
        let text = GameDayReport(material).markdown
        #expect(text.contains(" Its run was aborted: The muster abort of mika."))
        let rows = table("## Suppressed, refused, skipped, overridden", in: text)
        #expect(
            rows.contains { $0.hasPrefix("| drill 'kill' | aborted | the muster abort of mika | muster |") },
            "\(rows)")
        #expect(!GameDayReport(SampleGameDay.material()).markdown.contains("Its run was aborted"))
    }

    @Test func theTimelineIsOneAndInOrder() throws {
        let text = GameDayReport(SampleGameDay.material()).markdown
        let rows = table("## Timeline", in: text)
        let times = rows.map { String($0.dropFirst(2).prefix(24)) }
        #expect(times == times.sorted(), "by when it happened")
        // Every note, decision and transition, with who and in which role.
        for entry in SampleGameDay.entries where entry.sequence != 20 {
            let found = rows.contains {
                $0.contains(entry.actor) && $0.contains(MarkdownText.escape(entry.text))
            }
            #expect(found, "\(entry.sequence) \(entry.text)")
        }
        #expect(rows.contains { $0.contains("| decision | go | ivan (ic) |") })
        // Between two entries of people stands what a drill recorded.
        let fault = try #require(rows.firstIndex { $0.contains("| kill | injected |") })
        let note = try #require(rows.firstIndex { $0.contains("the dashboard is red") })
        let end = try #require(rows.firstIndex { $0.contains("'kill' ended: pass") })
        #expect(fault < note && note < end)
        #expect(rows.contains { $0.contains("| losses | runbook-step | call the database team: done |") })
        #expect(!text.contains("'pager' listens |"), "what is quiet stands in the drill's own report")
    }

    @Test func whatWasDatedBackStandsWhereItHappened() throws {
        let rows = table("## Timeline", in: GameDayReport(SampleGameDay.material()).markdown)
        let called = try #require(rows.first { $0.contains("a customer called") })
        #expect(called.hasPrefix("| 2026-11-23T01:47:05.250Z |"))
        #expect(called.contains("(dated back; written down at 2026-11-23T01:47:10.000Z)"))
        #expect(called.contains("| 02:47:05.250 +01:00 |"))
    }

    @Test func aCorrectionStandsForWhatItCorrects() throws {
        let rows = table("## Timeline", in: GameDayReport(SampleGameDay.material()).markdown)
        #expect(rows.filter { $0.contains("restarted at") }.count == 1)
        let correction = try #require(rows.first { $0.contains("restarted at 10:41") })
        #expect(correction.contains("(corrects entry 20 of sol (scribe), which said: restarted at 10:40)"))
    }

    @Test func whatWasWithheldIsTold() {
        let text = GameDayReport(SampleGameDay.material()).markdown
        let rows = table("## Suppressed, refused, skipped, overridden", in: text)
        for (what, why) in [
            ("preflight: disk | refused", "900 MiB are free"),
            ("preflight: disk | overridden by grace", "the drills write 10 MiB"),
            ("drill 'partition' | skipped", "'losses' did not pass"),
            ("approval | voided", "edited: drills/redis-kill.yaml"),
        ] {
            #expect(rows.contains { $0.contains(what) && $0.contains(why) }, "\(what): \(rows)")
        }
    }

    @Test func expectedStandsAgainstObserved() {
        let text = GameDayReport(SampleGameDay.material()).markdown
        #expect(text.contains("1 of 3 drills passed; 'losses' fail, 'partition' skipped."))
        #expect(
            text.contains("**Observed:** **SKIPPED** 'partition' is skipped: 'losses' did not pass."))
        let detection = table("## Detection", in: text)
        #expect(
            detection.contains {
                $0.contains("| kill | RedisDown within 10s | 'redis-down' in 900 ms to 1 s |")
            }, "\(detection)")
        #expect(detection.contains { $0.contains("| losses | - | no alert was listened to |") })
        #expect(text.contains("a customer called (mika (responder))"))
        #expect(text.contains("> **!** **Critical:** Acknowledged writes are lost. (ivan (ic))"))
    }

    @Test func peopleAndTheirWorkAreTold() {
        let text = GameDayReport(SampleGameDay.material()).markdown
        #expect(
            table("## Roles and attendance", in: text).contains {
                $0.hasPrefix("| mika | responder | not kept, but spoke |")
            })
        #expect(text.contains("Absent, on purpose | linus"))
        let steps = table("### Time by step: losses", in: text)
        // Waiting and working of people apart.
        #expect(steps.contains { $0.contains("| call | 3 s |") && $0.contains("| 1 s | 2 s |") }, "\(steps)")
        #expect(GameDayReport(SampleGameDay.material()).html.contains("Steps of the runbook over time"))
    }

    @Test func actionsOfThisDayAndTheLastOne() {
        let text = GameDayReport(SampleGameDay.material()).markdown
        #expect(table("## Action items", in: text).count == 1)
        #expect(
            text.contains("TODO(owner): an owner and a day for entry 19: alert on the replica (sol (scribe))")
        )
        let before = table("## Action items of the previous game day", in: text)
        #expect(before.count == 2 && before[1].contains("open, **overdue**"), "\(before)")
        #expect(before[0].contains("it is in runbooks/, closed by ada"))
    }

    @Test func whatPeopleMustWriteIsMarked() {
        let text = GameDayReport(SampleGameDay.material()).markdown
        for heading in [
            "Where we got lucky", "What surprised us, and why", "What to do better in the next game day",
        ] {
            #expect(text.contains("## \(heading)\n\n- TODO(owner): "))
        }
        #expect(
            text.contains("## What went well\n\n- the page came before the customers did (mika (responder))"))
    }

    /// What anybody may write into a note.
    @Test(arguments: [
        "<script>alert(1)</script>", "</td></table><h1>", "| a | b |\n| - | - |", "```\ncode\n```",
        "![x](http://evil/x.png)", "[x](javascript:alert(1))", "# heading", "a\u{202E}b\u{0000}c\u{001B}[31m",
        "--> <!-- as Muster wrote it: 00 -->", "\"onmouseover=alert(1) x=\"", "**strong** _em_ ~~gone~~ $x$",
        "line\nTODO(owner): done",
    ])
    func hostileNotesStayText(_ hostile: String) {
        let material = SampleGameDay.material { record in
            for kind in [GameDayEntry.Kind.note, .hotwash, .todo, .finding, .detection, .decision] {
                var entry = SampleGameDay.entry(
                    kind, 720, hostile, by: hostile, .responder,
                    detail: kind == .hotwash
                        ? HotwashRemark(.lucky).value
                        : kind == .finding ? GameDayFinding(isCritical: true).value : .null)
                entry.sequence = record.entries.count + 1
                record.entries.append(entry)
            }
            record.documents[2] = (SampleGameDay.document(.expectation, "kill", "title: \(hostile)\n"))
        }
        let plain = GameDayReport(SampleGameDay.material())
        let report = GameDayReport(material)
        let html = report.html
        #expect(!html.contains("<script") && !html.contains("<h1></h1>") && !html.contains("<img"))
        #expect(
            html.components(separatedBy: "<table").count == plain.html.components(separatedBy: "<table").count
        )
        #expect(html.components(separatedBy: "<h1").count == 2)
        #expect(
            html.components(separatedBy: "href=").count == plain.html.components(separatedBy: "href=").count)
        for text in [html, report.markdown] {
            for scalar in text.unicodeScalars where scalar.value < 0x20 && scalar != "\n" {
                Issue.record("a control character \(scalar.value)")
                return
            }
            #expect(!text.unicodeScalars.contains("\u{202E}"))
        }
        // Each stays within the one line that it stands on: no heading, table or fence of its own.
        let known = Set(lines(plain.markdown).filter { $0.hasPrefix("#") })
        #expect(lines(report.markdown).filter { $0.hasPrefix("#") && !known.contains($0) }.isEmpty)
        let fences = { (text: String) in self.lines(text).filter { $0.hasPrefix("```") }.count }
        #expect(fences(report.markdown) == fences(plain.markdown))
        #expect(!report.markdown.contains("\n<!--") && report.markdown.firstMatch(of: /[^\\]\]\(/) == nil)
        let toDos = { (text: String) in text.components(separatedBy: "TODO(owner)").count }
        let said = hostile.contains("TODO(owner)")
        #expect(
            said || toDos(report.markdown) == toDos(plain.markdown),
            "one more for the todo, one less for luck")
    }

    @Test func aDayOfWhichLittleIsKnownHasAReport() {
        let record = GameDayRecord(number: 1, header: SampleGameDay.header, entries: [])
        let report = GameDayReport(
            GameDayReport.Material(
                record: record, roster: GameDayRoster(), outcomes: [], actions: [], chainRoot: nil,
                madeUTC: 0,
                localOffset: { _ in 0 }))
        #expect(report.markdown.contains("**NOTHING HELD** No drill was planned."))
        #expect(report.markdown.contains("its chain of hashes does not hold"))
        #expect(report.markdown.contains("this is the first game day of its name"))
    }
}

/// As the renderer escapes text in a table, for what stands in the samples.
private enum MarkdownText {
    static func escape(_ text: String) -> String { text.replacing(">", with: "&gt;") }
}
