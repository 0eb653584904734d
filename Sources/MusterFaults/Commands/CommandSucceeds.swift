public import MusterCore

/// A check command of the drill's author exits with 0.
public struct CommandSucceeds: Fact, Hashable {
    public static let kind = "command-succeeds"
    public var id: InjectionID
    public var check: [String]
    /// Makes the check succeed again; empty when nothing is known that would.
    public var restoring: [String]
    public var within: Duration

    public init(id: InjectionID, check: [String], restoring: [String], within: Duration) {
        self.id = id
        self.check = check
        self.restoring = restoring
        self.within = within
    }

    public init(fields: Value) throws {
        let check = fields.texts("check")
        guard !check.isEmpty else { throw FactError.unreadable(kind: Self.kind, "no check") }
        self.init(
            id: try fields.id(of: Self.kind), check: check, restoring: fields.texts("restore"),
            within: .nanoseconds(fields["within"]?.asInt ?? 10_000_000_000))
    }

    public var fields: Value {
        [
            "id": .text(id.rawValue), "check": .texts(check), "restore": .texts(restoring),
            "within": .int(within.nanoseconds),
        ]
    }

    public var sentence: String { "`\(check.joined(separator: " "))` succeeds" }
    public var byHand: [[String]] { restoring.isEmpty ? [] : [restoring] }

    public func state(on host: any HostReader) throws -> FactState {
        let result = try host.query(check, deadline: within)
        if result.succeeded { return .holds }
        return .violated("the check ended with \(result.endingInWords) \(result.errors.prefix(200))")
    }

    public func restore(on host: any Host) throws {
        guard !restoring.isEmpty else {
            throw FactError.cannotRestore("the drill names no `restore` command for it")
        }
        // What it starts may be the service itself, which must not carry a mark.
        let result = try host.restart(restoring, deadline: within)
        guard result.succeeded else {
            throw FactError.cannotRestore(
                "the restore command ended with \(result.endingInWords): \(result.errors.prefix(300))")
        }
    }
}
