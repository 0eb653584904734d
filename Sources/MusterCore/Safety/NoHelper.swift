/// No process that carries the injection's mark is left: the first fact of every injection.
///
/// A helper (a burner, nft, a supervisor) can outlive the guard and act after a verified undo, so helpers
/// are proven gone before anything else is restored.
public struct NoHelper: Fact, Hashable {
    public static let kind = "no-helper"
    public var id: InjectionID
    /// How long a helper may take to end by itself; zero for burners, some time for servers under test.
    public var grace: Duration
    /// A fixture comes down after everything else was mended.
    public var isFixture: Bool

    public init(id: InjectionID, grace: Duration = .zero, isFixture: Bool = false) {
        self.id = id
        self.grace = grace
        self.isFixture = isFixture
    }

    public init(fields: Value) throws {
        guard let id = fields["id"]?.asText.flatMap(InjectionID.init) else {
            throw FactError.unreadable(kind: Self.kind, "no id")
        }
        self.init(
            id: id, grace: .nanoseconds(fields["grace"]?.asInt ?? 0),
            isFixture: fields["fixture"]?.asBool ?? false)
    }

    public var fields: Value {
        ["id": .text(id.rawValue), "grace": .int(grace.nanoseconds), "fixture": .bool(isFixture)]
    }

    public var phase: MendingPhase { isFixture ? .fixtures : .helpers }
    public var sentence: String { "no process of injection \(id) is left" }
    public func sentence(on host: any HostReader) -> String {
        guard !host.findsEveryHelper else { return sentence }
        return "no process of injection \(id) that can be found is left "
            + "(without a cgroup, one that left its session and cleared its environment cannot)"
    }
    public var byHand: [[String]] { [["pkill", "-KILL", "-f", id.rawValue]] }

    public func state(on host: any HostReader) throws -> FactState {
        let left = try host.helpers(of: id)
        if left.isEmpty { return .holds }
        return .violated("still running: " + left.map { "process \($0.pid)" }.joined(separator: ", "))
    }

    public func restore(on host: any Host) throws {
        try host.endHelpers(of: id, grace: grace, deadline: grace + .seconds(5))
    }
}
