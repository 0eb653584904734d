import MusterCore
import MusterFaults
import MusterHost
import MusterJournal
import Testing

/// What every fault of the catalogue must keep, on a real host.
@Suite(.serialized) struct ConformanceTests {
    @Test func everyFaultIsTried() {
        #expect(Set(Specimen.all.map(\.fault)) == Set(FaultCatalog.complete.names))
    }

    @Test(arguments: Specimen.all) func breaksProvesAndMends(specimen: Specimen) throws {
        if let why = specimen.needsRoot, !isRoot {
            print("skipped without root: \(specimen.testDescription) \(why)")
            return
        }
        let bench = try Bench()
        defer { bench.close() }
        let (fault, target) = try specimen.prepare(bench)
        let openBefore = try bench.journal.openInjections().count
        let before = try bench.picture()
        let request = bench.request(fault, target)

        let (planned, plan) = try bench.injector.plan(request)
        #expect(try bench.picture() == before, "planning changes nothing")
        #expect(plan.irreversible == nil)
        #expect(!plan.touches.isEmpty, "the blast radius is told")
        let facts = try planned.facts.map { try #require(try FactCatalog.standard.fact($0)) }
        for fact in facts { #expect(try fact.state(on: bench.host).isSettled, "\(fact.sentence)") }

        let injection = try bench.injector.inject(request) {}
        let isViolated = try waitUntil {
            for fact in facts where try !fact.state(on: bench.host).isSettled { return true }
            return false
        }
        #expect(isViolated, "at least one fact is violated")
        var effect = Effect.notYet("never asked")
        _ = try waitUntil {
            effect = try bench.injector.effect(of: injection, fault, on: target)
            if case .proven = effect { return true }
            return false
        }
        guard case .proven = effect else {
            Issue.record("the effect is not proven: \(effect)")
            return
        }

        let results = bench.injector.undo([injection])
        #expect(results.first?.closed == .verified, "\(results)")
        for fact in facts { #expect(try fact.state(on: bench.host).isSettled, "\(fact.sentence)") }
        let again = bench.injector.undo([injection])
        #expect(again.allSatisfy { $0.isSettled }, "undoing twice is harmless: \(again)")
        #expect(try bench.journal.openInjections().count == openBefore)
        let isBack = try waitUntil { try bench.picture() == before }
        let after = try bench.picture()
        #expect(isBack, "as before, but is \(after) and was \(before)")
    }

    @Test(arguments: Specimen.all) func storedFactsSurviveTimeAndNewerVersions(specimen: Specimen) throws {
        if specimen.needsRoot != nil, !isRoot { return }
        let bench = try Bench()
        defer { bench.close() }
        let (fault, target) = try specimen.prepare(bench)
        let (injection, _) = try bench.injector.plan(bench.request(fault, target))
        for stored in injection.facts {
            let fact = try #require(try FactCatalog.standard.fact(stored))
            #expect(fact.stored == stored, "reads back to the same")
            var richer = stored
            if case .map(var map) = stored.fields {
                map["fieldOfALaterVersion"] = "ignored"
                richer.fields = .map(map)
            }
            #expect(try FactCatalog.standard.fact(richer)?.stored == stored, "unknown fields are forgiven")
            var newer = stored
            newer.version += 1
            #expect(try FactCatalog.standard.fact(newer) == nil, "a newer version is not guessed at")
        }
        // An injection with a fact of a newer version stays open, and says so.
        var future = injection
        future.facts[0].version += 1
        let results = bench.injector.undo([future])
        #expect(results.first?.unknown.count == 1)
        #expect(results.first?.closed == nil)
    }

    @Test(arguments: FaultCatalog.complete.names) func formsDescribeThemselves(name: String) throws {
        let type = try #require(FaultCatalog.complete.type(named: name))
        let description = FaultCatalog.complete.description(of: type)
        #expect(description.summary.hasSuffix("."))
        #expect(description.fields.allSatisfy { $0.sentence.hasSuffix(".") })
        if FaultCatalog.standard.names.contains(name) { #expect(description.example.contains(name)) }
    }

    @Test(arguments: Specimen.all) func formsReadBackWhatTheyWrite(specimen: Specimen) throws {
        if specimen.needsRoot != nil, !isRoot { return }
        let bench = try Bench()
        defer { bench.close() }
        let (fault, _) = try specimen.prepare(bench)
        let plain = FaultCatalog.encode(fault)
        let back = try #require(
            try FaultCatalog.complete.fault(named: specimen.fault, from: FormNode(plain)))
        #expect(FaultCatalog.encode(back) == plain)
    }
}
