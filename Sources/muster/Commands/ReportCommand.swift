import ArgumentParser
import MusterCore

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
        help: "Where to, without the ending (default: runbooks/reports/N, or gameday-N for a game day).")
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
            let project = Project.current
            let opened = try store.open(project)
            let outcome = try OutcomeFinder.find(number, in: opened, withSamples: false)
            let path = try ReportFiles.write(outcome.number, opened, project, to: output).path
            let base = ReportFiles.shown(String(path.dropLast(3)))
            Terminal.line("\(base).md\n\(base).html")
            return .pass
        }
    }
}
