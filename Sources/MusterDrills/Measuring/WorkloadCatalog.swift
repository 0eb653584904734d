public import MusterCore

/// The kinds of workload, without their types.
public struct WorkloadCatalog: Sendable {
    public let types: [any Workload.Type]
    public init(_ types: [any Workload.Type]) { self.types = types }
    public var descriptions: [FormDescription] { types.map { Self.describe($0) } }
    public func type(named name: String) -> (any Workload.Type)? {
        types.first { Self.describe($0).name == name }
    }
    public func workload(_ name: String, _ node: FormNode, besides others: Set<String>) throws -> (
        any Workload
    )? {
        try type(named: name).map { try Self.decode($0, node, others) }
    }
    /// What a kind of workload is asked for and cannot do; nil when it can.
    public func problem(of setting: WorkloadSetting, _ name: String, _ node: FormNode) -> FormProblem? {
        let wanted: [(ability: WorkloadAbility, isWanted: Bool)] = [
            (.register, setting.mode == .register), (.bank, setting.mode == .bank),
            (.deletes, setting.deletes.millionths > 0), (.replicas, !setting.readback.isEmpty),
        ]
        guard let type = type(named: name) else { return nil }
        let all = wanted.filter(\.isWanted).map(\.ability)
        guard let missing = all.first(where: { !type.abilities.contains($0) }) else { return nil }
        let able = types.filter { $0.abilities.contains(missing) }.map { Self.describe($0).name }
        let other = able.isEmpty ? "" : ", or a workload of kind \(able.sorted().joined(separator: ", "))"
        return FormProblem(
            "a workload of kind '\(name)' cannot do \(missing.words)", at: node[missing.field]?.place,
            path: missing.field, expected: Self.instead(of: missing, type.abilities) + other)
    }
    /// What a kind with these abilities does instead.
    private static func instead(of missing: WorkloadAbility, _ abilities: Set<WorkloadAbility>) -> String {
        switch missing {
        case .deletes, .replicas: return "no '\(missing.field)'"
        case .register, .bank:
            let modes = WorkloadMode.allCases.filter { mode in
                switch mode {
                case .entries: true
                case .register: abilities.contains(.register)
                case .bank: abilities.contains(.bank)
                }
            }
            return "mode: " + modes.map(\.rawValue).joined(separator: " or ")
        }
    }
    public static func encode<W: Workload>(_ workload: W) -> Value { W.form.encode(workload) }
    private static func describe<W: Workload>(_ type: W.Type) -> FormDescription { W.form.description }
    private static func decode<W: Workload>(_ type: W.Type, _ node: FormNode, _ others: Set<String>) throws
        -> W
    {
        try W.form.decode(node, besides: others)
    }
}
