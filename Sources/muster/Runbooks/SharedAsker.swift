import MusterCore
import MusterDrills
import MusterOutcomes
import MusterSystem

/// Asks everybody who looks at a run: whoever sits at its own terminal, and through the store those at others. Whoever
/// answers first, wins.
struct SharedAsker: RunbookAsker {
    let desk: RunDesk
    let run: String
    /// As the drill names it.
    let runbook: String
    /// nil: nobody sits at the run's own terminal, or the board asks there.
    let terminal: TerminalAsker?
    let redaction: Redaction
    private let clock = SystemTimekeeper()

    init(
        desk: RunDesk, run: String, runbook: String, terminal: TerminalAsker?, redaction: Redaction
    ) {
        self.desk = desk
        self.run = run
        self.runbook = runbook
        self.terminal = terminal
        self.redaction = redaction
    }

    func ask(
        _ item: RunbookItem, within limit: Duration, stop: () -> String?, tick: () -> Void
    ) -> RunbookMachine.Answer? {
        let question = Question(
            number: 0, run: run, runbook: runbook, step: item.name, text: redaction.text(item.body),
            role: item.role, ask: item.ask, expected: item.expected, limit: limit, shown: clock.monotonic(),
            shownUTC: clock.utcNanoseconds())
        guard let number = desk.show(question) else {
            // Nobody else can see it; whoever sits here still can answer.
            return terminal.map { $0.ask(item, within: limit, stop: stop, tick: tick) }
                ?? RunbookMachine.Answer(.nobody)
        }
        let here = answerHere(item, question.shown, question.deadline, number, stop, tick)
        if let elsewhere = desk.standing, elsewhere.answer != nil { return taken(elsewhere) }
        guard let here else {
            _ = desk.settle(number, .withdrawn, by: nil, reason: stop(), evidence: nil)
            return nil
        }
        let (word, reason) = Self.word(here.word)
        let counts = desk.settle(
            number, word, by: here.actor, reason: reason.map(redaction.text),
            evidence: here.evidence.map(redaction.text))
        guard let counts, Self.isOther(counts, word, here.actor) else { return here }
        return taken(counts)
    }

    /// - Returns: what was answered at the run's own terminal, or by nobody in time; nil when the run was broken off, or
    ///   somebody else has answered.
    private func answerHere(
        _ item: RunbookItem, _ shown: Instant, _ deadline: Instant, _ number: Int, _ stop: () -> String?,
        _ tick: () -> Void
    ) -> RunbookMachine.Answer? {
        func isOver() -> String? {
            stop() ?? (desk.standing?.answer == nil ? nil : "it was answered in another terminal")
        }
        if var terminal {
            terminal.onBegin = { [desk] actor in desk.acknowledge(number, by: actor) }
            let answer = terminal.ask(
                item, within: max(.zero, deadline - clock.monotonic()), stop: isOver, tick: tick)
            // Who closed this terminal's input does not speak for those at others.
            if answer?.word != .nobody { return answer }
        }
        while isOver() == nil {
            let now = clock.monotonic()
            if now >= deadline {
                let begun = desk.standing?.acknowledged ?? deadline
                return RunbookMachine.Answer(
                    .timedOut, wait: begun - shown, work: deadline - begun)
            }
            tick()
            clock.sleep(until: min(deadline, now + .milliseconds(20)))
        }
        return nil
    }

    private static func word(_ word: RunbookMachine.Answer.Word) -> (Question.Answer, String?) {
        switch word {
        case .done: (.done, nil)
        case .refused(let reason): (.refused, reason)
        case .timedOut: (.timedOut, nil)
        case .nobody: (.withdrawn, nil)
        }
    }

    private static func isOther(_ found: Question, _ word: Question.Answer, _ actor: String?) -> Bool {
        found.answer != word || found.answeredBy != actor
    }

    /// What somebody at another terminal said.
    private func taken(_ question: Question) -> RunbookMachine.Answer {
        let word: RunbookMachine.Answer.Word =
            switch question.answer {
            case .done: .done
            case .refused: .refused(reason: question.reason ?? "")
            case .timedOut: .timedOut
            case .withdrawn, nil: .nobody
            }
        let (reason, evidence) = (question.reason.map(redaction.text), question.evidence.map(redaction.text))
        if reason != question.reason || evidence != question.evidence {
            desk.redact(question.number, reason: reason, evidence: evidence)
        }
        return RunbookMachine.Answer(
            word, actor: question.answeredBy, evidence: question.evidence, wait: question.wait,
            work: question.work)
    }
}
