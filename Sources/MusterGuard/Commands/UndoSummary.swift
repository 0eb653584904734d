import MusterCore

/// What an undo did, for people and for programs.
struct UndoSummary: Codable {
    /// Who held the host and was ended.
    var ended: String?
    /// Who was mending already and was waited for.
    var waited: String?
    /// Who holds the host and was left alone.
    var alive: String?
    var reports: [UndoReport] = []
    var open = 0
    var forgotten: InjectionID?
    /// Journals that could not be read, and that nobody has scanned yet.
    var aside: [String] = []
    var scan: ScanReport?
    /// Journals of other users, which only they or root can mend: `--state DIR`.
    var others: [String] = []

    init(ended: String? = nil, alive: String? = nil) {
        self.ended = ended
        self.alive = alive
    }

    var exitCode: Int32 {
        open > 0 || isUncertain ? 5 : 0
    }

    /// Whether more may be open than any journal says.
    private var isUncertain: Bool { !aside.isEmpty || scan?.isUncertain == true }

    var lines: [String] {
        var lines: [String] = []
        if let ended { lines.append("ended \(ended)") }
        if let waited { lines.append("waited for \(waited)") }
        if let alive { lines.append("\(alive) is at work with a journal of its own; left alone") }
        for report in reports { lines += Self.lines(report) }
        if let forgotten { lines.append("forgot \(forgotten); its facts are nobody's any more") }
        if let scan { lines += scan.lines }
        for path in aside {
            lines.append("an unreadable journal was set aside: \(path); run `muster undo --scan`")
        }
        for path in others {
            lines.append("another journal is at \(path); look with: muster guard list --state \(path)")
        }
        if open > 0 {
            lines.append("\(open) injection\(open == 1 ? " is" : "s are") still open; run this again")
        } else if reports.isEmpty {
            lines.append(
                isUncertain ? "nothing is open that a journal still names" : "nothing was open")
        } else {
            lines.append("everything is undone")
        }
        return lines
    }

    static func lines(_ report: UndoReport) -> [String] {
        if report.isEndedStep {
            return ["\(report.name) was still running though its drill was lost; it was ended"]
        }
        let end = report.closed.map { "closed (\($0.rawValue))" } ?? "STILL OPEN"
        var lines = ["\(report.name) (\(report.fault), \(report.id)): \(end)"]
        for fact in report.facts {
            let mark =
                fact.isSettled
                ? (fact.state == .moot ? "moot" : fact.wasViolated ? "mended" : "held") : "OPEN"
            let detail = fact.problem ?? (fact.state == .moot ? fact.detail : "")
            lines.append("  \(mark): \(fact.sentence)" + (detail.isEmpty ? "" : ": " + detail))
            if !fact.isSettled {
                for argv in fact.byHand { lines.append("    by hand: \(argv.joined(separator: " "))") }
            }
        }
        if let problem = report.problem { lines.append("  " + problem) }
        return lines
    }
}
