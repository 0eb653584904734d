import MusterCore
import Testing

@testable import MusterDrills

/// What boards say of a game day besides its drills.
@Suite struct DayLinesTests {
    private func scene(_ shares: [Double]) -> BoardScene {
        var scene = GivenBoard().scene(8000)
        scene.attendee = Attendee(name: "sam", roles: ["safety"])
        scene.day = BoardDay(
            title: "A day", state: "running", position: "drill 1 of 3", roster: [], entries: [],
            criteria: shares.enumerated().map { index, share in
                CriterionStanding(
                    criterion: .latency, words: "limit \(index)", share: share, breach: nil, figures: [:])
            }, wantsHeartbeat: true)
        return scene
    }

    private func text(_ scene: BoardScene, _ columns: Int, _ rows: Int) -> String {
        BoardFrame.lines(scene, columns: columns, rows: rows).map(\.text).joined(separator: "\n")
    }

    /// However little room there is: how the day stands is never crowded out by what the drill has to say.
    @Test(arguments: [14, 18, 24]) func howTheDayStandsIsAlwaysThere(_ rows: Int) {
        var full = scene([0.1, 0.7, 0.9])
        full.day?.roster = (1...9).map { .init(name: "person \($0)", roles: ["responder"], standing: "here") }
        let shown = text(full, 80, rows)
        #expect(shown.contains("A day · running · drill 1 of 3"), "\(shown)")
    }

    @Test func whatIsNearlyReachedStandsAlone() {
        let wide = text(scene([0.1, 0.7, 0.2]), 80, 24)
        #expect(wide.contains("DAY ENDS ! limit 1\n         limit 0 · limit 2"), "\(wide)")
        #expect(wide.contains("[h]ere"))
        #expect(text(scene([0.1, 0.7]), 20, 24).contains("! limit 1"))
        #expect(!text(scene([0.1]), 20, 24).contains("limit 0"))
        #expect(!text(scene([]), 80, 24).contains("DAY ENDS"))
        // Between two drills as well.
        var idle = scene([0.9])
        idle.board = nil
        #expect(text(idle, 80, 24).contains("! limit 0"))
    }

    /// The gate between two drills still shows the end of the first: the day can be aborted, and its limits hold.
    @Test func betweenTwoDrills() throws {
        var gate = scene([0.2])
        gate.board?.closing = GivenGroup.closing(
            Judgement(verdict: .pass, reason: "it came back", status: .recovered), .completed)
        #expect(!text(gate, 80, 24).contains("ABORT"))
        gate.day?.isLive = true
        let wide = text(gate, 80, 24)
        #expect(wide.contains("[a] ABORT") && wide.contains("DAY ENDS limit 0"), "\(wide)")
        #expect(!wide.contains("ABORT IF"), "\(wide)")
        #expect(text(gate, 30, 24).contains("a ABORT"))
    }

    @Test func whileNoDrillRuns() {
        func words(_ state: GameDayState, hasBegun: Bool = true, isBlind: Bool = false) -> String {
            IdleWords.lines(
                state, name: "failover", hasBegun: hasBegun, reason: "'hang' took too long", isBlind: isBlind
            ).joined(separator: " ")
        }
        for state in GameDayState.allCases {
            let isOver = [.hotwash, .aborted, .converted, .reported, .closed].contains(state)
            #expect(words(state).contains("next drill") == (state == .running), "\(state)")
            #expect(words(state).contains("failover") == isOver, "\(state)")
        }
        #expect(words(.running, hasBegun: false).contains("No drill has begun yet"))
        #expect(words(.goNoGo).contains("nobody has said go yet"))
        #expect(words(.aborted).contains("ended early: 'hang' took too long"))
        #expect(!words(.aborted, isBlind: true).contains("hang"))
    }
}
