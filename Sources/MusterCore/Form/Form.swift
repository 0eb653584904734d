/// The one description of a thing that people configure. Decoding, the JSON Schema, `muster faults`, the
/// documentation, completion and the encoding on the wire are all derived from it, so that they cannot
/// disagree.
public struct Form<Subject: Sendable>: Sendable {
    /// The word by which files and commands know it, such as `process-kill`.
    public let name: String
    /// One sentence for the catalogue.
    public let summary: String
    /// An example as it would stand in a file; empty when there is none.
    public let example: String
    public let fields: [Field<Subject>]
    private let names: Set<String>
    private let blank: @Sendable () -> Subject
    private let check: @Sendable (Subject) throws -> Void

    /// - Parameters:
    ///   - blank: a subject whose required fields hold anything; decoding overwrites them.
    ///   - check: rules between fields; throws `FormProblem`.
    public init(
        _ name: String, _ summary: String, example: String = "",
        blank: @autoclosure @escaping @Sendable () -> Subject,
        fields: [Field<Subject>], check: @escaping @Sendable (Subject) throws -> Void = { _ in }
    ) {
        self.name = name
        self.summary = summary
        self.example = example
        self.blank = blank
        self.fields = fields
        names = Set(fields.map(\.name))
        self.check = check
    }

    /// The form without its type, for catalogues and schemas.
    public var description: FormDescription {
        FormDescription(
            name: name, summary: summary, example: example,
            fields: fields.map {
                FieldDescription(
                    name: $0.name, shape: $0.shape, isRequired: $0.isRequired, defaultText: $0.defaultText,
                    sentence: $0.sentence)
            })
    }

    /// Reads a mapping.
    /// - Parameter others: keys that somebody else reads from the same mapping.
    /// - Throws: `FormProblems` with everything that is wrong, not just the first thing.
    public func decode(_ node: FormNode, besides others: Set<String> = []) throws -> Subject {
        let entries: [FormNode.Entry]
        switch node.content {
        case .map(let found): entries = found
        case .nothing: entries = []
        default:
            throw FormProblems([
                FormProblem(
                    "found \(node.inWords)", at: node.place, expected: Shape.form(description).inWords)
            ])
        }
        var subject = blank()
        var problems: [FormProblem] = []
        let known = others.isEmpty ? names : names.union(others)
        for entry in entries where !known.contains(entry.key) {
            problems.append(
                FormProblem(
                    "unknown key '\(entry.key)'", at: entry.keyPlace ?? entry.value.place,
                    expected: Self.isCutOff(entry)
                        ? "quotes around text with a comma in it: inside { } the comma ends it"
                        : known.isEmpty ? "no keys" : "one of " + known.sorted().joined(separator: ", "),
                    nearest: nearestWord(to: entry.key, among: known)))
        }
        for field in fields {
            guard let entry = entries.first(where: { $0.key == field.name }) else {
                if field.isRequired {
                    problems.append(
                        FormProblem(
                            "'\(field.name)' is missing", at: node.place,
                            expected: "\(field.name): \(field.shape.inWords)"))
                }
                continue
            }
            do {
                try reporting(under: field.name, entry.value) { try field.read(entry.value, &subject) }
            } catch let problem as FormProblem {
                problems.append(problem.place == nil ? problem.under("", place: entry.keyPlace) : problem)
            } catch let several as FormProblems {
                problems += several.problems
            }
        }
        if problems.isEmpty {
            do {
                try check(subject)
            } catch var problem as FormProblem {
                problem.place = problem.place ?? node[problem.path]?.place ?? node.place
                problems.append(problem)
            }
        }
        if !problems.isEmpty { throw FormProblems(problems) }
        return subject
    }

