import MusterCore
import MusterDocuments
import MusterDrills
import Testing

/// The times of a runbook's steps in a report.
@Suite struct RunbookReportTests {
    private func step(
        _ name: String, _ kind: String, _ from: Double, _ to: Double, wait: Double = 0, work: Double = 0,
        state: String = "succeeded"
    ) -> Event {
        var event = SampleOutcomes.event(
            .runbookStep, from, "'\(name)' (\(kind)) \(state)", subject: name, until: to)
        func nanoseconds(_ milliseconds: Double) -> Value { .int(Int64(milliseconds * 1e6)) }
        event.detail = [
            "kind": .text(kind), "ok": .bool(state == "succeeded"), "state": .text(state),
            "machineNanoseconds": nanoseconds(kind == "manual" ? 0 : to - from),
            "humanWaitNanoseconds": nanoseconds(wait), "humanWorkNanoseconds": nanoseconds(work),
        ]
        return event
    }

    private func report(_ steps: [Event]) -> Report {
        var outcome = SampleOutcomes.pass
        outcome.events.append(
            SampleOutcomes.event(.runbookStarted, 4000, "runbook restart.md begins", subject: "restart.md"))
        outcome.events += steps
        return Report(outcome)
    }

    @Test func eachStepIsTimedByWhoSpentIt() {
        let text = report([
            step("start", "command", 4000, 6000),
            step("confirm", "manual", 6000, 12_000, wait: 2000, work: 4000),
            step("loaded", "wait", 12_000, 14_000, state: "timed-out"),
        ]).markdown
        #expect(text.contains("### Time by step"))
        let rows = text.split(separator: "\n").filter { $0.hasPrefix("|") }.map { row in
            row.split(separator: "|").map { $0.trimmingPrefix(while: \.isWhitespace) }.map {
                String($0.reversed().drop { $0 == " " }.reversed())
            }
        }
        func row(_ name: String) -> [String] { rows.first { $0.count > 6 && $0[1] == name } ?? [] }
        #expect(Array(row("start").prefix(7).dropFirst(2)) == ["2 s", "20 %", "2 s", "-", "-"])
        #expect(Array(row("confirm").prefix(7).dropFirst(2)) == ["6 s", "60 %", "-", "2 s", "4 s"])
        #expect(Array(row("all steps").prefix(7).dropFirst(2)) == ["10 s", "100 %", "4 s", "2 s", "4 s"])
        #expect(text.contains("One step was for people."))
        // Ten seconds in 64 letters.
        #expect(
            text.contains("start    =============\n") || text.contains("start    ============\n"), "\(text)")
        let confirm = text.split(separator: "\n").first { $0.hasPrefix("confirm  ") } ?? ""
        #expect(confirm.contains(".") && confirm.contains("#") && !confirm.contains("="), "\(confirm)")
        #expect(text.split(separator: "\n").contains { $0.hasPrefix("loaded") && $0.hasSuffix("X") })
    }

    @Test func theChartIsInTheFile() {
        let html = report([
            step("start", "command", 4000, 6000),
            step("confirm", "manual", 6000, 12_000, wait: 2000, work: 4000),
        ]).html
        #expect(html.contains("Steps of the runbook over time"))
        for look in ["up", "doubt", "work"] {
            #expect(html.contains("<rect class=\"\(look)\" x=\""), "\(look)")
        }
    }

    /// Outcomes from before people had a part in runbooks.
    @Test func oneTimeIsEnough() {
        var old = SampleOutcomes.event(
            .runbookStep, 4000, "'start' (command) succeeded", subject: "start", until: 5000)
        old.detail = ["kind": "command", "ok": true, "nanoseconds": 1_000_000_000]
        #expect(report([old]).markdown.contains("| start | 1 s | 100 % | 1 s | - | - |"))
    }

    @Test func namesFromOutsideBecomeNoMarkup() {
        let html = report([step("<script>x", "command", 4000, 5000)]).html
        #expect(!html.contains("<script"))
    }
}
