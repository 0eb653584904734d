/// Counts of lateness in buckets of 6 % width, so that quantiles cost no memory per sample.
struct LatenessHistogram: Sendable {
    private var counts = [Int](repeating: 0, count: 64 * 16)
    private(set) var maximum: Int64 = 0
    private var total = 0

    mutating func add(_ nanoseconds: Int64) {
        let value = UInt64(max(1, nanoseconds))
        maximum = max(maximum, Int64(value))
        total += 1
        counts[Self.bucket(value)] += 1
    }

    /// The upper edge of the bucket that holds the quantile, in nanoseconds; 0 without samples.
    func quantile(_ share: Double) -> Int64 {
        guard total > 0 else { return 0 }
        let rank = max(1, Int((share * Double(total)).rounded(.up)))
        var seen = 0
        for (index, count) in counts.enumerated() {
            seen += count
            if seen >= rank { return min(maximum, Self.upperEdge(index)) }
        }
        return maximum
    }

    private static func bucket(_ value: UInt64) -> Int {
        let exponent = 63 - value.leadingZeroBitCount
        let mantissa =
            exponent >= 4 ? (value >> UInt64(exponent - 4)) & 15 : (value << UInt64(4 - exponent)) & 15
        return exponent * 16 + Int(mantissa)
    }

    private static func upperEdge(_ index: Int) -> Int64 {
        let exponent = index / 16
        let mantissa = Int64(index % 16 + 17)
        guard exponent < 58 else { return .max }
        return exponent >= 4 ? mantissa << Int64(exponent - 4) : mantissa >> Int64(4 - exponent)
    }
}
