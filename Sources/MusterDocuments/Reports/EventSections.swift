import MusterCore
import MusterDrills

extension Story {
    func timelineSection() -> [ReportBlock] {
        var blocks: [ReportBlock] = [.heading(2, "Timeline")]
        if outcome.events.isEmpty { return blocks + [.paragraph("No events were recorded.")] }
        let isLocal = localOffset != nil
        let columns =
            ["UTC"] + (isLocal ? ["Local (\(header.timeZone))"] : [])
            + [faults.isEmpty ? "Since start" : "Since fault", "Event", "What happened", "By"]
        let (head, tail) = (400, 100)
        let events = outcome.events
        let isCut = events.count > head + tail
        let rows = (isCut ? Array(events.prefix(head) + events.suffix(tail)) : events).map {
            row($0, isLocal: isLocal)
        }
        blocks.append(.table(ReportTable(columns, numeric: [isLocal ? 2 : 1], rows: rows)))
        if isCut {
            blocks.append(
                .paragraph(
                    "\(events.count - head - tail) events between the first \(head) and the last \(tail) "
                        + "are left out here; the store keeps them."))
        }
        return blocks
    }

    private func row(_ event: Event, isLocal: Bool) -> [[ReportInline]] {
        var what: [ReportInline] = [.text(event.text)]
        if !event.subject.isEmpty, !event.text.contains(event.subject) {
            what.append(.text(" (\(event.subject))"))
        }
        if let bracket = event.bracket, bracket.width > .zero {
            what.append(.text(", known within \(bracket.width.forPeople)"))
        }
        let at = event.bracket?.lower ?? event.at
        let utcAt = event.utcNanoseconds + (at - event.at).nanoseconds
        return [[.moment(utcText(nanoseconds: utcAt))]] + (isLocal ? [[.moment(local(utcAt) ?? "")]] : [])
            + [[.text(sinceZero(at))], [.moment(event.kind.rawValue)], what, [.text(event.actor)]]
    }
}
