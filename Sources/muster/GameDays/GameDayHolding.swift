import Foundation
import MusterCore
import MusterDrills
import MusterOutcomes
import MusterSystem

/// Carries a game day out: drills one after the other as children, the gates between them, and the end. Everything
/// that happens is in the timeline first; whoever dies, the next one reads there how far it came.
final class GameDayHolding {
    let file: GameDayFile
    let day: GameDay
    let desk: GameDayDesk
    let state: StateOptions
    let isQuiet: Bool
    private let screen: Screen?
    var clock: SystemTimekeeper { desk.clock }

    /// As far as it was looked at for wishes.
    private(set) var known: GameDayRecord
    /// Why no drill is started any more; the first reason wins.
    private(set) var stop: Stop?
    private var announced: Set<String> = []
    var criteria: CriteriaWatch
    /// Of the drill that runs, where criteria want to know what it sees.
    var follower: RunFollower?
    /// The number of the sign of life after which somebody was told that another one is due.
    var reminded = 0

    static let signals = [SIGINT, SIGTERM, SIGHUP]

    init(_ opened: GameDayPlace.Opened, state: StateOptions, isQuiet: Bool) {
        file = opened.file
        day = opened.day
        desk = opened.desk
        self.state = state
        self.isQuiet = isQuiet
        screen = isQuiet ? nil : try? Screen()
        known = opened.record
        criteria = CriteriaWatch(opened.day.abort, opened.day.roster)
    }

    /// No drill is started any more; the first reason wins, but a real incident is one.
    func haltDay(_ reason: Stop) {
        if reason.kind == .converted { stop = reason } else { stop = stop ?? reason }
    }

    /// On a thread of its own: a terminal that is held (Ctrl-S) must hold up nobody who listens for wishes and limits.
    func say(_ text: String) { screen?.add(text) }

    // MARK: The day

    /// From `running` on, to the end.
    /// - Parameter isResumed: nobody carried it out for a while, and somebody did before.
    func run(isResumed: Bool) throws -> Status {
        try Signals.block(Self.signals)
        defer { try? Signals.unblock(Self.signals) }
        // Whoever stands still looks after nothing: no wish, no limit, no heartbeat. Ctrl-Z does nothing here.
        signal(SIGTSTP, SIG_IGN)
        defer { signal(SIGTSTP, SIG_DFL) }
        // Once nothing is broken any more, the result waits for whoever reads it.
        defer {
            screen?.end()
            screen?.wait()
        }
        if isResumed { try resume() }
        while stop == nil, let position = try nextDrill() {
            try drill(position)
            guard stop == nil, try nextDrill() != nil else { break }
            try settle(after: position)
        }
        return try end()
    }

    /// The first drill that has not begun; nil when there is none.
    func nextDrill() throws -> Int? {
        let events = try desk.record().drillEvents.map(\.event)
        return day.drills.indices.first { position in
            let last = events.last { $0.position == position }
            return last == nil || last?.phase == .notBegun
        }
    }

    private func drill(_ position: Int) throws {
        let card = day.drills[position]
        guard requireUnedited() else { return }
        try look()
        guard stop == nil else { return }
        let run = ULID.make()
        let event = GameDayDrillEvent(
            position: position, name: card.name, phase: .started, spending: spending(card))
        try desk.add(
            .drill, "drill \(position + 1) of \(day.drills.count), '\(card.name)', begins: \(card.title)",
            detail: event.value, run: run)
        say("== drill \(position + 1) of \(day.drills.count): \(card.title)")
        let code = try carryOut(card, run)
        let event2 = try conclude(position, run, code)
        judge(event2, card)
    }

    /// Records how a drill ended, as far as anybody knows.
    func conclude(_ position: Int, _ run: String, _ code: Int?) throws -> GameDayDrillEvent {
        let card = day.drills[position]
        let outcome = try outcome(of: run)
        let event = GameDayDrillEvent(
            position: position, name: card.name, phase: .finished,
            exitCode: code ?? outcome?.exitCode.map { Int($0) },
            outcome: outcome?.number, verdict: outcome?.verdict, spending: try spending(card, by: run))
        let number = outcome.map { "outcome #\($0.number)" } ?? "no outcome"
        let verdict = outcome?.verdict?.rawValue ?? "no verdict"
        let reason = outcome.map { $0.reason.isEmpty ? $0.ending.rawValue : $0.reason } ?? "it did not begin"
        try desk.add(
            .drill, "'\(card.name)' ended: \(verdict), \(number): \(reason)", detail: event.value, run: run)
        return event
    }

    /// What follows from how a drill ended.
    private func judge(_ event: GameDayDrillEvent, _ card: GameDay.Card) {
        guard stop == nil, event.verdict != .pass || event.exitCode != 0 else { return }
        let code = event.exitCode.flatMap { Status(rawValue: Int32($0)) }
        let said = code?.sentence ?? "nobody saw how it ended"
        if code == .residue, day.abort.onResidue {
            stop = .aborted(.onResidue, "'\(card.name)' left something broken")
        } else if code == .aborted {
            stop = .aborted(.drillAborted, "'\(card.name)' was aborted")
        } else if let limit = day.abort.failures, failures() >= limit {
            stop = .aborted(.failures, "\(Observing.count(limit, "drill")) did not pass")
        } else if (card.onFail ?? day.onFail) == .stop {
            stop = .failed("'\(card.name)' did not pass: \(said)")
        }
    }

