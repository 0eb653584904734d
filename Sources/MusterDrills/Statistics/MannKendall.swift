import MusterCore

/// Whether figures rise or fall in the order in which they were taken (Mann 1945, Kendall 1975), and how steeply
/// (Theil 1950, Sen 1968). Repeats that rise are not independent of each other.
public struct MannKendall: Hashable, Sendable {
    /// Pairs that rise less pairs that fall.
    public let s: Int
    /// Of `s`, if the order meant nothing; lower where figures are equal.
    public let variance: Double
    /// Corrected for continuity.
    public let z: Double
    /// Two-sided, from the normal distribution.
    public let p: Double
    /// The median of the slopes of all pairs: how much from one figure to the next.
    public let slope: Double

    /// - Parameter figures: finite, at least two.
    public init(_ figures: [Double]) {
        precondition(figures.count > 1, "a trend needs two figures")
        var s = 0
        var slopes: [Double] = []
        for later in 1..<figures.count {
            for earlier in 0..<later {
                let difference = figures[later] - figures[earlier]
                s += difference > 0 ? 1 : difference < 0 ? -1 : 0
                slopes.append(difference / Double(later - earlier))
            }
        }
        func spread(_ count: Int) -> Double { Double(count * (count - 1) * (2 * count + 5)) / 18 }
        let ties = Dictionary(grouping: figures) { $0 }.values.reduce(0) { $0 + spread($1.count) }
        self.s = s
        variance = spread(figures.count) - ties
        z = variance > 0 ? Double(s - s.signum()) / variance.squareRoot() : 0
        p = NormalDistribution.twoSided(z)
        slope = median(slopes)
    }
}
