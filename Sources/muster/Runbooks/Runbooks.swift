import Foundation
import MusterCore
import MusterDocuments
import MusterDrills
import MusterOutcomes
import MusterSystem

/// Runbooks on disk.
enum Runbooks {
    static func read(_ path: String) throws -> Runbook {
        let text = try Files.text(path)
        do {
            let title = ((path as NSString).lastPathComponent as NSString).deletingPathExtension
            return try RunbookReader.read(text, fallbackTitle: title) { SHA256.hex(of: $0.utf8) }
        } catch let problems as FormProblems {
            throw Refusal(
                .usage,
                "\(path) cannot be run\n" + ProblemText.render(problems.problems, path: path, source: text),
                advice: "mend the lines above; `muster runbook check \(path)` checks again")
        }
    }

    /// The directory of a runbook's file, absolute.
    static func directory(of path: String) -> String {
        URL(fileURLWithPath: path).deletingLastPathComponent().path
    }

    /// Ours, with what the runbook was given, and `muster` itself within reach.
    static func environment(_ variables: RunbookVariables, run: String) -> [String: String] {
        var environment = ProcessInfo.processInfo.environment
        environment.merge(variables.values) { _, new in new }
        environment["PATH"] = Files.besideUs + ":" + (environment["PATH"] ?? "/usr/bin:/bin")
        environment["MUSTER_RUN_ID"] = run
        return environment
    }
}

/// One runbook of a project, as commands are given it.
struct ProjectRunbook {
    var project: Project
    /// As it can be opened.
    var path: String
    /// From the top of the project, which is how it is named on record.
    var key: String
    var runbook: Runbook

    /// - Parameter named: a path, or a name in the project's `runbooks/`.
    /// - Throws: `Refusal`.
    init(_ named: String) throws {
        path = Self.path(of: named)
        project = Project(containing: path)
        key = Self.key(path, project)
        runbook = try Runbooks.read(path)
    }

    /// A path that is there, else a name in the project's `runbooks/`.
    static func path(of named: String) -> String {
        let inFolder = Project.current.runbooks + "/" + named
        return !Files.exists(named) && Files.exists(inFolder) ? inFolder : named
    }

    static func key(_ path: String, _ project: Project) -> String {
        let full = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
        let top = URL(fileURLWithPath: project.root).resolvingSymlinksInPath().path + "/"
        return full.hasPrefix(top) ? String(full.dropFirst(top.count)) : full
    }

    var directory: String { Runbooks.directory(of: path) }

    /// What is on record about it; none when there is no store yet.
    func evidence(_ options: StoreOptions) throws -> [RunbookEvidence] {
        guard let store = try options.openIfThere(project) else { return [] }
        // A drill names a runbook in the project's folder, beside itself, or by its path.
        let own = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
        let folders = [project.runbooks, project.root + "/drills", project.root]
        return try store.evidence(ofRunbook: key) { named in
            folders.contains { folder in
                let full = named.hasPrefix("/") ? named : folder + "/" + named
                return URL(fileURLWithPath: full).resolvingSymlinksInPath().path == own
            }
        }
    }

    /// Every runbook in a directory, in the order of their names; other markdown in it is prose.
    /// - Throws: `Refusal` when there is none: a check of nothing must not pass.
    static func all(in directory: String = Project.current.runbooks) throws -> [String] {
        guard Files.isDirectory(directory) else {
            throw Refusal(.usage, "there is no directory \(directory)", advice: "name the runbooks")
        }
        let found = try Linter.files(directory).filter { $0.hasSuffix(".md") && isRunbook($0) }
        if found.isEmpty {
            throw Refusal(
                .usage, "there is no runbook in \(directory)",
                advice: "a runbook is markdown with blocks that have a kind; `muster init` writes one")
        }
        return found
    }

    /// Whether a markdown file is meant to be one.
    static func isRunbook(_ path: String) -> Bool {
        guard let text = try? Files.text(path) else { return true }
        return text.contains("\"kind\"") || text.hasPrefix("---") && text.contains("\nmuster:")
    }
}

/// The one run in the store that is being carried out.
struct RunbookStore {
    let store: OutcomeStore
    let run: String

    func save(_ turns: [RunbookTurn]) throws { try store.save(turns, of: run) }
    func note(_ process: ProcessIdentity, ofTurn turn: Int) throws {
        try store.note(process, ofTurn: turn, in: run)
    }
    func finish(_ result: RunbookResult) throws {
        try store.finish(run, result, atUTC: SystemTimekeeper().utcNanoseconds())
    }
}

/// The process of an attempt in the outcomes, for whoever resumes the run.
private struct KeptAttempt: AttemptWatch {
    let store: RunbookStore
    let turn: Int

    var environment: [String: String] { [:] }
    func begins(_ process: ProcessIdentity) throws { try store.note(process, ofTurn: turn) }
    func isOver(isCutOff: Bool) -> String? { nil }
}

/// The turns of a run by itself: kept in the outcomes, shown in the terminal.
struct RecordedRunbook: RunbookKeeper {
    let store: RunbookStore
    let view: RunbookView

    var grace: Duration { .seconds(1) }
    func save(_ turns: [RunbookTurn]) throws { try store.save(turns) }
    /// Of what changes something: a resumed run must not begin it beside itself.
    func watch(_ item: RunbookItem, ofTurn turn: Int) -> (any AttemptWatch)? {
        item.isMutating ? KeptAttempt(store: store, turn: turn) : nil
    }
    func show(_ turn: RunbookTurn, _ item: RunbookItem) { view.begins(turn, item) }
    func show(_ failed: RunbookTurn.FailedAttempt, of turn: RunbookTurn, again pause: Duration) {
        view.failed(failed, again: pause)
    }
    func show(_ turn: RunbookTurn, after time: Bracket) { view.ended(turn, time) }
    func tick() { view.tick() }
}
