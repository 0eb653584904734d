import ArgumentParser
import Foundation
import MusterCore
import MusterDocuments
import MusterDrills
import MusterOutcomes
import MusterSystem

struct RunbookStatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Whether runbooks are proven: what they execute, lately, with the versions that run here.",
        discussion: """
            NEVER       no run of it is on record
            FAILED      the last run of it failed, by a drill or by itself
            DRIFTED     what it executes was changed since it was proven; prose may change
            DEPS_CHANGED  another version runs here than the one that it was tested with
            STALE       the proof is older than verifyEvery
            VERIFIED    none of these
            UNREADABLE  the file itself is wrong; the others are looked at all the same

            Example: muster runbook status --sweep
            """)

    @Argument(help: "Runbooks (default: all in runbooks/).", completion: .file(extensions: ["md"]))
    var runbooks: [String] = []
    @Flag(help: "Exit with 6 unless all of them are verified; for CI, weekly.") var sweep = false
    @Option(
        help: ArgumentHelp(
            "The version of a system that cannot be looked at here, such as redis=7.2.4.",
            valueName: "name=version"))
    var observed: [String] = []
    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        try carryOut {
            let files = try runbooks.isEmpty ? ProjectRunbook.all() : runbooks
            let given = try VariableArguments.read(observed)
            let now = SystemTimekeeper().utcNanoseconds()
            let rows = try files.map { try row($0, given, now) }
            if output.json {
                Terminal.line(Value.list(rows.map(\.value)).prettyJSON)
            } else {
                var table = Table("RUNBOOK", "STATE", "OWNER", "LAST PROVEN (UTC)", "WHY")
                for row in rows { table.add(row.path, row.word, row.owner ?? "-", row.lastProven, row.why) }
                Terminal.line(table.text(width: Terminal.width))
            }
            return sweep && rows.contains { $0.standing?.state != .verified } ? .notVerified : .pass
        }
    }

    /// - Throws: `Refusal` when a runbook that somebody named is not there, and what the store throws.
    private func row(_ named: String, _ given: [String: String], _ now: Int64) throws -> Row {
        let file: ProjectRunbook
        do { file = try ProjectRunbook(named) } catch let refusal as Refusal {
            let path = ProjectRunbook.path(of: named)
            // A name that was mistyped is no runbook that rots; a link that leads nowhere is.
            if !runbooks.isEmpty, !Files.isThere(path) { throw refusal }
            return Row(
                path: ProjectRunbook.key(path, Project(containing: path)), file: nil, standing: nil,
                why: refusal.message.split(separator: "\n").prefix(2).joined(separator: ": "))
        }
        let standing = RunbookStanding(
            of: file.runbook, evidence: try file.evidence(store),
            observed: SystemVersions.look(for: Array(file.runbook.testedWith.keys), given: given), now: now)
        return Row(path: file.key, file: file, standing: standing, why: standing.reason)
    }

    private struct Row {
        var path: String
        /// nil: it cannot be read.
        var file: ProjectRunbook?
        var standing: RunbookStanding?
        var why: String

        var owner: String? { file?.runbook.owner }
        var word: String { standing.map { RunbookStatusCommand.word($0.state) } ?? "UNREADABLE" }
        var lastProven: String {
            standing?.lastPass.map { String(utcText(nanoseconds: $0.finishedAtUTC).prefix(16)) } ?? "-"
        }

        var value: Value {
            let pass = standing?.lastPass
            return [
                "path": .text(path), "state": .text(word), "reason": .text(why),
                "owner": owner.map { .text($0) } ?? .null,
                "execHash": file.map { .text($0.runbook.execHash) } ?? .null,
                "fileHash": file.map { .text($0.runbook.fileHash) } ?? .null,
                "lastProvenAt": pass.map { .text(utcText(nanoseconds: $0.finishedAtUTC)) } ?? .null,
                "lastProvenBy": pass.map { .text($0.source) } ?? .null,
            ]
        }
    }

    static func word(_ state: RunbookState) -> String {
        state.rawValue.uppercased().replacing("-", with: "_")
    }
}

