import ArgumentParser
import MusterCore
import MusterDrills

struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract:
            "The postmortem of an outcome or of a game day, in markdown and in one self-contained HTML file.",
        discussion: """
            Example: muster report 3
                     muster report --gameday failover
            """)

    @Argument(help: "The outcome's number (default: the newest).") var number: Int?
    @Option(
        name: .customLong("gameday"),
        help: ArgumentHelp("A game day instead: its number, name or file.", valueName: "name"))
    var gameDay: String?
    @Option(
        name: .shortAndLong,
        help: "Where to, without the ending (default: reports/N beside the outcomes, or gameday-N).")
    var output: String?
    @OptionGroup var store: StoreOptions

    func validate() throws {
        if number != nil, gameDay != nil {
            throw ValidationError("an outcome and a game day at once; expected one of them")
        }
    }

    func run() throws {
        try carryOut {
            if let gameDay { return try GameDayReportCommand.write(gameDay, store, to: output) }
            let opened = try store.open()
            let outcome = try OutcomeFinder.find(number, in: opened, withSamples: false)
            let written = try ReportFiles.write(outcome.number, opened, to: output, keepsWork: true)
            let base = ReportFiles.shown(String(written.path.dropLast(3)))
            Terminal.line("\(base).md\n\(base).html")
            if let kept = written.kept {
                Terminal.note(
                    "what stood there said something else; it is kept as \(ReportFiles.shown(kept))")
            }
            return .pass
        }
    }
}
