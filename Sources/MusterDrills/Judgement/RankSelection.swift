import MusterCore

/// The value of a rank among any number of values, exactly and without keeping them: they are visited several times,
/// and each time a histogram tells in which part of the range so far the wanted one lies.
enum RankSelection {
    /// So many values may be kept and sorted.
    private static let kept = 65_536
    /// Of the first histogram's buckets, for each power of two.
    private static let mantissaBits = 10

    /// - Parameters:
    ///   - rank: from 1.
    ///   - visit: calls what it is given with every value; the same ones every time.
    /// - Returns: nil when there are fewer values.
    static func value(rank: Int, _ visit: ((UInt64) -> Void) -> Void) -> UInt64? {
        guard rank >= 1 else { return nil }
        var buckets = [Int](repeating: 0, count: bucket(of: .max) + 1)
        buckets.withUnsafeMutableBufferPointer { buckets in visit { buckets[bucket(of: $0)] += 1 } }
        var rank = rank
        guard let found = take(&rank, buckets) else { return nil }
        var population = buckets[found]
        var low = start(of: found)
        // The last value of the range, so that the whole of 64 bits can be one.
        var high = found + 1 < buckets.count ? start(of: found + 1) - 1 : .max
        while population > kept, high > low {
            let width = high - low
            let shift = UInt64(max(0, 64 - width.leadingZeroBitCount - 16))
            buckets = [Int](repeating: 0, count: Int(width >> shift) + 1)
            buckets.withUnsafeMutableBufferPointer { buckets in
                visit { if $0 >= low, $0 <= high { buckets[Int(($0 - low) >> shift)] += 1 } }
            }
            guard let found = take(&rank, buckets) else { return nil }
            population = buckets[found]
            low += UInt64(found) << shift
            high = min(high, low + (1 << shift - 1))
        }
        if low == high { return low }
        var values: [UInt64] = []
        values.reserveCapacity(population)
        visit { if $0 >= low, $0 <= high { values.append($0) } }
        values.sort()
        return rank <= values.count ? values[rank - 1] : nil
    }

    /// The bucket in which the rank falls; takes off the rank what lies before it.
    private static func take(_ rank: inout Int, _ buckets: [Int]) -> Int? {
        for (index, count) in buckets.enumerated() {
            if rank <= count { return index }
            rank -= count
        }
        return nil
    }

    /// Small values have a bucket each; of greater ones, the power of two and the bits behind the leading one.
    private static func bucket(of value: UInt64) -> Int {
        guard value >> mantissaBits > 0 else { return Int(value) }
        let shift = 63 - value.leadingZeroBitCount - mantissaBits
        return (shift + 1) << mantissaBits + Int((value >> UInt64(shift)) & (1 << UInt64(mantissaBits) - 1))
    }

    private static func start(of bucket: Int) -> UInt64 {
        guard bucket >> mantissaBits > 0 else { return UInt64(bucket) }
        let shift = UInt64(bucket >> mantissaBits - 1)
        return (1 << UInt64(mantissaBits) | UInt64(bucket & (1 << mantissaBits - 1))) << shift
    }
}

/// How many of `n` tries hit by chance, when each does with a small probability.
struct RareHits {
    let tries: Int
    let probability: Double

    /// The least k of which `P(hits ≤ k) ≥ 0.95`: more than these are more than chance explains.
    var most: Int { quantile { $0 >= 0.95 } }
    /// The least k of which `P(hits ≤ k) > 0.05`: fewer than these are fewer than chance explains.
    var least: Int { quantile { $0 > 0.05 } }

    private func quantile(_ isEnough: (Double) -> Bool) -> Int {
        let mean = Double(tries) * probability
        if tries > 20_000 {
            // The normal approximation: exact figures for so many tries would need logarithms.
            let deviation = 1.645 * (mean * (1 - probability)).squareRoot()
            return isEnough(0.06) ? max(0, Int(mean - deviation)) : Int((mean + deviation).rounded(.up))
        }
        var share = 1.0
        for _ in 0..<tries { share *= 1 - probability }
        var sum = share
        var hits = 0
        while !isEnough(sum), hits < tries {
            share *= Double(tries - hits) / Double(hits + 1) * probability / (1 - probability)
            hits += 1
            sum += share
        }
        return hits
    }
}
