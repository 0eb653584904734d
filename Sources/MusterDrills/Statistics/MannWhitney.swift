import MusterCore

/// Whether the figures of one group tend to be greater than those of another, by their order alone (Mann and
/// Whitney, Annals of Mathematical Statistics 18, 1947). Infinite figures are allowed: they are greater than all.
public struct MannWhitney: Hashable, Sendable {
    /// In how many pairs the figure of the second group is the greater one; equal ones count one half.
    public let u: Double
    /// Two-sided. Exact, also where figures are equal, up to 100 figures; beyond them from the normal distribution.
    public let p: Double
    /// By how much the second group is greater: the median of all differences (Hodges and Lehmann, 1963).
    public let shift: Double

    /// Both groups must have figures.
    public init(_ first: [Double], _ second: [Double]) {
        precondition(!first.isEmpty && !second.isEmpty, "two groups are compared")
        let ranks = Self.doubledRanks(first + second)
        let own = ranks[first.count...].reduce(0, +)
        u = Double(own - second.count * (second.count + 1)) / 2
        p =
            ranks.count <= 100
            ? Self.exact(ranks, choosing: second.count, sum: own)
            : Self.approximate(ranks, first.count, second.count, u)
        shift = Self.shift(first, second)
    }

    /// The least p that groups of these sizes can give: when it is above the level of an alarm, they can never
    /// raise one. 3 against 3 give 0.1.
    public static func leastP(_ first: Int, _ second: Int) -> Double {
        // 2 / C(first + second, first)
        let ways = (0..<min(first, second)).reduce(1.0) { ways, index in
            ways * Double(first + second - index) / Double(index + 1)
        }
        return min(1, 2 / ways)
    }

    /// Twice the rank of each figure, so that the mean rank of equal ones is whole.
    private static func doubledRanks(_ figures: [Double]) -> [Int] {
        let order = figures.indices.sorted { figures[$0] < figures[$1] }
        var ranks = figures.map { _ in 0 }
        var start = 0
        while start < order.count {
            let same = order[start...].prefix { figures[$0] == figures[order[start]] }
            for index in same { ranks[index] = 2 * start + same.count + 1 }
            start += same.count
        }
        return ranks
    }

    /// Of all ways to choose so many of the ranks: the share whose sum is as far from the middle, or farther.
    private static func exact(_ ranks: [Int], choosing count: Int, sum: Int) -> Double {
        let highest = ranks.reduce(0, +)
        // ways[k][s]: how many choices of k ranks have the sum s.
        var ways = [[Double]](
            repeating: [Double](repeating: 0, count: highest + 1), count: count + 1)
        ways[0][0] = 1
        var reached = 0
        for (index, rank) in ranks.enumerated() {
            for chosen in stride(from: min(count, index + 1), through: 1, by: -1) {
                for before in 0...reached where ways[chosen - 1][before] > 0 {
                    ways[chosen][before + rank] += ways[chosen - 1][before]
                }
            }
            reached += rank
        }
        // The mean sum is count · (n + 1), in doubled ranks.
        let middle = count * (ranks.count + 1)
        let distance = abs(sum - middle)
        var far = 0.0
        var all = 0.0
        for (total, number) in ways[count].enumerated() where number > 0 {
            all += number
            if abs(total - middle) >= distance { far += number }
        }
        return min(1, far / all)
    }

    private static func approximate(_ ranks: [Int], _ first: Int, _ second: Int, _ u: Double) -> Double {
        let count = Double(ranks.count)
        let product = Double(first) * Double(second)
        let ties = Dictionary(grouping: ranks) { $0 }.values.reduce(0.0) { sum, same in
            let size = Double(same.count)
            return sum + size * (size * size - 1)
        }
        let variance = product / 12 * (count + 1 - ties / (count * (count - 1)))
        guard variance > 0 else { return 1 }
        let distance = max(0, abs(u - product / 2) - 0.5)
        return NormalDistribution.twoSided(distance / variance.squareRoot())
    }

    private static func shift(_ first: [Double], _ second: [Double]) -> Double {
        let differences = second.flatMap { later in
            // Two that never ended are equally long, as far as anybody knows.
            first.map { earlier in later == earlier ? 0 : later - earlier }
        }
        return median(differences)
    }
}

/// The middle figure, or the mean of the two middle ones.
func median(_ figures: [Double]) -> Double {
    let sorted = figures.sorted()
    let (low, high) = (sorted[(sorted.count - 1) / 2], sorted[sorted.count / 2])
    return low == high ? low : (low + high) / 2
}
