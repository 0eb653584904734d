import MusterCore
import MusterDrills

extension GameDayStory {
    /// One line of the timeline over everything.
    struct Line {
        var utc: Int64
        /// Equal times stay in the order of recording: of the day first, then of its drills.
        var order: (source: Int, sequence: Int)
        var drill: String
        var kind: String
        var text: String
        var who: String
    }

    /// Kinds that stand in a drill's own report and would hide what people did.
    private static let quiet: Set<Event.Kind> = [
        .fixtureStarting, .fixtureReady, .workloadStarted, .alertWatch, .repeatPlanned, .instrumentSuspect,
    ]

    func timelineSection() -> [ReportBlock] {
        let lines = self.lines
        let heading = ReportBlock.heading(2, "Timeline")
        if lines.isEmpty { return [heading, .paragraph("Nothing was recorded.")] }
        let most = 3000
        let rows = lines.prefix(most).map { line -> [[ReportInline]] in
            [
                [utc(line.utc)], [.moment(local(line.utc))], [.text(line.drill)], [.moment(line.kind)],
                [.text(line.text)], [.text(line.who)],
            ]
        }
        var blocks: [ReportBlock] = [
            heading,
            .table(
                ReportTable(
                    ["UTC", "Local (\(record.zone))", "Drill", "Kind", "What happened", "Who"], rows: rows)),
            .paragraph(
                "Of the day and of all its drills, by when it happened. What was dated back says when it was written "
                    + "down. How fixtures and workloads began, and where the instrument was late, stands in the "
                    + "reports of the drills."),
        ]
        if lines.count > most {
            blocks.append(
                .paragraph("\(lines.count - most) later lines are left out here; the store keeps them."))
        }
        return blocks
    }

    var lines: [Line] {
        // Signs of life are counted under what would have ended the day; a hundred of them would hide the rest.
        let own = record.timeline.filter { $0.kind != .heartbeat }.map { entry in
            Line(
                utc: entry.utc, order: (0, entry.sequence), drill: drill(ofRun: entry.run) ?? "",
                kind: entry.state.map { "\(entry.kind.rawValue): \($0.rawValue)" } ?? entry.kind.rawValue,
                text: text(of: entry), who: who(entry))
        }
        let others = drills.enumerated().flatMap { index, drill in
            (drill.outcome?.events ?? []).enumerated().compactMap { number, event -> Line? in
                guard !Self.quiet.contains(event.kind) else { return nil }
                let at = event.bracket?.lower ?? event.at
                return Line(
                    utc: event.utcNanoseconds + (at - event.at).nanoseconds, order: (index + 1, number),
                    drill: drill.name, kind: event.kind.rawValue, text: event.text, who: event.actor)
            }
        }
        return (own + others).sorted {
            ($0.utc, $0.order.source, $0.order.sequence) < ($1.utc, $1.order.source, $1.order.sequence)
        }
    }

    private func text(of entry: GameDayEntry) -> String {
        var text = entry.text
        if entry.happenedUTC != nil {
            text += " (dated back; written down at \(utcText(nanoseconds: entry.recordedUTC)))"
        }
        if entry.source == .imported { text += " (taken over from elsewhere)" }
        if let wrong = entry.corrects, let old = record.entries.first(where: { $0.sequence == wrong }) {
            text += " (corrects entry \(wrong) of \(who(old)), which said: \(old.text))"
        }
        return text
    }
}
