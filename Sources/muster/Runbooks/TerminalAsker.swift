import Foundation
import MusterCore
import MusterDrills
import MusterSystem

/// Lines that a person types while something else draws on the same terminal: the terminal itself echoes nothing, and
/// what was typed so far is drawn with the rest.
final class TerminalInput {
    private var saved = termios()
    private var bytes: [UInt8] = []
    /// What stands in the line so far.
    private(set) var typed = ""
    private(set) var isAtEnd = false

    /// Whether somebody sits there: input and output are terminals.
    static var isAvailable: Bool { Terminal.isInteractive && isatty(STDIN_FILENO) == 1 }

    /// Takes the line discipline over until `deinit`: no echo, every byte at once; Ctrl-C stays a signal (termios(3)).
    init() {
        tcgetattr(STDIN_FILENO, &saved)
        var raw = saved
        raw.c_lflag &= ~tcflag_t(ICANON | ECHO)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &raw)
    }

    deinit { tcsetattr(STDIN_FILENO, TCSADRAIN, &saved) }

    /// Waits for input until `deadline`.
    /// - Returns: a line when one was ended.
    func line(until deadline: Instant) -> String? {
        guard !isAtEnd, let events = try? waitFor([Interest(STDIN_FILENO, .readable)], until: deadline),
            !events[0].isEmpty
        else { return nil }
        var byte: UInt8 = 0
        // One by one: what follows a line is for the next question.
        while read(STDIN_FILENO, &byte, 1) == 1 {
            if let line = take(byte) { return line }
            guard
                let more = try? waitFor([Interest(STDIN_FILENO, .readable)], until: Instant(nanoseconds: 0)),
                more[0].contains(.readable)
            else { return nil }
        }
        isAtEnd = true
        return nil
    }

    private func take(_ byte: UInt8) -> String? {
        switch byte {
        case 0x0A, 0x0D:
            defer { (bytes, typed) = ([], "") }
            return String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespaces)
        case 0x04: if bytes.isEmpty { isAtEnd = true }
        case 0x15: bytes = []
        case 0x7F, 0x08:
            // A character is all of its bytes.
            while let last = bytes.popLast(), last & 0xC0 == 0x80 {}
        case 0x20...: if bytes.count < 1000 { bytes.append(byte) }
        default: break
        }
        typed = String(decoding: bytes, as: UTF8.self)
        return nil
    }
}

/// Asks whoever sits at the terminal.
struct TerminalAsker: RunbookAsker {
    /// Those that this person has.
    let roles: Set<String>
    var actor = RunHeaders.actor
    /// Whether the step's text is part of the question; without it, somebody has shown it already.
    let showsText: Bool
    /// Draws the question and what was typed so far; nil: it is over.
    let show: ([String]?) -> Void
    /// Hears who says that they have begun.
    var onBegin: ((String) -> Void)?
    private let clock = SystemTimekeeper()

    init(
        roles: Set<String>, actor: String = RunHeaders.actor, showsText: Bool,
        show: @escaping ([String]?) -> Void
    ) {
        self.roles = roles
        self.actor = actor
        self.showsText = showsText
        self.show = show
    }

    private static let help = "Enter: I have begun · y: it is done · n WHY: no"

    /// What is asked for right now.
    private enum Prompt {
        case answer, name, evidence, reason
    }

    func ask(
        _ item: RunbookItem, within limit: Duration, stop: () -> String?, tick: () -> Void
    ) -> RunbookMachine.Answer? {
        let input = TerminalInput()
        let shown = clock.monotonic()
        let end = shown + limit
        var begun: Instant?
        var prompt = Prompt.answer
        var answer = RunbookMachine.Answer(.timedOut, actor: actor)
        var note = Self.help
        defer { show(nil) }
        func finished(_ word: RunbookMachine.Answer.Word) -> RunbookMachine.Answer {
            let now = clock.monotonic()
            let start = begun ?? now
            var answer = answer
            answer.word = word
            answer.wait = start - shown
            answer.work = now - start
            return answer
        }
        while true {
            if stop() != nil { return nil }
            let now = clock.monotonic()
            if now >= end { return finished(.timedOut) }
            if input.isAtEnd { return finished(.nobody) }
            show(
                question(item, since: begun ?? shown, isBegun: begun != nil, left: end - now)
                    + [note, "\(label(prompt, item))> \(RunbookText.visible(input.typed))_"])
            tick()
            guard let line = input.line(until: min(end, now + .milliseconds(50))) else { continue }
            switch (prompt, line) {
            case (.answer, ""):
                if begun == nil { onBegin?(actor) }
                begun = begun ?? clock.monotonic()
                note = Self.help
            case (.answer, "y"), (.answer, "yes"), (.answer, "done"):
                begun = begun ?? clock.monotonic()
                if let next = next(after: .answer, item) { prompt = next } else { return finished(.done) }
                note = "one line more"
            case (.answer, "n"), (.answer, "no"):
                prompt = .reason
                note = "why not?"
            case (.answer, _) where line.hasPrefix("n ") || line.hasPrefix("no "):
                return finished(.refused(reason: String(line.split(separator: " ", maxSplits: 1)[1])))
            case (.answer, _): note = "'\(RunbookText.visible(line))' is no answer. \(Self.help)"
            case (_, ""): note = "it cannot be empty"
            case (.reason, _): return finished(.refused(reason: line))
            case (.name, _):
                answer.actor = line
                if let next = next(after: .name, item) { prompt = next } else { return finished(.done) }
            case (.evidence, _):
                answer.evidence = line
                return finished(.done)
            }
        }
    }

