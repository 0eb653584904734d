import MusterCore

/// What a random sample in which nothing was missing proves about all that it was drawn from.
public enum SampleBound {
    /// How often a bound may be wrong: in less than one of twenty samples, which is a confidence of 95 %.
    public static let doubt = 0.05

    /// The most of `population` entries that may be lost although none of `drawn` was: beyond it, a sample without
    /// a loss has a probability of less than 5 %. Hypergeometric, because nothing is drawn twice.
    public static func mostLost(of population: Int, drawn: Int) -> Int {
        var missed = 1.0
        var lost = 0
        while lost < population {
            missed *= Double(max(0, population - drawn - lost)) / Double(population - lost)
            if missed < doubt { break }
            lost += 1
        }
        return lost
    }

    /// The least number to draw so that a sample without a loss proves that fewer than `lost` of `population` are.
    public static func drawn(of population: Int, toSee lost: Int) -> Int {
        precondition(lost > 0 && lost <= population, "from one lost entry to all of them")
        // By turns: the probability of missing all falls with each entry that is drawn.
        var low = 0
        var high = population
        while low < high {
            let middle = (low + high) / 2
            if mostLost(of: population, drawn: middle) < lost { high = middle } else { low = middle + 1 }
        }
        return low
    }

    /// The least number to draw from very many to see a loss of one in `every`: 299 for 1 %, 2,995 for 0.1 %.
    public static func drawn(toSeeOneIn every: Int) -> Int {
        precondition(every > 1, "a share of less than everything")
        var missed = 1.0
        var drawn = 0
        while missed >= doubt {
            missed *= 1 - 1 / Double(every)
            drawn += 1
        }
        return drawn
    }
}
