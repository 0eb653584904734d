import MusterCore
import MusterDrills

extension Story {
    /// Which alert, when, or that nobody noticed.
    func detectionSection() -> [ReportBlock] {
        let failure = outcome.events.first { $0.kind == .firstFailure }
        let seen =
            failure.map {
                "Muster's own probes saw the first failure at \(sinceZero($0.bracket?.lower ?? $0.at)) "
                    + "(\($0.subject.isEmpty ? "drill" : $0.subject)). "
            } ?? "Muster's own probes saw no failure. "
        let watches = outcome.events.filter { $0.kind == .alertWatch }
        guard !watches.isEmpty else {
            return [
                .heading(2, "Detection"),
                .paragraph(
                    seen + "No alert was listened to: whether anybody would have been told was not tested."),
                .list([[.toDo("which alert fired, when, and whom it reached; or that nobody noticed")]]),
            ]
        }
        return [
            .heading(2, "Detection"), .paragraph([.text(seen)] + detected),
        ] + alertTable(watches) + [
            .list([[.toDo("whom the alert reached, and when; what they did first")]])
        ]
    }

    private var detected: [ReportInline] {
        if let result = judgement?.objectives.first(where: { $0.name == "detect" }) {
            let tone: Tone = result.result == .met ? .good : result.result == .missed ? .bad : .doubtful
            return [.badge("detection \(result.result.rawValue)", tone), .text(": \(result.reason).")]
        }
        let found = judgement?.measurements.filter { $0.name == "time-to-detect" } ?? []
        guard let whole = found.first(where: { $0.subject.isEmpty }) else {
            return [.text("No expected alert fired that counts; the warnings above say more.")]
        }
        let names = found.filter { !$0.subject.isEmpty }.map {
            "'\($0.subject)' in \(intervalText($0.interval))"
        }
        return [
            .text(
                "Noticed in \(intervalText(whole.interval)) after the fault: \(names.joined(separator: ", "))."
            )
        ]
    }

    /// Everything that was heard, in order; the alerting system's own time apart from ours.
    private func alertTable(_ watches: [Event]) -> [ReportBlock] {
        let all = outcome.events.filter {
            [.alertWatch, .alert, .alertOther, .alertBlind].contains($0.kind)
        }
        let most = 60
        let rows = all.prefix(most).map { event -> [[ReportInline]] in
            let bracket = event.bracket ?? Bracket(event.at, event.at)
            let own = event.detail["startsAt"]?.asInt.map { utcText(nanoseconds: $0) } ?? "-"
            return [
                [.text(sinceZero(bracket.lower))], [.text(sinceZero(bracket.upper))],
                [.text(event.subject.isEmpty ? "-" : event.subject)], [.text(word(event))],
                [.text(event.text)],
                [.moment(own)],
            ]
        }
        var blocks: [ReportBlock] = [
            .table(
                ReportTable(
                    ["From", "To", "Alert or source", "", "What was heard", "Its own time"], numeric: [0, 1],
                    rows: Array(rows)))
        ]
        if all.count > most {
            blocks.append(.paragraph("\(all.count - most) more are in the timeline and in the store."))
        }
        return blocks
    }

    private func word(_ event: Event) -> String {
        switch event.kind {
        case .alert: event.detail["status"]?.asText ?? ""
        case .alertOther: "something else"
        case .alertBlind: "not heard"
        default: event.detail["over"]?.asBool == true ? "ends" : "listens"
        }
    }
}
