import MusterCore
import MusterDrills

/// Makes steps of the fences that carry a `kind`.
struct BlockReader {
    /// The front matter's `shell:`, for all fences that are read by a shell, as in Runme.
    let shell: String?
    private(set) var items: [RunbookItem] = []
    private(set) var errors: [FormProblem] = []
    private(set) var warnings: [FormProblem] = []
    private var nodes: [String: FormNode] = [:]

    static let shells = ["sh", "bash", "dash", "ksh", "zsh"]
    /// A block is one argument of its shell, and Linux takes none above 128 KiB (execve(2), MAX_ARG_STRLEN).
    private static let largest = 100 << 10

    init(shell: String?) { self.shell = shell }

    mutating func read(_ fence: Fence) {
        let language = fence.info.prefix { $0 != " " && $0 != "{" }
        guard let brace = fence.info.firstIndex(of: "{") else {
            refuseUnlessProse(fence)
            return
        }
        let text = String(fence.info[brace...])
        let column = fence.infoColumn + fence.info[..<brace].unicodeScalars.count
        do {
            let node = try FenceAttributes.read(text, line: fence.line, column: column)
            guard node["kind"] != nil else {
                checkProse(node)
                return
            }
            try add(fence, node, language: String(language))
        } catch let problem as FormProblem {
            // Runme's other notation, {name=x}, is prose here, unless it seems to mean a step.
            if !text.hasPrefix("{\""), !text.contains("kind") { return }
            errors.append(problem)
        } catch {
            errors += (error as? FormProblems)?.problems ?? []
        }
    }

    private mutating func refuseUnlessProse(_ fence: Fence) {
        guard fence.info.contains("kind=") else { return }
        errors.append(
            FormProblem(
                "attributes that Runme and Muster would read differently",
                at: Place(line: fence.line, column: fence.infoColumn),
                expected: "attributes as one flat JSON object: {\"name\":\"x\",\"kind\":\"command\"}"))
    }

    /// A block without `kind` is never executed; one that only looks so would be a trap.
    private mutating func checkProse(_ node: FormNode) {
        let ours = Set(BlockForm.form.fields.map(\.name)).subtracting([
            "name", "cwd", "background", "interpreter",
        ])
        for entry in node.entries ?? [] {
            let slip = nearestWord(to: entry.key, among: ["kind"])
            if slip != nil && !BlockForm.foreign.contains(entry.key) || ours.contains(entry.key) {
                errors.append(
                    FormProblem(
                        "'\(entry.key)' on a block without 'kind', which is never executed",
                        at: entry.keyPlace, expected: "\"kind\":\"command\", or another kind", nearest: slip))
            }
        }
    }

    private mutating func add(_ fence: Fence, _ node: FormNode, language: String) throws {
        let form = try BlockForm.form.decode(node, besides: BlockForm.foreign)
        let start = Place(line: fence.line, column: fence.infoColumn)
        let reader = try shell(of: form, node, language: language, start)
        guard fence.isClosed else {
            throw FormProblem("the block does not end", at: start, expected: "a closing fence")
        }
        guard fence.body.contains(where: { !$0.isWhitespace }) else {
            throw FormProblem(
                "an empty block", at: start,
                expected: form.kind == .manual ? "what is to be done" : "commands")
        }
        guard fence.body.utf8.count <= Self.largest else {
            throw FormProblem(
                "a block of more than 100 KiB", at: start,
                expected: "a script of its own that the block starts")
        }
        if fence.body.unicodeScalars.contains("\r") {
            throw FormProblem(
                "carriage returns, which a shell takes for text", at: start,
                expected: "lines that end with a newline")
        }
        if items.contains(where: { $0.name == form.name }) || form.name == "none" {
            throw FormProblem(
                form.name == "none" ? "'none' is no name" : "a second block named '\(form.name)'",
                at: node["name"]?.place, expected: "another name")
        }
        if let problem = BlockSense.error(form, node) { throw problem }
        warn(form, node, fence, start)
        warnings += BlockSense.warnings(form, node)
        nodes[form.name] = node
        items.append(form.item(fence, shell: reader))
    }

