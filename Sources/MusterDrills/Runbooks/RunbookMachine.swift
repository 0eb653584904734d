import MusterCore

/// A runbook on its way: says what is to be done next, one thing at a time, and is told what came of it.
///
/// It has no clock, runs nothing and asks nobody; whoever drives it does. Drills and `muster runbook run` drive the same
/// machine. What it says must be saved is saved before the next thing is begun, so that a run that dies can be resumed:
/// a machine that is made from the turns of a dead run goes on where that one stood (`RunbookMachine+Resuming.swift`).
public struct RunbookMachine: Sendable {
    /// The step that is under way.
    struct Current: Sendable {
        var item: RunbookItem
        /// Its place in `turns`.
        var index: Int
        var deadline: Instant
        var attemptBegan: Instant
        var inARow = 0
        /// Attempts that an earlier turn of the same step began.
        var earlier = 0
        /// The last `machine` was counted up to here.
        var countedTo: Instant
    }

    public let runbook: Runbook
    public internal(set) var turns: [RunbookTurn] = []
    /// The step that comes next when the one under way succeeds.
    var next = 0
    var current: Current?
    /// Steps that a resumed run does again first.
    var repeats: [RunbookItem] = []
    /// Names of the rollbacks of what was carried out, in the order in which that happened.
    var rollbacks: [String] = []
    /// Set once the runbook is given up: from then on only rollbacks run.
    var isGivenUp = false
    var failure: String?
    /// Names of rollbacks that ran, whatever came of them.
    private var rollbacksTried: Set<String> = []
    private var jumps = 0
    private var random: SplitMix64

    /// - Parameter seed: for the jitter of delays.
    public init(_ runbook: Runbook, seed: UInt64) {
        self.runbook = runbook
        random = SplitMix64(seed: seed)
    }

    /// - Parameters:
    ///   - reply: what came of the order before; `begin` at first.
    ///   - now: when that was.
    /// - Returns: what to save first, and what to do then.
    public mutating func handle(_ reply: Reply, at now: ClockReading) -> Turn {
        switch reply {
        case .begin:
            precondition(current == nil, "a machine begins once")
            return onward(now, changed: [])
        case .attempted(let attempt): return attempted(attempt, now)
        case .paused: return attemptAgain(now)
        case .answered(let answer): return answered(answer, now)
        case .cancelled(let reason): return cancelled(reason, now)
        }
    }

    // MARK: What came of a step

    private mutating func attempted(_ attempt: Attempt, _ now: ClockReading) -> Turn {
        guard var step = current else { preconditionFailure("an attempt ended that nobody ordered") }
        count(&step, now)
        turns[step.index].output = attempt.output
        turns[step.index].linesBefore = attempt.linesBefore
        turns[step.index].exitCode = nil
        switch attempt.end {
        case .succeeded:
            step.inARow += 1
            turns[step.index].exitCode = 0
            turns[step.index].value = attempt.value
            current = step
            if step.item.kind != .wait || step.inARow >= step.item.stable { return settle(.succeeded, now) }
            return pause(until: step.attemptBegan + step.item.interval, now)
        case .timedOut:
            current = step
            return settle(.timedOut, now, reason: Self.tooLong(step.item))
        case .failed(let code, let reason):
            step.inARow = 0
            turns[step.index].exitCode = code
            current = step
            // What cannot be started now will not be in a moment either.
            guard let code else { return settle(.failed, now, reason: reason) }
            if step.item.kind == .wait { return pause(until: step.attemptBegan + step.item.interval, now) }
            let number = turns[step.index].attempts - step.earlier + 1
            let retry = step.item.retry
            let chance = Double(random.next() >> 11) / Double(1 << 53)
            let again = now.at + retry.pause(before: number, chance: chance)
            if number <= retry.count + 1, retry.codes.isEmpty || retry.codes.contains(code),
                again < step.deadline
            {
                turns[step.index].failedAttempts.append(
                    RunbookTurn.FailedAttempt(
                        number: turns[step.index].attempts, exitCode: code, reason: reason,
                        endedUTC: now.utcNanoseconds))
                return pause(until: again, now)
            }
            return settle(.failed, now, reason: reason)
        }
    }

    private mutating func pause(until instant: Instant, _ now: ClockReading) -> Turn {
        guard let step = current, now.at < step.deadline else {
            return settle(.timedOut, now, reason: current.map { Self.tooLong($0.item) } ?? "")
        }
        if instant <= now.at { return attemptAgain(now) }
        return Turn(changed: [], order: .pause(until: min(instant, step.deadline)))
    }

    private mutating func attemptAgain(_ now: ClockReading) -> Turn {
        guard var step = current else { preconditionFailure("no step is under way") }
        count(&step, now)
        step.attemptBegan = now.at
        current = step
        guard now.at < step.deadline else {
            return settle(.timedOut, now, reason: Self.tooLong(step.item))
        }
        turns[step.index].attempts += 1
        // Of what changes nothing, not every look is worth the disk's time.
        return Turn(
            changed: step.item.isMutating ? [turns[step.index]] : [],
            order: .attempt(
                step.item, number: turns[step.index].attempts, within: step.deadline - now.at))
    }

    private mutating func answered(_ answer: Answer, _ now: ClockReading) -> Turn {
        guard let step = current else { preconditionFailure("an answer to nothing") }
        turns[step.index].humanWait = answer.wait
        turns[step.index].humanWork = answer.work
        turns[step.index].actor = answer.actor
        turns[step.index].evidence = answer.evidence
        switch answer.word {
        case .done: return settle(.succeeded, now)
        case .refused(let reason): return settle(.refused, now, reason: reason)
        case .timedOut:
            return settle(
                .timedOut, now,
                reason: "nobody answered within \(step.item.timeout.forPeople), which is no yes")
        case .nobody: return settle(.failed, now, reason: "it needs a person, and nobody could be asked")
        }
    }

