import MusterCore
import MusterDrills
import Testing

/// A simulation that finds nothing may be blind. Each of these orders is wrong in one way that is easily
/// written, and each must be found out.
@Suite struct MutantTests {
    /// Each with the scenarios in which it must show itself.
    static let mutants: [(order: any SafetyOrder, scenarios: [Scenario])] = [
        (InjectBeforeJournalling(), others), (InjectBeforeJournalling(), proxies),
        (CloseBeforeRestoring(), others), (CloseBeforeRestoring(), proxies),
        (CloseWithoutVerifying(), others), (CloseWithoutVerifying(), proxies),
        (DisposeFirst(), others), (IgnoreHelpers(), others),
        (InjectWithoutLease(), others), (InjectWithoutLease(), proxies),
        (RedirectLast(), Scenario.ownProxies), (TrustDeadlines(), Scenario.toxics),
    ]
    private static let others = Scenario.singles + Scenario.pairs.suffix(2)
    private static let proxies = Scenario.toxics + Scenario.ownProxies

    @Test(arguments: mutants.indices) func theSimulationCatches(mutant index: Int) {
        let (mutant, scenarios) = Self.mutants[index]
        let found = scenarios.flatMap { violations(of: mutant, in: $0) }
        #expect(!found.isEmpty, "\(mutant) was not caught")
        print(
            "mutant \(type(of: mutant)): caught \(found.count) times, first: \(found.first?.prefix(200) ?? "")"
        )
    }

    /// Whoever does not undo what is on a proxy is caught with every single toxic.
    @Test(arguments: Scenario.toxics) func everyToxicIsMissed(scenario: Scenario) {
        #expect(!violations(of: CloseBeforeRestoring(), in: scenario).isEmpty)
    }

    /// The same sweep finds nothing in what ships, so what it finds in mutants is theirs.
    @Test func theSameSweepPassesWhatShips() {
        let found = (Self.others + Self.proxies).flatMap { violations(of: Shipping(), in: $0) }
        #expect(found.isEmpty, "\(found.prefix(3))")
    }

    private func violations(of order: any SafetyOrder, in scenario: Scenario) -> [String] {
        var found: [String] = []
        for moment in World.Moment.allCases {
            var sweep = Sweep(order: order)
            sweep.crashes(scenario, moment)
            found += sweep.violations
        }
        var sweep = Sweep(order: order)
        sweep.leaseLosses(scenario)
        return found + sweep.violations
    }
}
