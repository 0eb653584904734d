import ArgumentParser
import Foundation
import MusterCore
import MusterDrills
import MusterGuard
import MusterOutcomes
import MusterSystem

struct UndoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "undo",
        abstract:
            "Makes every open fact hold again, and says what it did. Safe to run at any time, and twice.",
        discussion: "Example: muster undo")

    @Flag(help: "Only what dead guards left; never touches a drill that runs.") var orphans = false
    @Flag(help: "Look for what carries our ids when the journal cannot be read.") var scan = false
    @Option(help: "Give up this injection, by its id; needs --reason and --as.") var forget: String?
    @Option(help: "Why it is given up.") var reason: String?
    @Option(name: .customLong("as"), help: "Who gives it up.") var person: String?
    @OptionGroup var state: StateOptions
    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        try carryOut(printed: false) {
            var arguments = ["undo"]
            if orphans { arguments.append("--orphans") }
            if scan { arguments.append("--scan") }
            if let forget {
                guard let reason, let person else {
                    throw Refusal(
                        .usage, "--forget needs a reason and a name",
                        advice: "muster undo --forget \(forget) --reason 'mended by hand' --as you")
                }
                arguments += ["--forget", forget, "--reason", reason, "--as", person]
            }
            if output.json { arguments.append("--json") }
            let answer = try GuardCommandLine.run(arguments + state.arguments, shows: true)
            let status = Status(rawValue: answer.status) ?? .internalError
            if status == .pass { try closeRecords() }
            return status
        }
    }

    /// The controller remembers what it asked for; what the journal no longer holds is closed here too.
    private func closeRecords() throws {
        let path = Project.current.outcomesPath(store.outcomes)
        guard Files.exists(path), let store = try? store.open(access: .readWrite),
            let directory = try? StateDirectory(opening: StateDirectory.path(explicit: state.state)),
            let open = GuardCommandLine.openInjections(state)
        else { return }
        // Only what this journal knew: ids carry the tag of their state directory.
        for (run, record) in try store.unclosedInjections()
        where record.host == "local" && record.id.tag == directory.tag[...]
            && !open.contains(record.id.rawValue)
        {
            var closed = record
            closed.state = forget == record.id.rawValue ? .forgotten : .closed
            try store.record(closed, in: run)
        }
    }
}

struct AbortCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "abort",
        abstract: "Stops the drill that runs on this host: reverts first, keeps measuring, records, reports.",
        discussion: "Example: muster abort")

    @Argument(help: "The run's id (default: whichever runs).") var id: String?

    func run() throws {
        try carryOut(printed: false) {
            guard let holder = LockHolder.read() else {
                throw Refusal(.usage, "no drill runs on this host", advice: "")
            }
            if let id, id != holder.run {
                throw Refusal(
                    .usage, "run \(id) does not run on this host; \(holder.run) does",
                    advice: "muster abort \(holder.run)")
            }
            guard let engine = holder.engine, let descriptor = try PidDescriptor.of(engine) else {
                throw Refusal(
                    .refused, "the drill's engine is gone already; its guard is putting things back",
                    advice: "run `muster undo` to wait for that, or to do it now")
            }
            do {
                guard try descriptor.send(SIGINT) else {
                    throw Refusal(.refused, "the drill has just ended", advice: "")
                }
            } catch let error as SystemError where error.code == EPERM {
                throw Refusal(
                    .refused, "run \(holder.run) belongs to another user (\(holder.userID))",
                    advice: "run this as that user, or as root")
            }
            Terminal.line(
                "asked run \(holder.run) (process \(engine.pid)) to abort: it reverts, measures and records")
            return .pass
        }
    }
}

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Which faults work on this host, what is missing, who holds it, and what is open.",
        discussion: "Example: muster doctor")

    @OptionGroup var state: StateOptions
    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        try carryOut(printed: false) {
            if !output.json {
                let calibration = try? store.open().newestCalibration(of: HostNames.read().host)
                Terminal.line(calibration?.sentence ?? CalibrationRecord.never)
            }
            try Companion.guardian.become(["doctor"] + (output.json ? ["--json"] : []) + state.arguments)
        }
    }
}

struct GuardCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "guard",
        abstract: "The guard of this host: started by the engine; `guard list` and `guard check` by hand.",
        discussion: "Example: muster guard list")

    @Argument(parsing: .captureForPassthrough, help: "As for muster-guard.") var arguments: [String] = []

    func run() throws {
        try carryOut(printed: false) {
            try Companion.guardian.become(arguments.isEmpty ? ["--help"] : arguments)
        }
    }
}

struct FixtureCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fixture",
        abstract: "Starts or stops a fixture of the drill that runs; for runbooks.",
        discussion: "Example, in a runbook's step: muster fixture start redis")

    enum Ask: String, ExpressibleByArgument, CaseIterable {
        case start, stop, status
    }

    @Argument(help: "start, stop or status.") var ask: Ask
    @Argument(help: "The fixture's name in the drill.") var name: String

    func run() throws {
        try carryOut(printed: false) {
            let sockets = FixtureSockets.read()
            guard let path = sockets[name] else {
                let known = sockets.keys.sorted().joined(separator: ", ")
                throw Refusal(
                    .usage, "no fixture '\(name)' runs here" + (known.isEmpty ? "" : "; there is: \(known)"),
                    advice: "this command is for the steps of a runbook that a drill runs")
            }
            let connection = try UnixSocket.connect(to: path)
            try connection.write(Array("\(ask.rawValue)\n".utf8))
            let answer = String(decoding: try connection.readAll(limit: 65_536), as: UTF8.self)
            let value = (try? JSONDecoder().decode(Value.self, from: Data(answer.utf8))) ?? .null
            if let error = value["error"]?.asText {
                throw Refusal(.refused, "fixture '\(name)': \(error)", advice: "")
            }
            guard let starts = value["starts"]?.asInt else {
                throw Refusal(
                    .refused, "the supervisor of fixture '\(name)' gave no answer", advice: "see its log")
            }
            let running = value["pid"]?.asInt.map { "runs as process \($0)" } ?? "does not run"
            Terminal.line("fixture '\(name)' \(running); started \(starts) times")
            return .pass
        }
    }
}

/// How a runbook's steps find the supervisors of the drill's fixtures.
enum FixtureSockets {
    static let variable = "MUSTER_FIXTURES"

    static func write(_ sockets: [String: String]) -> String {
        Value.map(sockets.mapValues { .text($0) }).canonicalJSON
    }

    static func read() -> [String: String] {
        guard let text = ProcessInfo.processInfo.environment[variable],
            let value = try? JSONDecoder().decode(Value.self, from: Data(text.utf8))
        else { return [:] }
        return (value.asMap ?? [:]).compactMapValues(\.asText)
    }
}
