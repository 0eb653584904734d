import Foundation
import MusterCore
import MusterDrills
import MusterSystem

/// A terminal that shows frames instead of lines: the alternate screen, every key at once, nothing echoed. It is given
/// back as it was on every way out but SIGKILL.
///
/// Frames are written by a thread of their own, the newest only: a terminal that is held stops that thread and no other.
final class BoardTerminal: @unchecked Sendable {
    private let condition = Condition()
    // Guarded by `condition`.
    private var next: [BoardLine]?
    private var isEnded = false
    private var isDone = false
    private var mustRedraw = true
    /// Whether the terminal is somebody else's for a while.
    private var isSuspended = false
    private var isWriting = false
    /// What stands on the screen. Only touched by the thread.
    private var shown: [String] = []

    /// Alternate screen, no cursor, no wrapping of what might be wider than it was reckoned (xterm, ctlseqs).
    private static let enter = "\u{1B}[?1049h\u{1B}[?25l\u{1B}[?7l\u{1B}[2J"
    fileprivate static let leave = "\u{1B}[?7h\u{1B}[?25h\u{1B}[?1049l"

    /// - Throws: `SystemError` when the system gives no thread.
    init() throws {
        TerminalKeeper.save()
        TerminalKeeper.take()
        try startThread(name: "muster-board") { [self] in work() }
    }

    /// Rows and columns now; 24 × 80 when unknown.
    static var size: (columns: Int, rows: Int) {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
            return (80, 24)
        }
        return (Int(size.ws_col), Int(size.ws_row))
    }

    func show(_ lines: [BoardLine]) {
        condition.withLock {
            next = lines
            condition.signal()
        }
    }

    /// What stands on the screen is not ours any more, such as after it was suspended or changed its size.
    func redraw() { condition.withLock { mustRedraw = true } }

    /// Gives the terminal back for a while, as for Ctrl-Z: a frame that is being written is waited for, unless the
    /// terminal is held, so that none is written over what the shell shows.
    func suspend() {
        condition.withLock {
            isSuspended = true
            let end = SystemTimekeeper().monotonic() + .seconds(1)
            while isWriting, condition.wait(until: end) {}
        }
        TerminalKeeper.giveBack(writing: true)
    }

    /// After `suspend`, and after any other stop.
    func resume() {
        TerminalKeeper.take()
        condition.withLock {
            isSuspended = false
            mustRedraw = true
            condition.signal()
        }
    }

    /// Gives the terminal back. Waits for a terminal that is held for a second only, then lets it go on.
    func end() {
        let clock = SystemTimekeeper()
        condition.withLock {
            isEnded = true
            condition.signal()
            let end = clock.monotonic() + .seconds(1)
            while !isDone, condition.wait(until: end) {}
        }
        if !condition.withLock({ isDone }) {
            // Ctrl-S was pressed, and whoever pressed it has left (tcflow(3)).
            tcflow(STDOUT_FILENO, TCOON)
            condition.withLock {
                let end = clock.monotonic() + .seconds(1)
                while !isDone, condition.wait(until: end) {}
            }
        }
        TerminalKeeper.giveBack(writing: false)
    }

    private func work() {
        Terminal.write(Self.enter)
        while let text = nextText() {
            Terminal.write(text)
            condition.withLock {
                isWriting = false
                condition.signal()
            }
        }
        Terminal.write(Self.leave)
        condition.withLock {
            isDone = true
            condition.signal()
        }
    }

    /// Only lines that changed; nil at the end.
    private func nextText() -> String? {
        let (lines, isAnew): ([BoardLine]?, Bool) = condition.withLock {
            while next == nil || isSuspended, !isEnded { _ = condition.wait() }
            isWriting = !isEnded
            defer {
                next = nil
                mustRedraw = false
            }
            return (isEnded ? nil : next, mustRedraw)
        }
        guard let lines else { return nil }
        let texts = lines.map(Self.styled)
        var text = isAnew ? Self.enter : ""
        for (row, line) in texts.enumerated() where isAnew || row >= shown.count || shown[row] != line {
            text += "\u{1B}[\(row + 1);1H\u{1B}[2K" + line
        }
        if !isAnew, shown.count > texts.count { text += "\u{1B}[\(texts.count + 1);1H\u{1B}[J" }
        shown = texts
        return text
    }

    private static func styled(_ line: BoardLine) -> String {
        switch line.style {
        case .plain: line.text
        case .bold: Terminal.styled(line.text, .bold)
        case .dim: Terminal.styled(line.text, .dim)
        case .alarm: Terminal.styled(line.text, .bold, .red)
        case .good: Terminal.styled(line.text, .green)
        }
    }
}

/// The state in which the terminal was, where a signal handler can find it.
enum TerminalKeeper {
    nonisolated(unsafe) private static var saved = termios()
    nonisolated(unsafe) private static var isTaken = false
    /// As bytes: nothing may be allocated in a signal handler (signal-safety(7)).
    nonisolated(unsafe) private static var leaving = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 0)

    static func save() {
        tcgetattr(STDIN_FILENO, &saved)
        let bytes = Array(BoardTerminal.leave.utf8)
        leaving = .allocate(capacity: bytes.count)
        _ = leaving.initialize(from: bytes)
        // A bug of our own must not leave a terminal behind in which nothing is echoed.
        for number in [SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGABRT, SIGFPE] {
            signal(number) { number in
                TerminalKeeper.giveBack(writing: true)
                signal(number, SIG_DFL)
                raise(number)
            }
        }
    }

    /// Every byte at once, no echo; Ctrl-C and Ctrl-Z stay signals (termios(3)).
    static func take() {
        var raw = saved
        raw.c_lflag &= ~tcflag_t(ICANON | ECHO)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &raw)
        isTaken = true
    }

    /// - Parameter writing: whether the screen is to be left as well; for those who cannot ask the board to.
    static func giveBack(writing: Bool) {
        guard isTaken else { return }
        isTaken = false
        if writing { _ = write(STDOUT_FILENO, leaving.baseAddress, leaving.count) }
        tcsetattr(STDIN_FILENO, TCSANOW, &saved)
    }
}
