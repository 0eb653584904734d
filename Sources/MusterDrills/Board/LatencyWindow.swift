import MusterCore

/// Latencies of the last seconds, in a few kilobytes whatever their number: a histogram for each second, whose bins
/// are an eighth of a doubling wide, so that a quantile is at most 9 % too large.
struct LatencyWindow: Sendable {
    /// Quantiles by nearest rank, each the upper edge of its bin.
    struct Quantiles: Hashable, Sendable {
        var median: Duration
        var p95: Duration
        var p99: Duration
        /// Exact.
        var maximum: Duration
    }

    private struct Second: Sendable {
        var number = Int64.min
        var bins: [UInt32] = []
        var longest: Int64 = 0
    }

    static let seconds: Int64 = 10
    private static let binsPerDoubling = 8.0
    /// 1 µs; what is shorter is in the first bin.
    private static let shortest = 1_000.0
    /// Up to some 20 minutes.
    private static let count = 248

    private var ring = [Second](repeating: Second(), count: Int(seconds))

    mutating func add(_ latency: Duration, at instant: Instant) {
        let number = flooredDivision(instant.nanoseconds, by: 1_000_000_000).quotient
        let place = Int(flooredDivision(number, by: Self.seconds).remainder)
        if ring[place].number != number {
            // What comes so late that its second has been given away is not of the last seconds any more.
            guard ring[place].number < number else { return }
            ring[place] = Second(number: number, bins: [UInt32](repeating: 0, count: Self.count))
        }
        let nanoseconds = max(0, latency.nanoseconds)
        ring[place].bins[Self.bin(nanoseconds)] += 1
        ring[place].longest = max(ring[place].longest, nanoseconds)
    }

    /// Of the seconds up to `now`; nil when there was no answer in them.
    func quantiles(at now: Instant) -> Quantiles? {
        let current = flooredDivision(now.nanoseconds, by: 1_000_000_000).quotient
        let recent = ring.filter { $0.number > current - Self.seconds && $0.number <= current }
        var bins = [Int](repeating: 0, count: Self.count)
        for second in recent {
            for (bin, count) in second.bins.enumerated() { bins[bin] += Int(count) }
        }
        let total = bins.reduce(0, +)
        guard total > 0 else { return nil }
        let longest = recent.map(\.longest).max() ?? 0
        func quantile(_ hundredths: Int) -> Duration {
            var left = (total * hundredths + 99) / 100
            for (bin, count) in bins.enumerated() {
                left -= count
                if left <= 0 { return .nanoseconds(min(longest, Self.edge(bin))) }
            }
            return .nanoseconds(longest)
        }
        return Quantiles(
            median: quantile(50), p95: quantile(95), p99: quantile(99), maximum: .nanoseconds(longest))
    }

    private static func bin(_ nanoseconds: Int64) -> Int {
        let doublings = Logarithm.base2(max(shortest, Double(nanoseconds)) / shortest)
        return min(count - 1, Int(doublings * binsPerDoubling))
    }

    /// Where the bin ends.
    private static func edge(_ bin: Int) -> Int64 {
        Int64(shortest * Logarithm.power2(Double(bin + 1) / binsPerDoubling))
    }
}

/// Logarithms without a C library: of what is drawn, and of bins that are as wide as a twelfth.
enum Logarithm {
    /// To some twelve digits.
    /// - Parameter value: above 0.
    static func base2(_ value: Double) -> Double {
        var rest = value.significand
        var sum = Double(value.exponent)
        var bit = 0.5
        // Squaring doubles the logarithm: its next binary digit is whether that carries.
        for _ in 0..<40 {
            rest *= rest
            if rest >= 2 {
                rest /= 2
                sum += bit
            }
            bit /= 2
        }
        return sum
    }

    static func power2(_ exponent: Double) -> Double {
        let whole = exponent.rounded(.down)
        var rest = exponent - whole
        var factor = 2.0
        var product = 1.0
        for _ in 0..<40 {
            factor = factor.squareRoot()
            rest *= 2
            if rest >= 1 {
                product *= factor
                rest -= 1
            }
        }
        return Double(sign: .plus, exponent: Int(whole), significand: 1) * product
    }
}
