internal import NIOCore

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

extension AttributeValues {
    /// The value of an attribute whose default is a whole number.
    func integer(_ name: String) -> Int64 {
        if case .integer(let value)? = self[name] { value } else { 0 }
    }

    /// The value of an attribute whose default is a number.
    func number(_ name: String) -> Double {
        switch self[name] {
        case .number(let value)?: value
        case .integer(let value)?: Double(value)
        default: 0
        }
    }

    func text(_ name: String) -> String {
        if case .text(let value)? = self[name] { value } else { "" }
    }

    /// A share of something.
    /// - Throws: `AttributeProblem` outside of 0 to 1.
    func share(_ name: String) throws(AttributeProblem) -> Double {
        let value = number(name)
        guard value >= 0, value <= 1 else { throw AttributeProblem(name, expected: "0 to 1") }
        return value
    }
}

extension TimeAmount {
    /// Milliseconds as a toxic is told them: less than nothing is nothing, and more than 100 years is 100 years, so
    /// that two of them together, or one and any moment, do not overflow.
    static func told(milliseconds: Int64) -> TimeAmount {
        .milliseconds(Swift.min(Swift.max(0, milliseconds), 3_155_760_000_000))
    }

    /// The sum of two times that are not negative, or the longest time that there is (292 years): several of the longest
    /// that a toxic may be told are more.
    func adding(_ other: TimeAmount) -> TimeAmount {
        let (sum, isOverflown) = nanoseconds.addingReportingOverflow(other.nanoseconds)
        return .nanoseconds(isOverflown ? .max : sum)
    }
}
