import ArgumentParser
import MusterProxy

/// What Muster does with networks in user space.
struct MusterNet: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "muster-net", abstract: "The fault proxy.")
}

MusterNet.main()
