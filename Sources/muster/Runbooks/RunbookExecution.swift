import Foundation
import MusterCore
import MusterDrills
import MusterGuard
import MusterSystem

/// Where the turns of a runbook go, and who is shown them: the events of a drill, or the outcomes and a terminal.
protocol RunbookKeeper {
    /// Returns once they are durable.
    func save(_ turns: [RunbookTurn]) throws
    /// Who has to know what an attempt runs; nil: nobody.
    func watch(_ item: RunbookItem, ofTurn turn: Int) throws -> (any AttemptWatch)?
    /// How long what is ended may take to end in its own way.
    var grace: Duration { get }
    /// A turn begins.
    func show(_ turn: RunbookTurn, _ item: RunbookItem)
    /// A turn is over.
    func show(_ turn: RunbookTurn, after time: Bracket)
    /// An attempt failed, and the next one follows after a pause.
    func show(_ failed: RunbookTurn.FailedAttempt, of turn: RunbookTurn, again pause: Duration)
    /// Time passes while something is under way.
    func tick()
}

/// Who answers for people.
protocol RunbookAsker {
    /// Shows a manual step and waits.
    /// - Parameter stop: why the run is broken off.
    /// - Returns: nil when it was broken off, or there is nobody any more who could answer.
    func ask(_ item: RunbookItem, within limit: Duration, stop: () -> String?, tick: () -> Void)
        -> RunbookMachine.Answer?
}

/// What a program said in one attempt, as far as it is kept.
struct AttemptOutput {
    /// The most that is kept.
    private static let limit = 4096

    /// All that is still known of it, without blanks around it.
    let text: String
    /// The end of that, which is kept.
    let kept: String
    /// How many lines came before what is kept.
    let linesBefore: Int

    init(_ tail: OutputTail) {
        let all = tail.text
        text = all.trimmingCharacters(in: .whitespacesAndNewlines)
        // A cut at the end of a line leaves no line in front.
        kept = String(text.suffix(Self.limit).drop(while: \.isNewline))
        let blanks = all.reversed().prefix { $0.isWhitespace }
        let behind = kept.utf8.count { $0 == 0x0A } + blanks.count { $0.isNewline }
        linesBefore = tail.isCut || kept != text ? max(0, tail.lineEnds - behind) : 0
    }

    /// The last line that says what went wrong: not the advice below it, nor a line of a traceback, both of which are
    /// indented.
    var reason: String {
        let lines = text.split(whereSeparator: \.isNewline).filter { $0.contains { !$0.isWhitespace } }
        let line = lines.last { $0.first?.isWhitespace == false } ?? lines.last ?? ""
        return line.trimmingCharacters(in: .whitespaces)
    }
}

/// Carries out what the machine of a runbook orders: the one runner of drills and of `muster runbook run`.
struct RunbookExecution {
    let keeper: any RunbookKeeper
    /// nil: nobody can be asked.
    let asker: (any RunbookAsker)?
    /// Of every step, beside `MUSTER_STEP` and `MUSTER_ATTEMPT`.
    let environment: [String: String]
    /// That of the runbook's file.
    let directory: String
    /// Values that are never shown or stored.
    let secrets: Set<String>
    /// Why the run is broken off; nil while it is not.
    let stop: () -> String?
    private let clock = SystemTimekeeper()

    private struct State {
        var variables: [String: String]
        var secrets: Set<String>
        var redaction: Redaction
        var shown: [Int: Instant] = [:]
    }

    /// - Returns: how it ended; whatever happens, it ends.
    func run(_ start: RunbookMachine) -> RunbookResult {
        var machine = start
        var state = State(
            variables: Self.restored(machine.runbook, start.turns), secrets: secrets,
            redaction: Redaction(secrets))
        var reply = RunbookMachine.Reply.begin
        while true {
            var turn = machine.handle(reply, at: moment)
            show(turn.changed, machine, &state)
            do {
                try keeper.save(turn.changed)
            } catch {
                if case .finish(let result) = turn.order { return unsaved(result, error) }
                // What cannot be kept is not begun: nobody could say afterwards what was done.
                turn = machine.handle(.cancelled(reason: Self.notKept), at: moment)
                show(turn.changed, machine, &state)
                try? keeper.save(turn.changed)
                // The error is said once, at the end.
                if case .finish(var result) = turn.order {
                    result.reason += ": " + RunbookText.words(error)
                    return result
                }
            }
            switch turn.order {
            case .finish(let result): return result
            case .attempt(let item, let number, let limit):
                let index = machine.turns.last?.number ?? 0
                reply = attempt(item, machine.runbook, number, ofTurn: index, within: limit, &state)
            case .pause(let until):
                if let last = machine.turns.last, let failed = last.failedAttempts.last {
                    keeper.show(failed, of: last, again: until - clock.monotonic())
                }
                reply = pause(until: until)
            case .ask(let item, let limit): reply = ask(item, within: limit, &state)
            }
        }
    }

    private static let notKept = "it cannot be kept"

    private var moment: ClockReading { ClockReading(clock.monotonic(), utc: clock.utcNanoseconds()) }

    private func unsaved(_ result: RunbookResult, _ error: any Error) -> RunbookResult {
        var result = result
        if result.state == .succeeded { result.state = .failed }
        let why = RunbookText.words(error)
        result.reason +=
            (result.reason.isEmpty ? "" : "; ") + "its end cannot be kept"
            + (result.reason.contains(why) ? " either" : ": \(why)")
        return result
    }

