import ArgumentParser
import MusterCore
import MusterDrills
import MusterOutcomes

struct GameDayBeatCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "beat",
        abstract: "I am here: a sign of life, where the game day has a dead man's switch.",
        discussion: """
            Example: muster gameday beat --as sam

            Whatever else a holder of the role says (note, decision, todo, finding) is a sign of life as well. Without
            one for as long as `abort.heartbeat.every` the day ends, and everything is put back.
            """)

    @OptionGroup var choice: GameDayChoice
    @OptionGroup var speaker: SpeakerOptions

    func run() throws {
        try carryOut {
            let chosen = try choice.find()
            Terminal.line(try Heartbeat.give(try speaker.speaker(chosen.roster), chosen))
            return .pass
        }
    }
}

/// Signs of life of those who hold the dead man's switch of a game day.
enum Heartbeat {
    /// - Returns: what to say of it.
    /// - Throws: `Refusal` where none is waited for, or not of this person.
    static func give(_ speaker: GameDayDesk.Speaker, _ chosen: GameDayChoice.Chosen) throws -> String {
        guard let heartbeat = chosen.criteria.heartbeat else {
            throw Refusal(
                .refused, "'\(chosen.record.header.name)' waits for no heartbeat",
                advice: "abort: { heartbeat: { every: 2m } } in its file makes it wait for one")
        }
        let held = chosen.roster.roles(of: speaker.name)
        guard let role = held.first(where: heartbeat.from.contains),
            !chosen.roster.absent.contains(speaker.name)
        else {
            let who = heartbeat.from.flatMap { chosen.roster[$0] }
            throw Refusal(
                .refused, "the heartbeat of '\(speaker.name)' is not the one that is waited for",
                advice: "--as " + who.joined(separator: ", or "))
        }
        guard try chosen.desk.record().state == .running else {
            throw Refusal(
                .refused, "'\(chosen.record.header.name)' does not run",
                advice: "`muster gameday show` says how it stands")
        }
        try chosen.desk.add(.heartbeat, "here", by: .init(name: speaker.name, role: role))
        return "heard; the next one is due within \(heartbeat.every.forPeople)"
    }
}
