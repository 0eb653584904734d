import MusterCore

/// Entries of a mapping in the order in which they were written, with their places.
struct Named<Item: FormValue>: FormValue {
    struct Entry: Sendable {
        var name: String
        var place: Place?
        var item: Item
    }
    var entries: [Entry] = []

    static var shape: Shape { .map(Item.shape) }
    var value: Value {
        .map(Dictionary(entries.map { ($0.name, $0.item.value) }, uniquingKeysWith: { first, _ in first }))
    }

    init() {}

    init(node: FormNode) throws {
        if case .nothing = node.content { return }
        guard let found = node.entries else { throw Self.mismatch(node) }
        var problems: [FormProblem] = []
        for entry in found {
            if let problem = nameProblem(entry.key, entry.keyPlace) { problems.append(problem) }
            let item = gathering(&problems, under: entry.key, entry.value) { try Item(node: entry.value) }
            if let item { entries.append(Entry(name: entry.key, place: entry.keyPlace, item: item)) }
        }
        if !problems.isEmpty { throw FormProblems(problems) }
    }
}

/// Names become parts of paths, cgroups and environment variables.
func nameProblem(_ name: String, _ place: Place?) -> FormProblem? {
    let allowed = name.unicodeScalars.allSatisfy {
        $0.isASCII
            && ($0.properties.isAlphabetic || $0.properties.numericType != nil
                || "-_".unicodeScalars.contains($0))
    }
    guard !allowed || name.isEmpty || name.count > 64 || name.hasPrefix("-") else { return nil }
    return FormProblem(
        "'\(name)' is not a name", at: place,
        expected: "1 to 64 letters, digits, '-' and '_', not beginning with '-'")
}

/// What somebody else reads: a fault's fields, a probe's.
struct Raw: FormValue {
    var node: FormNode
    static var shape: Shape { .map(.text) }
    init(node: FormNode) { self.node = node }
    var value: Value { .null }
}

/// A word of the language that this version knows and cannot do yet.
struct NotYet: FormValue {
    static let word = "not yet"
    static var shape: Shape { .words([word]) }
    var value: Value { .null }
    init(node: FormNode) throws {
        throw FormProblem(
            "not yet: this word is known, but this version cannot do it", at: node.place,
            expected: "the drill without it")
    }
}

/// - Returns: the problem that `what` at `node` is not supported yet.
func notYet(_ what: String, _ node: FormNode, expected: String) -> FormProblem {
    FormProblem("not yet: \(what)", at: node.place, expected: expected)
}
