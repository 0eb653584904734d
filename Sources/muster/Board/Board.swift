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
        attendee: Attendee?, ownsRun: Bool
    ) {
        self.source = source
        self.store = store
        self.terminal = terminal
        self.actions = actions
        self.attendee = attendee
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
            isLive: source.follower?.watched.isRunning == true || source.isDayLive, ownsRun: ownsRun,
            wantsHeartbeat: source.wantsHeartbeat)
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
            case .heartbeat: return try actions.beat(by: attendee)
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
    /// Who looks on; empty for somebody who does not say.
    private let viewer: String
    private let isHiding: Bool
    private(set) var follower: RunFollower?
    private(set) var record: GameDayRecord?
    /// nil without a game day.
    private var criteria: CriteriaWatch?

    /// - Parameter hidesDrills: whether it is not said which drills there are, whoever looks.
    init(_ store: OutcomeStore, run: OutcomeStore.WatchedRun, hidesDrills: Bool = false) throws {
        self.store = store
        day = nil
        roster = GameDayRoster()
        viewer = ""
        isHiding = hidesDrills
        follower = try RunFollower(run, store)
    }

    init(_ store: OutcomeStore, day: GameDayChoice.Chosen, viewer: String, hidesDrills: Bool = false) {
        self.store = store
        self.day = day.desk.id
        roster = day.roster
        self.viewer = viewer
        isHiding = hidesDrills
        record = day.record
        criteria = CriteriaWatch(day.criteria, day.roster)
    }

    /// Whether whoever looks on may not see which drills there are. A day becomes blind when it begins, and is not any
    /// more when its drills are over.
    var hidesDrills: Bool {
        isHiding || record.map { GameDayText.isBlind($0, roster, to: viewer) } == true
    }
    /// A real incident goes on without drills; the one that is put back then can be aborted as such.
    var isDayLive: Bool { [.running, .recovering, .verifying].contains(record?.state) }
    var wantsHeartbeat: Bool { criteria?.criteria.heartbeat != nil && record?.state == .running }
    /// Whether nothing more will come: of a game day, that its drills are over, and people talk about them.
    var isEnded: Bool {
        guard let record else { return follower?.isEnded ?? true }
        return [.hotwash, .aborted, .reported, .closed].contains(record.state) && follower?.isEnded ?? true
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
                follower = try RunFollower(
                    watched, store, isWhole: criteria?.criteria.watchesDrills == true)
                criteria?.begin()
            }
        }
        try follower?.look()
        if let follower { criteria?.take(follower) }
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
        let hidesDrills = hidesDrills
        scene.isBlind = hidesDrills
        guard let record else { return scene }
        let shown = hidesDrills ? record.seenBlindly : record
        // How many drills there are is no secret.
        var day = Self.day(shown, roster, drills: record.documents.count { $0.kind == .expectation })
        // Before the go and once the drills are over, nothing is held against them.
        if record.state == .running {
            day.criteria = criteria?.standing(record, follower, now: clock.monotonic()) ?? []
        }
        day.wantsHeartbeat = wantsHeartbeat
        day.isLive = isDayLive
        scene.day = day
        if !record.state.mayHoldFaults, follower?.isEnded ?? true { scene.board = nil }
        scene.idle = IdleWords.lines(
            record.state, name: record.header.name, hasBegun: !record.drillEvents.isEmpty,
            reason: record.abortWish?.text, isBlind: hidesDrills)
        return scene
    }

    private static func day(_ record: GameDayRecord, _ roster: GameDayRoster, drills: Int) -> BoardDay {
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
        return BoardDay(
            title: record.title, state: record.state.rawValue,
            position: drills > 0 ? "drill \(begun) of \(drills)" : "\(begun) drills", roster: members,
            entries: entries)
    }
}
