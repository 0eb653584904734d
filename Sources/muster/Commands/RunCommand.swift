import ArgumentParser
import Foundation
import MusterCore

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Runs drills: breaks, measures, puts back, records, reports.",
        discussion: """
            Example: muster run drills/first-drill.yaml
                     muster run drills/redis-kill.yaml --var persistence=rdb

            Exit codes: 0 pass, 1 objective missed, 2 usage, 3 inconclusive, 4 aborted and reverted,
            5 something is still broken, 7 refused, 70 internal error.
            """)

    @Argument(help: "Drill files; several run one after the other.", completion: .file(extensions: ["yaml"]))
    var drills: [String]

    @Option(
        name: .customLong("var"), help: ArgumentHelp("Sets a variable of the drill.", valueName: "name=value")
    )
    var variables: [String] = []

    @Option(help: "Silence of the engine after which the guard puts everything back, such as 5s.")
    var lease: String = "5s"

    @Flag(
        help:
            "Probe and write at real-time priority (root): less lateness on a busy host, at the targets' expense."
    )
    var realtime = false

    @Option(
        help: ArgumentHelp(
            "Whether the outcome keeps every sample, or only a summary of each signal.", valueName: "all|none"
        ))
    var keepSamples: KeptSamples = .all

    @OptionGroup var state: StateOptions
    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        try carryOut {
            guard let lease = Duration(units: lease), lease >= .milliseconds(200), lease <= .seconds(600)
            else {
                throw Refusal(
                    .usage, "--lease \(self.lease): not a lease",
                    advice: "a duration from 200ms to 10m, such as --lease 5s")
            }
            let variables = try VariableArguments.read(variables)
            var codes: [Status] = []
            for path in drills {
                let drill = try DrillLoader(path: path, variables: variables, state: state).load(.run)
                try DrillPlan.preflight(drill)
                codes.append(
                    try DrillRun(
                        drill, lease: lease, store: store, json: output.json, isRealtime: realtime,
                        keepsSamples: keepSamples == .all
                    ).run())
                // Who stops a drill, or must put something right first, wants no other one to begin.
                if codes.last == .residue || codes.last == .aborted { break }
            }
            return Status.worst(codes)
        }
    }
}

/// `--keep-samples`: a run at 20,000 samples a second adds 2 GB an hour to the outcomes. Verdict, figures,
/// losses and summaries are the same; charts, and judging anew, need the samples.
enum KeptSamples: String, ExpressibleByArgument, CaseIterable {
    case all, none
}

/// `--var name=value`.
enum VariableArguments {
    static func read(_ texts: [String]) throws -> [String: String] {
        var variables: [String: String] = [:]
        for text in texts {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty else {
                throw Refusal(.usage, "--var \(text): no value", advice: "write --var name=value")
            }
            guard variables.updateValue(String(parts[1]), forKey: String(parts[0])) == nil else {
                throw Refusal(.usage, "--var \(parts[0]) is given twice", advice: "give it once")
            }
        }
        return variables
    }
}
