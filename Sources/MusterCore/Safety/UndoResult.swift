/// A wish to inject.
public struct InjectionRequest: Sendable {
    public var id: InjectionID
    public var run: String
    public var name: String
    public var faultName: String
    public var fault: any Fault
    public var parameters: Value
    public var target: Target
    /// CLOCK_REALTIME, for people.
    public var utc: Int64

    public init(id: InjectionID, run: String, name: String, fault: any Fault, target: Target, utc: Int64) {
        self.id = id
        self.run = run
        self.name = name
        self.fault = fault
        faultName = FaultCatalog.name(of: fault)
        parameters = FaultCatalog.encode(fault)
        self.target = target
        self.utc = utc
    }
}

/// What became of one injection's undo.
public struct UndoResult: Sendable {
    public var id: InjectionID
    public var name: String
    public var fault: String
    public var facts: [FactResult] = []
    /// Facts of a kind or version that this program does not know: never skipped silently.
    public var unknown: [StoredFact] = []
    public var closed: Closing?
    public var problem: String?

    /// Whether every fact holds or is moot, and none is unknown.
    public var isSettled: Bool { unknown.isEmpty && facts.allSatisfy(\.isSettled) }
}

public struct FactResult: Sendable {
    public var sentence: String
    public var isHelper: Bool
    public var byHand: [[String]]
    public var before: FactState?
    /// Why the fault was over before this undo lifted it; nil when it was not.
    public var endedEarly: String?
    public var after: FactState?
    public var problem: String?
    public var isSettled: Bool { problem == nil && after?.isSettled == true }
}

/// An error in words, for records.
public func describe(_ error: any Error) -> String {
    switch error {
    case let error as HostError: "\(error.operation): \(error.reason)"
    case let error as FaultRefusal: error.message
    case FactError.changedByOthers(let found, let expected):
        "somebody else changed it: found \(found), expected \(expected); left alone"
    case FactError.unreadable(let kind, let why): "the stored fact '\(kind)' cannot be read: \(why)"
    case FactError.cannotRestore(let why): why
    default: String(describing: error)
    }
}
