/// Toxiproxy's hidden `noop`: does nothing.
public struct Noop: Toxic {
    public static let type = "noop"
    public static let summary = "Nothing."
    public static let attributes: [Attribute] = []

    public init(_ values: AttributeValues) throws(AttributeProblem) {}

    public var values: AttributeValues { [:] }
    public func stage(_ random: LinkRandom) -> (any ToxicStage)? { nil }
}
