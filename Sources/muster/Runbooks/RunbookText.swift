import MusterCore
import MusterDrills
import MusterGuard

/// Turns of a runbook in words.
enum RunbookText {
    /// What went wrong, for the record.
    static func words(_ error: any Error) -> String {
        (error as? Refusal)?.message ?? (error as? GuardFailure)?.message ?? describe(error)
    }

    /// `'start' (command) succeeded after 1.2 s`.
    static func sentence(_ turn: RunbookTurn, _ time: Bracket) -> String {
        var text = "'\(turn.name)' (\(turn.kind.rawValue)) \(turn.words) after \(time.width.forPeople)"
        if turn.kind == .manual, turn.humanWait + turn.humanWork > .zero {
            text += " (waited \(turn.humanWait.forPeople), worked \(turn.humanWork.forPeople))"
        }
        if !turn.reason.isEmpty { text += ": \(turn.reason)" }
        if let evidence = turn.evidence { text += "; evidence: \(evidence)" }
        return text
    }

    /// Output of programs as it may be shown in a terminal: nothing moves the cursor or changes colours.
    static func visible(_ text: String) -> String { text.visible }

    /// The text of a block, indented.
    static func lines(of item: RunbookItem) -> [String] {
        let lines = visible(item.body).split(separator: "\n", omittingEmptySubsequences: false)
        return lines.reversed().drop { $0.isEmpty }.reversed().map { "    \($0)" }
    }

    /// What a run came to, by who spent the time.
    /// - Parameter elapsed: from its beginning to its end, where it was not always under way in between.
    static func total(_ result: RunbookResult, elapsed: Duration? = nil) -> String {
        let parts =
            "machine \(result.machine.forPeople), human wait \(result.humanWait.forPeople), human work "
            + result.humanWork.forPeople
        guard let elapsed else { return "\(result.total.forPeople) in all: \(parts)" }
        return "\(elapsed.forPeople) from begin to end, resumed in between; under way \(parts)"
    }
}

/// Runs of runbooks as data and as tables.
enum RunbookRunText {
    static func table(_ turns: [RunbookTurn]) -> Table {
        var table = Table("STEP", "KIND", "STATE", "TRIES", "MACHINE", "HUMAN WAIT", "HUMAN WORK", "WHY")
        for turn in turns {
            func time(_ duration: Duration) -> String { duration == .zero ? "-" : duration.forPeople }
            table.add(
                turn.name, turn.kind.rawValue, turn.isAssumed ? "assumed" : turn.state.rawValue,
                "\(turn.attempts)",
                time(turn.machine), time(turn.humanWait), time(turn.humanWork), RunbookText.visible(why(turn))
            )
        }
        return table
    }

    private static func why(_ turn: RunbookTurn) -> String {
        var parts = turn.reason.isEmpty ? [] : [turn.reason]
        if let actor = turn.actor { parts.append("by \(actor)") }
        if let evidence = turn.evidence { parts.append(evidence) }
        return parts.joined(separator: ", ")
    }

    /// - Parameter elapsed: from begin to end.
    static func value(
        _ result: RunbookResult, number: Int, id: String, elapsed: Duration?, isResumed: Bool
    ) -> Value {
        [
            "elapsedNanoseconds": elapsed.map { .int($0.nanoseconds) } ?? .null, "resumed": .bool(isResumed),
            "number": .int(Int64(number)), "id": .text(id), "state": .text(result.state.rawValue),
            "reason": .text(result.reason), "openRollbacks": .list(result.openRollbacks.map { .text($0) }),
            "machineNanoseconds": .int(result.machine.nanoseconds),
            "humanWaitNanoseconds": .int(result.humanWait.nanoseconds),
            "humanWorkNanoseconds": .int(result.humanWork.nanoseconds),
            "steps": .list(result.turns.map(value)),
        ]
    }

    static func value(_ turn: RunbookTurn) -> Value {
        var map: [String: Value] = [
            "turn": .int(Int64(turn.number)), "name": .text(turn.name), "kind": .text(turn.kind.rawValue),
            "state": .text(turn.state.rawValue), "attempts": .int(Int64(turn.attempts)),
            "reason": .text(turn.reason), "output": .text(turn.output), "assumed": .bool(turn.isAssumed),
            "repeated": .bool(turn.isRepeated), "begunAt": .text(utcText(nanoseconds: turn.begunUTC)),
            "machineNanoseconds": .int(turn.machine.nanoseconds),
            "humanWaitNanoseconds": .int(turn.humanWait.nanoseconds),
            "humanWorkNanoseconds": .int(turn.humanWork.nanoseconds),
        ]
        map["failedAttempts"] = .list(turn.failedAttempts.map { .text($0.words) })
        map["exitCode"] = turn.exitCode.map { .int(Int64($0)) } ?? .null
        map["actor"] = turn.actor.map { .text($0) } ?? .null
        map["evidence"] = turn.evidence.map { .text($0) } ?? .null
        map["value"] = turn.value.map { .text($0) } ?? .null
        map["endedAt"] = turn.endedUTC.map { .text(utcText(nanoseconds: $0)) } ?? .null
        return .map(map)
    }
}
