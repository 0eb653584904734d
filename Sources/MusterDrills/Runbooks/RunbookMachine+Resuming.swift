import MusterCore

extension RunbookMachine {
    /// What a person says of a step in whose midst the run died.
    public enum Assumption: String, Sendable, CaseIterable {
        /// It had its effect.
        case done
        /// It is done again, although it may have had its effect.
        case redo
    }

    /// Why a dead run cannot go on.
    public enum Obstacle: Error, Hashable, Sendable {
        /// The run died in the midst of a step that must not be done twice.
        case unknownOutcome(step: String)
        /// The runbook has no step of this name any more.
        case stepIsGone(String)
        /// There is nothing to assume anything about.
        case nothingToAssume
    }

    /// A machine that goes on where a dead run stood: with the first step that is not over, after those that a resumed
    /// run does again, which are the ones marked `setup`, and captures of secrets, because no secret is kept.
    ///
    /// - Parameters:
    ///   - turns: what was saved of the run, in order.
    ///   - assuming: what a person says of a step in whose midst the run died, when it changes something and is not
    ///     idempotent.
    ///   - actor: that person.
    ///   - seed: for the jitter of delays.
    /// - Returns: the machine, and the turns that are to be saved anew before it begins.
    /// - Throws: `Obstacle`.
    public static func resuming(
        _ runbook: Runbook, turns: [RunbookTurn], assuming: Assumption?, by actor: String, seed: UInt64
    ) throws(Obstacle) -> (machine: RunbookMachine, changed: [RunbookTurn]) {
        var machine = RunbookMachine(runbook, seed: seed)
        var changed: [RunbookTurn] = []
        var isAssumed = false
        for saved in turns {
            var turn = saved
            guard let item = runbook.item(named: turn.name) else { throw .stepIsGone(turn.name) }
            if turn.state == .running || turn.state == .cancelled {
                // Only the last one can be: whatever came after it began when it was over.
                if item.isMutating, !item.isIdempotent {
                    guard let assuming else { throw .unknownOutcome(step: turn.name) }
                    isAssumed = true
                    turn.actor = actor
                    turn.isAssumed = assuming == .done
                    turn.state = assuming == .done ? .succeeded : .unknown
                } else {
                    turn.state = .unknown
                }
                changed.append(turn)
                machine.noteRollback(of: item)
            }
            machine.turns.append(turn)
            if turn.state.isOver, !turn.isRepeated { machine.follow(turn, item) }
        }
        if assuming != nil, !isAssumed { throw .nothingToAssume }
        machine.repeats = machine.toRepeat()
        return (machine, changed)
    }

    private func toRepeat() -> [RunbookItem] {
        guard !isGivenUp else { return [] }
        return runbook.steps.filter { item in
            turns.contains {
                $0.name == item.name && $0.state == .succeeded && !$0.isRepeated
                    && (item.isSetup || (item.kind == .capture && $0.value == nil))
            }
        }
    }
}
