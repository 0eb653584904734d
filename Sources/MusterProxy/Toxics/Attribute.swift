/// One thing that a toxic can be told.
public struct Attribute: Sendable {
    public var name: String
    public var kind: Kind
    /// What it is when it is not given.
    public var initial: AttributeValue
    /// What it means, with its unit.
    public var summary: String

    public enum Kind: String, Sendable {
        /// A whole number; a fraction is refused, as Go's decoder does.
        case integer
        case number
        case text
        case flag
        /// A list of texts.
        case list
    }

    public init(_ name: String, _ kind: Kind, _ initial: AttributeValue, _ summary: String) {
        self.name = name
        self.kind = kind
        self.initial = initial
        self.summary = summary
    }
}

public enum AttributeValue: Hashable, Sendable {
    case integer(Int64)
    case number(Double)
    case text(String)
    case flag(Bool)
    case list([String])
}

public typealias AttributeValues = [String: AttributeValue]

/// A value that a toxic cannot work with.
public struct AttributeProblem: Error, Hashable, Sendable {
    /// The attribute's name.
    public var name: String
    /// What was expected, such as `0 or more`.
    public var expected: String

    public init(_ name: String, expected: String) {
        self.name = name
        self.expected = expected
    }
}
