import MusterCore
import MusterDrills

extension Story {
    /// What the drill's owner predicted, against what was seen; nothing where nothing was predicted.
    func predictionsSection() -> [ReportBlock] {
        guard let predictions = judgement?.predictions, !predictions.isEmpty else { return [] }
        let rows: [[[ReportInline]]] = predictions.map { prediction in
            [
                [.text(prediction.name)], [.text(prediction.predicted)], [.text(prediction.measured)],
                [prediction.result.badge],
            ]
        }
        var blocks: [ReportBlock] = [
            .heading(3, "Predicted and seen"),
            .table(ReportTable(["Figure", "Predicted", "Seen", "Result"], rows: rows)),
        ]
        if predictions.contains(where: { $0.result == .outside }) {
            blocks.append(
                .paragraph(
                    "Outside a prediction, either whoever made it is wrong about the system, or the system has "
                        + "changed. It decides no objective."))
        }
        return blocks
    }

    /// The group that the run belongs to, as it stands when the report is made.
    func repeatsSection() -> [ReportBlock] {
        guard let repeats = outcome.repeats else { return [] }
        let lines = repeats.lines.map { line -> [[ReportInline]] in
            [[.text(line.label)], [line.isWarning ? .strong(line.text) : .text(line.text)]]
        }
        let limit = 50
        let members = repeats.group.members
        let rows = members.prefix(limit).map { member -> [[ReportInline]] in
            let isThis = member.header.id == header.id
            let verdict = member.closing?.judgement.verdict
            let tone: Tone =
                switch verdict {
                case .pass: .good
                case .fail, .error: .bad
                case .inconclusive, nil: .doubtful
                }
            return [
                [.text("\(member.number)\(isThis ? " (this one)" : "")")],
                [.text(member.phase?.wait.forPeople ?? "-")],
                [.text(member.isProven ? member.recovery.lower.forPeople : "-")],
                [.text(member.isProven ? member.recovery.upper?.forPeople ?? "not seen" : "-")],
                [.text(member.lost.map(String.init) ?? "-")],
                [.badge(verdict?.rawValue.uppercased() ?? "NOT JUDGED", tone)],
            ]
        }
        let columns = ["Outcome", "Fault after", "Recovered, lower", "Upper", "Lost", "Verdict"]
        var blocks: [ReportBlock] = [
            .heading(2, "Repeats"), .table(ReportTable(["", ""], rows: lines)),
            .table(ReportTable(columns, numeric: [1, 2, 3, 4], rows: Array(rows))),
        ]
        if members.count > limit {
            blocks.append(.paragraph("And \(members.count - limit) more, which the store keeps."))
        }
        return blocks
    }
}

extension PredictionResult.Result {
    /// What became of a prediction, for people.
    var badge: ReportInline {
        switch self {
        case .within: .badge("as predicted", .good)
        case .outside: .badge(PredictionResult.flag, .bad)
        case .unknown: .badge("cannot be told", .doubtful)
        }
    }
}
