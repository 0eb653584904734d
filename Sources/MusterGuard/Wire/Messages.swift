public import MusterCore

/// What the engine asks to be injected. Fields and target are plain data: the guard's own catalogue reads them.
public struct InjectionWish: Hashable, Sendable, Codable {
    public var id: InjectionID
    public var run: String
    /// From the drill's `as:`.
    public var name: String
    /// Such as `process-kill`.
    public var fault: String
    public var parameters: Value
    /// `Target.value`.
    public var target: Value

    public init(
        id: InjectionID, run: String, name: String, fault: String, parameters: Value, target: Value
    ) {
        self.id = id
        self.run = run
        self.name = name
        self.fault = fault
        self.parameters = parameters
        self.target = target
    }
}

/// One request to a guard.
public enum GuardCommand: Hashable, Sendable {
    /// What would be touched and what would have to hold afterwards; changes nothing.
    case plan(InjectionWish)
    case inject(InjectionWish)
    /// Proof that an open injection took effect.
    case effect(InjectionID)
    case renew
    /// Makes facts hold again: of these injections, or of all; `recovered` are those whose recovery is proven.
    case undo([InjectionID]?, recovered: [InjectionID])
    /// A runbook's step has ended by itself: its injection is closed, and what it left running stays. Answered with
    /// whether it still was open: a step whose injection was undone was ended.
    case ended(InjectionID)
    case list
    /// Reads every open fact again; changes nothing.
    case check
    case supervisor(InjectionID, SupervisorRequest)
    /// Refuses further injections and undoes everything; answered at once, reported as an event.
    case abort(reason: String)
    /// The end of a session: undoes what is open, reports, and ends.
    case bye
    /// A later version's.
    case unknown(String)
}

struct RequestFrame: Codable {
    var id: Int64
    var command: GuardCommand
    /// Nanoseconds that the operation may take before the guard calls its hands stuck.
    var deadline: Int64?

    private enum Key: String, CodingKey {
        case id, request, deadline, wish, injection, injections, recovered, ask, reason
    }

    init(id: Int64, _ command: GuardCommand, deadline: Int64? = nil) {
        self.id = id
        self.command = command
        self.deadline = deadline
    }

    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: Key.self)
        id = try fields.decode(Int64.self, forKey: .id)
        deadline = try fields.decodeIfPresent(Int64.self, forKey: .deadline)
        let request = try fields.decode(String.self, forKey: .request)
        switch request {
        case "plan": command = .plan(try fields.decode(InjectionWish.self, forKey: .wish))
        case "inject": command = .inject(try fields.decode(InjectionWish.self, forKey: .wish))
        case "effect": command = .effect(try fields.decode(InjectionID.self, forKey: .injection))
        case "renew": command = .renew
        case "undo":
            command = .undo(
                try fields.decodeIfPresent([InjectionID].self, forKey: .injections),
                recovered: try fields.decodeIfPresent([InjectionID].self, forKey: .recovered) ?? [])
        case "ended": command = .ended(try fields.decode(InjectionID.self, forKey: .injection))
        case "list": command = .list
        case "check": command = .check
        case "supervisor":
            command = .supervisor(
                try fields.decode(InjectionID.self, forKey: .injection),
                try fields.decode(SupervisorRequest.self, forKey: .ask))
        case "abort":
            command = .abort(reason: try fields.decodeIfPresent(String.self, forKey: .reason) ?? "")
        case "bye": command = .bye
        default: command = .unknown(request)
        }
    }

    func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: Key.self)
        try fields.encode(id, forKey: .id)
        try fields.encodeIfPresent(deadline, forKey: .deadline)
        try fields.encode(command.name, forKey: .request)
        switch command {
        case .plan(let wish), .inject(let wish): try fields.encode(wish, forKey: .wish)
        case .effect(let id), .ended(let id): try fields.encode(id, forKey: .injection)
        case .undo(let ids, let recovered):
            try fields.encodeIfPresent(ids, forKey: .injections)
            try fields.encode(recovered, forKey: .recovered)
        case .supervisor(let id, let ask):
            try fields.encode(id, forKey: .injection)
            try fields.encode(ask, forKey: .ask)
        case .abort(let reason): try fields.encode(reason, forKey: .reason)
        case .renew, .list, .check, .bye, .unknown: break
        }
    }
}

extension GuardCommand {
    /// The word on the wire.
    public var name: String {
        switch self {
        case .plan: "plan"
        case .inject: "inject"
        case .effect: "effect"
        case .renew: "renew"
        case .undo: "undo"
        case .ended: "ended"
        case .list: "list"
        case .check: "check"
        case .supervisor: "supervisor"
        case .abort: "abort"
        case .bye: "bye"
        case .unknown(let name): name
        }
    }
}
