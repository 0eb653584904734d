import Foundation
import MusterCore
import MusterDrills

/// What a run shows while it runs: a line for each event, which stays, and in a terminal a few lines of present
/// state below them, which are drawn anew ten times a second.
final class LiveView {
    /// One look at one signal or workload.
    struct Row {
        var name: String
        var text: String
        var isGood: Bool
        /// Instead of up and DOWN.
        var mark: String?
    }

    /// nil for `--json`, where standard output belongs to the data.
    private let screen: Screen?
    private let start: Instant
    /// From the first injection: the clock that everybody watches.
    var fault: Instant?
    var objective: Duration?
    /// What a runbook asks a person, below the present state.
    var question: [String] = []
    /// Whether somebody sits there who can be asked.
    let canAsk: Bool

    /// - Parameter screen: nil for `--json`, where standard output belongs to the data.
    init(start: Instant, on screen: Screen?) {
        self.start = start
        self.screen = screen
        canAsk = screen != nil && TerminalInput.isAvailable
    }

    /// - Parameter isNext: whether something stands above it.
    func title(_ text: String, isNext: Bool) {
        if isNext { screen?.add("") }
        screen?.add(Terminal.styled(text, .bold))
    }

    func event(_ event: Event) {
        guard let screen, let mark = Self.mark(event.kind) else { return }
        let time = Self.clock((event.bracket?.upper ?? event.at) - start)
        let since = fault.map { sinceFault(event.bracket?.upper ?? event.at, $0) } ?? ""
        screen.add(
            "\(Terminal.styled(time, .dim))  \(Terminal.styled(pad(mark.0, 9), mark.1)) \(event.text)\(since)"
        )
    }

    func draw(_ rows: [Row], phase: String, now: Instant) {
        guard let screen, Terminal.isInteractive else { return }
        var lines: [String] = []
        var head = "\(Self.clock(now - start))  \(phase)"
        if let fault {
            head += " · \((now - fault).forPeople) since the fault"
            if let objective { head += " (objective \(objective.forPeople))" }
        }
        lines.append(Terminal.styled(head, .bold))
        let wide = rows.map(\.name.count).max() ?? 0
        for row in rows {
            let word = row.mark.map { Terminal.styled(pad($0, 5), row.isGood ? .dim : .yellow) }
            let mark = word ?? (row.isGood ? Terminal.styled("up  ", .green) : Terminal.styled("DOWN", .red))
            lines.append("  \(pad(row.name, wide))  \(mark)  \(row.text)")
        }
        let width = Terminal.width
        let cut = lines.map { hasEscape($0) ? $0 : String($0.prefix(width)) }
        let room = max(4, BoardTerminal.size.rows - cut.count - 1)
        screen.show(cut + TerminalLines.fitting(question, columns: width, rows: room))
    }

    /// Nothing more is shown. Does not wait for whoever reads.
    func end() { screen?.end() }

    /// After `end`: until what was shown was read, or until `deadline`.
    func wait(until deadline: Instant? = nil) { screen?.wait(until: deadline) }

    private func hasEscape(_ line: String) -> Bool { line.utf8.contains(0x1B) }
    private func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    private func sinceFault(_ at: Instant, _ fault: Instant) -> String {
        at > fault ? Terminal.styled("  (+\((at - fault).forPeople))", .dim) : ""
    }

    /// `00:04.137`: minutes, seconds and thousandths since the start.
    static func clock(_ duration: Duration) -> String {
        let milliseconds = max(0, duration.nanoseconds / 1_000_000)
        func two(_ value: Int64) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let thousandths = String(milliseconds % 1000 + 1000).dropFirst()
        return "\(two(milliseconds / 60_000)):\(two(milliseconds / 1000 % 60)).\(thousandths)"
    }

    private static func mark(_ kind: Event.Kind) -> (String, Terminal.Style)? {
        switch kind {
        case .fixtureStarting, .fixtureReady: ("fixture", .dim)
        case .workloadStarted: ("workload", .dim)
        case .repeatPlanned: ("repeat", .dim)
        case .steady, .steadyAgain, .stable: ("steady", .green)
        case .injecting, .injected, .lifting, .lifted: ("fault", .yellow)
        case .effective: ("effect", .yellow)
        case .effectMissing, .endedEarly: ("effect", .red)
        case .firstFailure: ("down", .red)
        case .firstSuccess: ("up", .green)
        case .runbookStarted, .runbookStep, .runbookFinished: ("runbook", .cyan)
        case .stepStarted: ("step", .dim)
        case .stepFinished: ("failed", .red)
        case .writersStopped, .readBack: ("ledger", .dim)
        case .datasetRead, .restoreRead: ("dataset", .dim)
        case .restoreOver: ("restore", .cyan)
        case .restoreRefused: ("restore", .red)
        case .undone: ("undo", .green)
        case .undoFailed, .notSteadyAgain: ("undo", .red)
        case .deadlinePassed, .abort: ("abort", .red)
        case .alert: ("alert", .yellow)
        case .alertWatch, .alertOther: ("alert", .dim)
        case .alertBlind: ("alert", .red)
        case .instrumentSuspect, .warning, .blackoutOverridden: ("warning", .yellow)
        case .note: ("note", .dim)
        // The abort that follows a lost guard says the same.
        case .runStarted, .guardLost, .verdict, .runFinished: nil
        }
    }
}
