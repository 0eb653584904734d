/// What a field holds, in terms that a schema, a help page and a completion can be made of.
public indirect enum Shape: Hashable, Sendable {
    case text
    case words([String])
    case boolean
    case integer(ClosedRange<Int>?)
    case decimal
    case duration
    case size
    case percentage
    case rate
    case byteRate
    case list(Shape)
    case map(Shape)
    case form(FormDescription)
    case either([Shape])

    /// How a person would be told what to write.
    public var inWords: String {
        switch self {
        case .text: "text"
        case .words(let words): "one of " + words.joined(separator: ", ")
        case .boolean: "true or false"
        case .integer(nil): "a whole number"
        case .integer(.some(let range)):
            range.upperBound == .max
                ? "a whole number, at least \(range.lowerBound)"
                : "a whole number from \(range.lowerBound) to \(range.upperBound)"
        case .decimal: "a number"
        case .duration: "a duration with its unit, such as 250ms, 90s or 2m"
        case .size: "a size with its unit, such as 512KiB or 1GiB"
        case .percentage: "a percentage, such as 80%"
        case .rate: "a rate, such as 500/s"
        case .byteRate: "a rate of bytes, such as 50KB/s"
        case .list(let shape): "a list of " + shape.inWords
        case .map(let shape): "a mapping of names to " + shape.inWords
        case .form(let form): "a mapping with " + form.fields.map(\.name).joined(separator: ", ")
        case .either(let shapes): shapes.map(\.inWords).joined(separator: ", or ")
        }
    }
}

/// A type that a field of a form can hold.
public protocol FormValue: Sendable {
    static var shape: Shape { get }
    /// - Throws: a problem placed at `node` or below.
    init(node: FormNode) throws
    /// The canonical plain form, which `init(node:)` reads back to an equal value.
    var value: Value { get }
}

extension FormValue {
    /// The problem of finding something else than this type at `node`.
    public static func mismatch(_ node: FormNode) -> FormProblem {
        FormProblem("found \(node.inWords)", at: node.place, expected: shape.inWords)
    }
}

extension String: FormValue {
    public static var shape: Shape { .text }
    public init(node: FormNode) throws {
        guard let text = node.text else { throw Self.mismatch(node) }
        self = text
    }
    public var value: Value { .text(self) }
}

extension Bool: FormValue {
    public static var shape: Shape { .boolean }
    public init(node: FormNode) throws {
        switch node.text {
        case "true": self = true
        case "false": self = false
        default: throw Self.mismatch(node)
        }
    }
    public var value: Value { .bool(self) }
}

extension Int: FormValue {
    public static var shape: Shape { .integer(nil) }
    public init(node: FormNode) throws {
        // `010` is 8 to some readers and 10 to others: refused rather than guessed.
        guard let text = node.text, let number = Int(text), String(number) == text else {
            throw Self.mismatch(node)
        }
        self = number
    }
    public var value: Value { .int(Int64(self)) }
}

extension Double: FormValue {
    public static var shape: Shape { .decimal }
    public init(node: FormNode) throws {
        guard let text = node.text, text.first?.isNumber == true || text.first == "-",
            let number = Double(text),
            number.isFinite
        else { throw Self.mismatch(node) }
        self = number
    }
    public var value: Value { .double(self) }
}

extension Duration: FormValue {
    public static var shape: Shape { .duration }
    public init(node: FormNode) throws {
        guard let text = node.text, let duration = Duration(units: text) else { throw Self.mismatch(node) }
        guard duration <= Self.longest else {
            throw FormProblem(
                "\(node.inWords) is longer than ten years", at: node.place, expected: "at most 3660d")
        }
        self = duration
    }
    public var value: Value { .text(unitsText) }
}

extension ByteCount: FormValue {
    public static var shape: Shape { .size }
    public init(node: FormNode) throws {
        guard let text = node.text, let size = ByteCount(units: text) else { throw Self.mismatch(node) }
        self = size
    }
    public var value: Value { .text(unitsText) }
}

extension Percentage: FormValue {
    public static var shape: Shape { .percentage }
    public init(node: FormNode) throws {
        guard let text = node.text, let share = Percentage(units: text) else { throw Self.mismatch(node) }
        self = share
    }
    public var value: Value { .text(unitsText) }
}

extension Rate: FormValue {
    public static var shape: Shape { .rate }
    public init(node: FormNode) throws {
        guard let text = node.text, let rate = Rate(units: text) else { throw Self.mismatch(node) }
        self = rate
    }
    public var value: Value { .text(unitsText) }
}

extension Array: FormValue where Element: FormValue {
    public static var shape: Shape { .list(Element.shape) }
    public init(node: FormNode) throws {
        guard let list = node.list else { throw Self.mismatch(node) }
        var problems: [FormProblem] = []
        self = list.enumerated().compactMap { index, node in
            gathering(&problems, under: "[\(index)]", node) { try Element(node: node) }
        }
        if !problems.isEmpty { throw FormProblems(problems) }
    }
    public var value: Value { .list(map(\.value)) }
}

extension Dictionary: FormValue where Key == String, Value: FormValue {
    public static var shape: Shape { .map(Value.shape) }
    public init(node: FormNode) throws {
        guard let entries = node.entries else { throw Self.mismatch(node) }
        self.init()
        var problems: [FormProblem] = []
        for entry in entries {
            self[entry.key] = gathering(&problems, under: entry.key, entry.value) {
                try Value(node: entry.value)
            }
        }
        if !problems.isEmpty { throw FormProblems(problems) }
    }
    public var value: MusterCore.Value { .map(mapValues(\.value)) }
}

/// A closed set of words, such as the names of signals.
public protocol FormWord: FormValue, CaseIterable, RawRepresentable where RawValue == String {}

extension FormWord {
    public static var shape: Shape { .words(allCases.map(\.rawValue)) }
    public init(node: FormNode) throws {
        guard let text = node.text else { throw Self.mismatch(node) }
        guard let word = Self(rawValue: text) else {
            throw FormProblem(
                "'\(text)' is not known here", at: node.place, expected: Self.shape.inWords,
                nearest: nearestWord(to: text, among: Self.allCases.map(\.rawValue)))
        }
        self = word
    }
    public var value: Value { .text(rawValue) }
}

/// A type described by a form of its own, so that it can stand as a field of another.
public protocol Formed: FormValue {
    static var form: Form<Self> { get }
}

extension Formed {
    public static var shape: Shape { .form(form.description) }
    public init(node: FormNode) throws { self = try Self.form.decode(node) }
    public var value: Value { Self.form.encode(self) }
}

/// Runs `body`, and puts `component` in front of the path of what it throws.
func reporting<T>(under component: String, _ node: FormNode, _ body: () throws -> T) throws -> T {
    do {
        return try body()
    } catch let problem as FormProblem {
        throw problem.under(component, place: node.place)
    } catch let problems as FormProblems {
        throw FormProblems(problems.problems.map { $0.under(component, place: node.place) })
    }
}

/// Runs `body`; what it finds wrong is added to `problems`, so that the next thing can be looked at as well.
/// An error that is not a problem of the form is added in its own words.
/// - Returns: nil when something was wrong.
public func gathering<T>(
    _ problems: inout [FormProblem], under component: String, _ node: FormNode, _ body: () throws -> T
) -> T? {
    do {
        return try reporting(under: component, node, body)
    } catch let problem as FormProblem {
        problems.append(problem)
    } catch let several as FormProblems {
        problems += several.problems
    } catch {
        problems.append(FormProblem("\(error)", at: node.place, path: component))
    }
    return nil
}
