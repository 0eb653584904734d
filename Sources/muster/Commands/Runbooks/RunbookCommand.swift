import ArgumentParser
import Foundation
import MusterCore
import MusterDocuments
import MusterDrills
import MusterOutcomes
import MusterSystem

struct RunbookCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "runbook",
        abstract: "Runbooks: markdown that people follow, and that can be carried out, checked and resumed.",
        discussion: """
            Example: muster runbook check
                     muster runbook run host-busy.md
                     muster runbook status --sweep
            """,
        subcommands: [
            RunbookRunCommand.self, RunbookResumeCommand.self, RunbookCheckCommand.self,
            RunbookStatusCommand.self, RunbookStampCommand.self, RunbookShowCommand.self,
        ])
}

struct RunbookCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract:
            "Whether runbooks can be carried out, and say all that they should. Runs none of their blocks.",
        discussion: """
            Whatever is found counts: also what a run would only warn about, such as a step that nothing undoes, a
            missing owner, a link that leads nowhere, or a line that its shell cannot read.

            Example: muster runbook check runbooks/
            """)

    @Argument(help: "Files or directories (default: runbooks/ of the project).", completion: .file())
    var paths: [String] = []
    @OptionGroup var output: OutputOptions

    func run() throws {
        try carryOut {
            let files = try files()
            // One that cannot be read keeps no other from being checked.
            let results = files.map { file -> Linter.Result in
                do { return try RunbookCheck.check(file) } catch {
                    let refusal = error as? Refusal
                    let problem = FormProblem(
                        refusal?.message ?? describe(error), at: nil, expected: refusal?.advice)
                    return Linter.Result(path: file, source: "", errors: [problem], warnings: [])
                }
            }
            let count = results.reduce(0) { $0 + $1.errors.count }
            if output.json {
                Terminal.line(Value.list(results.map(\.value)).prettyJSON)
            } else {
                for result in results { Terminal.write(result.text) }
                Terminal.line(
                    "\(Observing.count(files.count, "runbook")): \(Observing.count(count, "error"))")
            }
            return count == 0 ? .pass : .usage
        }
    }

    private func files() throws -> [String] {
        if paths.isEmpty { return try ProjectRunbook.all() }
        // What somebody names is meant, also when it has no step.
        return try paths.flatMap {
            try Files.isDirectory($0) ? ProjectRunbook.all(in: $0) : [ProjectRunbook.path(of: $0)]
        }
    }
}

/// Everything that can be found out about a runbook without carrying it out.
enum RunbookCheck {
    static func check(_ path: String) throws -> Linter.Result {
        let text = try Files.text(path)
        let found = RunbookReader.examine(text, fallbackTitle: path) { SHA256.hex(of: $0.utf8) }
        var problems = found.errors + found.warnings
        if let runbook = found.runbook {
            let items = runbook.steps + runbook.rollbacks
            if items.isEmpty {
                problems.append(
                    FormProblem(
                        "no block carries a kind, so there is nothing to run", at: nil,
                        expected: "a fence such as ```sh {\"name\":\"x\",\"kind\":\"check\"}"))
            }
            problems += items.flatMap(syntax)
            problems += items.compactMap { place($0, runbook, path) }
        }
        if !text.utf8.contains(0) { problems += RunbookLinks.dead(in: text) { look($0, from: path) } }
        problems.sort {
            ($0.place?.line ?? 0, $0.place?.column ?? 0) < ($1.place?.line ?? 0, $1.place?.column ?? 0)
        }
        return Linter.Result(path: path, source: text, errors: problems, warnings: [])
    }

    private static func look(_ link: String, from path: String) -> RunbookLinks.Target {
        let target =
            link.hasPrefix("/")
            ? Project(containing: path).root + link
            : (Runbooks.directory(of: path) as NSString).appendingPathComponent(link)
        guard Files.exists(target) else { return .missing }
        guard target.hasSuffix(".md"), let text = try? Files.text(target), !text.utf8.contains(0) else {
            return .other
        }
        return .markdown(text)
    }

    /// A directory that a step is to run in, and that is not here; on another machine it may be.
    private static func place(_ item: RunbookItem, _ runbook: Runbook, _ path: String) -> FormProblem? {
        guard item.kind != .manual, item.directory != nil || runbook.directory != nil else { return nil }
        let directory = RunbookExecution.directory(
            Runbooks.directory(of: path), runbook.directory, item.directory)
        if Files.isDirectory(directory) { return nil }
        return FormProblem(
            "'\(item.name)' runs in \(directory), which is not there",
            at: Place(line: item.line, column: 1), expected: "a directory, from that of the file on")
    }

    /// What the step's own shell says of it, which reads it and runs nothing (`-n`, POSIX set(1)).
    private static func syntax(_ item: RunbookItem) -> [FormProblem] {
        guard item.kind != .manual else { return [] }
        let start = Place(line: item.line, column: 1)
        var program = BlockProgram(
            shell: item.shell, body: item.body, environment: ["PATH": "/usr/bin:/bin", "LC_ALL": "C"],
            directory: "/")
        program.flags = ["-n", "-c"]
        program.endsWithUs = true
        var tail = OutputTail(Redaction([]), limit: 65_536)
        let (end, _) = program.run(within: .seconds(10), tail: &tail, stop: { nil }, tick: {})
        let said = tail.text.split(separator: "\n").map(String.init)
        switch end {
        case .exited(0) where said.isEmpty: return []
        case .exited:
            let line = said.first ?? "it said nothing"
            let place = Self.line(in: line).map { Place(line: item.line + $0, column: 1) } ?? start
            return [
                FormProblem(
                    "\(item.shell) cannot read '\(item.name)': \(line)", at: place,
                    expected: "a block that `\(item.shell) -n` accepts")
            ]
        case .notStarted(let why):
            return [
                FormProblem(
                    "'\(item.name)' could not be checked: \(why)", at: start,
                    expected: "\(item.shell) on this machine")
            ]
        case .signalled, .timedOut, .cancelled:
            return [
                FormProblem(
                    "'\(item.name)' could not be checked: \(item.shell) -n did not end by itself", at: start,
                    expected: "a block that it can read")
            ]
        }
    }

    /// `bash: -c: line 3: …`, `sh: 3: …`: the line of the block, from 1.
    private static func line(in complaint: String) -> Int? {
        let words = complaint.split(separator: ":").map { $0.drop { $0 == " " } }
        for word in words.dropFirst().prefix(3) {
            if let number = Int(word) { return number }
            if word.hasPrefix("line "), let number = Int(word.dropFirst(5)) { return number }
        }
        return nil
    }
}
