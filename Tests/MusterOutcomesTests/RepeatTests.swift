import GRDB
import MusterCore
import MusterDrills
import Testing

@testable import MusterOutcomes

struct RepeatTests {
    private func header(_ id: String, group: String, drill: String = "redis-kill") -> RunHeader {
        var header = makeHeader(id)
        header.repeatGroup = group
        header.drill = drill
        return header
    }

    private func plan(_ phase: FaultPhase) -> Event {
        Event(
            .repeatPlanned, at: Instant(nanoseconds: 10), utc: 10, text: phase.sentence, detail: phase.value)
    }

    private func add(
        _ ids: [String], group: String, to store: OutcomeStore, drill: String = "redis-kill", closed: Int
    ) throws {
        let phases = FaultPhase.all(ids.count, within: .seconds(10), seed: 42)
        for (index, id) in ids.enumerated() {
            _ = try store.begin(header(id, group: group, drill: drill))
            try store.append([plan(phases[index])], to: id)
            if index < closed { try store.finish(id, makeClosing(.pass)) }
        }
    }

    @Test func aGroupIsReadBackWhole() throws {
        let scratch = Scratch()
        let store = try makeStore(scratch)
        try add(["a1", "a2", "a3"], group: "A", to: store, closed: 2)
        _ = try store.begin(makeHeader("single"))
        try add(["b1"], group: "B", to: store, closed: 1)

        let group = try #require(try store.repeats(ofGroup: "A"))
        #expect(group.members.map(\.number) == [1, 2, 3])
        #expect(group.members.map(\.header.id) == ["a1", "a2", "a3"])
        #expect(group.members.map { $0.closing?.judgement.verdict } == [.pass, .pass, nil])
        #expect(group.members.map(\.phase) == FaultPhase.all(3, within: .seconds(10), seed: 42))
        #expect(group.members[0].lost == 10 + 0, "counts are read, though not each entry")
        #expect(group.members[0].closing?.judgement.ledgers[0].anomalies.isEmpty == true)
        #expect(try store.repeats(ofGroup: "nobody") == nil && store.repeats(ofGroup: "") == nil)
        #expect(try store.groups(limit: nil) == ["B", "A"] && store.groups(limit: 1) == ["B"])

        let shown = try #require(try store.outcome(2)?.repeats)
        #expect(shown.group.members.count == 3 && shown.unjudged == 1 && shown.comparison == nil)
        #expect(try store.outcome(4)?.repeats == nil)
    }

    @Test func aGroupIsHeldAgainstTheOneBeforeItOfTheSameDrill() throws {
        let scratch = Scratch()
        let store = try makeStore(scratch)
        try add(["a1", "a2"], group: "A", to: store, closed: 2)
        try add(["x1"], group: "X", to: store, drill: "another", closed: 1)
        try add(["b1", "b2"], group: "B", to: store, closed: 2)
        guard case .compared("A", .tooFew)? = try store.summary(ofGroup: "B")?.comparison else {
            Issue.record("\(String(describing: try store.summary(ofGroup: "B")?.comparison))")
            return
        }
        #expect(try store.summary(ofGroup: "A")?.comparison == nil)
        #expect(try store.summary(ofGroup: "X")?.comparison == nil)
    }

    @Test func aMemberThatRunsIsKnownToRun() throws {
        let scratch = Scratch()
        let engine = ProcessIdentity(pid: 4711, startTicks: 99, bootID: "boot")
        let store = try makeStore(scratch, engine: engine, isAlive: { $0 == engine })
        try add(["a1", "a2"], group: "A", to: store, closed: 1)
        #expect(try store.repeats(ofGroup: "A")?.members.map(\.isRunning) == [false, true])
    }

    @Test func predictionsAreKeptAndChained() throws {
        let scratch = Scratch()
        let store = try makeStore(scratch)
        let number = try store.begin(makeHeader())
        var closing = makeClosing()
        closing.judgement.predictions = [
            PredictionResult(
                name: "outage", predicted: "100 ms to 1 s", measured: "it lasted 1.23 s", result: .outside),
            PredictionResult(name: "lost", predicted: "0", measured: "unknown", result: .unknown),
        ]
        try store.finish(makeHeader().id, closing)
        #expect(try store.outcome(number)?.closing?.judgement.predictions == closing.judgement.predictions)
        guard case .intact = try store.verifyChain(makeHeader().id) else {
            Issue.record("broken")
            return
        }
        try store.write { try $0.execute(sql: "UPDATE predictions SET result = 'within' WHERE position = 0") }
        guard case .broken("closing", _) = try store.verifyChain(makeHeader().id) else {
            Issue.record("an edit of a prediction does not show")
            return
        }
    }

    /// A store of version 1: reading leaves it as it is, writing brings it up to date, and its chain holds.
    @Test func olderStoresAreReadAndBroughtUpToDate() throws {
        let scratch = Scratch()
        let new = Scratch()
        var store = try makeStore(new)
        _ = try store.begin(makeHeader())
        var closing = makeClosing()
        for index in closing.judgement.ledgers.indices {
            closing.judgement.ledgers[index].sample = nil
            closing.judgement.ledgers[index].replicas = []
        }
        try store.finish(makeHeader().id, closing)
        try store.close()
        try makeFirstVersion(scratch.store, from: new.store)

        store = try OutcomeStore(path: scratch.store, access: .readOnly, hash: toyHash)
        #expect(try store.outcome(1)?.closing?.judgement.predictions == [])
        #expect(try store.groups(limit: nil).isEmpty)
        try store.close()
        store = try makeStore(scratch)
        let tables = try store.read { try $0.tableExists("predictions") }
        #expect(tables)
        guard case .intact(_, true, _) = try store.verifyChain(makeHeader().id) else {
            Issue.record("broken")
            return
        }
    }

    /// As version 1 would have written it.
    private func makeFirstVersion(_ path: String, from new: String) throws {
        let queue = try DatabaseQueue(path: path)
        try queue.writeWithoutTransaction { database in
            try database.execute(sql: Schema.migrations[0])
            try database.execute(
                sql: "PRAGMA application_id = \(Schema.applicationID); PRAGMA user_version = 1")
            try database.execute(sql: "ATTACH ? AS new", arguments: [new])
            for table in [
                "runs", "closings", "objectives", "measurements", "ledgers", "ledger_counts", "losses",
                "anomalies",
            ] {
                let columns = try database.columns(in: table, in: "main").map(\.name).joined(separator: ", ")
                try database.execute(
                    sql: "INSERT INTO main.\(table) (\(columns)) SELECT \(columns) FROM new.\(table)")
            }
            try database.execute(sql: "DETACH new")
        }
        try queue.close()
    }
}