    private mutating func cancelled(_ reason: String, _ now: ClockReading) -> Turn {
        guard var step = current else { return finish(.cancelled, reason, changed: []) }
        count(&step, now)
        turns[step.index].state = .cancelled
        turns[step.index].reason = reason
        turns[step.index].endedUTC = now.utcNanoseconds
        noteRollback(of: step.item)
        current = nil
        return finish(
            .cancelled, "step '\(step.item.name)' was cancelled: \(reason)", changed: [turns[step.index]])
    }

    private static func tooLong(_ item: RunbookItem) -> String {
        item.kind == .wait && item.stable > 1
            ? "not \(item.stable) times in a row within \(item.timeout.forPeople)"
            : "not within \(item.timeout.forPeople)"
    }

    /// Time that passed for programs and between them; a person's is counted from the answer.
    private mutating func count(_ step: inout Current, _ now: ClockReading) {
        guard step.item.kind != .manual else { return }
        turns[step.index].machine = turns[step.index].machine + (now.at - step.countedTo)
        step.countedTo = now.at
    }

    // MARK: What follows

    private mutating func settle(_ state: RunbookTurn.State, _ now: ClockReading, reason: String = "") -> Turn
    {
        guard let step = current else { preconditionFailure("no step is under way") }
        current = nil
        turns[step.index].state = state
        turns[step.index].reason = reason
        turns[step.index].endedUTC = now.utcNanoseconds
        let turn = turns[step.index]
        if !turn.isRepeated {
            follow(turn, step.item)
        } else if state != .succeeded {
            // No reason to roll back what was done before: whoever mends it resumes again.
            let why = "step '\(turn.name)', which a resumed run does again, \(turn.words)"
            return finish(.cancelled, why + (reason.isEmpty ? "" : ": \(reason)"), changed: [turn])
        }
        return onward(now, changed: [turn])
    }

    /// Decides what comes after a turn that is over; also used to find out where a dead run stood.
    mutating func follow(_ turn: RunbookTurn, _ item: RunbookItem) {
        if item.kind == .rollback {
            // One that failed stays among those that people have to think of.
            if turn.state == .succeeded { rollbacks.removeAll { $0 == item.name } }
            rollbacksTried.insert(item.name)
            return
        }
        noteRollback(of: item)
        let index = runbook.steps.firstIndex { $0.name == item.name } ?? runbook.steps.endIndex
        if turn.state == .succeeded {
            next = item.isEnd ? runbook.steps.endIndex : index + 1
            return
        }
        let why = "step '\(item.name)' \(turn.words)" + (turn.reason.isEmpty ? "" : ": \(turn.reason)")
        if item.isCritical, item.onFailure != .abort { failure = failure ?? why }
        switch item.onFailure {
        case .proceed: next = index + 1
        case .abort: giveUp(why)
        case .step(let name):
            jumps += 1
            guard jumps <= runbook.steps.count,
                let target = runbook.steps.firstIndex(where: { $0.name == name })
            else {
                giveUp("\(why), and '\(name)' could not take over any more")
                return
            }
            next = target
        }
    }

    private mutating func giveUp(_ why: String) {
        isGivenUp = true
        failure = failure.map { "\($0); then \(why)" } ?? why
    }

    /// Whatever came of it: half of it may have been done.
    func rollback(of item: RunbookItem) -> String? {
        if case .block(let name)? = item.rollback { name } else { nil }
    }

    mutating func noteRollback(of item: RunbookItem) {
        guard let name = rollback(of: item) else { return }
        rollbacks.removeAll { $0 == name }
        rollbacks.append(name)
    }

    private mutating func onward(_ now: ClockReading, changed: [RunbookTurn]) -> Turn {
        if isGivenUp {
            let left = rollbacks.last { !rollbacksTried.contains($0) }
            if let item = left.flatMap({ runbook.item(named: $0) }) { return start(item, now, changed) }
            return finish(.failed, failure ?? "", changed: changed)
        }
        if let item = repeats.first {
            repeats.removeFirst()
            return start(item, now, changed, isRepeated: true)
        }
        if runbook.steps.indices.contains(next) { return start(runbook.steps[next], now, changed) }
        return finish(failure == nil ? .succeeded : .failed, failure ?? "", changed: changed)
    }

    private mutating func start(
        _ item: RunbookItem, _ now: ClockReading, _ changed: [RunbookTurn], isRepeated: Bool = false
    ) -> Turn {
        var turn = RunbookTurn(
            number: (turns.last?.number ?? 0) + 1, item: item, begunUTC: now.utcNanoseconds)
        turn.isRepeated = isRepeated
        // So that a key made of run, step and attempt is never used twice.
        let earlier = turns.last { $0.name == item.name && $0.state == .unknown }?.attempts ?? 0
        turn.attempts = earlier
        let isAsked = item.kind == .manual
        if !isAsked { turn.attempts += 1 }
        turns.append(turn)
        current = Current(
            item: item, index: turns.count - 1, deadline: now.at + item.timeout, attemptBegan: now.at,
            earlier: earlier, countedTo: now.at)
        return Turn(
            changed: changed + [turn],
            order: isAsked
                ? .ask(item, within: item.timeout)
                : .attempt(item, number: turn.attempts, within: item.timeout))
    }

    private func finish(_ state: RunbookResult.State, _ reason: String, changed: [RunbookTurn]) -> Turn {
        Turn(
            changed: changed,
            order: .finish(
                RunbookResult(
                    state: state, reason: state == .succeeded ? "" : reason,
                    openRollbacks: state == .succeeded ? [] : rollbacks.reversed(), turns: turns)))
    }
}