    private func show(_ turns: [RunbookTurn], _ machine: RunbookMachine, _ state: inout State) {
        for turn in turns {
            let now = clock.monotonic()
            if turn.state == .running {
                if state.shown[turn.number] == nil, let item = machine.runbook.item(named: turn.name) {
                    keeper.show(turn, item)
                }
                state.shown[turn.number] = state.shown[turn.number] ?? now
            } else if let begun = state.shown[turn.number] {
                keeper.show(turn, after: Bracket(begun, now))
            }
        }
    }

    /// What captures and people gave in an earlier part of the run.
    private static func restored(_ runbook: Runbook, _ turns: [RunbookTurn]) -> [String: String] {
        var values: [String: String] = [:]
        for turn in turns where turn.state == .succeeded {
            guard let item = runbook.item(named: turn.name) else { continue }
            if let into = item.into, let value = turn.value { values[into] = value }
            if let ask = item.ask, let evidence = turn.evidence { values[ask] = evidence }
        }
        return values
    }

    // MARK: What is ordered

    private func pause(until instant: Instant) -> RunbookMachine.Reply {
        while clock.monotonic() < instant {
            if let reason = stop() { return .cancelled(reason: reason) }
            keeper.tick()
            clock.sleep(until: min(instant, clock.monotonic() + .milliseconds(20)))
        }
        return .paused
    }

    private func ask(
        _ item: RunbookItem, within limit: Duration, _ state: inout State
    ) -> RunbookMachine.Reply {
        guard let asker else { return .answered(.init(.nobody)) }
        guard var answer = asker.ask(item, within: limit, stop: stop, tick: keeper.tick) else {
            return .cancelled(reason: stop() ?? "the terminal's input came to its end")
        }
        if let name = item.ask, let evidence = answer.evidence { state.variables[name] = evidence }
        answer.evidence = answer.evidence.map(state.redaction.text)
        if case .refused(let reason) = answer.word {
            answer.word = .refused(reason: state.redaction.text(reason))
        }
        return .answered(answer)
    }

    private func attempt(
        _ item: RunbookItem, _ runbook: Runbook, _ number: Int, ofTurn turn: Int, within limit: Duration,
        _ state: inout State
    ) -> RunbookMachine.Reply {
        if let reason = stop() { return .cancelled(reason: reason) }
        let watch: (any AttemptWatch)?
        do { watch = try keeper.watch(item, ofTurn: turn) } catch {
            return .cancelled(reason: "it cannot be kept: \(RunbookText.words(error))")
        }
        var variables = environment.merging(state.variables) { _, new in new }
        variables["MUSTER_STEP"] = item.name
        variables["MUSTER_ATTEMPT"] = "\(number)"
        var program = BlockProgram(
            shell: item.shell, body: item.body, environment: variables,
            directory: Self.directory(directory, runbook.directory, item.directory))
        program.isCapture = item.kind == .capture
        // Half of what changes something is worse than the whole of it.
        program.endsWithUs = !item.isMutating
        program.grace = keeper.grace
        program.watch = watch
        var tail = OutputTail(state.redaction, limit: 65_536)
        let (end, captured) = program.run(within: limit, tail: &tail, stop: stop, tick: keeper.tick)
        let output = AttemptOutput(tail)
        func ended(_ end: RunbookMachine.Attempt.End) -> RunbookMachine.Reply {
            .attempted(.init(end, output: output.kept, linesBefore: output.linesBefore))
        }
        func failed(_ code: Int?, _ reason: String) -> RunbookMachine.Reply {
            ended(.failed(code: code, reason: reason))
        }
        switch end {
        case .cancelled(let reason): return .cancelled(reason: reason)
        case .notStarted(let reason): return failed(nil, state.redaction.text(reason))
        case .timedOut: return ended(.timedOut)
        case .signalled(let signal): return failed(128 + Int(signal), "ended by signal \(signal)")
        case .exited(0):
            guard let into = item.into else { return ended(.succeeded) }
            return capture(captured, into, item, runbook, said: output.kept, &state)
        case .exited(let code): return failed(Int(code), output.reason)
        }
    }

    /// Document and block `cwd` combine, as in Runme.
    static func directory(_ base: String, _ parts: String?...) -> String {
        parts.reduce(base) { path, part in
            guard let part, !part.isEmpty else { return path }
            return part.hasPrefix("/") ? part : ((path as NSString).appendingPathComponent(part) as String)
        }
    }

    private func capture(
        _ bytes: [UInt8], _ name: String, _ item: RunbookItem, _ runbook: Runbook, said: String,
        _ state: inout State
    ) -> RunbookMachine.Reply {
        func failed(_ reason: String) -> RunbookMachine.Reply {
            .attempted(.init(.failed(code: 0, reason: reason), output: said))
        }
        guard bytes.count <= BlockProgram.largestCapture else { return failed("it printed more than 64 KiB") }
        guard !bytes.contains(0), let text = String(validating: bytes, as: UTF8.self) else {
            return failed("what it printed is not text")
        }
        let value = String(text.reversed().drop { $0 == "\n" }.reversed())
        if let pattern = runbook.variables.first(where: { $0.name == name })?.pattern,
            !RunbookVariables.matches(value, pattern)
        {
            return failed("what it printed does not match \(pattern)")
        }
        state.variables[name] = value
        if item.isSecret {
            state.secrets.insert(value)
            state.redaction = Redaction(state.secrets)
            return .attempted(.init(.succeeded))
        }
        // One that holds a secret is not kept; a resumed run captures it again.
        let isClean = state.redaction.text(value) == value
        return .attempted(.init(.succeeded, output: said, value: isClean ? value : nil))
    }
}
