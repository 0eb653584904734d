import MusterCore
import MusterDrills

/// A name, or a list of names.
struct People: FormValue {
    var names: [String]

    static var shape: Shape { .either([.text, .list(.text)]) }
    var value: Value { .list(names.map { .text($0) }) }

    init(_ names: [String] = []) { self.names = names }

    init(node: FormNode) throws {
        if let name = node.text {
            names = [name]
        } else if node.list != nil {
            names = try [String](node: node)
        } else {
            throw Self.mismatch(node)
        }
        if names.contains(where: { $0.trimmingPrefix(while: \.isWhitespace).isEmpty }) {
            throw FormProblem("a name is empty", at: node.place, expected: Self.shape.inWords)
        }
    }
}

struct RolesForm: Formed {
    var owner = ""
    var ic = ""
    var safety = People()
    var deputy = People()
    var scribe = People()
    var operators = People()
    var responders = People()
    var observers = People()
    var liaison = People()
    var approvers = People()

    static let form = Form(
        "roles", "Who does what on a game day.", blank: RolesForm(),
        fields: [
            Field(
                required: "owner", \.owner, "Answers for the day and its report; exactly one.",
                in: { $0.isEmpty ? "a name" : nil }),
            Field(
                required: "ic", \.ic, "The incident commander, who delegates all repair; exactly one.",
                in: { $0.isEmpty ? "a name" : nil }),
            Field("safety", \.safety, default: People(), "Watches limits, and stops the day."),
            Field("deputy", \.deputy, default: People(), "Stands in for the incident commander."),
            Field("scribe", \.scribe, default: People(), "Writes down what is decided, and mends nothing."),
            Field("operators", \.operators, default: People(), "Break things."),
            Field("responders", \.responders, default: People(), "Find and mend what is broken."),
            Field("observers", \.observers, default: People(), "Watch."),
            Field("liaison", \.liaison, default: People(), "Speaks with customers."),
            Field(
                "approvers", \.approvers, default: People(),
                "May approve the plan and override the preflight; the owner where nobody is named."),
        ])

    /// By role, without those that nobody holds.
    var holders: [GameDayRole: [String]] {
        let all: [GameDayRole: [String]] = [
            .owner: [owner], .ic: [ic], .safety: safety.names, .deputy: deputy.names, .scribe: scribe.names,
            .operator: operators.names, .responder: responders.names, .observer: observers.names,
            .liaison: liaison.names, .approver: approvers.names.isEmpty ? [owner] : approvers.names,
        ]
        return all.filter { !$0.value.isEmpty }
    }
}
