// How times, days and weekdays of schedules stand in files.

extension TimeOfDay: FormValue {
    public static var shape: Shape { .text }
    public init(node: FormNode) throws {
        guard let text = node.text, let time = TimeOfDay(text) else {
            throw FormProblem(
                "found \(node.inWords)", at: node.place, expected: "a time of day, such as 22:00")
        }
        self = time
    }
    public var value: Value { .text(text) }
}

extension LocalTime: FormValue {
    public static var shape: Shape { .text }
    public init(node: FormNode) throws {
        guard let text = node.text, let time = LocalTime(text) else {
            throw FormProblem(
                "found \(node.inWords), which is no time that the calendar has", at: node.place,
                expected: "a local time, such as 2027-03-31T02:30")
        }
        self = time
    }
    public var value: Value { .text(text) }
}

extension CivilDate: FormValue {
    public static var shape: Shape { .text }
    public init(node: FormNode) throws {
        guard let text = node.text, let date = CivilDate(text) else {
            throw FormProblem(
                "found \(node.inWords), which is no day that the calendar has", at: node.place,
                expected: "a day, such as 2027-03-31")
        }
        self = date
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