/// Versions of what runs on this machine, by the names that `testedWith` uses.
enum SystemVersions {
    private static let programs: [String: (program: String, flag: String)] = [
        "redis": ("redis-server", "--version"), "postgresql": ("postgres", "--version"),
        "nginx": ("nginx", "-v"),
        "haproxy": ("haproxy", "-v"), "mariadb": ("mariadbd", "--version"), "etcd": ("etcd", "--version"),
        "patroni": ("patroni", "--version"), "keepalived": ("keepalived", "--version"),
    ]

    /// - Parameter given: what somebody says, which counts more than what is found.
    static func look(for names: [String], given: [String: String]) -> [String: String] {
        var found: [String: String] = [:]
        for name in names { found[name] = given[name] ?? version(of: name) }
        return found
    }

    private static func version(of name: String) -> String? {
        guard let look = programs[name], let path = try? Programs.find(look.program, for: name) else {
            return nil
        }
        let program = BlockProgram(
            shell: path, body: look.flag, flags: [], environment: ["PATH": "/usr/bin:/bin", "LC_ALL": "C"],
            directory: "/")
        var tail = OutputTail(Redaction([]), limit: 4096)
        let (end, _) = program.run(within: .seconds(5), tail: &tail, stop: { nil }, tick: {})
        guard case .exited(0) = end else { return nil }
        return tail.text.firstMatch(of: /[0-9]+(?:\.[0-9]+)+/).map { String($0.output) }
    }
}

struct RunbookStampCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stamp",
        abstract: "Writes into runbooks when they were last proven, for those who read them without Muster.",
        discussion: """
            Between two lines \(RunbookStamp.marker), which you put where you want it. Nothing else of the file is
            touched, no proof is lost by it, and a file that says so already is left alone.

            Example: muster runbook stamp runbooks/restart-redis.md
            """)

    @Argument(help: "The runbooks.", completion: .file(extensions: ["md"])) var runbooks: [String]
    @OptionGroup var store: StoreOptions

    func run() throws {
        try carryOut {
            for named in runbooks {
                let file = try ProjectRunbook(named)
                let text: String?
                do {
                    text = try RunbookStamp.setting(try line(file), in: file.runbook.source)
                } catch let problem as FormProblem {
                    throw Refusal(
                        .usage, ProblemText.render([problem], path: file.path, source: file.runbook.source),
                        advice: "put the two lines where the stamp belongs")
                }
                if let text {
                    try Files.write(text, to: URL(fileURLWithPath: file.path).resolvingSymlinksInPath().path)
                }
                Terminal.line("\(file.key): " + (text == nil ? "says so already" : "stamped"))
            }
            return .pass
        }
    }

    /// Of dates and hashes only, so that it stays the same while nothing happens.
    private func line(_ file: ProjectRunbook) throws -> String {
        let evidence = try file.evidence(store)
        let standing = RunbookStanding(of: file.runbook, evidence: evidence, observed: [:], now: 0)
        func date(_ evidence: RunbookEvidence) -> String {
            String(utcText(nanoseconds: evidence.finishedAtUTC).prefix(10))
        }
        guard let pass = standing.lastPass else { return "Never proven." }
        let proof = "\(date(pass)) by \(pass.source) (executed part \(pass.execHash.prefix(12)))"
        switch standing.state {
        case .drifted: return "Changed since it was last proven, on \(proof)."
        case .failed:
            let newest = evidence.max { $0.finishedAtUTC < $1.finishedAtUTC }
            return
                "Failed on \(newest.map(date) ?? "?") by \(newest?.source ?? "?"); last proven on \(proof)."
        default: return "Last proven on \(proof)."
        }
    }
}
