import MusterCore
import MusterSystem

/// What a run writes to standard output while it runs, by a thread of its own: a terminal that is held (Ctrl-S) or a
/// pipe that nobody reads stops whoever writes to it, and the control loop, on whose beat the lease hangs, must go on.
///
/// Lines wait, up to a limit; a state that was not shown before the next one came is never shown.
final class Screen: @unchecked Sendable {
    private let condition = Condition()
    // Guarded by `condition`.
    private var lines: [String] = []
    private var skipped = 0
    private var state: [String]?
    private var isEnded = false
    private var isDone = false
    /// Lines of state on the screen, and how wide that was. Only touched by the thread.
    private var drawn: [String] = []
    private var drawnWidth = 0

    /// Lines that wait for a reader; what comes after them is counted.
    private static let limit = 2000

    private let write: @Sendable (String) -> Void
    private let width: @Sendable () -> Int

    /// - Parameters:
    ///   - write: may take for ever.
    ///   - width: of the terminal, in columns, now.
    /// - Throws: `SystemError` when the system gives no thread.
    init(
        write: @escaping @Sendable (String) -> Void = { Terminal.write($0) },
        width: @escaping @Sendable () -> Int = { Terminal.width }
    ) throws {
        self.write = write
        self.width = width
        try startThread(name: "muster-view") { [self] in work() }
    }

    /// A line that stays.
    func add(_ line: String) {
        condition.withLock {
            if lines.count < Self.limit { lines.append(line) } else { skipped += 1 }
            condition.signal()
        }
    }

    /// The present state, in place of the one before.
    func show(_ state: [String]) {
        condition.withLock {
            self.state = state
            condition.signal()
        }
    }

    /// Nothing more comes: takes the state away, once the lines are out. Does not wait for that.
    func end() {
        condition.withLock {
            isEnded = true
            condition.signal()
        }
    }

    /// After `end`, before anybody else writes to standard output: waits until everything is out, however long nobody
    /// reads it, or until `deadline`.
    func wait(until deadline: Instant? = nil) {
        condition.withLock { while !isDone, condition.wait(until: deadline) {} }
    }

    private func work() {
        while let text = next() { write(text) }
        condition.withLock {
            isDone = true
            condition.signal()
        }
    }

    /// What is to be written now; nil at the end.
    private func next() -> String? {
        condition.withLock {
            while lines.isEmpty, state == nil, !isEnded { _ = condition.wait() }
            if lines.isEmpty, state == nil, drawn.isEmpty { return nil }
            let width = width()
            // One that became narrower has broken them into more rows.
            let rows = width < drawnWidth ? TerminalLines.rows(of: drawn, columns: width) : drawn.count
            var text = rows > 0 ? "\u{1B}[\(rows)A\u{1B}[J" : ""
            for line in lines { text += line + "\n" }
            if skipped > 0 {
                text += "… \(Observing.count(skipped, "more line")) that nobody read in time\n"
            }
            let shown = isEnded ? [] : state ?? []
            for line in shown { text += line + "\n" }
            (drawn, drawnWidth) = (shown, width)
            lines = []
            skipped = 0
            state = nil
            return text
        }
    }
}
