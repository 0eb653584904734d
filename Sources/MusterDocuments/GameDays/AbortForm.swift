public import MusterCore
public import MusterDrills

/// `abort:` of a game day.
struct AbortForm: Formed {
    var criteria = GameDay.AbortCriteria()

    static let form = Form(
        "abort", "What ends a game day early.", blank: AbortForm(),
        fields: [
            Field(
                "drillLongerThan", \.criteria.drillLongerThan,
                "The longest that any drill may take, whatever its own abort.after allows."),
            Field(
                "faultLongerThan", \.criteria.faultLongerThan,
                "The longest that anything may stay broken, from the injection until it is put back."),
            Field(
                "onResidue", \.criteria.onResidue, default: true, "Something is still broken after a drill."),
            Field(
                "failures", \.criteria.failures, "So many drills did not pass.",
                in: { $0 >= 1 ? nil : "at least 1" }),
            Field("atEnd", \.criteria.atEnd, default: true, "The day's window ends."),
            Field(
                "errorBudget", \.criteria.errorBudget,
                "The share of a service's error budget that the drills may spend together, such as 10%.",
                in: { $0.millionths > 0 ? nil : "more than 0%" }),
            Field(
                "latency", \.criteria.latency, "How slow answers may become, as the drills' probes see them."),
            Field(
                "heartbeat", \.criteria.heartbeat,
                "A dead man's switch: how often somebody must give a sign of life."),
        ])
}

extension GameDay.LatencyLimit: Formed {
    public static let form = Form(
        "latency limit", "A quantile of the time to an answer, over the last seconds.",
        blank: GameDay.LatencyLimit(max: .zero, window: .zero),
        fields: [
            Field(
                "quantile", \.quantile, default: Percentage(millionths: 990_000), "Which quantile.",
                in: { $0.millionths > 0 ? nil : "more than 0%" }),
            Field(
                required: "max", \.max, "The most that it may be, from when the sample was due.",
                in: { $0 > .zero ? nil : "more than nothing" }),
            Field(
                required: "window", \.window, "Over how long; a few slow answers are no reason.",
                in: { $0 >= .seconds(1) ? nil : "at least 1s" }),
        ])
}

extension GameDay.Heartbeat: Formed {
    /// Nobody types more often than this for hours.
    private static let least = Duration.seconds(5)

    public static let form = Form(
        "heartbeat", "A dead man's switch: without a sign of life the day ends, and everything is put back.",
        blank: GameDay.Heartbeat(every: .zero),
        fields: [
            Field(
                required: "every", \.every, "The longest that nothing may be heard.",
                in: { $0 >= Self.least ? nil : "at least 5s" }),
            Field(
                "from", \.from, default: [.safety], "Roles, any of which may give it.",
                in: { $0.isEmpty ? "at least one role" : nil }),
        ])
}

extension GameDay.AbortCriteria {
    /// The criteria of a game day's file, whatever else may be wrong with it; those that hold without a word where they
    /// cannot be read.
    public init(readingGameDay text: String) {
        let node = (try? YamlText.tree(of: text))?["abort"]
        self = node.flatMap { try? AbortForm(node: $0) }?.criteria ?? Self()
    }
}

/// What a game day has to know of a drill to tell whether its own criteria would end it without need.
public struct DrillLimits: Sendable {
    /// How long its service may be down over a long time.
    public var serviceLevel: AvailabilityGoal?
    public var rto: Duration?
    /// `recovered.stable`.
    public var stable = Duration.zero
    /// The longest that a fault is held.
    public var hold = Duration.zero
    /// The most that a latency may be by its own objectives, or before anything is broken.
    public var latency: Duration?

    public init() {}

    public init(_ drill: Drill) {
        serviceLevel = drill.objectives.serviceLevel
        rto = drill.objectives.rto
        stable = drill.recovered.stable
        hold = Self.longestHold(drill.steps)
        latency = [drill.objectives.latency?.max, drill.steady.p99].compactMap { $0 }.max()
    }

    private static func longestHold(_ steps: [Step]) -> Duration {
        steps.map { step -> Duration in
            switch step.action {
            case .inject(let inject): inject.hold ?? .zero
            case .parallel(let steps): longestHold(steps)
            default: .zero
            }
        }.max() ?? .zero
    }
}

extension GameDayReader {
    /// What is wrong with what ends the day, as such.
    mutating func lintAbort(_ day: GameDay, _ tree: FormNode) {
        guard let heartbeat = day.abort.heartbeat else { return }
        let node = tree["abort"]?["heartbeat"]
        let holders = heartbeat.from.flatMap { day.roster[$0] }
        if holders.allSatisfy(day.roster.absent.contains) {
            problems.append(
                FormProblem(
                    "nobody is \(heartbeat.from.map(\.rawValue).joined(separator: " or ")), whose heartbeat is waited for",
                    at: (node?["from"] ?? node)?.place, expected: "somebody in that role, or another role"))
        }
        let own = Set(holders).subtracting(day.roster.absent)
        let busy = Set(day.roster[.responder] + day.roster[.operator])
        if !own.isEmpty, own.isSubset(of: busy) {
            warnings.append(
                FormProblem(
                    "whoever gives the heartbeat breaks or mends things as well, and may forget it",
                    at: node?.place, expected: "somebody with free hands"))
        }
    }

    /// Whether the day would be ended by a drill that goes as it should.
    mutating func lintAbort(
        _ day: GameDay, _ card: GameDay.Card, _ facts: GameDayResources.DrillFacts, _ tree: FormNode
    ) {
        let node = tree["abort"]
        let limits = facts.limits
        let recovery = limits.rto.map { $0 + limits.stable }
        func tooTight(_ key: String, _ what: String, _ least: Duration) {
            problems.append(
                FormProblem(
                    "'\(key)' would end the day although '\(card.name)' goes as it should: \(what)",
                    at: (node?[key] ?? node)?.place, expected: "more than \(least.unitsText)"))
        }
        if day.abort.errorBudget != nil {
            guard let service = facts.service, let goal = limits.serviceLevel else {
                problems.append(
                    FormProblem(
                        "'\(card.name)' has no error budget that could be spent: \(card.drill) is of no service with an "
                            + "'availability'", at: node?["errorBudget"]?.place,
                        expected:
                            "availability: { min: 99.9%, window: 30d } of its service in drills/services.yaml"
                    ))
                return
            }
            if let allowed = day.abort.allowed(of: goal.budget), let recovery, allowed <= recovery {
                problems.append(
                    FormProblem(
                        "'errorBudget' would end the day although '\(card.name)' goes as it should: it allows "
                            + "\(allowed.forPeople) of the \(goal.budget.forPeople) of '\(service)', and the RTO plus "
                            + "'recovered.stable' is \(recovery.forPeople)",
                        at: node?["errorBudget"]?.place, expected: "a larger share"))
            }
        }
        if let limit = day.abort.latency?.max, let own = limits.latency, limit <= own {
            tooTight("latency", "\(own.forPeople) is allowed there", own)
        }
        if let limit = day.abort.faultLongerThan {
            let least = max(limits.hold, recovery ?? .zero)
            if limit <= least {
                tooTight("faultLongerThan", "it may be broken for \(least.forPeople)", least)
            }
        }
    }
}
