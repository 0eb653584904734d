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

            Keys: a abort (asks once more), n t d note, todo, decision, b c r a manual step is begun, done,
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
            let hides = blind || Self.isKept(from: attendee, found.day)
            var source: BoardSource
            switch found {
            case .run(let run): source = try BoardSource(store, run: run)
            case .day(let day): source = BoardSource(store, day: day, hidesDrills: hides)
            }
            guard isScreen else {
                return try AttachedLines(isJSON: output.json, isBlind: hides).run(&source)
            }
            let terminal = try BoardTerminal()
            let signals = try AttachSignals(terminal)
            let board = Board(
                source, store, terminal,
                actions: attendee == nil ? nil : BoardActions(store, day: found.day), attendee: attendee,
                isBlind: hides, ownsRun: false)
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
        let day = try GameDayChoice.underWay(store)
        // A day whose drills are over, and that people only talk about, hides no drill that runs.
        if day?.state.mayHoldFaults != true, let run = try store.watched(nil) { return .run(run) }
        if day != nil { return .day(try GameDayChoice.find(nil, options, access: .readOnly, in: store)) }
        throw Refusal(
            .usage, "nothing runs",
            advice:
                "start a drill, such as `muster run drills/first-drill.yaml`, or look at one that is over: "
                + "`muster attach NUMBER`")
    }

    /// On a blind day, from all but those who break things, answer for the day or may stop it.
    private static func isKept(from attendee: Attendee?, _ day: GameDayChoice.Chosen?) -> Bool {
        guard let day, day.record.isBlind else { return false }
        let knowing: Set<GameDayRole> = [.owner, .ic, .safety, .deputy, .operator, .approver]
        guard let attendee else { return true }
        let held = day.roster.roles(of: attendee.name)
        return held.contains(.responder) || !held.contains(where: knowing.contains)
    }
}

/// Signals of an attached terminal: none of them concerns the drill.
final class AttachSignals: @unchecked Sendable {
    private let lock = NSLock()
    private var asked = false
    private var sources: [any DispatchSourceSignal] = []

    init(_ terminal: BoardTerminal) throws {
        signal(SIGPIPE, SIG_IGN)
        for number in [SIGINT, SIGTERM, SIGHUP] {
            on(number) { [self] in lock.withLock { asked = true } }
        }
        on(SIGTSTP) {
            TerminalKeeper.giveBack(writing: true)
            kill(getpid(), SIGSTOP)
        }
        on(SIGCONT) {
            TerminalKeeper.take()
            terminal.redraw()
        }
        on(SIGWINCH) { terminal.redraw() }
    }

    private func on(_ number: Int32, _ body: @escaping @Sendable () -> Void) {
        signal(number, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
        source.setEventHandler(handler: body)
        source.resume()
        sources.append(source)
    }

    var isAsked: Bool { lock.withLock { asked } }
}
