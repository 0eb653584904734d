import MusterCore
import MusterDrills

extension GameDayStory {
    /// What would have ended the day, how near it came to that, and what did end it.
    func criteriaSection() -> [ReportBlock] {
        guard record.entries.contains(where: { $0.state == .running }),
            let plan = record.documents.first(where: { $0.kind == .gameDay })
        else { return [] }
        let criteria = GameDay.AbortCriteria(readingGameDay: plan.text)
        let ended = record.endedBy
        let rows = limits(criteria).map { criterion, limit, seen -> [[ReportInline]] in
            let isIt = ended?.criterion == criterion
            return [
                [.text(criterion.rawValue)], [.text(limit)],
                isIt
                    ? [.badge("ended the day", .bad), .text(" " + sentence(ended?.entry.text ?? ""))]
                    : [.text(seen)],
            ]
        }
        var blocks: [ReportBlock] = [
            .heading(2, "What would have ended the day"),
            .table(ReportTable(["Criterion", "Limit", "What it came to"], rows: rows)),
        ]
        if let ended, !rows.contains(where: { $0[0] == [.text(ended.criterion.rawValue)] }) {
            blocks.append(
                .notice([
                    .strong("The day ended early"),
                    .text(
                        " (\(ended.criterion.inWords)): \(sentence(ended.entry.text)) (\(who(ended.entry)))"),
                ]))
        }
        return blocks
    }

    private func limits(_ criteria: GameDay.AbortCriteria) -> [(
        GameDay.AbortCriteria.Criterion, String, String
    )] {
        var rows: [(GameDay.AbortCriteria.Criterion, String, String)] = []
        if let share = criteria.errorBudget {
            let spendings = record.drillEvents.compactMap(\.event.spending)
            var services: [String] = []
            for spending in spendings where !services.contains(spending.service) {
                services.append(spending.service)
            }
            let seen = services.map { service in
                let budget = spendings.last { $0.service == service }?.budget ?? .zero
                let allowed = criteria.allowed(of: budget)?.forPeople ?? ""
                return "\(service) was down for \(record.spent(of: service).forPeople) of the \(allowed) "
                    + "that it may be (budget \(budget.forPeople))"
            }
            rows.append(
                (
                    .errorBudget, "\(share.forPeople) of each service's error budget",
                    seen.isEmpty ? "no drill came so far" : seen.joined(separator: "; ")
                ))
        }
        if let latency = criteria.latency {
            rows.append(
                (
                    .latency,
                    "\(latency.quantile.forPeople) of answers within \(latency.max.forPeople), over "
                        + latency.window.forPeople, "held"
                ))
        }
        if let limit = criteria.faultLongerThan {
            rows.append((.faultLongerThan, "nothing broken for longer than \(limit.forPeople)", "held"))
        }
        if let heartbeat = criteria.heartbeat {
            let signs = record.signsOfLife(heartbeat, material.roster)
            let people = signs?.counts.map { "\($0.signs) of \($0.name)" }.joined(separator: ", ") ?? ""
            let roles = heartbeat.from.map(\.rawValue).joined(separator: " or ")
            rows.append(
                (
                    .heartbeat, "a sign of life of \(roles) every \(heartbeat.every.forPeople)",
                    signs.map {
                        "\(people.isEmpty ? "no sign" : "signs: \(people)"); the longest silence was "
                            + $0.longestSilence.forPeople
                    } ?? "not begun"
                ))
        }
        if let limit = criteria.drillLongerThan {
            rows.append((.drillLongerThan, "no drill takes longer than \(limit.forPeople)", "held"))
        }
        if let failures = criteria.failures {
            let count = drills.filter { $0.last?.phase == .finished && $0.last?.verdict != .pass }.count
            rows.append(
                (.failures, "fewer than \(failures) drills that do not pass", "\(count) did not pass"))
        }
        if criteria.onResidue { rows.append((.onResidue, "no drill leaves anything broken", "held")) }
        if criteria.atEnd { rows.append((.atEnd, "the day's window lasts", "held")) }
        return rows
    }
}

extension GameDay.AbortCriteria.Criterion {
    /// For people who have not read the file.
    var inWords: String {
        switch self {
        case .drillLongerThan: "a drill took too long"
        case .faultLongerThan: "something was broken for too long"
        case .onResidue: "a drill left something broken"
        case .failures: "too many drills did not pass"
        case .atEnd: "the window was over"
        case .errorBudget: "the error budget for the day was spent"
        case .latency: "answers were too slow"
        case .heartbeat: "nobody gave a sign of life"
        case .drillAborted: "a drill was aborted"
        case .manual: "somebody said so"
        case .edited: "the plan was edited"
        case .settle: "the system did not settle"
        }
    }
}
