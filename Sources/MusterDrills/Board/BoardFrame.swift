import MusterCore

/// A scene as lines for a terminal of some size: never more of them than there are rows, none wider than there are
/// columns, and everything said in words and signs. Below 50 columns or 14 rows there is a short form.
public enum BoardFrame {
    /// What is shown of one subject.
    struct Section {
        var lines: [BoardLine]
        /// So many of them must be there, if there is room for anything.
        var least = 1
        /// The smaller, the earlier it gets room.
        var rank: Int
        /// Whether the last lines are those that matter.
        var keepsLast = false
    }

    /// - Parameters:
    ///   - columns: of the terminal.
    ///   - rows: of the terminal.
    public static func lines(_ scene: BoardScene, columns: Int, rows: Int) -> [BoardLine] {
        guard columns > 0, rows > 0 else { return [] }
        let isShort = columns < 50 || rows < 14
        var lines: [BoardLine]
        if let board = scene.board {
            lines =
                isShort
                ? ShortForm(scene: scene, board: board, width: columns, height: rows).lines
                : LongForm(scene: scene, board: board, width: columns, height: rows).lines
        } else {
            lines = idle(scene, columns, rows)
        }
        if lines.count > rows { lines = Array(lines[..<rows]) }
        return lines.map { BoardLine(PlainText.cut($0.text, to: columns), $0.style) }
    }

    private static func idle(_ scene: BoardScene, _ columns: Int, _ rows: Int) -> [BoardLine] {
        var lines: [BoardLine] = []
        if let day = scene.day {
            lines.append(BoardLine(PlainText.clean("\(day.title): \(day.state), \(day.position)"), .bold))
            lines += DayCriteriaLines.lines(day, columns)
            lines += PeopleLines.roster(day, columns).map { BoardLine($0) }
            lines += PeopleLines.notes(scene, columns).suffix(max(0, rows / 3)).map { BoardLine($0) }
        }
        lines += scene.idle.flatMap { text in
            PlainText.wrapped(PlainText.clean(text), columns, most: 4).map { BoardLine($0) }
        }
        let footer = Footer.lines(scene, width: columns, most: max(1, rows / 3))
        let room = max(0, rows - footer.count)
        lines = Array(lines.prefix(room))
        lines += [BoardLine](repeating: BoardLine(""), count: room - lines.count)
        return lines + footer
    }

    /// Gives each section what it needs, then what it wants, in the order of rank.
    static func arrange(_ sections: [Section], rows: Int) -> [BoardLine] {
        var granted = sections.map { _ in 0 }
        var room = rows
        let ranked = sections.indices.sorted { sections[$0].rank < sections[$1].rank }
        for index in ranked {
            granted[index] = min(room, sections[index].least, sections[index].lines.count)
            room -= granted[index]
        }
        for index in ranked {
            let more = min(room, sections[index].lines.count - granted[index])
            granted[index] += more
            room -= more
        }
        let shown = zip(sections, granted).flatMap { section, count -> ArraySlice<BoardLine> in
            section.keepsLast ? section.lines.suffix(count) : section.lines.prefix(count)
        }
        return shown + [BoardLine](repeating: BoardLine(""), count: max(0, rows - shown.count))
    }
}

/// Words that long and short form share.
struct BoardWords {
    let scene: BoardScene
    let board: RunBoard

    /// The drill's name is kept from responders of a blind game day.
    var drill: String { scene.isBlind ? "a drill" : PlainText.clean(board.run.drill) }

    /// In what state the run is, and whether that is bad.
    var state: (text: String, style: BoardLine.Style) {
        if let closing = board.closing {
            let verdict = closing.judgement.verdict.rawValue.uppercased()
            return (
                closing.ending == .completed ? verdict : "\(verdict), \(closing.ending.rawValue)",
                closing.judgement.verdict == .pass ? .good : .alarm
            )
        }
        switch scene.life {
        case .gone: return ("THE RUNNER IS GONE", .alarm)
        case .silent(let duration): return ("NO WORD from the runner for \(duration.whole)", .alarm)
        case .over: return ("over", .bold)
        case .running: break
        }
        if board.abort != nil { return ("ABORTED: \(board.phase)", .alarm) }
        return ("RUNNING: \(board.phase)", .bold)
    }

