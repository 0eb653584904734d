public import MusterCore

/// What a run is about to do and by what it will be held, as recorded with its first event (`run-started`): whoever
/// watches it from another terminal needs neither the drill's file nor what it inherits from others.
public struct RunPlan: Hashable, Sendable {
    public struct Signal: Hashable, Sendable {
        public var name: String
        /// When an answer no longer counts.
        public var timeout: Duration
        /// Whether it decides the recovery.
        public var isRuling: Bool

        public init(name: String, timeout: Duration, isRuling: Bool) {
            self.name = name
            self.timeout = timeout
            self.isRuling = isRuling
        }
    }

    /// An abort criterion: the run is aborted once the probe has failed for so long after the fault.
    public struct Guard: Hashable, Sendable {
        public var probe: String
        public var failing: Duration

        public init(probe: String, failing: Duration) {
            self.probe = probe
            self.failing = failing
        }
    }

    /// One step of the drill; those of a `parallel:` stand one behind the other.
    public struct Step: Hashable, Sendable {
        public enum Kind: String, Sendable, CaseIterable {
            case inject, wait, lift, runbook
            /// Waits until an alert fires.
            case alert

            /// It is begun by the end of what came before it, and no event says so.
            var isWait: Bool { self == .wait || self == .alert }
        }
        public var kind: Kind
        /// The injection, or the runbook's path; empty for a wait.
        public var name: String
        /// inject: the fault and its target.
        public var detail: String
        /// wait and alert: how long; inject: for how long it is held, where something is said.
        public var length: Duration?
        /// inject: whether recovery is counted from the lift.
        public var countsFromLift: Bool
        /// runbook: its own steps.
        public var steps: [RunbookStep]

        public init(
            _ kind: Kind, name: String = "", detail: String = "", length: Duration? = nil,
            countsFromLift: Bool = false, steps: [RunbookStep] = []
        ) {
            self.kind = kind
            self.name = name
            self.detail = detail
            self.length = length
            self.countsFromLift = countsFromLift
            self.steps = steps
        }
    }

    /// One step of a runbook.
    public struct RunbookStep: Hashable, Sendable {
        public var name: String
        /// As `RunbookItem.Kind`.
        public var kind: String
        /// The most that it may take.
        public var budget: Duration
        /// manual: who may confirm it; nil: anybody.
        public var role: String?

        public init(name: String, kind: String, budget: Duration, role: String? = nil) {
            self.name = name
            self.kind = kind
            self.budget = budget
            self.role = role
        }
    }

    public var rto: Duration?
    /// Whether the objective is judged from when somebody began to act, and not from the fault.
    public var isRTOFromDeclared = false
    public var rpo: Duration?
    /// How long it must stay good to count as recovered.
    public var stable: Duration
    /// Bounds the whole run.
    public var abortAfter: Duration
    public var guards: [Guard] = []
    public var signals: [Signal] = []
    /// Whether the drill writes anything; nil when an earlier version recorded the plan.
    public var hasWorkloads: Bool?
    /// The steps, and behind them those after the recovery.
    public var steps: [Step] = []

    public init(stable: Duration, abortAfter: Duration) {
        self.stable = stable
        self.abortAfter = abortAfter
    }

    /// The names of the signals that decide the recovery.
    public var ruling: Set<String> { Set(signals.filter(\.isRuling).map(\.name)) }
}

extension RunPlan {
    /// - Parameter runbook: the steps of a runbook that the drill names; empty where they are not known.
    public init(_ drill: Drill, runbook: (RunbookStepOfDrill) -> [RunbookStep]) {
        self.init(stable: drill.recovered.stable, abortAfter: drill.abort.after)
        rto = drill.objectives.rto
        isRTOFromDeclared = drill.objectives.rtoFrom == .declared
        rpo = drill.objectives.rpo
        guards = drill.abort.when.map { Guard(probe: $0.probe, failing: $0.failing) }
        let ruling = Set(drill.ruling)
        signals =
            drill.probes.map {
                Signal(name: $0.name, timeout: $0.setting.timeout, isRuling: ruling.contains($0.name))
            }
            + drill.workloads.map {
                Signal(name: $0.name, timeout: $0.setting.timeout, isRuling: ruling.contains($0.name))
            }
        hasWorkloads = !drill.workloads.isEmpty
        steps = Self.flat(drill.steps + drill.after, runbook)
    }

