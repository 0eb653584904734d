import Foundation
import MusterCore
import MusterDrills
import MusterOutcomes
import MusterSystem

/// The board of one terminal: looks into the store a few times a second, draws, and does what is typed.
final class Board {
    private let store: OutcomeStore
    private let terminal: BoardTerminal
    private let actions: BoardActions?
    private let attendee: Attendee?
    private let ownsRun: Bool
    private let isBlind: Bool
    private var source: BoardSource
    private var keys = BoardKeys()
    private var size = (columns: 0, rows: 0)
    private let clock = SystemTimekeeper()
    private static let period = Duration.milliseconds(200)

    /// - Parameters:
    ///   - actions: nil for somebody who only looks on.
    ///   - ownsRun: whether this process runs the drill, so that it cannot be left.
    init(
        _ source: BoardSource, _ store: OutcomeStore, _ terminal: BoardTerminal, actions: BoardActions?,
        attendee: Attendee?, isBlind: Bool, ownsRun: Bool
    ) {
        self.source = source
        self.store = store
        self.terminal = terminal
        self.actions = actions
        self.attendee = attendee
        self.isBlind = isBlind
        self.ownsRun = ownsRun
    }

    /// Until somebody leaves it, or `stop` says so.
    func run(stop: () -> Bool) {
        var isAsked = false
        while !isAsked, !stop() {
            var trouble: String?
            do { try source.look() } catch { trouble = "the store cannot be read: \(error)" }
            draw(trouble)
            let wake = clock.monotonic() + Self.period
            let ready = try? waitFor([Interest(STDIN_FILENO, .readable)], until: wake)
            guard let ready, !ready[0].isEmpty else { continue }
            var bytes = [UInt8](repeating: 0, count: 512)
            let count = read(STDIN_FILENO, &bytes, bytes.count)
            if count == 0 || count < 0 && errno == EIO {
                // The terminal is gone. A run goes on without it.
                if ownsRun { clock.sleep(until: wake) } else { return }
                continue
            }
            guard count > 0 else { continue }
            for action in keys.take(Array(bytes[..<count]), standing) {
                if action == .leave { isAsked = true } else { keys.say(perform(action)) }
            }
        }
    }

    func redraw() { terminal.redraw() }

    private var standing: BoardKeys.Standing {
        BoardKeys.Standing(
            attendee: attendee, questions: source.follower?.questions ?? [],
            isLive: source.follower?.watched.isRunning == true || source.isDayLive, ownsRun: ownsRun)
    }

    private func perform(_ action: BoardKeys.Action) -> String {
        guard let actions, let attendee else { return "looking on only" }
        do {
            switch action {
            case .leave: return ""
            case .note(let kind, let text):
                let run = source.follower?.watched
                return try actions.note(
                    kind, text, by: attendee, in: run?.isRunning == true ? run?.run.id : nil)
            case .abort:
                return try actions.abort(
                    by: attendee, reason: "asked for at the board", run: source.follower?.watched)
            case .begin(let number): return try actions.begin(number, by: attendee)
            case .confirm(let number, let evidence):
                return actions.words(
                    try actions.confirm(number, evidence: evidence, by: attendee), "confirmed")
            case .refuse(let number, let reason):
                return actions.words(try actions.refuse(number, reason: reason, by: attendee), "refused")
            }
        } catch let refusal as Refusal {
            return refusal.message
        } catch {
            return "that was not kept: \(error)"
        }
    }

    private func draw(_ trouble: String?) {
        let now = BoardTerminal.size
        if now != size { terminal.redraw() }
        size = now
        var scene = source.scene(clock)
        scene.attendee = attendee
        scene.ownsRun = ownsRun
        scene.isBlind = isBlind || scene.isBlind
        scene.prompt = keys.prompt
        scene.notice = trouble ?? keys.notice
        terminal.show(BoardFrame.lines(scene, columns: now.columns, rows: now.rows))
    }
}

/// What a board looks at: a run, or a game day from one drill to the next.
struct BoardSource {
    private let store: OutcomeStore
    /// The game day's ULID; nil for a run alone.
    private let day: String?
    private let roster: GameDayRoster
    /// Whether whoever looks on may not see which drills there are.
    private let hidesDrills: Bool
    private(set) var follower: RunFollower?
    private(set) var record: GameDayRecord?

