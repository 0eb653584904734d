import ArgumentParser
import Foundation
import MusterCore
import MusterDocuments
import MusterDrills
import MusterOutcomes
import MusterSystem

struct AttachCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attach",
        abstract: "Shows a drill, or a game day, that runs in another terminal; with --as one takes part.",
        discussion: """
            Example: muster attach
                     muster attach --as kim --role ic
                     muster attach q3-failover --blind

            Keys: a abort (asks once more), h here (a heartbeat is due), n t d note, todo, decision, b c r a manual step is begun, done,
            refused, q leave, ? help. Leaving stops nothing. In a pipe, with --plain or with --json it prints
            lines as they happen.
            """)

    @Argument(
        help: "An outcome's number, a run's id, or a game day (default: what is under way).")
    var what: String?
    @Option(name: .customLong("as"), help: "Who you are; without it you only look on.") var person: String?
    @Option(help: "A role that you hold; may be repeated. On a game day the roster says which there are.")
    var role: [String] = []
    @Flag(help: "Do not show which drills and faults there are.") var blind = false
    @Flag(help: "Print lines instead of a full screen.") var plain = false
    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        try carryOut(printed: false) {
            if person == nil, !role.isEmpty {
                throw Refusal(.usage, "--role without --as", advice: "say who you are: --as NAME")
            }
            let isScreen = TerminalInput.isAvailable && !plain && !output.json
            let store = try self.store.open(access: isScreen && person != nil ? .readWrite : .readOnly)
            let found = try Self.find(what, store, self.store)
            let attendee = try person.map { try BoardActions.attendee($0, role, found.day) }
            var source: BoardSource
            switch found {
            case .run(let run):
                let hides = try blind || Self.isKept(run, from: person ?? "", store)
                source = try BoardSource(store, run: run, hidesDrills: hides)
            case .day(let day):
                source = BoardSource(store, day: day, viewer: person ?? "", hidesDrills: blind)
            }
            guard isScreen else {
                var lines = AttachedLines(isJSON: output.json)
                return try lines.run(&source)
            }
            let terminal = try BoardTerminal()
            let signals = try AttachSignals(terminal)
            let board = Board(
                source, store, terminal,
                actions: attendee == nil ? nil : BoardActions(store, day: found.day), attendee: attendee,
                ownsRun: false)
            board.run { signals.isAsked }
            terminal.end()
            return .pass
        }
    }

    enum Found {
        case run(OutcomeStore.WatchedRun)
        case day(GameDayChoice.Chosen)

        var day: GameDayChoice.Chosen? { if case .day(let day) = self { day } else { nil } }
    }

    /// - Parameter what: nil: the game day whose drills are under way, else the run that is, else the day.
    /// - Throws: `Refusal` for what is not there.
    static func find(_ what: String?, _ store: OutcomeStore, _ options: StoreOptions) throws -> Found {
        if let what {
            if let run = try store.watched(what) { return .run(run) }
            if try what.hasSuffix(".yaml") || store.gameDay(what) != nil {
                return .day(try GameDayChoice.find(what, options, access: .readOnly, in: store))
            }
            throw Refusal(
                .usage, "there is no outcome, run or game day '\(what)'",
                advice: "`muster outcomes` and `muster gameday list` say what there is")
        }
        // A day whose drills are over, and that people only talk about, hides no drill that runs; several of those are
        // no reason to show nothing.
        let live = try store.gameDaysUnderWay().filter { day in
            day.state.mayHoldFaults && (day.state != .converted || day.holder != nil)
        }
        if live.isEmpty, let run = try store.watched(nil) { return .run(run) }
        let day = live.count == 1 ? live.first : try GameDayChoice.underWay(store)
        if let day {
            return .day(try GameDayChoice.find(day.header.id, options, access: .readOnly, in: store))
        }
        throw Refusal(
            .usage, "nothing runs",
            advice:
                "start a drill, such as `muster run drills/first-drill.yaml`, or look at one that is over: "
                + "`muster attach NUMBER`")
    }

    /// Whether the run is of a blind day that is held, and not for the eyes of `viewer`.
    private static func isKept(_ run: OutcomeStore.WatchedRun, from viewer: String, _ store: OutcomeStore)
        throws
        -> Bool
    {
        try store.gameDaysUnderWay().contains { day in
            day.drillEvents.contains { $0.entry.run == run.run.id }
                && GameDayText.isBlind(day, GameDayChoice.roster(day, Project.current), to: viewer)
        }
    }
}

/// Signals of an attached terminal: none of them concerns the drill.
final class AttachSignals: @unchecked Sendable {
    private let lock = NSLock()
    private var asked = false
    private var sources: [any DispatchSourceSignal] = []
    /// One after the other: `fg` must not take the terminal before Ctrl-Z has given it back.
    private let queue = DispatchQueue(label: "muster-attach-signals")

    init(_ terminal: BoardTerminal) throws {
        signal(SIGPIPE, SIG_IGN)
        for number in [SIGINT, SIGTERM, SIGHUP] {
            on(number) { [self] in lock.withLock { asked = true } }
        }
        on(SIGTSTP) {
            terminal.suspend()
            kill(getpid(), SIGSTOP)
        }
        on(SIGCONT) { terminal.resume() }
        on(SIGWINCH) { terminal.redraw() }
    }

    private func on(_ number: Int32, _ body: @escaping @Sendable () -> Void) {
        signal(number, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
        source.setEventHandler(handler: body)
        source.resume()
        sources.append(source)
    }

    var isAsked: Bool { lock.withLock { asked } }
}
