public import MusterCore

// How times, days and weekdays of schedules stand in files.

/// Reads text, or says what was expected instead.
private func parsed<T>(_ node: FormNode, _ expected: String, _ read: (String) -> T?) throws -> T {
    guard let value = node.text.flatMap(read) else {
        throw FormProblem(
            "found \(node.inWords), which the calendar does not have", at: node.place, expected: expected)
    }
    return value
}

extension TimeOfDay: FormValue {
    public static var shape: Shape { .text }
    public init(node: FormNode) throws {
        self = try parsed(node, "a time of day, such as 22:00") { TimeOfDay($0) }
    }
    public var value: Value { .text(text) }
}

extension LocalTime: FormValue {
    public static var shape: Shape { .text }
    public init(node: FormNode) throws {
        self = try parsed(node, "a local time, such as 2027-03-31T02:30") { LocalTime($0) }
    }
    public var value: Value { .text(text) }
}

extension CivilDate: FormValue {
    public static var shape: Shape { .text }
    public init(node: FormNode) throws {
        self = try parsed(node, "a day, such as 2027-03-31") { CivilDate($0) }
    }
    public var value: Value { .text(text) }
}

extension Weekday: FormValue {
    public static var shape: Shape { .words(allCases.map(\.word)) }
    public init(node: FormNode) throws {
        guard let day = Self.allCases.first(where: { $0.word == node.text?.lowercased() }) else {
            throw Self.mismatch(node)
        }
        self = day
    }
    public var value: Value { .text(word) }
}
