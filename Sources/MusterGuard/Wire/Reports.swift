public import MusterCore

/// One fact, as it was found and left.
public struct FactReport: Hashable, Sendable, Codable {
    public enum State: String, Sendable, Codable {
        case holds, violated, moot, unknown
    }
    /// Such as `process 4711 (redis-server) is not suspended`.
    public var sentence: String
    public var state: State
    /// What was there instead, or why it is moot.
    public var detail: String
    /// Whether it had been violated before this undo.
    public var wasViolated: Bool
    /// Why the fault was over before this undo lifted it; nil when it was not, also from guards that do not look.
    public var endedEarly: String?
    /// What hinders it; nil when it holds or is moot.
    public var problem: String?
    /// What a person would type, one argv a line.
    public var byHand: [[String]]

    public var isSettled: Bool { problem == nil && (state == .holds || state == .moot) }
}

/// What became of one injection's undo, or how it stands.
public struct UndoReport: Hashable, Sendable, Codable {
    public var id: InjectionID
    public var name: String
    public var fault: String
    /// How it was closed; nil while it is open.
    public var closed: Closing?
    public var facts: [FactReport]
    public var problem: String?

    /// Why the fault was over before this undo lifted it; nil when it was not.
    public var endedEarly: String? { facts.lazy.compactMap(\.endedEarly).first }

    /// Whether it is a runbook's step that was still running when this undid it, and was ended.
    public var isEndedStep: Bool {
        fault == Injection.stepFault && closed == .verified && facts.contains(where: \.wasViolated)
    }

    public init(_ result: UndoResult) {
        id = result.id
        name = result.name
        fault = result.fault
        closed = result.closed
        problem = result.problem
        facts =
            result.facts.map { FactReport($0) }
            + result.unknown.map { FactReport(unknown: $0) }
    }

    init(id: InjectionID, name: String, fault: String, facts: [FactReport]) {
        self.id = id
        self.name = name
        self.fault = fault
        self.facts = facts
    }
}

extension FactReport {
    init(_ result: FactResult) {
        let (state, detail) = Self.words(result.after)
        var wasViolated = false
        if case .violated = result.before { wasViolated = true }
        self.init(
            sentence: result.sentence, state: state, detail: detail, wasViolated: wasViolated,
            endedEarly: result.endedEarly, problem: result.problem, byHand: result.byHand)
    }

    init(_ fact: any Fact, _ found: FactState, on host: any HostReader) {
        let (state, detail) = Self.words(found)
        self.init(
            sentence: fact.sentence(on: host), state: state, detail: detail, wasViolated: state == .violated,
            problem: nil, byHand: fact.byHand)
    }

    init(unknown fact: StoredFact) {
        self.init(
            sentence: "fact '\(fact.kind)' version \(fact.version)", state: .unknown,
            detail: fact.fields.canonicalJSON, wasViolated: false,
            problem: "this version of Muster does not know it; mend it by hand, then `muster undo --forget`",
            byHand: fact.byHand)
    }

    private static func words(_ state: FactState?) -> (State, String) {
        switch state {
        case .holds: (.holds, "")
        case .violated(let found): (.violated, found)
        case .moot(let reason): (.moot, reason)
        case nil: (.unknown, "")
        }
    }
}
