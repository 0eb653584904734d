import MusterCore
import MusterDrills
import Testing

/// The lifecycle of a game day: every step that there is, and that there is no other.
@Suite struct LifecycleTests {
    /// Written out by hand, so that a change of the code is a change of this table too.
    private static let steps: [GameDayState: Set<GameDayState>] = [
        .draft: [.planned, .aborted],
        .planned: [.approved, .aborted],
        .approved: [.preflight, .planned, .aborted],
        .preflight: [.goNoGo, .approved, .planned, .aborted],
        .goNoGo: [.running, .preflight, .planned, .aborted, .converted],
        .running: [.recovering, .converted],
        .recovering: [.verifying, .converted],
        .verifying: [.hotwash, .aborted, .converted],
        .aborted: [.hotwash, .closed],
        .converted: [.hotwash, .closed],
        .hotwash: [.reported],
        .reported: [.hotwash, .closed],
        .closed: [],
    ]

    @Test(arguments: GameDayState.allCases)
    func aStepIsInTheTableOrRefused(_ from: GameDayState) throws {
        for to in GameDayState.allCases {
            if try #require(Self.steps[from]).contains(to) {
                #expect(throws: Never.self) { try from.step(to: to) }
            } else {
                #expect(throws: GameDayRefusal.noSuchStep(from: from, to: to)) { try from.step(to: to) }
            }
        }
    }

    @Test func nothingIsRunBeforeItWasApprovedAndLookedAt() {
        /// Every state from which one can get to `running` without going through `through`.
        func reach(without through: GameDayState) -> Set<GameDayState> {
            var found: Set<GameDayState> = [.draft]
            while true {
                let next = found.union(found.flatMap(\.next)).subtracting([through])
                if next == found { return found }
                found = next
            }
        }
        for gate in [GameDayState.planned, .approved, .preflight, .goNoGo] {
            #expect(!reach(without: gate).contains(.running), "past \(gate.rawValue)")
        }
        // Nothing that ran is over without anybody having looked what is left broken.
        #expect(
            !GameDayState.running.next.contains(.hotwash) && !GameDayState.running.next.contains(.aborted))
    }

    @Test func aRefusalSaysWhereItGoes() {
        #expect(
            GameDayRefusal.noSuchStep(from: .draft, to: .running).description
                == "a game day that is draft cannot become running; from there it goes to planned, aborted")
        #expect(
            GameDayRefusal.noSuchStep(from: .closed, to: .draft).description
                == "a game day that is closed cannot become draft; it is over")
    }
}
