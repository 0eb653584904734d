import Foundation
import MusterCore
import MusterDrills
import MusterOutcomes
import MusterSystem

/// The board within the process that runs the drill: on a thread of its own, with a connection of its own to the store,
/// so that it shows what every other terminal shows, and holds the drill up no more than they do.
final class RunnersBoard: @unchecked Sendable {
    private let condition = Condition()
    private let terminal: BoardTerminal
    // Guarded by `condition`.
    private var isStopped = false
    private var isDone = false

    /// Of one run.
    convenience init(_ attendee: Attendee, run: String, _ path: String) throws {
        var options = StoreOptions()
        options.outcomes = path
        let store = try options.open(access: .readWrite)
        guard let watched = try store.watched(run) else {
            throw Refusal(.internalError, "run \(run) is not in its own store", advice: "")
        }
        try self.init(attendee, BoardSource(store, run: watched), store, day: nil)
    }

    /// Of a game day that this process carries out.
    convenience init(_ attendee: Attendee, gameDay id: String, _ path: String) throws {
        var options = StoreOptions()
        options.outcomes = path
        let store = try options.open(access: .readWrite)
        let day = try GameDayChoice.find(id, options, access: .readWrite, in: store)
        try self.init(attendee, BoardSource(store, day: day, viewer: attendee.name), store, day: day)
    }

    private init(
        _ attendee: Attendee, _ source: BoardSource, _ store: OutcomeStore, day: GameDayChoice.Chosen?
    ) throws {
        terminal = try BoardTerminal()
        // A stopped engine renews no lease: its guard would put everything back in the middle of the drill.
        signal(SIGTSTP, SIG_IGN)
        let board = Board(
            source, store, terminal, actions: BoardActions(store, day: day), attendee: attendee, ownsRun: true
        )
        nonisolated(unsafe) let shown = board
        try startThread(name: "muster-board-in") { [self] in
            shown.run { condition.withLock { isStopped } }
            condition.withLock {
                isDone = true
                condition.signal()
            }
        }
    }

    /// Gives the terminal back.
    func end() {
        condition.withLock {
            isStopped = true
            let end = SystemTimekeeper().monotonic() + .seconds(2)
            while !isDone, condition.wait(until: end) {}
        }
        terminal.end()
        signal(SIGTSTP, SIG_DFL)
    }
}
