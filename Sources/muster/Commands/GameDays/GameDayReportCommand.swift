import ArgumentParser
import MusterCore
import MusterDrills

struct GameDayReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "The report of a game day, over all of its drills, in markdown and in one HTML file.",
        discussion: """
            Example: muster gameday report failover

            Written anew from what is on record. A report that somebody has edited is left alone, and the new one is put
            beside it.
            """)

    @OptionGroup var choice: GameDayChoice
    @Option(name: .shortAndLong, help: "Where to, without the ending (default: runbooks/reports/gameday-N).")
    var output: String?

    func run() throws { try carryOut { try Self.write(choice.gameDay, choice.store, to: output) } }

    /// - Parameter named: nil: the one that is under way, else the newest.
    static func write(_ named: String?, _ store: StoreOptions, to output: String?) throws -> Status {
        let chosen = try GameDayChoice.findOrNewest(named, store)
        if GameDayText.isBlind(chosen.record, chosen.roster, to: RunHeaders.actor) {
            throw Refusal(
                .refused, "the day is blind, and its report would say which drills there are",
                advice: "wait until the drills are over")
        }
        GameDayReportFiles.show(
            try GameDayReportFiles.write(
                chosen.record, chosen.roster, chosen.store, chosen.project, to: output))
        return .pass
    }
}
