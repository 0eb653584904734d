import MusterCore
import MusterDrills

/// A drill of the day, and what is expected of it.
struct CardForm: Formed {
    var drill = ""
    var vars: [String: String] = [:]
    var title = ""
    var failure = ""
    var impact = ""
    var response = ""
    var alert: CardAlertForm?
    var rollback = ""
    var conflictsWith: [String] = []
    var onFail: GameDay.OnFail?

    static let form = Form(
        "drill card", "A drill, and what is expected of it: written down before, and frozen.",
        blank: CardForm(),
        fields: [
            Field(required: "drill", \.drill, "The drill's file, from the project's folder on."),
            Field("vars", \.vars, default: [:], "Values for the drill's variables."),
            Field(required: "title", \.title, "Component, failure, and the result that is expected."),
            Field(required: "failure", \.failure, "What is broken, and how."),
            Field(required: "impact", \.impact, "What customers will notice."),
            Field(required: "response", \.response, "What people and machines will do."),
            Field("alert", \.alert, "The alert that should be raised: { name: KVDown, within: 1m }."),
            Field(required: "rollback", \.rollback, "How it is put back when nothing else does."),
            Field(
                "conflictsWith", \.conflictsWith, default: [],
                "Drills of the day that must not have run before it."),
            Field("onFail", \.onFail, "Another answer than the day's."),
        ])
}

struct CardAlertForm: Formed {
    var name = ""
    var within: Duration?
    static let form = Form(
        "alert", "An alert that is expected.", blank: CardAlertForm(),
        fields: [
            Field(required: "name", \.name, "As the alerting system calls it."),
            Field("within", \.within, "How soon after the fault."),
        ])
}
