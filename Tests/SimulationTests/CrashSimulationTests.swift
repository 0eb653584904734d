import MusterCore
import MusterDrills
import MusterFaults
import Testing

/// Whoever dies, whenever, and again during the recovery: nothing is left broken.
@Suite struct CrashSimulationTests {
    @Test func everyFaultIsSimulated() {
        let simulated = Scenario.alone.flatMap { scenario in
            scenario.acts.indices.map { scenario.request($0).faultName }
        }
        #expect(Set(simulated) == Set(FaultCatalog.complete.names))
    }

    @Test(arguments: Scenario.alone)
    func aDrillThatNobodyDisturbsTakesEffectAndLeavesNothing(
        scenario: Scenario
    ) throws {
        let world = Scenario.original()
        let injector = Injector(host: world, journal: world, facts: .standard)
        world.begin(trouble: nil)
        for index in scenario.acts.indices {
            let request = scenario.request(index)
            let before = world.fingerprint
            _ = try injector.plan(request)
            #expect(world.fingerprint == before, "planning changes nothing")
            let injection = try injector.inject(request) {}
            #expect(world.fingerprint != before, "injecting changes something")
            guard case .proven = try injector.effect(of: injection, request.fault, on: request.target) else {
                Issue.record("\(request.name): the effect is not proven")
                continue
            }
        }
        let results = injector.undo(world.open)
        #expect(results.allSatisfy { $0.closed == .verified }, "\(results)")
        #expect(results.flatMap(\.facts).allSatisfy { $0.endedEarly == nil }, "\(results)")
        #expect(world.fingerprint == Scenario.original().fingerprint)
    }

    @Test(arguments: Scenario.alone) func oneFaultAndTwoCrashes(scenario: Scenario) {
        sweep(scenario, recoveries: 1, World.Moment.allCases)
    }

    /// Dies in the drill, dies in the recovery, dies in the recovery of that.
    @Test(arguments: Scenario.alone) func oneFaultAndThreeCrashes(scenario: Scenario) {
        sweep(scenario, recoveries: 2, [.halfWay])
    }

    @Test(arguments: Scenario.pairs) func twoFaultsAndTwoCrashes(scenario: Scenario) {
        sweep(scenario, recoveries: 1, [.halfWay, .afterEffect])
    }

    @Test(arguments: Scenario.alone + Scenario.pairs) func theLeaseIsLostAtAnyStep(
        scenario: Scenario
    ) {
        var sweep = Sweep()
        sweep.leaseLosses(scenario)
        #expect(sweep.violations.isEmpty, "\(sweep.violations.prefix(3))")
        #expect(sweep.runs > 3)
    }

    private func sweep(_ scenario: Scenario, recoveries: Int, _ moments: [World.Moment]) {
        var runs = 0
        for moment in moments {
            for helpersActEarly in [false, true] {
                var sweep = Sweep(helpersActEarly: helpersActEarly, recoveries: recoveries)
                sweep.crashes(scenario, moment)
                runs += sweep.runs
                #expect(sweep.violations.isEmpty, "\(sweep.violations.count): \(sweep.violations.prefix(3))")
            }
        }
        #expect(runs > 10)
        print("crash simulation: \(scenario.testDescription): \(runs) combinations of crashes")
    }
}
