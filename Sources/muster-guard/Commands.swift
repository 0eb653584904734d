import Glibc
import MusterCore
import MusterFaults
import MusterGuard
import MusterHost
import MusterJournal
import MusterSystem

/// The command line, by hand: a parser library costs more than the start of a guard may take.
enum Commands {
    static let help = """
        muster-guard - breaks and mends on one host; started by `muster run`, useful by hand to put things right

        muster-guard undo [--orphans] [--scan] [--json] [--state DIR] [--deadline 45s]
                          makes every open fact hold again, ending a live guard unless --orphans
        muster-guard undo --forget ID --reason TEXT --as NAME
        muster-guard list | check | prune [--json] [--state DIR]
        muster-guard doctor [--json] [--state DIR]
        muster-guard guard --nonce N [--lease 5s] [--state DIR] [--run ID] [--engine PID]
        muster-guard supervise --id ID --name NAME --socket PATH --restart never|200ms --stop-within 3s
                               --log PATH [--env K=V]... -- PROGRAM [ARGUMENT]...
        muster-guard burn --load PERCENT --cores 0,1
        muster-guard crash-loop --every 1s --signal KILL --id ID -- TARGET-JSON
        muster-guard --version | --help

        Example: muster-guard undo --json
        State is --state, else MUSTER_STATE, else /var/lib/muster for root, else
        $XDG_STATE_HOME/muster, else ~/.local/state/muster. MUSTER_RUNTIME moves the host's lock.
        Exit: 0 done, 2 usage, 5 something is still broken, 7 refused, 70 internal error.
        """

    static let equipment = Equipment(
        version: Version.text, faults: .complete, facts: .standard,
        journal: { try openJournal(in: $0) },
        host: { LinuxHost(site: $0, journal: $1) },
        marked: { host, tag in try (host as? LinuxHost)?.markedIDs(tag: tag) ?? [] })

    /// - Throws: `GuardFailure` when there is no room for it; whatever else is wrong comes as it is.
    private static func openJournal(in state: String) throws -> SQLiteJournal {
        do {
            return try SQLiteJournal(in: state)
        } catch let error as JournalError where error.code == .full {
            throw GuardFailure(
                .journal, "the guard's journal in \(state) cannot be written: \(error.reason)",
                advice: "make room there (df -h \(state)), or choose another place with --state")
        }
    }

    static func run(_ words: [String]) -> Int32 {
        guard let command = words.first else { return usage("a command is missing") }
        do {
            return try run(command, Array(words.dropFirst()))
        } catch let error as UsageError {
            return usage("\(command): \(error.message)")
        } catch {
            fail("\(error)")
            return 70
        }
    }

    private static func run(_ command: String, _ words: [String]) throws -> Int32 {
        switch command {
        case "guard": return try serve(words)
        case "hands": return try hands(words)
        case "warden": return try warden(words)
        case "undo": return try undo(words)
        case "list", "check", "prune": return try look(command, words)
        case "doctor": return try doctor(words)
        case "supervise": return try supervise(words)
        case "burn": return try burn(words)
        case "crash-loop": return try CrashLoop(words).run()
        case "--help", "-h", "help":
            print(help)
            return 0
        case "--version":
            print("muster-guard \(Version.text)")
            return 0
        default:
            let known = [
                "guard", "undo", "list", "check", "prune", "doctor", "supervise", "burn", "crash-loop",
            ]
            let nearest = nearestWord(to: command, among: known).map { "; did you mean '\($0)'?" } ?? ""
            return usage("unknown command '\(command)'\(nearest)")
        }
    }

