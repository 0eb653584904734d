import ArgumentParser

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
                subcommands: [RunCommand.self, PlanCommand.self, LintCommand.self, InitCommand.self]),
            CommandGroup(
                name: "Safety", subcommands: [UndoCommand.self, AbortCommand.self, DoctorCommand.self]),
            CommandGroup(
                name: "Knowledge",
                subcommands: [OutcomesCommand.self, ShowCommand.self, ReportCommand.self, VerifyCommand.self]),
            CommandGroup(
                name: "Catalogue", subcommands: [FaultsCommand.self, ProbesCommand.self, SchemaCommand.self]),
            CommandGroup(name: "Plumbing", subcommands: [GuardCommand.self, FixtureCommand.self]),
        ])
}

/// Version of the tool, as in `muster --version` and in every outcome.
let toolVersion = "0.1.0"
