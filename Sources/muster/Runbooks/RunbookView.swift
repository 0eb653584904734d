import MusterCore
import MusterDrills
import MusterSystem

/// Shows how a runbook's run goes: a line for each turn, which stays, and in a terminal a few lines of present state.
final class RunbookView {
    /// nil for `--json`.
    private let screen: Screen?
    private let start: Instant
    private let runbook: Runbook
    /// The last run that this one can be set against.
    private let last: RecordedRunbookRun?
    /// How long ago a resumed run began.
    private let before: Duration
    private let clock = SystemTimekeeper()
    private var current: (turn: RunbookTurn, item: RunbookItem, begun: Instant)?
    private var question: [String]?
    private var nextDraw: Instant

    init(_ runbook: Runbook, last: RecordedRunbookRun?, before: Duration, on screen: Screen?) {
        self.runbook = runbook
        self.last = last
        self.before = before
        self.screen = screen
        start = clock.monotonic()
        nextDraw = start
    }

    func title(_ text: String) { screen?.add(Terminal.styled(text, .bold)) }
    func note(_ text: String) { screen?.add(text) }

    func begins(_ turn: RunbookTurn, _ item: RunbookItem) {
        current = (turn, item, clock.monotonic())
        let place = runbook.steps.firstIndex { $0.name == item.name }.map {
            "\($0 + 1)/\(runbook.steps.count) "
        }
        let again = turn.isRepeated ? " once more, because the run was resumed" : ""
        line(
            "step", .dim,
            "\(place ?? "")\(item.name) (\(item.kind.rawValue))\(again)"
                + (item.heading.isEmpty ? "" : ": \(RunbookText.visible(item.heading))"))
        if item.kind == .manual {
            for text in RunbookText.lines(of: item) { screen?.add("         " + text) }
        }
        draw(now: clock.monotonic())
    }

    func failed(_ attempt: RunbookTurn.FailedAttempt, again pause: Duration) {
        line("again", .yellow, RunbookText.visible(attempt.words) + "; again in \(pause.forPeople)")
    }

    func ended(_ turn: RunbookTurn, _ time: Bracket) {
        current = nil
        let isGood = turn.state == .succeeded
        let compared = lastTime(of: turn.name).map { " (last time \($0.forPeople))" } ?? ""
        line(
            isGood ? "ok" : turn.state.rawValue, isGood ? .green : .red,
            RunbookText.visible(RunbookText.sentence(turn, time)) + compared)
        let lines = RunbookText.visible(turn.output).split(separator: "\n")
        let shown = lines.suffix(isGood ? 3 : 20)
        let before = turn.linesBefore + lines.count - shown.count
        if before > 0 { screen?.add("             … \(Observing.count(before, "line")) before") }
        for text in shown { screen?.add("             | \(text)") }
    }

    func ask(_ question: [String]?) {
        self.question = question
        draw(now: clock.monotonic())
    }

    func tick() {
        let now = clock.monotonic()
        guard now >= nextDraw else { return }
        draw(now: now)
    }

    func end() {
        screen?.end()
        screen?.wait()
    }

    private func lastTime(of name: String) -> Duration? {
        let turns = last?.turns.filter { $0.name == name && $0.state == .succeeded } ?? []
        return turns.last?.total
    }

    private func line(_ mark: String, _ style: Terminal.Style, _ text: String) {
        let time = Terminal.styled(LiveView.clock(clock.monotonic() - start), .dim)
        let padded = mark + String(repeating: " ", count: max(0, 9 - mark.count))
        screen?.add("\(time)  \(Terminal.styled(padded, style)) \(text)")
    }

    private func draw(now: Instant) {
        nextDraw = now + .milliseconds(100)
        guard let screen, Terminal.isInteractive else { return }
        let size = BoardTerminal.size
        screen.show(
            TerminalLines.fitting(state(now) + (question ?? []), columns: size.columns, rows: size.rows - 1))
    }

    /// Time against the last run and the objective: what everybody looks at.
    private func state(_ now: Instant) -> [String] {
        var lines: [String] = []
        if let current, current.item.kind != .manual {
            var text = "… \(current.item.name) \((now - current.begun).forPeople)"
            if let time = lastTime(of: current.item.name) { text += " · last time \(time.forPeople)" }
            lines.append(text + " · at most \(current.item.timeout.forPeople)")
        }
        let total = before + (now - start)
        var text = "total \(total.forPeople)"
        if let last = last?.result { text += " · last run \(last.total.forPeople)" }
        if let rto = runbook.rto {
            text +=
                total > rto ? " · OVER the objective of \(rto.forPeople)" : " · objective \(rto.forPeople)"
        }
        return lines + [text]
    }
}
