import ArgumentParser
import MusterCore
import MusterDrills
import MusterOutcomes
import MusterSystem

struct GameDayAbortCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "abort",
        abstract:
            "Ends a game day early: what is broken is put back first, then measured, recorded, talked about.",
        discussion: "Example: muster gameday abort --reason \"customers are affected\" --as ivan")

    @OptionGroup var choice: GameDayChoice
    @Option(help: "Why.") var reason: String = "somebody wants it to end"
    @OptionGroup var speaker: SpeakerOptions
    @OptionGroup var state: StateOptions

    func run() throws {
        try carryOut {
            let chosen = try choice.find()
            let speaker = try speaker.speaker(chosen.roster)
            if !chosen.record.state.mayHoldFaults {
                try chosen.desk.step(to: .aborted, reason, by: speaker)
                Terminal.line("'\(chosen.record.header.name)' is called off; nothing of it had begun")
                return .pass
            }
            return try GameDayWish.make(.abort, reason, speaker, chosen, state)
        }
    }
}

struct GameDayConvertCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "convert",
        abstract:
            "A real incident takes the game day's place: puts back what is broken, and keeps the timeline.",
        discussion: """
            Example: muster gameday convert --reason "the database is really gone" --as ivan

            Messages begin with REAL INCIDENT from then on.
            """)

    @OptionGroup var choice: GameDayChoice
    @Option(help: "What happened.") var reason: String
    @OptionGroup var speaker: SpeakerOptions
    @OptionGroup var state: StateOptions

    func run() throws {
        try carryOut {
            let chosen = try choice.find()
            let speaker = try speaker.speaker(chosen.roster)
            guard chosen.record.state != .converted else {
                throw Refusal(.refused, "it is a real incident already", advice: "")
            }
            if chosen.record.state == .goNoGo {
                try chosen.desk.step(to: .converted, reason, by: speaker)
                Terminal.line("a real incident; nothing of the day had begun")
                return .pass
            }
            return try GameDayWish.make(.convert, reason, speaker, chosen, state)
        }
    }
}

/// What is asked of whoever carries the day out; where nobody does, it is done here.
enum GameDayWish {
    static func make(
        _ kind: GameDayEntry.Kind, _ reason: String, _ speaker: GameDayDesk.Speaker,
        _ chosen: GameDayChoice.Chosen,
        _ state: StateOptions
    ) throws -> Status {
        guard chosen.record.state.mayHoldFaults, chosen.record.state != .converted else {
            throw Refusal(
                .refused, "'\(chosen.record.header.name)' is \(chosen.record.state.rawValue)",
                advice: "`muster gameday show` says how it stands")
        }
        try chosen.desk.add(kind, reason, by: speaker)
        if let holder = try chosen.store.holder(ofGameDay: chosen.desk.id) {
            Terminal.line(
                "asked process \(holder.pid), which carries it out; it puts back what is broken first")
            return .pass
        }
        // Nobody carries it out: the one who was killed, or whose machine was.
        try GameDayDesk.refusing { try chosen.store.hold(gameDay: chosen.desk.id) }
        defer { try? chosen.store.release(gameDay: chosen.desk.id) }
        let file = try GameDayFile(chosen.project.root + "/" + chosen.record.header.path)
        let (day, longest) = try file.load(now: chosen.desk.now)
        let opened = GameDayPlace.Opened(
            file: file, day: day, longest: longest, desk: chosen.desk, record: try chosen.desk.record())
        return try GameDayHolding(opened, state: state, isQuiet: false).run(isResumed: true)
    }
}