    private func shell(of form: BlockForm, _ node: FormNode, language: String, _ start: Place) throws
        -> String
    {
        if form.kind == .manual { return "" }
        // Of another language it would make nonsense: that is refused, not handed to a shell.
        let isForShells = language.isEmpty || Self.shells.contains(language)
        let reader = form.interpreter ?? (isForShells ? shell ?? language : language)
        let name = reader.split(separator: "/").last.map(String.init) ?? ""
        guard Self.shells.contains(name), !reader.contains(" ") else {
            throw FormProblem(
                "'\(reader)' is not a shell", at: node["interpreter"]?.place ?? start,
                expected: "one of " + Self.shells.joined(separator: ", "))
        }
        return reader
    }

    private mutating func warn(_ form: BlockForm, _ node: FormNode, _ fence: Fence, _ start: Place) {
        func warn(_ message: String, _ expected: String, _ place: Place? = nil) {
            warnings.append(FormProblem(message, at: place ?? start, expected: expected))
        }
        let isMutating = form.kind == .command || form.kind == .rollback
        if isMutating, node["excludeFromRunAll"]?.text != "true" {
            warn("Runme's 'run all' would run '\(form.name)'", "\"excludeFromRunAll\":\"true\"")
        }
        if form.kind == .manual, node["ignore"]?.text != "true" {
            warn("Runme would offer to run '\(form.name)', which is for people", "\"ignore\":\"true\"")
        }
        if form.kind == .command, form.rollback == nil {
            warn(
                "nothing says what undoes '\(form.name)'",
                "\"rollback\":\"NAME\" of a rollback block, or \"rollback\":\"none\"")
        }
        guard form.kind != .manual else { return }
        if let line = CommandSequence.unchecked(in: fence.body) {
            warn(
                "'\(form.name)' goes on here whatever became of the command before",
                "`set -e` as the first line of the block, or `set +e` where that is meant",
                Place(line: fence.line + line, column: 1))
        }
        switch node["interactive"]?.text {
        case "false": break
        case nil:
            warn("Runme's default for 'interactive' is not what its table says", "\"interactive\":\"false\"")
        default:
            warn(
                "'\(form.name)' gets no terminal", "\"interactive\":\"false\"; a manual step asks a person",
                node["interactive"]?.place)
        }
    }

    // MARK: Between blocks

    mutating func checkReferences() {
        let steps = items.filter { $0.kind != .rollback }.map(\.name)
        let rollbacks = items.filter { $0.kind == .rollback }.map(\.name)
        for item in items {
            if case .step(let name) = item.onFailure {
                check(name, among: steps, "block", nodes[item.name]?["onFailure"])
            }
            if case .block(let name)? = item.rollback {
                check(name, among: rollbacks, "rollback block", nodes[item.name]?["rollback"])
            }
        }
        warnUnused()
    }

    private mutating func check(_ name: String, among known: [String], _ what: String, _ node: FormNode?) {
        guard !known.contains(name) else { return }
        errors.append(
            FormProblem(
                "no \(what) is named '\(name)'", at: node?.place,
                expected: known.isEmpty
                    ? "a \(what) in this file" : "one of " + known.joined(separator: ", "),
                nearest: nearestWord(to: name, among: known)))
    }

    private mutating func warnUnused() {
        let led = Set(items.compactMap { if case .step(let name) = $0.onFailure { name } else { nil } })
        let undone = Set(items.compactMap { if case .block(let name)? = $0.rollback { name } else { nil } })
        var isReached = true
        for item in items {
            if item.kind == .rollback {
                if !undone.contains(item.name) { warnUnused(item, "no step names it as its rollback") }
                continue
            }
            isReached = isReached || led.contains(item.name)
            if !isReached { warnUnused(item, "a step before it ends the runbook, and none leads to it") }
            if item.isEnd { isReached = false }
        }
    }

    private mutating func warnUnused(_ item: RunbookItem, _ why: String) {
        warnings.append(
            FormProblem(
                "'\(item.name)' never runs: \(why)", at: Place(line: item.line, column: 1),
                expected: "a step that leads to it, or no such block"))
    }
}