    private func failures() -> Int {
        ((try? desk.record().drillEvents) ?? []).filter {
            $0.event.phase == .finished && $0.event.verdict != .pass
        }
        .count
    }

    /// A plan that was edited while the day runs is another plan.
    private func requireUnedited() -> Bool {
        do {
            let record = try desk.record()
            let edits = GameDayFile.edits(record.documents, try file.documents(day))
            if edits.isEmpty { return true }
            stop = .aborted(
                .edited, "the plan was edited while the day ran: " + edits.joined(separator: "; "))
        } catch {
            let words = (error as? Refusal)?.message ?? "\(error)"
            stop = .aborted(.edited, "the plan cannot be read any more: \(words)")
        }
        return false
    }

    // MARK: Wishes

    /// Takes what other processes asked for since, and what the clock says.
    func look() throws {
        for entry in try desk.store.entries(ofGameDay: desk.id, after: known.entries.last?.sequence ?? 0) {
            known.entries.append(entry)
            switch entry.kind {
            case .abort where entry.source == .human:
                haltDay(.aborted(.manual, "\(entry.actor): \(entry.text)"))
            case .convert: haltDay(.converted("\(entry.actor): \(entry.text)"))
            default: break
            }
        }
        try lookAtCriteria()
        if day.abort.atEnd, desk.now >= day.ends {
            haltDay(.aborted(.atEnd, "the window of the day is over"))
        }
    }

    // MARK: One drill

    /// Runs a drill to its end as `muster run` does. Whatever ends the day (a wish, a signal, a limit) goes to it as an
    /// interrupt: it puts everything back, measures on, and is recorded; the same happens when we die.
    /// - Returns: its exit code; nil when it was ended by a signal, or did not start.
    private func carryOut(_ card: GameDay.Card, _ run: String) throws -> Int? {
        let child: Child
        do {
            child = try self.command(card, run).start()
        } catch {
            stop = .aborted(.drillAborted, "'\(card.name)' did not start: \(error)")
            return nil
        }
        defer { follower = nil }
        let begin = clock.monotonic()
        var isStopped = false
        while true {
            if let status = try child.wait(for: .zero) {
                if case .exited(let code) = status { return Int(code) }
                return nil
            }
            if let signal = try Signals.wait(Self.signals, atMost: .milliseconds(200)), stop == nil {
                stop = .aborted(.manual, Self.words(ofSignal: signal))
            }
            try follow(run)
            try look()
            if stop == nil, let limit = day.abort.drillLongerThan, clock.monotonic() - begin > limit {
                stop = .aborted(.drillLongerThan, "'\(card.name)' took longer than \(limit.forPeople)")
            }
            guard let stop else { continue }
            try announce(stop)
            guard !isStopped else { continue }
            isStopped = true
            _ = try child.kill(SIGINT)
        }
    }

    /// Says at once why the day ends, and keeps it for whoever takes the day up after a crash; a real incident is one
    /// from that moment on.
    func announce(_ stop: Stop) throws {
        guard announced.insert(stop.kind.rawValue).inserted else { return }
        switch stop.kind {
        case .failed: break
        case .aborted:
            let isAsked = try desk.record().abortWish != nil
            if !isAsked { try desk.add(.abort, stop.reason, detail: stop.detail) }
            try tell(day.comms.abort, .abort, because: stop.reason)
        case .converted:
            guard try !desk.record().isConverted else { return }
            try desk.step(to: .converted, "a real incident: \(stop.reason); what is broken is put back")
            try tell(
                day.comms.convert ?? "this is no drill any more: \(stop.reason)", .abort, because: stop.reason
            )
        }
        say("\(stop.reason); what is broken is put back")
    }

    private func command(_ card: GameDay.Card, _ run: String) throws -> Spawn {
        let variables = card.variables.sorted { $0.key < $1.key }.flatMap {
            ["--var", "\($0.key)=\($0.value)"]
        }
        // Who let the day begin in spite of a blackout let its drills.
        let blackout =
            try desk.record().preflight.first { $0.name == "blackout" }?.override.map {
                ["--override", "--reason", $0.reason, "--approver", $0.name]
            } ?? []
        var spawn = Spawn(
            [Files.besideUs + "/muster", "run", file.drillPath(card), "--run-id", run] + variables
                + ["--outcomes", desk.store.path, "--answers-elsewhere"] + state.arguments + blackout)
        if !isQuiet {
            spawn.output = .inherit
            spawn.errors = .inherit
        }
        spawn.directory = file.project.root
        // A terminal's Ctrl-C comes to it through us, once.
        spawn.newSession = true
        spawn.deathSignal = SIGINT
        return spawn
    }
}
