public import MusterCore
public import MusterDrills

/// What reading a runbook brought to light.
public struct RunbookExamination: Sendable {
    /// nil when there are errors.
    public var runbook: Runbook?
    public var errors: [FormProblem]
    public var warnings: [FormProblem]
}

/// Reads executable markdown: front matter, and fences that carry a `kind`. Everything else is for people.
public enum RunbookReader {
    /// - Parameters:
    ///   - fallbackTitle: when the file has no heading, such as its name.
    ///   - hash: SHA-256 of a text, in hexadecimal.
    /// - Throws: `FormProblems` with every error.
    public static func read(
        _ text: String, fallbackTitle: String, hash: (String) -> String
    ) throws -> Runbook {
        let examination = examine(text, fallbackTitle: fallbackTitle, hash: hash)
        guard let runbook = examination.runbook else { throw FormProblems(examination.errors) }
        return runbook
    }

    /// Reads and checks; everything that is wrong or doubtful is in the result.
    public static func examine(
        _ text: String, fallbackTitle: String, hash: (String) -> String
    ) -> RunbookExamination {
        var result = RunbookExamination(runbook: nil, errors: [], warnings: [])
        if text.utf8.count > YamlText.largest || text.utf8.contains(0) {
            result.errors = [
                FormProblem("the file is larger than 1 MiB or holds a NUL", at: nil, expected: "text")
            ]
            return result
        }
        let front = FrontMatter(text)
        var (head, settings) = (RunbookHead(), FrontMatter.Settings())
        do {
            (head, settings) = try front.read()
        } catch {
            result.errors = (error as? FormProblems)?.problems ?? [FormProblem("\(error)", at: nil)]
        }
        if head.owner == nil, result.errors.isEmpty {
            result.warnings.append(
                FormProblem(
                    "nobody owns this runbook", at: nil, expected: "muster: { owner: … } in front matter"))
        }
        let fences = Fence.all(in: front.rest, linesBefore: front.lineCount)
        var blocks = BlockReader(shell: settings.shell)
        for fence in fences { blocks.read(fence) }
        blocks.checkReferences()
        result.errors += variableProblems(head)
        result.errors += blocks.errors
        result.warnings += blocks.warnings
        guard result.errors.isEmpty else { return result }
        result.runbook = runbook(text, fallbackTitle, head, settings, blocks.items, hash)
        return result
    }

    /// A name that no shell can read would be given in vain.
    private static func variableProblems(_ head: RunbookHead) -> [FormProblem] {
        head.variables.entries.compactMap { entry in
            VariableName.problem(entry.name).map {
                FormProblem("a variable named '\(entry.name)'", at: entry.place, expected: $0)
            }
        }
    }

    private static func runbook(
        _ text: String, _ fallbackTitle: String, _ head: RunbookHead, _ front: FrontMatter.Settings,
        _ items: [RunbookItem], _ hash: (String) -> String
    ) -> Runbook {
        let title = text.lines.first { $0.hasPrefix("# ") }?.dropFirst(2)
        var runbook = Runbook(
            title: title.map(String.init) ?? head.id ?? fallbackTitle, id: head.id, service: head.service,
            owner: head.owner, shell: front.shell ?? "sh",
            variables: head.variables.entries.map {
                Runbook.Variable(
                    name: $0.name, isRequired: $0.item.required, defaultValue: $0.item.defaultValue,
                    pattern: $0.item.pattern, secret: $0.item.secret)
            }, steps: items.filter { $0.kind != .rollback }, rollbacks: items.filter { $0.kind == .rollback },
            source: text)
        runbook.directory = front.directory
        runbook.rto = head.objectives?.rto
        runbook.verifyEvery = head.verifyEvery
        runbook.testedWith = head.testedWith
        runbook.fileHash = hash(RunbookStamp.without(text))
        runbook.execHash = hash(ExecutableProjection.of(runbook, head).canonicalJSON)
        return runbook
    }
}

/// What stands between two lines `---` at the very beginning.
struct FrontMatter {
    private let yaml: String?
    private let isOpen: Bool
    /// The markdown behind it.
    let rest: String
    /// Lines of the file before `rest`.
    let lineCount: Int

    init(_ text: String) {
        let lines = text.lines
        func isMark(_ line: Substring) -> Bool { line == "---" || line == "---\r" }
        guard let first = lines.first, isMark(first) else {
            (yaml, isOpen, rest, lineCount) = (nil, false, text, 0)
            return
        }
        guard let end = lines.dropFirst().firstIndex(where: isMark) else {
            (yaml, isOpen, rest, lineCount) = (nil, true, "", lines.count)
            return
        }
        // An empty line in place of the mark keeps the line numbers of the file.
        yaml = "\n" + lines[1..<end].joined(separator: "\n") + "\n"
        isOpen = false
        rest = lines[(end + 1)...].joined(separator: "\n")
        lineCount = end + 1
    }

    /// What Runme reads, too.
    struct Settings {
        var shell: String?
        var directory: String?
    }

    /// Keys beside `shell`, `cwd` and `muster` belong to others, such as a site generator.
    func read() throws -> (head: RunbookHead, settings: Settings) {
        if isOpen {
            throw FormProblems([
                FormProblem(
                    "the front matter does not end", at: Place(line: 1, column: 1), expected: "a line ---")
            ])
        }
        guard let yaml else { return (RunbookHead(), Settings()) }
        let tree = try YamlText.tree(of: yaml)
        return (
            try tree["muster"].map { try RunbookHead(node: $0) } ?? RunbookHead(),
            Settings(shell: tree["shell"]?.text, directory: tree["cwd"]?.text)
        )
    }
}
