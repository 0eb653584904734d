import ArgumentParser
import MusterCore

struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "The postmortem of an outcome, in markdown and in one self-contained HTML file.",
        discussion: "Example: muster report 3")

    @Argument(help: "The outcome's number (default: the newest).") var number: Int?
    @Option(
        name: .shortAndLong,
        help:
            "Where to, without the ending (default: runbooks/reports/N; with --outcomes, beside that store).")
    var output: String?
    @OptionGroup var store: StoreOptions

    func run() throws {
        try carryOut {
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
