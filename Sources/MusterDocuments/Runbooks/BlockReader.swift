import MusterCore

/// Makes steps of the fences that carry a `kind`.
struct BlockReader {
    /// The front matter's `shell:`, for fences without a language.
    let shell: String?
    private(set) var items: [RunbookItem] = []
    private(set) var errors: [FormProblem] = []
    private(set) var warnings: [FormProblem] = []
    private var references: [(step: String, node: FormNode)] = []

    private static let shells = ["sh", "bash", "dash", "ksh", "zsh"]
    /// Kinds of the format that this version cannot do.
    private static let later = ["capture", "manual", "rollback", "fault", "revert"]

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
            guard let kind = node["kind"] else {
                checkProse(node)
                return
            }
            if let word = kind.text, Self.later.contains(word) {
                throw notYet(
                    "blocks of kind '\(word)'", kind,
                    expected: RunbookItem.Kind.shape.inWords)
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
                        at: entry.keyPlace, expected: "\"kind\":\"command\", \"check\" or \"wait\"",
                        nearest: slip))
            }
        }
    }

    private mutating func add(_ fence: Fence, _ node: FormNode, language: String) throws {
        let form = try BlockForm.form.decode(node, besides: BlockForm.foreign)
        let start = Place(line: fence.line, column: fence.infoColumn)
        let reader = language.isEmpty ? shell ?? "" : language
        guard Self.shells.contains(reader) else {
            throw FormProblem(
                "'\(reader)' is not a shell", at: start,
                expected: "one of " + Self.shells.joined(separator: ", "))
        }
        guard fence.isClosed else {
            throw FormProblem("the block does not end", at: start, expected: "a closing fence")
        }
        guard fence.body.contains(where: { !$0.isWhitespace }) else {
            throw FormProblem("an empty block", at: start, expected: "commands")
        }
        if fence.body.unicodeScalars.contains("\r") {
            throw FormProblem(
                "carriage returns, which a shell takes for text", at: start,
                expected: "lines that end with a newline")
        }
        if items.contains(where: { $0.name == form.name }) {
            throw FormProblem(
                "a second block named '\(form.name)'", at: node["name"]?.place, expected: "another name")
        }
        if form.kind == .command, node["excludeFromRunAll"]?.text != "true" {
            warnings.append(
                FormProblem(
                    "Runme's 'run all' would run '\(form.name)'", at: start,
                    expected: "\"excludeFromRunAll\":\"true\""))
        }
        if case .step(let name) = form.onFailure, let place = node["onFailure"] {
            references.append((name, place))
        }
        items.append(
            RunbookItem(
                kind: form.kind, name: form.name, heading: fence.heading, shell: reader, body: fence.body,
                timeout: form.timeout, interval: form.interval ?? .seconds(1), stable: form.stable ?? 1,
                retries: form.retries, retryDelay: form.retryDelay, retryOn: form.retryOn.codes,
                isIdempotent: form.idempotent || form.kind != .command, onFailure: form.onFailure,
                isCritical: form.critical, line: fence.line))
    }

    mutating func checkReferences() {
        let names = items.map(\.name)
        for (name, node) in references where !names.contains(name) {
            errors.append(
                FormProblem(
                    "no block is named '\(name)'", at: node.place,
                    expected: "one of " + names.joined(separator: ", "),
                    nearest: nearestWord(to: name, among: names)))
        }
    }
}
