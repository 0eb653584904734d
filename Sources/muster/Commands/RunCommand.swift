import ArgumentParser
import Foundation
import MusterCore
import MusterDrills

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Runs drills: breaks, measures, puts back, records, reports.",
        discussion: """
            Example: muster run drills/first-drill.yaml
                     muster run drills/redis-kill.yaml --var persistence=rdb
                     muster run drills/redis-kill.yaml --repeat 10

            One run proves little. With --repeat N the drill runs N times, each time striking at another random
            moment of the system's own cycles, and ends with what N runs prove, and how surely. Runs that
            failed, proved nothing or were stopped stay in. Ctrl-C puts the present run back, and sums up.

            Exit codes: 0 pass, 1 objective missed, 2 usage, 3 inconclusive, 4 aborted and reverted,
            5 something is still broken, 7 refused, 70 internal error.

            A blackout of drills/schedules.yaml keeps everybody from running drills: --override says that it does not
            hold for this one.
            """)

    @Argument(help: "Drill files; several run one after the other.", completion: .file(extensions: ["yaml"]))
    var drills: [String]

    @Option(
        name: .customLong("var"), help: ArgumentHelp("Sets a variable of the drill.", valueName: "name=value")
    )
    var variables: [String] = []

    @Option(help: "Silence of the engine after which the guard puts everything back, such as 5s.")
    var lease: String = "5s"

    @Option(
        name: .customLong("repeat"),
        help: ArgumentHelp("Run each drill so many times, as one group.", valueName: "times"))
    var times: Int?

    @Option(
        help: ArgumentHelp(
            "With --repeat: how far the moments of the faults are spread, at least the longest cycle of the system "
                + "(default: 10s, or the longest period of the drill's own signals).", valueName: "duration"))
    var phase: String?

    @Option(help: "With --repeat: draws the same moments as the run that printed this seed.")
    var seed: Int64?

    @Flag(
        help:
            "Probe and write at real-time priority (root): less lateness on a busy host, at the targets' expense."
    )
    var realtime = false

    @Flag(
        help: "Manual steps of runbooks are answered in other terminals (muster attach, muster confirm)."
    )
    var answersElsewhere = false

    @Flag(help: "Show the full-screen board, as `muster attach` does, instead of lines.")
    var tui = false

    @Option(
        help: ArgumentHelp("With --tui: a role that you hold, for manual steps; may be repeated."))
    var role: [String] = []

    @Option(
        help: ArgumentHelp(
            "Whether the outcome keeps every sample, or only a summary of each signal.", valueName: "all|none"
        ))
    var keepSamples: KeptSamples = .all

    @Flag(help: "Tell those of drills/notify.yaml, as runs of schedules do: for runs that nobody watches.")
    var notify = false

    @Option(help: .hidden) var scheduled: String?

    @Option(help: .hidden) var approved: String?

    /// So that who starts it knows under which id it will be on record, whatever happens to either.
    @Option(help: .hidden) var runID: String?

    @OptionGroup var blackouts: BlackoutOptions
    @OptionGroup var state: StateOptions
    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        try carryOut(printed: false) {
            guard let lease = Duration(units: lease), lease >= .milliseconds(200), lease <= .seconds(600)
            else {
                throw Refusal(
                    .usage, "--lease \(self.lease): not a lease",
                    advice: "a duration from 200ms to 10m, such as --lease 5s")
            }
            let variables = try VariableArguments.read(variables)
            let window = try phaseWindow()
            try checkRepeats()
            try checkBoard()
            let override = try blackouts.checked()
            let makeRun = { (drill: PreparedDrill) in
                DrillRun(
                    drill, lease: lease, store: store, json: output.json, isRealtime: realtime,
                    keepsSamples: keepSamples == .all,
                    board: tui ? Attendee(name: RunHeaders.actor, roles: Set(role)) : nil)
            }
            var codes: [Status] = []
            var stop: StopLatch?
            for path in drills {
                let loader = DrillLoader(
                    path: path, variables: variables, state: state,
                    isAnsweredElsewhere: answersElsewhere || tui, override: override, runID: runID)
                var drill = try loader.load(.run)
                drill.occurrence = scheduled
                drill.isUnattended = scheduled != nil || notify
                if let approved, try drill.execHash() != approved {
                    throw Refusal(
                        .refused, "\(path) was edited after it was approved",
                        advice: "have it approved as it is now: muster schedule approve")
                }
                try DrillPlan.preflight(drill)
                // Until here, Ctrl-C just ends the process.
                let latch = stop ?? StopLatch()
                stop = latch
                if let times {
                    let repeats = RepeatedRun(
                        loader: loader, count: times, seed: seed ?? .random(in: 0..<1_000_000_000),
                        window: window, store: store, isJSON: output.json, makeRun: makeRun)
                    codes.append(try repeats.run(drill, latch))
                } else {
                    let result = try makeRun(drill).run(latch)
                    if output.json {
                        latch.whileNobodyReads(leaveWith: result.status) {
                            Terminal.line(Value.map(result.value).prettyJSON)
                        }
                    }
                    codes.append(result.status)
                }
                // Who stops a drill, or must put something right first, wants no other one to begin.
                if codes.last == .residue || codes.last == .aborted || latch.reason != nil { break }
            }
            return Status.worst(codes)
        }
    }

    private func phaseWindow() throws -> Duration? {
        guard let phase else { return nil }
        guard let window = Duration(units: phase), window <= .seconds(3600) else {
            throw Refusal(
                .usage, "--phase \(phase): not a window",
                advice: "a duration up to 1h, such as --phase 10s; 0s for no wait")
        }
        return window
    }

    private func checkBoard() throws {
        if tui, !TerminalInput.isAvailable || output.json {
            throw Refusal(
                .usage, "--tui needs a terminal of its own",
                advice: "run it without --tui there, and `muster attach` in a terminal")
        }
        if !tui, !role.isEmpty {
            throw Refusal(
                .usage, "--role means nothing without --tui",
                advice: "answer by `muster confirm --as NAME --role ROLE`")
        }
    }

    private func checkRepeats() throws {
        if let times {
            guard (1...1000).contains(times) else {
                throw Refusal(
                    .usage, "--repeat \(times): not a number of runs",
                    advice: "from 1 to 1000, such as --repeat 10")
            }
        } else if phase != nil || seed != nil {
            throw Refusal(
                .usage, "--\(phase != nil ? "phase" : "seed") means nothing for a single run",
                advice: "add --repeat N, or leave it out")
        }
        if let runID, !ULID.isValid(runID) || drills.count > 1 || times != nil {
            throw Refusal(
                .usage, "--run-id \(runID): not the id of a single run", advice: "a ULID, for one drill, once"
            )
        }
        if let seed, seed < 0 {
            throw Refusal(.usage, "--seed \(seed): not a seed", advice: "a whole number from 0 on")
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