    /// A drill's step that carries a runbook out.
    public typealias RunbookStepOfDrill = MusterDrills.RunbookStep

    private static func flat(
        _ steps: [MusterDrills.Step], _ runbook: (RunbookStepOfDrill) -> [RunbookStep]
    ) -> [Step] {
        steps.flatMap { step -> [Step] in
            switch step.action {
            case .inject(let inject):
                [
                    Step(
                        .inject, name: inject.name, detail: "\(inject.faultName) into \(inject.target)",
                        length: inject.hold, countsFromLift: inject.recovery == .after)
                ]
            case .wait(let length): [Step(.wait, length: length)]
            case .lift(let name): [Step(.lift, name: name)]
            case .alert(let name, let within): [Step(.alert, name: name, length: within)]
            case .runbook(let step): [Step(.runbook, name: step.path, steps: runbook(step))]
            case .parallel(let steps): flat(steps, runbook)
            }
        }
    }
}

// MARK: As it lies in the store

extension RunPlan {
    public var value: Value {
        .map([
            "rto": .optional(rto?.nanoseconds), "rtoFromDeclared": .bool(isRTOFromDeclared),
            "rpo": .optional(rpo?.nanoseconds), "stable": .int(stable.nanoseconds),
            "abortAfter": .int(abortAfter.nanoseconds),
            "guards": .list(
                guards.map { ["probe": .text($0.probe), "failing": .int($0.failing.nanoseconds)] }),
            "signals": .list(
                signals.map {
                    [
                        "name": .text($0.name), "timeout": .int($0.timeout.nanoseconds),
                        "ruling": .bool($0.isRuling),
                    ]
                }),
            "workloads": hasWorkloads.map { .bool($0) } ?? .null, "steps": .list(steps.map(Self.value)),
        ])
    }

    private static func value(_ step: Step) -> Value {
        .map([
            "kind": .text(step.kind.rawValue), "name": .text(step.name), "detail": .text(step.detail),
            "length": .optional(step.length?.nanoseconds), "fromLift": .bool(step.countsFromLift),
            "steps": .list(
                step.steps.map {
                    [
                        "name": .text($0.name), "kind": .text($0.kind), "budget": .int($0.budget.nanoseconds),
                        "role": .optional($0.role),
                    ]
                }),
        ])
    }

    /// nil for what is no plan, such as the detail of an event that an earlier version recorded.
    public init?(_ value: Value) {
        guard let stable = value.duration("stable"), let after = value.duration("abortAfter") else {
            return nil
        }
        self.init(stable: stable, abortAfter: after)
        rto = value.duration("rto")
        isRTOFromDeclared = value["rtoFromDeclared"]?.asBool == true
        rpo = value.duration("rpo")
        guards = value.list("guards").compactMap { guarded in
            guarded.duration("failing").map { Guard(probe: guarded.text("probe"), failing: $0) }
        }
        signals = value.list("signals").compactMap { signal in
            signal.duration("timeout").map {
                Signal(
                    name: signal.text("name"), timeout: $0, isRuling: signal["ruling"]?.asBool == true)
            }
        }
        hasWorkloads = value["workloads"]?.asBool
        steps = value.list("steps").compactMap(Self.step)
    }

    private static func step(_ value: Value) -> Step? {
        Step.Kind(rawValue: value.text("kind")).map { kind in
            Step(
                kind, name: value.text("name"), detail: value.text("detail"),
                length: value.duration("length"), countsFromLift: value["fromLift"]?.asBool == true,
                steps: value.list("steps").compactMap { step in
                    step.duration("budget").map {
                        RunbookStep(
                            name: step.text("name"), kind: step.text("kind"), budget: $0,
                            role: step["role"]?.asText)
                    }
                })
        }
    }
}

extension Value {
    /// Nanoseconds under `key`.
    func duration(_ key: String) -> Duration? { self[key]?.asInt.map { .nanoseconds($0) } }
    func instant(_ key: String) -> Instant? { self[key]?.asInt.map { Instant(nanoseconds: $0) } }
    func text(_ key: String) -> String { self[key]?.asText ?? "" }
    func list(_ key: String) -> [Value] { self[key]?.asList ?? [] }
}