    /// `since the fault 3.1 s`, or what comes before.
    var sinceFault: String {
        guard let struck = board.strike?.struck else { return "no fault yet" }
        return "\((end - struck.upper).tenths) since the fault"
    }

    /// `sinceFault` for few columns.
    var faultAge: String {
        board.strike?.struck.map { "fault \((end - $0.upper).tenths) ago" } ?? "no fault yet"
    }

    /// Nothing goes on after the end.
    var end: Instant {
        if let closing = board.closing { return closing.finishedAt }
        return scene.life == .gone ? max(board.lastEvent, board.pulse?.at ?? board.lastEvent) : scene.now
    }

    /// How the recovery stands, in a sentence.
    func recovery(_ standing: RecoveryStanding) -> (text: String, style: BoardLine.Style) {
        let signal = standing.signal.map { PlainText.clean($0) + " " } ?? ""
        let bounds = standing.measured.map { $0.shortly } ?? ""
        switch standing.state {
        case .beforeFault: return ("counts from the fault", .plain)
        case .beforeLift: return ("counts from the lift of the fault", .plain)
        case .noOutage:
            return ("no outage seen, \(standing.elapsed?.tenths ?? "") after the fault", .good)
        case .down: return ("\(signal)DOWN" + (bounds.isEmpty ? "" : ", \(bounds)"), .alarm)
        case .back(let duration):
            let needed = board.plan?.stable ?? .zero
            let isStable = board.stable != nil || duration >= needed
            return (
                "back after \(bounds), "
                    + (isStable
                        ? "stable" : "up for \(duration.tenths) of \(needed.forPeople) to be stable"),
                .good
            )
        }
    }

    /// What is left of the objective, in words.
    func left(_ standing: RecoveryStanding) -> (text: String, share: Double?) {
        guard let rto = board.plan?.rto else { return ("no objective", nil) }
        let counts: Duration? =
            switch standing.state {
            case .beforeFault, .beforeLift: nil
            case .noOutage: .zero
            case .down: standing.elapsed
            case .back: standing.measured?.upper ?? standing.measured?.lower
            }
        guard let counts else { return ("\(rto.forPeople) allowed", nil) }
        let share = rto > .zero ? counts.inSeconds / rto.inSeconds : 1
        if counts > rto { return ("OVER \(rto.forPeople) by \((counts - rto).tenths)", share) }
        if case .down = standing.state { return ("\((rto - counts).tenths) left of \(rto.forPeople)", share) }
        return ("within \(rto.forPeople)", share)
    }

    static func bar(_ share: Double, _ width: Int) -> String {
        let full = max(0, min(width, Int((share * Double(width)).rounded())))
        return "[" + String(repeating: "#", count: full) + String(repeating: "-", count: width - full) + "]"
    }
}

extension Duration {
    /// `4.1 s`, `12m 03s`: for what changes while one looks.
    var tenths: String {
        let tenths = max(0, nanoseconds) / 100_000_000
        if tenths < 1200 { return "\(tenths / 10).\(tenths % 10) s" }
        return forPeople
    }

    /// `4 s`, `2m 3s`.
    var whole: String {
        let seconds = max(0, nanoseconds) / 1_000_000_000
        return seconds < 120 ? "\(seconds) s" : forPeople
    }
}

extension Interval {
    /// `1.21 s to 1.24 s`, `1.2 s or more`.
    fileprivate var shortly: String {
        guard let upper else { return "\(lower.forPeople) or more" }
        return upper == lower ? lower.forPeople : "\(lower.forPeople) to \(upper.forPeople)"
    }
}
