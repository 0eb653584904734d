import ArgumentParser
import MusterCore
import MusterDrills

/// `muster`: the command line. One file a command in `Commands/`.
@main
struct MusterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "muster",
        abstract:
            "Drills disasters on Linux: breaks something on purpose, measures the recovery, puts it back.",
        discussion: """
            A first drill:      muster run drills/first-drill.yaml
            What would it do?   muster plan drills/first-drill.yaml
            Put everything back: muster undo
            """,
        version: toolVersion,
        groupedSubcommands: [
            CommandGroup(
                name: "Drills",
                subcommands: [
                    RunCommand.self, PlanCommand.self, LintCommand.self, InitCommand.self,
                    AttachCommand.self, ConfirmCommand.self, RefuseCommand.self,
                ]),
            CommandGroup(name: "Recovery", subcommands: [RunbookCommand.self]),
            CommandGroup(
                name: "Calendar", subcommands: [ScheduleCommand.self, ServeCommand.self, NotifyCommand.self]),
            CommandGroup(
                name: "Game days",
                subcommands: [
                    GameDayCommand.self, NoteCommand.self, TodoCommand.self, DecisionCommand.self,
                    FindingCommand.self, ActionsCommand.self,
                ]),
            CommandGroup(
                name: "Safety", subcommands: [UndoCommand.self, AbortCommand.self, DoctorCommand.self]),
            CommandGroup(name: "Networks", subcommands: [ProxyCommand.self]),
            CommandGroup(
                name: "Instrument", subcommands: [CalibrateCommand.self]),
            CommandGroup(
                name: "Knowledge",
                subcommands: [
                    OutcomesCommand.self, ShowCommand.self, ReportCommand.self, VerifyCommand.self,
                    ExportCommand.self,
                ]),
            CommandGroup(
                name: "Catalogue", subcommands: [FaultsCommand.self, ProbesCommand.self, SchemaCommand.self]),
            CommandGroup(
                name: "Plumbing",
                subcommands: [GuardCommand.self, FixtureCommand.self, CalibrateInstrumentCommand.self]),
        ])

    /// As ArgumentParser's own, but a command line that cannot be understood ends with our code for that.
    static func main() {
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch {
            if exitCode(for: error) == .validationFailure {
                Terminal.note(fullMessage(for: error))
                exit(withError: ArgumentParser.ExitCode(Status.usage.rawValue))
            }
            exit(withError: error)
        }
    }
}

/// Version of the tool, as in `muster --version` and in every outcome.
let toolVersion = "0.1.0"
