import ArgumentParser
import Foundation
import MusterCore
import MusterDrills
import MusterOutcomes
import MusterSystem

struct GameDayRunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Asks for go or no go, and carries the game day out; takes one up that was cut off.",
        discussion: """
            Example: muster gameday run failover
                     muster gameday run failover --go ivan

            The incident commander, safety or a deputy says go. Ctrl-C, `muster gameday abort` in any terminal, or the
            end of its window stop it: what is broken is put back first. A run that was killed is taken up by the same
            command, with what is left.

            Exit codes: 0 every drill passed, 1 an objective was missed, 3 inconclusive, 4 ended early and put back,
            5 something is still broken, 7 refused.
            """)

    @OptionGroup var place: GameDayPlace
    @Option(help: ArgumentHelp("Who says go.", valueName: "name")) var go: String?
    @Option(help: ArgumentHelp("Who says no go.", valueName: "name")) var noGo: String?
    @Option(help: "Why it is no go.") var reason: String?
    @Flag(help: "Responders are not told which drills there are.") var blind = false
    @Flag(help: "Shows nothing while it runs.") var quiet = false
    @Flag(help: "Show the full-screen board, as `muster attach` does, instead of lines.") var tui = false
    @Option(name: .customLong("as"), help: "With --tui: who sits here, by the roster (default: who says go).")
    var person: String?
    @OptionGroup var state: StateOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        try carryOut(printed: false) {
            if tui, !TerminalInput.isAvailable || output.json {
                throw Refusal(
                    .usage, "--tui needs a terminal of its own",
                    advice: "run it without --tui there, and `muster attach` in a terminal")
            }
            let opened = try place.open()
            try GameDayDesk.refusing { try opened.desk.store.hold(gameDay: opened.desk.id) }
            defer { try? opened.desk.store.release(gameDay: opened.desk.id) }
            // Only now nobody else writes what decides.
            let held = try place.open()
            try held.requireApproval()
            let holding = GameDayHolding(held, state: state, isQuiet: quiet || tui || output.json)
            let record = held.record
            let begun = Set(record.drillEvents.map(\.event.position)).count
            // A real incident has no end of its own that could be waited for.
            let isOver =
                record.state == .converted && record.runUnderWay == nil && begun == held.day.drills.count
            let isResumed = record.state.mayHoldFaults && !isOver
            if !isResumed, try !begin(held, holding) { return .refused }
            let board = try tui ? board(held) : nil
            let run = Result { try holding.run(isResumed: isResumed) }
            board?.end()
            let status = try run.get()
            let result = try held.desk.record()
            if output.json {
                Terminal.line(GameDayText.value(result).prettyJSON)
            } else {
                GameDayText.result(result, status)
            }
            let roster = GameDayChoice.roster(result, held.file.project)
            GameDayReportFiles.renew(
                result, roster, held.desk.store, held.file.project, shows: !output.json)
            return status
        }
    }

    /// What is shown is what the timeline and the drills' outcomes say, as in every other terminal.
    private func board(_ held: GameDayPlace.Opened) throws -> RunnersBoard {
        // Before it has threads that would take them.
        try Signals.block(GameDayHolding.signals)
        let decided = try held.desk.record().entries.last { $0.state == .running }?.actor
        let name = person ?? go ?? decided ?? RunHeaders.actor
        let roles = held.day.roster.roles(of: name).map(\.rawValue)
        return try RunnersBoard(
            Attendee(name: name, roles: Set(roles)), gameDay: held.desk.id, held.desk.store.path)
    }

    /// - Returns: false when it is no go.
    private func begin(_ opened: GameDayPlace.Opened, _ holding: GameDayHolding) throws -> Bool {
        let (day, desk) = (opened.day, opened.desk)
        guard opened.record.state == .goNoGo else {
            throw Refusal(
                .refused,
                "'\(day.name)' is \(opened.record.state.rawValue), and the preflight has not passed",
                advice: "muster gameday preflight \(opened.file.path)")
        }
        let overridden = opened.record.preflight.filter { $0.override != nil }.map(\.name)
        let blocking = Preflight(file: opened.file, day: day, store: desk.store, state: state).quickItems()
            .filter { $0.blocks && !overridden.contains($0.name) }
        if !blocking.isEmpty {
            let words = blocking.map { "\($0.name): \($0.text)" }.joined(separator: "; ")
            try desk.step(to: .preflight, from: .goNoGo, "since the preflight: \(words)")
            throw Refusal(
                .refused, "what was ready is no longer: \(words)",
                advice: "put it right, and `muster gameday preflight \(opened.file.path)`")
        }
        let (speaker, isGo, why) = try decide(opened)
        try desk.add(.decision, (isGo ? "go" : "no go") + (why.map { ": \($0)" } ?? ""), by: speaker)
        guard isGo else {
            Terminal.complain(
                "\(speaker.name) says no go" + (why.map { ": \($0)" } ?? ""),
                advice: "run it again when it is go, or call it off: muster gameday abort \(opened.file.path)"
            )
            return false
        }
        let isBlind = blind || day.isBlind
        try desk.step(
            to: .running, from: .goNoGo,
            "\(speaker.name) says go" + (isBlind ? "; responders are blind" : ""),
            by: speaker, detail: ["blind": .bool(isBlind)])
        try holding.tell(day.comms.start, .start)
        return true
    }

    private func decide(_ opened: GameDayPlace.Opened) throws -> (GameDayDesk.Speaker, Bool, String?) {
        func speaker(_ name: String) throws -> GameDayDesk.Speaker {
            try opened.speaker(name, "say go", allowed: \.maySayGo)
        }
        if let go, noGo == nil { return (try speaker(go), true, reason) }
        if let noGo, go == nil {
            guard let reason else { throw Refusal(.usage, "--no-go needs a reason", advice: "--reason WHY") }
            return (try speaker(noGo), false, reason)
        }
        if go != nil { throw Refusal(.usage, "--go and --no-go at once", advice: "one of them") }
        guard PersonAsker.isThere, !output.json else {
            throw Refusal(
                .refused, "nobody has said go, and there is no terminal to ask at",
                advice: "--go NAME, one of " + opened.day.roster.mayGo.joined(separator: ", "))
        }
        return try ask(opened, speaker)
    }

    private func ask(
        _ opened: GameDayPlace.Opened, _ speaker: (String) throws -> GameDayDesk.Speaker
    ) throws -> (GameDayDesk.Speaker, Bool, String?) {
        let asker = PersonAsker()
        let silence = Refusal(.refused, "nobody answered, which is no", advice: "run it again")
        Terminal.line(Terminal.styled(opened.day.title, .bold))
        for item in opened.record.preflight where item.status != .ok {
            let over = item.override.map { "; overridden by \($0.name): \($0.reason)" } ?? ""
            Terminal.line("  \(item.status.rawValue.uppercased()) \(item.name): \(item.text)\(over)")
        }
        while true {
            let names = opened.day.roster.mayGo.joined(separator: ", ")
            guard let name = try asker.words("? go or no go: who decides (\(names))?") else { throw silence }
            do {
                let speaker = try speaker(name)
                guard let isGo = try asker.yes("? \(name), is it go?") else { throw silence }
                if isGo { return (speaker, true, nil) }
                guard let why = try asker.words("why not?") else { throw silence }
                return (speaker, false, why)
            } catch let refusal as Refusal where refusal.message != silence.message {
                Terminal.line("\(refusal.message); \(refusal.advice)")
            }
        }
    }
}
