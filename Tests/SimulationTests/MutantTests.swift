import MusterCore
import Testing

/// A simulation that finds nothing may be blind. Each of these orders is wrong in one way that is easily
/// written, and each must be found out.
@Suite struct MutantTests {
    static let mutants: [any SafetyOrder] = [
        InjectBeforeJournalling(), CloseBeforeRestoring(), CloseWithoutVerifying(), DisposeFirst(),
        IgnoreHelpers(), InjectWithoutLease(),
    ]

    @Test(arguments: mutants.indices) func theSimulationCatches(mutant index: Int) {
        let mutant = Self.mutants[index]
        var found: [String] = []
        for scenario in Scenario.singles + Scenario.pairs.suffix(2) {
            for moment in World.Moment.allCases {
                var sweep = Sweep(order: mutant)
                sweep.crashes(scenario, moment)
                found += sweep.violations
            }
            var sweep = Sweep(order: mutant)
            sweep.leaseLosses(scenario)
            found += sweep.violations
        }
        #expect(!found.isEmpty, "\(mutant) was not caught")
        print(
            "mutant \(type(of: mutant)): caught \(found.count) times, first: \(found.first?.prefix(200) ?? "")"
        )
    }

    /// The same sweep finds nothing in what ships, so what it finds in mutants is theirs.
    @Test func theSameSweepPassesWhatShips() {
        var sweep = Sweep()
        for scenario in Scenario.singles + Scenario.pairs.suffix(2) {
            for moment in World.Moment.allCases { sweep.crashes(scenario, moment) }
            sweep.leaseLosses(scenario)
        }
        #expect(sweep.violations.isEmpty, "\(sweep.violations.prefix(3))")
    }
}
