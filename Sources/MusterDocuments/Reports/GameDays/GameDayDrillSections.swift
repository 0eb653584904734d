import MusterCore
import MusterDrills

extension GameDayStory {
    /// Each card as it was frozen, against what was seen.
    func expectationSection() -> [ReportBlock] {
        var blocks: [ReportBlock] = [.heading(2, "Expected against observed")]
        if drills.isEmpty { return blocks + [.paragraph("No drill was planned.")] }
        for drill in drills {
            blocks.append(.heading(3, "\(drill.position + 1). \(drill.name)"))
            let expected = drill.expectation.split(separator: "\n").map(String.init)
            if expected.isEmpty {
                blocks.append(.paragraph("What was expected of it was not kept."))
            } else {
                let rows = expected.map { line -> [[ReportInline]] in
                    let parts = line.split(separator: ":", maxSplits: 1).map(String.init)
                    let text = parts.count > 1 ? String(parts[1].drop { $0 == " " }) : ""
                    return [[.strong(parts.first ?? "")], [.text(text)]]
                }
                blocks.append(.table(ReportTable(["Expected", "As frozen at the approval"], rows: rows)))
            }
            var observed: [ReportInline] = [
                .strong("Observed:"), .text(" "), .badge(drill.word, drill.tone),
                .text(" " + sentence(drill.reason)),
            ]
            if let abort = drill.abort {
                observed.append(.text(" Its run was aborted: \(sentence(abort.text))"))
            }
            if let number = drill.outcome?.number ?? drill.last?.outcome {
                observed.append(.text(" Outcome #\(number) has a report of its own."))
            }
            blocks.append(.paragraph(observed))
            for result in drill.judgement?.predictions ?? [] {
                blocks.append(
                    .notice([
                        .strong("Predicted:"), .text(" \(sentence(result.sentence)) "), result.result.badge,
                    ]))
            }
            blocks += (drill.judgement?.warnings ?? []).map {
                .notice([.strong("Note:"), .text(" " + sentence($0))])
            }
        }
        return blocks
    }

    func objectivesSection() -> [ReportBlock] {
        let rows = drills.flatMap { drill in
            (drill.judgement?.objectives ?? []).map { [[ReportInline.text(drill.name)]] + $0.cells }
        }
        let heading = ReportBlock.heading(2, "Objectives against what was measured")
        if rows.isEmpty {
            return [heading, .paragraph("No drill came so far that an objective could be judged.")]
        }
        return [
            heading,
            .table(ReportTable(["Drill"] + ObjectiveResult.columns, numeric: [3, 4], rows: rows)),
            .paragraph(
                "An objective is met only if even the upper bound meets it, and missed only if even the lower bound "
                    + "misses it; anything between is inconclusive."),
        ]
    }

    /// By which alert each fault was noticed, and what people noticed.
    func detectionSection() -> [ReportBlock] {
        let rows = drills.map { drill -> [[ReportInline]] in
            let found = drill.judgement?.measurements.filter { $0.name == "time-to-detect" } ?? []
            let whole = found.first { $0.subject.isEmpty }
            let names = found.filter { !$0.subject.isEmpty }.map {
                "'\($0.subject)' in \(intervalText($0.interval))"
            }
            let noticed =
                whole == nil
                ? drill.outcome == nil
                    ? "not held" : drill.listened ? "nobody noticed" : "no alert was listened to"
                : names.joined(separator: ", ")
            let result = drill.judgement?.objectives.first { $0.name == "detect" }
            return [
                [.text(drill.name)], [.text(drill.frozen("alert") ?? "-")], [.text(noticed)],
                [.text(result.map { "\($0.objective): \($0.result.rawValue)" } ?? "-")],
            ]
        }
        let people = record.timeline.filter { $0.kind == .detection }
        var blocks: [ReportBlock] = [
            .heading(2, "Detection"),
            rows.isEmpty
                ? .paragraph("No drill was planned.")
                : .table(ReportTable(["Drill", "Expected alert", "Noticed by", "Objective"], rows: rows)),
        ]
        if !people.isEmpty {
            blocks.append(.paragraph("What people noticed:"))
            blocks.append(
                .list(people.map { [utc($0.utc), .text(" \($0.text) (\(who($0)))")] }))
        }
        return blocks + [.list([[.toDo("whom the alerts reached, when, and what they did first")]])]
    }

    /// Steps of runbooks, with human wait and human work apart.
    func stepsSection() -> [ReportBlock] {
        var blocks: [ReportBlock] = [.heading(2, "Response and recovery")]
        var hasSteps = false
        for drill in drills {
            guard let outcome = drill.outcome else { continue }
            let story = Story(outcome, localOffset: material.localOffset, chainRoot: nil)
            let bars = story.stepBars
            guard !bars.isEmpty else { continue }
            hasSteps = true
            blocks += story.stepTimes(bars, heading: "Time by step: \(drill.name)")
        }
        if !hasSteps { blocks.append(.paragraph("No runbook was carried out.")) }
        return blocks + [
            .list([[.toDo("how people worked together; where they deviated from a runbook, and why")]])
        ]
    }
}
