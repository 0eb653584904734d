public import MusterCore

/// A way of looking at a system from outside, as one of its users would. One probe, one file in MusterProbes.
public protocol Probe: Sendable {
    /// The field named like the form holds what is looked at: `http: "http://…"`.
    static var form: Form<Self> { get }
}

/// What every probe has, whatever its kind.
public struct ProbeSetting: Formed, Hashable {
    public var every: Duration
    public var timeout: Duration
    /// A success that took longer than this since it was due is `slow`.
    public var slow: Duration?

    public init(every: Duration = .milliseconds(100), timeout: Duration = .seconds(1), slow: Duration? = nil)
    {
        self.every = every
        self.timeout = timeout
        self.slow = slow
    }

    public static let form = Form(
        "probe", "What every probe has.", blank: ProbeSetting(),
        fields: [
            Field(
                "every", \.every, default: .milliseconds(100),
                "The period; probes are sent on absolute times, whether earlier ones have answered or not.",
                in: { $0 >= .milliseconds(1) && $0 <= .seconds(3600) ? nil : "from 1ms to 1h" }),
            Field(
                "timeout", \.timeout, default: .seconds(1), "When an answer no longer counts.",
                in: { $0 >= .milliseconds(1) && $0 <= .seconds(600) ? nil : "from 1ms to 10m" }),
            Field("slow", \.slow, "A success later than this is counted as slow, not as down."),
        ])
}

/// A kind of probe or workload without its type, so that both have one catalogue.
public struct ProbeCatalog: Sendable {
    public let types: [any Probe.Type]
    public init(_ types: [any Probe.Type]) { self.types = types }
    public var descriptions: [FormDescription] { types.map { Self.describe($0) } }
    public func type(named name: String) -> (any Probe.Type)? {
        types.first { Self.describe($0).name == name }
    }
    /// - Parameter others: keys of the same mapping that are read by others, such as `every`.
    /// - Throws: `FormProblems`.
    public func probe(_ name: String, _ node: FormNode, besides others: Set<String>) throws -> (any Probe)? {
        try type(named: name).map { try Self.decode($0, node, others) }
    }
    public static func encode<P: Probe>(_ probe: P) -> Value { P.form.encode(probe) }
    private static func describe<P: Probe>(_ type: P.Type) -> FormDescription { P.form.description }
    private static func decode<P: Probe>(_ type: P.Type, _ node: FormNode, _ others: Set<String>) throws -> P
    {
        try P.form.decode(node, besides: others)
    }
}