    /// `{ cron: 0 3 31 4,6 * }`: the rest of a value, which YAML takes for a key that has none.
    private static func isCutOff(_ entry: FormNode.Entry) -> Bool {
        guard case .nothing = entry.value.content else { return false }
        return entry.key.unicodeScalars.contains {
            !$0.properties.isAlphabetic && $0.properties.numericType == nil && $0 != "-" && $0 != "_"
        }
    }

    /// The canonical plain form, which `decode` reads back to an equal subject.
    public func encode(_ subject: Subject) -> Value {
        var map: [String: Value] = [:]
        for field in fields { map[field.name] = field.write(subject) }
        return .map(map)
    }
}

/// One field of a form.
public struct Field<Subject: Sendable>: Sendable {
    public let name: String
    public let shape: Shape
    public let isRequired: Bool
    /// What holds when the field is left out, as a person would write it; nil when that is "nothing".
    public let defaultText: String?
    /// One sentence: what it does.
    public let sentence: String
    let read: @Sendable (FormNode, inout Subject) throws -> Void
    let write: @Sendable (Subject) -> Value?

    /// A field that must be given.
    public init<V: FormValue>(
        required name: String, _ path: any WritableKeyPath<Subject, V> & Sendable, _ sentence: String,
        in allowed: @escaping @Sendable (V) -> String? = { _ in nil }
    ) {
        self.init(name, path, isRequired: true, default: nil, sentence, allowed)
    }

    /// A field that has a default, which the form's blank subject must hold as well.
    public init<V: FormValue>(
        _ name: String, _ path: any WritableKeyPath<Subject, V> & Sendable, default value: V,
        _ sentence: String,
        in allowed: @escaping @Sendable (V) -> String? = { _ in nil }
    ) {
        self.init(name, path, isRequired: false, default: value, sentence, allowed)
    }

    /// A field that may be left out, which means something else than any value of it.
    public init<V: FormValue>(
        _ name: String, _ path: any WritableKeyPath<Subject, V?> & Sendable, _ sentence: String,
        in allowed: @escaping @Sendable (V) -> String? = { _ in nil }
    ) {
        self.name = name
        shape = V.shape
        isRequired = false
        defaultText = nil
        self.sentence = sentence
        read = { node, subject in subject[keyPath: path] = try Self.value(node, allowed) }
        write = { $0[keyPath: path]?.value }
    }

    private init<V: FormValue>(
        _ name: String, _ path: any WritableKeyPath<Subject, V> & Sendable, isRequired: Bool,
        default value: V?,
        _ sentence: String, _ allowed: @escaping @Sendable (V) -> String?
    ) {
        self.name = name
        shape = V.shape
        self.isRequired = isRequired
        defaultText = value.map { FormNode($0.value).text ?? $0.value.canonicalJSON }
        self.sentence = sentence
        read = { node, subject in subject[keyPath: path] = try Self.value(node, allowed) }
        write = { $0[keyPath: path].value }
    }

    private static func value<V: FormValue>(_ node: FormNode, _ allowed: (V) -> String?) throws -> V {
        let value = try V(node: node)
        if let expected = allowed(value) {
            throw FormProblem("\(node.inWords) is not allowed here", at: node.place, expected: expected)
        }
        return value
    }
}

/// A form without its type.
public struct FormDescription: Hashable, Sendable {
    public var name: String
    public var summary: String
    public var example: String
    public var fields: [FieldDescription]
    public init(name: String, summary: String, example: String = "", fields: [FieldDescription]) {
        self.name = name
        self.summary = summary
        self.example = example
        self.fields = fields
    }
}

/// A field without its type.
public struct FieldDescription: Hashable, Sendable {
    public var name: String
    public var shape: Shape
    public var isRequired: Bool
    public var defaultText: String?
    public var sentence: String
    public init(
        name: String, shape: Shape, isRequired: Bool = false, defaultText: String? = nil, sentence: String
    ) {
        self.name = name
        self.shape = shape
        self.isRequired = isRequired
        self.defaultText = defaultText
        self.sentence = sentence
    }
}
