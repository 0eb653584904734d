import MusterCore

/// How often something of a fixed chance happens in independent trials.
enum Binomial {
    /// P(X ≤ `limit`) for X successes in `trials`, each of chance `chance`.
    ///
    /// The terms are reckoned from the greatest one outwards and divided by their sum, so that nothing
    /// underflows, however many trials there are.
    static func probability(ofAtMost limit: Int, in trials: Int, chance: Double) -> Double {
        precondition(trials >= 0, "a number of trials")
        if limit < 0 { return 0 }
        if limit >= trials || chance <= 0 { return 1 }
        if chance >= 1 { return 0 }
        let odds = chance / (1 - chance)
        let mode = min(trials, Int(Double(trials + 1) * chance))
        var wanted = mode <= limit ? 1.0 : 0
        var all = 1.0
        var term = 1.0
        for count in mode..<trials {
            term *= Double(trials - count) / Double(count + 1) * odds
            all += term
            if count + 1 <= limit { wanted += term }
        }
        term = 1
        for count in stride(from: mode, to: 0, by: -1) {
            term *= Double(count) / Double(trials - count + 1) / odds
            all += term
            if count - 1 <= limit { wanted += term }
        }
        return min(1, wanted / all)
    }
}

/// Where a function that does not fall reaches `value`, between 0 and 1.
func bisection(of value: Double, _ rising: (Double) -> Double) -> Double {
    var (low, high) = (0.0, 1.0)
    for _ in 0..<200 {
        let middle = (low + high) / 2
        if middle <= low || middle >= high { break }
        if rising(middle) < value { low = middle } else { high = middle }
    }
    return high
}