    init(_ store: OutcomeStore, run: OutcomeStore.WatchedRun) throws {
        self.store = store
        day = nil
        roster = GameDayRoster()
        hidesDrills = false
        follower = try RunFollower(run, store)
    }

    init(_ store: OutcomeStore, day: GameDayChoice.Chosen, hidesDrills: Bool) {
        self.store = store
        self.day = day.desk.id
        roster = day.roster
        self.hidesDrills = hidesDrills
        record = day.record
    }

    var isDayLive: Bool { record?.state.mayHoldFaults == true }
    /// Whether nothing more will come.
    var isEnded: Bool {
        guard let record else { return follower?.isEnded ?? true }
        return record.state == .closed || record.state == .reported
    }

    /// - Throws: `OutcomeStoreError`.
    mutating func look() throws {
        if let day {
            let known = record?.entries.last?.sequence ?? 0
            let fresh = try store.entries(ofGameDay: day, after: known)
            if !fresh.isEmpty { record?.entries += fresh }
            // Of the drill that began last, as soon as its run is on record.
            let run = record?.drillEvents.last { $0.event.phase == .started }?.entry.run
            if let run, follower?.watched.run.id != run, let watched = try store.watched(run) {
                follower = try RunFollower(watched, store)
            }
        }
        try follower?.look()
    }

    func scene(_ clock: SystemTimekeeper) -> BoardScene {
        let utc = clock.utcNanoseconds()
        let zone = TimeZone.current
        var scene = BoardScene(
            now: follower?.now ?? clock.monotonic(), utc: utc,
            zoneOffset: zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(utc) / 1e9)),
            zone: zone.identifier)
        scene.board = follower?.board
        scene.life = follower?.life ?? .running
        scene.questions = follower?.questions ?? []
        guard let record else { return scene }
        let shown = hidesDrills ? record.seenBlindly : record
        scene.isBlind = hidesDrills
        scene.day = Self.day(shown, roster)
        if !record.state.mayHoldFaults, follower?.isEnded ?? true { scene.board = nil }
        scene.idle = [
            "No drill runs: the game day is \(record.state.rawValue). The board goes on with the next drill.",
            "What comes next: `muster gameday show`.",
        ]
        return scene
    }

    private static func day(_ record: GameDayRecord, _ roster: GameDayRoster) -> BoardDay {
        let stays = record.attendance
        let members = roster.people.map { name in
            let own = stays.last { $0.name == name }
            let standing =
                roster.absent.contains(name)
                ? "ABSENT" : own.map { $0.toUTC == nil ? "here" : "left" } ?? "not here"
            return BoardDay.Member(
                name: name, roles: roster.roles(of: name).map(\.rawValue), standing: standing)
        }
        let kinds: Set<GameDayEntry.Kind> = [
            .note, .decision, .todo, .finding, .detection, .comm, .abort, .convert, .state,
        ]
        let entries = record.entries.suffix(200).filter { kinds.contains($0.kind) }.map {
            BoardDay.Entry(utc: $0.utc, actor: $0.actor, kind: $0.kind.rawValue, text: $0.text)
        }
        let begun = Set(record.drillEvents.map(\.event.position)).count
        let all = record.documents.count { $0.kind == .expectation }
        return BoardDay(
            title: record.header.title, state: record.state.rawValue,
            position: all > 0 ? "drill \(begun) of \(all)" : "\(begun) drills", roster: members,
            entries: entries)
    }
}

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
        try self.init(
            attendee, BoardSource(store, day: day, hidesDrills: false), store, day: day)
    }

    private init(
        _ attendee: Attendee, _ source: BoardSource, _ store: OutcomeStore, day: GameDayChoice.Chosen?
    ) throws {
        terminal = try BoardTerminal()
        // A stopped engine renews no lease: its guard would put everything back in the middle of the drill.
        signal(SIGTSTP, SIG_IGN)
        let board = Board(
            source, store, terminal, actions: BoardActions(store, day: day), attendee: attendee,
            isBlind: false, ownsRun: true)
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
