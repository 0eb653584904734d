public import MusterCore

/// What may become of writes that were acknowledged after the fault, as when two sides accept writes. In the order of
/// strictness: what comes first allows less.
public enum PostFaultLoss: Hashable, Comparable, Sendable {
    /// `false`: none of them may be lost.
    case forbidden
    /// `3s`: those may be lost that were acknowledged no later than this after the fault; more than nothing.
    case within(Duration)
    /// `true`: any of them may be lost, however late.
    case allowed
}

extension PostFaultLoss: FormValue {
    public static var shape: Shape { .either([.boolean, .duration]) }

    public init(node: FormNode) throws {
        switch node.text {
        case "true": self = .allowed
        case "false": self = .forbidden
        case let text?:
            guard let limit = Duration(units: text) else { throw Self.mismatch(node) }
            guard limit > .zero else {
                throw FormProblem(
                    "found \(node.inWords), which allows nothing", at: node.place,
                    expected: "false, or a duration of more than nothing, such as 3s")
            }
            self = .within(limit)
        case nil: throw Self.mismatch(node)
        }
    }

    public var value: Value {
        switch self {
        case .forbidden: .bool(false)
        case .within(let limit): limit.value
        case .allowed: .bool(true)
        }
    }
}
