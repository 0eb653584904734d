import ArgumentParser
import MusterCore

struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "The postmortem of an outcome, in markdown and in one self-contained HTML file.",
        discussion: "Example: muster report 3")

    @Argument(help: "The outcome's number (default: the newest).") var number: Int?
    @Option(name: .shortAndLong, help: "Where to, without the ending (default: runbooks/reports/N).")
    var output: String?
    @OptionGroup var store: StoreOptions

    func run() throws {
        try carryOut {
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
