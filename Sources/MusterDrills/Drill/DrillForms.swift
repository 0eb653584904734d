public import MusterCore

// The parts of a drill that are plain enough to be described by one form each.

extension Steady: Formed {
    public static let form = Form(
        "steady", "What must hold, and for how long, before anything is broken.", blank: Steady(),
        fields: [
            Field("for", \.duration, default: .seconds(2), "How long it must hold without a break."),
            Field(
                "success", \.success, default: Percentage(millionths: 1_000_000),
                "The share of samples that must be good."),
            Field("p99", \.p99, "The most that the 99th percentile of latency may be, from due times."),
            Field("within", \.within, default: .seconds(30), "How long it may take to become steady."),
        ],
        check: { steady in
            if steady.within < steady.duration {
                throw FormProblem(
                    "'within' is shorter than 'for'", at: nil, path: "within",
                    expected: "at least \(steady.duration.unitsText)")
            }
        })
}

extension Recovered: Formed {
    public static let form = Form(
        "recovered", "When the system counts as recovered.", blank: Recovered(),
        fields: [
            Field("stable", \.stable, default: .seconds(30), "How long it must stay good."),
            Field("within", \.within, "The deadline; 3 times the RTO plus 'stable' when it is left out."),
        ],
        check: { recovered in
            if let within = recovered.within, within < recovered.stable {
                throw FormProblem(
                    "'within' is shorter than 'stable'", at: nil, path: "within",
                    expected: "more than \(recovered.stable.unitsText)")
            }
        })
}

extension AbortRule: Formed {
    public static let form = Form(
        "abort", "When the run is broken off and everything is put back.", blank: AbortRule(),
        fields: [
            Field("after", \.after, default: .seconds(600), "Bounds the whole run."),
            Field("when", \.when, default: [], "Conditions, any of which breaks it off."),
        ])
}

extension AbortRule.Condition: Formed {
    public static let form = Form(
        "condition", "A probe that fails for too long.",
        blank: AbortRule.Condition(probe: "", failing: .zero),
        fields: [
            Field(required: "probe", \.probe, "The probe or workload."),
            Field(required: "failing", \.failing, "For how long, without one good sample."),
        ])
}

extension AvailabilityGoal: Formed {
    public static let form = Form(
        "availability", "The share of what was due that must have been answered in a window.",
        blank: AvailabilityGoal(min: Percentage(millionths: 1_000_000), window: .zero),
        fields: [
            Field(required: "min", \.min, "The least share, such as 95%."),
            Field(
                required: "window", \.window, "How long, from the fault on; it is observed to its end.",
                in: { $0 >= .milliseconds(1) ? nil : "more than nothing" }),
        ])
}

extension LatencyGoal: Formed {
    public static let form = Form(
        "latency", "A quantile of the time to an answer, in a window; what was not answered took for ever.",
        blank: LatencyGoal(max: .zero, window: .zero),
        fields: [
            Field(
                "quantile", \.quantile, default: Percentage(millionths: 990_000), "Which quantile.",
                in: { $0.millionths > 0 ? nil : "more than 0%" }),
            Field(required: "max", \.max, "The most that it may be, from when the sample was due."),
            Field(
                required: "window", \.window, "How long, from the fault on; it is observed to its end.",
                in: { $0 >= .milliseconds(1) ? nil : "more than nothing" }),
        ])
}

extension Prediction: Formed {
    public static let form = Form(
        "predict", "What the owner expects, in figures; outside it: model wrong, or system changed.",
        blank: Prediction(),
        fields: [
            Field("outage", \.outage, "The outage, such as 100ms..2s, or none."),
            Field("lost", \.lost, "Acknowledged writes lost, such as 0..0."),
        ])
}

extension Prediction.Outage: FormValue {
    public static var shape: Shape { .text }
    public init(node: FormNode) throws {
        if node.text == "none" {
            self = .none
            return
        }
        let expected = "two durations, such as 100ms..2s, or none"
        let parts = node.text?.split(separator: "..", omittingEmptySubsequences: false) ?? []
        guard parts.count == 2, let low = Duration(units: String(parts[0])),
            let high = Duration(units: String(parts[1])), high <= .longest
        else { throw FormProblem("found \(node.inWords)", at: node.place, expected: expected) }
        guard low <= high else {
            throw FormProblem("\(node.inWords) begins after its end", at: node.place, expected: expected)
        }
        self = .between(low, high)
    }
    public var value: Value {
        switch self {
        case .none: "none"
        case .between(let low, let high): .text("\(low.unitsText)..\(high.unitsText)")
        }
    }
}

extension ClosedRange: FormValue where Bound == Int {
    public static var shape: Shape { .text }
    public init(node: FormNode) throws {
        let parts = node.text?.split(separator: "..", omittingEmptySubsequences: false) ?? []
        guard parts.count == 2, let low = Int(parts[0]), let high = Int(parts[1]), low >= 0, low <= high
        else {
            throw FormProblem(
                "found \(node.inWords)", at: node.place, expected: "two whole numbers, such as 0..0")
        }
        self = low...high
    }
    public var value: Value { .text("\(lowerBound)..\(upperBound)") }
}
