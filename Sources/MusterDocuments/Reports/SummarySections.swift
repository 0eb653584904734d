import MusterCore
import MusterDrills

extension Story {
    func headerSection(title: String) -> [ReportBlock] {
        let finished = outcome.closing.map { utcText(nanoseconds: $0.finishedAtUTC) } ?? "not recorded"
        let started = utcText(nanoseconds: header.startedAtUTC)
        let local = local(header.startedAtUTC).map { " (\($0), \(header.timeZone))" } ?? ""
        var rows: [[[ReportInline]]] = [
            [[.text("Outcome")], [.text("\(outcome.number), run "), .code(header.id)]],
            [[.text("Verdict")], [.badge(verdictText, tone), .text(", run \(ending.rawValue)")]],
            [[.text("Report")], [.text("draft; final once no TODO is left")]],
            [[.text("Environment")], [.text(header.environment.rawValue)]],
        ]
        let optional: [(String, String?)] = [
            ("Service", header.service), ("Failure mode", header.failureMode), ("Owner", header.owner),
        ]
        for (name, text) in optional {
            if let text { rows.append([[.text(name)], [.text(text)]]) }
        }
        rows += [
            [[.text("Started")], [.text(started + local)]], [[.text("Finished")], [.text(finished)]],
            [[.text("Run by")], [.text("\(header.actor) on \(header.host)")]],
            [[.text("Durability tested")], [.text(durability)]],
            [[.text("Tool")], [.text("muster \(header.toolVersion)")]],
        ]
        return [.heading(1, title), .paragraph(reason), .table(ReportTable(["", ""], rows: rows))]
    }

    /// What came of it and why: whoever reads three lines of a report has read this.
    private var reason: [ReportInline] {
        if let judgement { return [.badge(verdictText, tone), .text(" " + sentence(judgement.reason))] }
        let last = outcome.events.last.map { "; the last that was recorded: \($0.text)" } ?? ""
        return [
            .badge(verdictText, tone), .text(" " + sentence("The run ended without being judged" + last)),
        ]
    }

    /// What was expected and what was seen.
    func summarySection() -> [ReportBlock] {
        let expected = header.expect.map { "Expected: \($0.trimmedStop). " } ?? ""
        let observed = sentence("Observed: " + observations.joined(separator: "; "))
        var blocks: [ReportBlock] = [.heading(2, "Summary"), .paragraph(expected + observed)]
        if let residue = outcome.closing?.residue, !residue.isEmpty {
            blocks.append(
                .alarm([.strong("Not everything was put back."), .text(" See Undo for what to type.")]))
        }
        blocks += (judgement?.warnings ?? []).map { .notice([.strong("Note:"), .text(" " + sentence($0))]) }
        return blocks
    }

    private var observations: [String] {
        var seen: [String] = []
        switch judgement?.status {
        case .noOutage: seen.append("no outage was seen")
        case .recovered: seen.append("the service recovered" + recoveryTime)
        case .recoveredFlapped: seen.append("the service recovered after going down again" + recoveryTime)
        case .degraded:
            seen.append("the service recovered" + recoveryTime + ", but not to what it had been before")
        case .notRecovered: seen.append("the service was not seen to recover")
        case .invalid: seen.append("the test itself did not hold, so its figures prove nothing")
        case .instrumentSuspect: seen.append("the instrument was in trouble, so its figures prove nothing")
        case nil:
            let failures = tracks.reduce(0) { $0 + $1.count(\.isDown) }
            seen.append("\(failures) failed samples before the record ends")
        }
        for ledger in judgement?.ledgers ?? [] { seen.append(lossText(ledger)) }
        return seen
    }

    private var recoveryTime: String {
        guard let rta = judgement?.measurements.first(where: { $0.name == "rta" && $0.subject.isEmpty })
        else { return "" }
        return " in " + intervalText(rta.interval)
    }

    func objectivesSection() -> [ReportBlock] {
        guard let judgement else {
            return [
                .heading(2, "Objectives against what was measured"),
                .paragraph("Nothing was judged: the run has no closing record."),
            ]
        }
        if judgement.objectives.isEmpty {
            return [
                .heading(2, "Objectives against what was measured"),
                .paragraph("The drill declares no objectives."),
            ]
        }
        let rows = judgement.objectives.map(\.cells)
        return [
            .heading(2, "Objectives against what was measured"),
            .table(ReportTable(ObjectiveResult.columns, numeric: [2, 3], rows: rows)),
            .paragraph(
                "An objective is met only if even the upper bound meets it, and missed only if even the "
                    + "lower bound misses it; anything between is inconclusive."),
        ]
    }
}

extension ObjectiveResult {
    /// For a table: what was wanted and what was measured.
    var cells: [[ReportInline]] {
        [
            [.strong(name.uppercased())], [.text(objective)],
            [.text(interval.map { $0.lower.forPeople } ?? "-")],
            [.text(interval.map { $0.upper?.forPeople ?? "not seen" } ?? "-")],
            [.text(measured)], [badge], [.text(clockStart)], [.text(reason)],
        ]
    }

    static let columns = [
        "Objective", "Required", "Lower bound", "Upper bound", "Measured", "Result", "Clock starts", "Why",
    ]

    private var badge: ReportInline {
        switch result {
        case .met: .badge("met", .good)
        case .missed: .badge("missed", .bad)
        case .inconclusive: .badge("inconclusive", .doubtful)
        }
    }

    /// The word behind `from` in `2s from fault`.
    private var clockStart: String {
        let words = objective.split(separator: " ")
        guard let from = words.lastIndex(of: "from"), from + 1 < words.count else { return "-" }
        return String(words[from + 1])
    }
}
