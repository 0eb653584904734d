import ArgumentParser

/// What Muster does with networks in user space.
struct MusterNet: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "muster-net", abstract: "The fault proxy, and the receiver of alerts.",
        version: netVersion,
        subcommands: [ProxyCommand.self, ReceiveCommand.self])

    /// A command line that cannot be understood ends with the code that all of Muster's commands have for that.
    static func start(_ arguments: [String]) {
        do {
            var command = try parseAsRoot(GoFlags.rewrite(arguments))
            try command.run()
        } catch {
            if exitCode(for: error) == .validationFailure {
                note(fullMessage(for: error))
                exit(withError: ArgumentParser.ExitCode(Ending.usage.rawValue))
            }
            exit(withError: error)
        }
    }
}

/// Of this program, as in `muster --version`.
let netVersion = "0.1.0"

MusterNet.start(Array(CommandLine.arguments.dropFirst()))
