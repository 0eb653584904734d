public import MusterCore

/// HTTP statuses as people write them: `200`, `200-399`, `200-299, 404`.
public struct StatusSet: FormValue, Hashable {
    public var ranges: [ClosedRange<Int>]
    public init(_ ranges: ClosedRange<Int>...) { self.ranges = ranges }

    public static var shape: Shape { .text }

    public init(node: FormNode) throws {
        guard let text = node.text else { throw Self.problem(node) }
        ranges = try text.split(separator: ",", omittingEmptySubsequences: false).map { part in
            let ends = part.filter { $0 != " " }.split(separator: "-", omittingEmptySubsequences: false)
            guard (1...2).contains(ends.count), let first = Int(ends[0]),
                let last = Int(ends[ends.count - 1]),
                (100...599).contains(first), (first...599).contains(last)
            else { throw Self.problem(node) }
            return first...last
        }
    }

    private static func problem(_ node: FormNode) -> FormProblem {
        FormProblem(
            "found \(node.inWords)", at: node.place,
            expected: "statuses from 100 to 599, such as 200, 200-399 or 200-299, 404")
    }

    public var value: Value {
        .text(
            ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
                .joined(separator: ", "))
    }

    func contains(_ status: Int) -> Bool { ranges.contains { $0.contains(status) } }
}

func headerLines(_ headers: [String: String]) -> [String] {
    // curl removes a header for "Name:" and sends it empty for "Name;".
    headers.sorted { $0.key < $1.key }.map { $0.value.isEmpty ? "\($0.key);" : "\($0.key): \($0.value)" }
}
