import MusterCore
import MusterDrills

/// What became of all writes, as one bar. Whatever broke a promise is at least three units wide, because
/// three lost writes among a million are what the report is about.
struct LedgerChart {
    let ledger: LedgerFindings
    init(_ ledger: LedgerFindings) { self.ledger = ledger }

    var svg: String {
        let parts: [(kind: String, text: String, count: Int)] = [
            ("up", "survived", ledger.count(.survived)), ("lost", "lost", ledger.lost),
            ("lost", "corrupt", ledger.corrupt),
            ("doubt", "unread", ledger.unread), ("doubt", "not sampled", ledger.count(.unsampled)),
            ("up", "deleted", ledger.count(.deleted)), ("up", "superseded", ledger.count(.superseded)),
            ("lost", "resurrected", ledger.count(.resurrected)),
            ("doubt", "in doubt", ledger.count(.recovered, .notApplied)),
            ("unknown", "refused", ledger.count(.failed, .abortedVisible)),
        ].filter { $0.2 > 0 }
        let total = parts.reduce(0) { $0 + $1.count }
        guard total > 0 else { return openSVG(1, label: "No writes") + "</svg>" }
        let room = Double(TimeAxis.width - parts.count * 3)
        var svg = openSVG(56, label: "What became of \(total) writes; the table below says the same")
        var x = 0.0
        var legend = 0
        for part in parts {
            let width = max(3, room * Double(part.count) / Double(total))
            svg +=
                "<rect class=\"\(part.kind)\" x=\"\(number(x))\" y=\"4\" width=\"\(number(width))\" height=\"20\"/>"
            let text = "\(part.text) \(part.count)"
            svg +=
                "<rect class=\"\(part.kind)\" x=\"\(legend)\" y=\"37\" width=\"14\" height=\"10\"/>"
                + "<text x=\"\(legend + 19)\" y=\"46\">\(text)</text>"
            legend += 44 + text.count * 7
            x += width
        }
        return svg + "</svg>"
    }
}
