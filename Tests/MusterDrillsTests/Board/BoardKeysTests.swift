import MusterCore
import Testing

@testable import MusterDrills

@Suite struct BoardKeysTests {
    private func standing(
        roles: Set<String>? = ["ic"], questions: [Question] = [], isLive: Bool = true, ownsRun: Bool = false
    ) -> BoardKeys.Standing {
        BoardKeys.Standing(
            attendee: roles.map { Attendee(name: "kim", roles: $0) }, questions: questions, isLive: isLive,
            ownsRun: ownsRun)
    }

    private func type(
        _ text: String, _ keys: inout BoardKeys, _ standing: BoardKeys.Standing
    ) -> [BoardKeys.Action] {
        text.utf8.flatMap { keys.take([$0], standing) }
    }

    @Test func abortAsksOnceMore() {
        var keys = BoardKeys()
        #expect(type("a", &keys, standing()) == [] && keys.prompt.first?.contains("ABORT") == true)
        #expect(type("x", &keys, standing()) == [] && keys.notice == "not aborted" && keys.prompt == [])
        #expect(type("ay", &keys, standing()) == [.abort])
        #expect(type("ay", &keys, standing(isLive: false)) == [])
        #expect(type("ay", &keys, standing(roles: nil)) == [])
    }

    @Test func aSignOfLifeWhereOneIsDue() {
        var keys = BoardKeys()
        var due = standing()
        #expect(type("h", &keys, due) == [] && keys.notice == "nothing here waits for a heartbeat")
        due.wantsHeartbeat = true
        #expect(type("h", &keys, due) == [.heartbeat])
        due.attendee = nil
        #expect(type("h", &keys, due) == [] && keys.notice?.contains("looking on only") == true)
    }

    @Test func notesAreLines() {
        var keys = BoardKeys()
        #expect(type("ngrü\u{8}n\r", &keys, standing()) == [.note(.note, "grn")])
        #expect(type("tno page\n", &keys, standing()) == [.note(.todo, "no page")])
        #expect(type("d\n", &keys, standing()) == [] && keys.notice == "it cannot be empty")
        #expect(type("go\n", &keys, standing()) == [.note(.decision, "go")])
        // Letters that are keys elsewhere are text here, and Esc drops it.
        #expect(type("nqa", &keys, standing()) == [])
        #expect(keys.take([0x1B], standing()) == [] && keys.prompt == [])
    }

    /// An arrow key is neither an escape nor three letters.
    @Test func escapeSequencesAreSwallowed() {
        var keys = BoardKeys()
        _ = type("nab", &keys, standing())
        #expect(keys.take(Array("\u{1B}[A\u{1B}OP\u{1B}[1;5Dc\r".utf8), standing()) == [.note(.note, "abc")])
    }

    @Test func manualStepsAreForTheirRole() {
        let question = GivenBoard.question()
        var keys = BoardKeys()
        #expect(type("b", &keys, standing(questions: [question])) == [.begin(7)])
        #expect(
            type("cCHG-7\r", &keys, standing(questions: [question])) == [.confirm(7, evidence: "CHG-7")])
        #expect(type("rlate\r", &keys, standing(questions: [question])) == [.refuse(7, reason: "late")])
        #expect(type("c", &keys, standing(roles: ["scribe"], questions: [question])) == [])
        #expect(keys.notice?.contains("for the role ic") == true)
        #expect(type("c", &keys, standing()) == [] && keys.notice?.contains("no manual step") == true)
        var other = GivenBoard.question("other", role: nil, ask: nil)
        other.number = 8
        #expect(
            type("c", &keys, standing(roles: [], questions: [question, other])) == [
                .confirm(8, evidence: nil)
            ])
    }

    @Test func whoRunsTheDrillCannotLeave() {
        var keys = BoardKeys()
        #expect(type("q", &keys, standing(roles: nil)) == [.leave])
        #expect(type("q", &keys, standing(ownsRun: true)) == [] && keys.notice != nil)
        #expect(type("?", &keys, standing()) == [] && keys.prompt.count > 3)
        #expect(type("q", &keys, standing()) == [] && keys.prompt == [])
    }
}
