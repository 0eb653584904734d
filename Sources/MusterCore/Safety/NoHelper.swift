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
    /// Set where it is no helper of ours but a program that the engine runs.
    public var step: Step?

    /// A step of a runbook that runs, as the leader of a session of its own.
    public struct Step: Hashable, Sendable {
        /// For people: `step 'copy' of restore.md`.
        public var name: String
        public var session: Int32

        public init(name: String, session: Int32) {
            self.name = name
            self.session = session
        }
    }

    public init(id: InjectionID, grace: Duration = .zero, isFixture: Bool = false, step: Step? = nil) {
        self.id = id
        self.grace = grace
        self.isFixture = isFixture
        self.step = step
    }

    public init(fields: Value) throws {
        guard let id = fields["id"]?.asText.flatMap(InjectionID.init) else {
            throw FactError.unreadable(kind: Self.kind, "no id")
        }
        self.init(
            id: id, grace: .nanoseconds(fields["grace"]?.asInt ?? 0),
            isFixture: fields["fixture"]?.asBool ?? false,
            step: fields["step"]?.asText.map {
                Step(name: $0, session: Int32(truncatingIfNeeded: fields["session"]?.asInt ?? 0))
            })
    }

    public var fields: Value {
        var fields: [String: Value] = [
            "id": .text(id.rawValue), "grace": .int(grace.nanoseconds), "fixture": .bool(isFixture),
        ]
        if let step {
            fields["step"] = .text(step.name)
            fields["session"] = .int(Int64(step.session))
        }
        return .map(fields)
    }

    public var phase: MendingPhase { isFixture ? .fixtures : .helpers }
    public var sentence: String {
        step.map { "nothing of \($0.name) runs" } ?? "no process of injection \(id) is left"
    }
    public func sentence(on host: any HostReader) -> String {
        // What a step leaves behind when it has ended must not lie in a cgroup of ours.
        guard step != nil || !host.findsEveryHelper else { return sentence }
        return
            (step.map { "nothing of \($0.name) that can be found runs " }
            ?? "no process of injection \(id) that can be found is left ")
            + "(without a cgroup, one that left its session and cleared its environment cannot)"
    }
    public var byHand: [[String]] {
        [["pkill", "-KILL"] + (step.map { ["--session", "\($0.session)"] } ?? ["-f", id.rawValue])]
    }

    public func state(on host: any HostReader) throws -> FactState {
        let left = try host.helpers(of: id)
        if left.isEmpty { return .holds }
        return .violated("still running: " + left.map { "process \($0.pid)" }.joined(separator: ", "))
    }

    public func restore(on host: any Host) throws {
        try host.endHelpers(of: id, grace: grace, deadline: grace + .seconds(5))
    }
}