    private static func serve(_ words: [String]) throws -> Int32 {
        let arguments = try Arguments(words, valued: ["lease", "nonce", "state", "run", "engine"])
        var options = GuardOptions()
        if let lease = try arguments.duration("lease") { options.lease = lease }
        guard (.milliseconds(100) ... .seconds(600)).contains(options.lease) else {
            throw UsageError("--lease: expected 100ms to 10m")
        }
        options.nonce = try arguments.required("nonce")
        guard !options.nonce.isEmpty, options.nonce.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber) })
        else {
            throw UsageError("--nonce: expected letters and digits")
        }
        options.state = arguments.text("state")
        options.run = arguments.text("run") ?? ""
        options.engine = try arguments.integer("engine")
        return GuardProcess.main(options, equipment)
    }

    private static func hands(_ words: [String]) throws -> Int32 {
        let arguments = try Arguments(words, valued: ["state", "defer"])
        let deferred = (arguments.text("defer") ?? "").split(separator: ",").compactMap {
            InjectionID(String($0))
        }
        let state = try StateDirectory(opening: try arguments.required("state"))
        return HandsProcess(equipment, state: state, deferred: deferred).run()
    }

    private static func warden(_ words: [String]) throws -> Int32 {
        let arguments = try Arguments(words, valued: ["state", "lease", "guard"])
        let parts = try arguments.required("guard").split(separator: ":")
        guard parts.count == 2, let pid = Int32(parts[0]), let ticks = UInt64(parts[1]),
            let lease = try arguments.duration("lease")
        else { throw UsageError("--guard PID:TICKS and --lease are needed") }
        return Warden(
            state: try StateDirectory(opening: try arguments.required("state")), lease: lease,
            guardProcess: ProcessIdentity(pid: pid, startTicks: ticks, bootID: try bootID())
        ).run()
    }

    private static func undo(_ words: [String]) throws -> Int32 {
        let arguments = try Arguments(
            words, valued: ["state", "forget", "reason", "as", "deadline"],
            flags: ["orphans", "scan", "json"])
        var command = UndoCommand()
        command.orphansOnly = arguments.has("orphans")
        command.scan = arguments.has("scan")
        command.json = arguments.has("json")
        command.state = arguments.text("state")
        if let deadline = try arguments.duration("deadline") { command.deadline = deadline }
        if let id = try arguments.injection("forget") {
            command.forget = .init(
                id: id, reason: try arguments.required("reason"), person: try arguments.required("as"))
        }
        return command.run(equipment)
    }

    private static func look(_ command: String, _ words: [String]) throws -> Int32 {
        let arguments = try Arguments(words, valued: ["state"], flags: ["json"])
        var look = LookCommand(LookCommand.Subject(rawValue: command) ?? .list)
        look.json = arguments.has("json")
        look.state = arguments.text("state")
        return look.run(equipment)
    }

    private static func doctor(_ words: [String]) throws -> Int32 {
        let arguments = try Arguments(words, valued: ["state"], flags: ["json"])
        var doctor = DoctorCommand()
        doctor.json = arguments.has("json")
        doctor.state = arguments.text("state")
        return doctor.run(equipment)
    }

    private static func supervise(_ words: [String]) throws -> Int32 {
        let arguments = try Arguments(
            words, valued: ["id", "name", "socket", "restart", "stop-within", "log", "directory", "env"],
            rest: true)
        var options = SupervisorOptions()
        options.id = try arguments.required("id")
        options.name = try arguments.required("name")
        options.socket = try arguments.required("socket")
        if try arguments.required("restart") != "never" {
            options.restart = try arguments.duration("restart")
        }
        if let within = try arguments.duration("stop-within") { options.stopWithin = within }
        options.log = try arguments.required("log")
        options.directory = arguments.text("directory")
        options.environment = arguments.texts("env")
        options.argv = arguments.rest
        guard !options.argv.isEmpty else { throw UsageError("a program is missing behind --") }
        return Supervisor(options).run()
    }

    private static func burn(_ words: [String]) throws -> Int32 {
        let arguments = try Arguments(words, valued: ["load", "cores"])
        let cores = try arguments.required("cores").split(separator: ",").map { Int($0) }
        guard let load = Double(try arguments.required("load")), load > 0, load <= 100, !cores.isEmpty,
            !cores.contains(nil)
        else { throw UsageError("--load wants 1 to 100 and --cores a list such as 0,1") }
        return Burner.run(load: load, cores: cores.compactMap { $0 })
    }

    private static func usage(_ message: String) -> Int32 {
        fail(message + "\nsee muster-guard --help")
        return 2
    }

    private static func fail(_ message: String) {
        let bytes = Array("muster-guard: \(message)\n".utf8)
        _ = write(2, bytes, bytes.count)
    }
}
