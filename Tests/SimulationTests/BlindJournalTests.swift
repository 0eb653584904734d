import MusterCore
import MusterFaults
import Testing

/// A journal that can close rows but no longer say what is open, as on a failing disk.
private struct BlindJournal: Journal {
    let world: World
    func open(_ injection: Injection) throws { try world.open(injection) }
    func close(_ id: InjectionID, _ how: Closing) throws { try world.close(id, how) }
    func openInjections() throws -> [Injection] { throw HostError(.failed, "read the journal", "I/O error") }
    func record(helper: ProcessIdentity, session: Int32, of id: InjectionID) throws {}
    func helpers(of id: InjectionID) throws -> [HelperRecord] { [] }
    func pendingDisposals() throws -> [(InjectionID, Disposal)] { try world.pendingDisposals() }
    func disposed(_ disposal: Disposal, of id: InjectionID) throws { try world.disposed(disposal, of: id) }
}

@Suite struct BlindJournalTests {
    @Test func aScratchStaysWhileNobodyKnowsWhatElseLiesInIt() throws {
        let scenario = try #require(Scenario.singles.first { $0.acts.last?.name == "scratch" })
        let world = Scenario.original()
        let injector = Injector(host: world, journal: world, facts: .standard)
        world.begin(trouble: nil)
        _ = try injector.inject(scenario.request(0)) {}

        let blind = Injector(host: world, journal: BlindJournal(world: world), facts: .standard)
        let kept = blind.undo(world.open)
        #expect(kept.map(\.closed) == [nil])
        #expect(kept[0].facts.contains { $0.problem?.contains("journal") == true }, "\(kept)")
        #expect(world.nodes["/srv/fresh"] != nil)

        #expect(injector.undo(world.open).map(\.closed) == [.verified])
        #expect(world.fingerprint == Scenario.original().fingerprint)
    }
}
