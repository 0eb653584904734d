public import MusterCore

/// A place in a file, written OFFSET+LENGTH.
public struct ByteRange: FormValue, Hashable {
    public var range: Range<Int64>

    public static var shape: Shape { .text }

    public init(node: FormNode) throws {
        let parts = (node.text ?? "").split(separator: "+", omittingEmptySubsequences: false).map {
            Int64($0)
        }
        guard parts.count == 2, let offset = parts[0], let length = parts[1], offset >= 0,
            (1...(16 << 20)) ~= length, offset <= Int64.max - length
        else {
            throw FormProblem(
                "found \(node.inWords)", at: node.place, expected: "OFFSET+LENGTH in bytes, such as 4096+16")
        }
        range = offset..<(offset + length)
    }

    public var value: Value { .text("\(range.lowerBound)+\(range.upperBound - range.lowerBound)") }

    /// What would have been right, when ranges overlap or stand in another order.
    static func disorder(in ranges: [ByteRange]) -> String? {
        let isOrdered = zip(ranges, ranges.dropFirst()).allSatisfy {
            $0.range.upperBound <= $1.range.lowerBound
        }
        return isOrdered ? nil : "ranges in ascending order that do not overlap"
    }
}