    private func next(after prompt: Prompt, _ item: RunbookItem) -> Prompt? {
        if prompt == .answer, let role = item.role, !roles.contains(role) { return .name }
        return item.ask == nil ? nil : .evidence
    }

    private func label(_ prompt: Prompt, _ item: RunbookItem) -> String {
        switch prompt {
        case .answer: ""
        case .name: "your name, in the role \(item.role ?? "") "
        case .evidence: "\(item.ask ?? "evidence") "
        case .reason: "why "
        }
    }

    private func question(_ item: RunbookItem, since: Instant, isBegun: Bool, left: Duration) -> [String] {
        var head = "? \(item.name)"
        if let role = item.role { head += " · for the role \(role)" }
        if let expected = item.expected { head += " · expected to take \(expected.forPeople)" }
        let spent = Self.seconds(clock.monotonic() - since)
        head += isBegun ? " · working for \(spent)" : " · waiting for \(spent)"
        head += " · \(Self.seconds(left)) left"
        return [head] + (showsText ? RunbookText.lines(of: item) : [])
    }

    private static func seconds(_ duration: Duration) -> String {
        let seconds = duration.nanoseconds / 1_000_000_000
        return seconds < 120 ? "\(seconds) s" : Duration.seconds(seconds).forPeople
    }
}

/// Answers that were given on the command line; other steps go to whoever can be asked.
struct GivenAnswers: RunbookAsker {
    /// By the step's name: `yes`, `no`, or the evidence that the step asks for.
    let answers: [String: String]
    let actor: String
    let roles: Set<String>
    let other: (any RunbookAsker)?

    func ask(
        _ item: RunbookItem, within limit: Duration, stop: () -> String?, tick: () -> Void
    ) -> RunbookMachine.Answer? {
        guard let given = answers[item.name] else {
            guard let other else { return RunbookMachine.Answer(.nobody) }
            let answer = other.ask(item, within: limit, stop: stop, tick: tick)
            // Who closes the terminal, or types Ctrl-D, says neither yes nor no: the run stops, as with Ctrl-C, and
            // nothing of it is rolled back.
            return answer?.word == .nobody ? nil : answer
        }
        if given == "no" { return .init(.refused(reason: "answered on the command line"), actor: actor) }
        return .init(.done, actor: actor, evidence: item.ask == nil ? nil : given)
    }

    /// What is wrong with the answers; nil when nothing is.
    /// - Parameter over: steps of a resumed run that need no answer any more.
    func problem(with runbook: Runbook, besides over: Set<String> = []) -> String? {
        let manual = runbook.steps.filter { $0.kind == .manual && !over.contains($0.name) }
        for (name, given) in answers.sorted(by: { $0.key < $1.key }) {
            guard let item = manual.first(where: { $0.name == name }) else {
                return "the runbook has no manual step '\(name)'"
            }
            if item.ask == nil, given != "yes", given != "no" {
                return "'\(name)' is answered with yes or no"
            }
            if given.isEmpty || item.ask != nil && given == "yes" {
                return "'\(name)' wants \(item.ask ?? "an answer"), not '\(given)'"
            }
            if let role = item.role, !roles.contains(role) {
                return "'\(name)' is for the role \(role), which nobody was given"
            }
        }
        if other == nil, let open = manual.first(where: { answers[$0.name] == nil }) {
            return "'\(open.name)' needs a person, and there is no terminal to ask at"
        }
        return nil
    }
}
