import MusterCore
import MusterDrills
import MusterOutcomes
import Testing

struct RoundTripTests {
    private let run = makeHeader().id

    @Test func whatIsRecordedIsReadBack() throws {
        let scratch = Scratch()
        var store = try makeStore(scratch)
        let number = try store.begin(makeHeader())
        let events = (1...3).map { makeEvent(.note, Int64($0) * 100, "event \($0) \"quoted\" \u{1b}") }
        try store.append([events[0]], to: run)
        try store.append(Array(events[1...]), to: run)
        let samples = (0..<10).map { index in
            Sample(
                due: Instant(nanoseconds: index * 1000), started: Instant(nanoseconds: index * 1000 + 7),
                finished: Instant(nanoseconds: index * 1000 + 90),
                outcome: Sample.Outcome.allCases[Int(index) % 5], code: index == 3 ? -104 : 200,
                blind: .nanoseconds(index == 4 ? 60 : 0))
        }
        let ping = Signal(name: "ping", every: .milliseconds(10))
        let writer = Signal(name: "writes", writer: 3, every: .milliseconds(20))
        try store.append(Array(samples[..<4]), of: ping, to: run)
        try store.append(samples, of: writer, to: run)
        try store.append(Array(samples[4...]), of: ping, to: run)
        try store.record(
            RunbookRecord(path: "restart.md", fileHash: "f", execHash: "e", text: "# Restart\n"), in: run)
        let summaries = [
            SignalSummary(of: Signal(name: "ping", every: ping.every, samples: samples)),
            SignalSummary(of: Signal(name: "silent", writer: 1, every: .milliseconds(5))),
        ]
        try store.record(summaries, in: run)
        let closing = makeClosing()
        try store.finish(run, closing)
        try store.close()

        store = try makeStore(scratch)
        let read = try #require(try store.outcome(number))
        #expect(read.header.id == run)
        #expect(read.header.variables == ["persistence": "rdb", "empty": ""])
        #expect(read.header.configurationHash == "c1")
        #expect(read.header.expect == "It comes back.")
        #expect(read.events == events)
        #expect(read.signals.map(\.name) == ["ping", "writes", "silent"])
        #expect(read.signals.map(\.writer) == [nil, 3, 1])
        #expect(read.signals.map(\.every) == [.milliseconds(10), .milliseconds(20), .milliseconds(5)])
        #expect(read.summaries == summaries && read.summaries[0].total == 10)
        #expect(Array(read.signals[0].samples) == samples)
        #expect(Array(read.signals[1].samples) == samples)
        #expect(read.runbooks.map(\.text) == ["# Restart\n"])
        let judgement = try #require(read.closing).judgement
        #expect(judgement.ledgers == closing.judgement.ledgers)
        #expect(judgement.objectives == closing.judgement.objectives)
        #expect(judgement.measurements == closing.judgement.measurements)
        #expect(judgement.warnings == ["weak stability"])
        #expect(judgement.scope == ["losing the disk"])
        #expect(read.closing?.residue == closing.residue)
        #expect(read.closing?.finishedAt == closing.finishedAt)
        #expect(read.closing?.exitCode == 1)
        #expect(try store.outcome(number, withSamples: false)?.signals.map(\.samples.count) == [0, 0, 0])
        #expect(try store.outcome(99) == nil)
        #expect(try store.number(ofRun: run) == number)
    }

    @Test func injectionsAreKnownBeforeAndUntilTheyAreClosed() throws {
        let scratch = Scratch()
        let store = try makeStore(scratch)
        _ = try store.begin(makeHeader())
        let id = try #require(InjectionID("k3f9-01JD8Q6Z5W4R8T2M1N0P9XCVBB"))
        var record = InjectionRecord(
            id: id, name: "crash", fault: "process-kill", parameters: ["signal": "KILL"],
            target: ["fixture": "redis"], host: "db1", via: "ssh ops@db1")
        try store.record(record, in: run)
        let open = try store.unclosedInjections()
        #expect(open.map(\.run) == [run])
        #expect(open.first?.1.state == .requested)
        #expect(open.first?.1.via == "ssh ops@db1")
        #expect(open.first?.1.parameters == ["signal": "KILL"])
        record.state = .unreachable
        try store.record(record, in: run)
        #expect(try store.unclosedInjections().map { $0.1.state } == [.unreachable])
        record.state = .closed
        record.undo = ["no helper is left: holds"]
        try store.record(record, in: run)
        #expect(try store.unclosedInjections().isEmpty)
        #expect(try store.outcome(1)?.injections.map(\.undo) == [["no helper is left: holds"]])
    }

    @Test func nothingIsKeptOfARunThatNeverBegan() throws {
        let scratch = Scratch()
        let store = try makeStore(scratch)
        let unknown = OutcomeStoreError.unknownRun(path: scratch.store, run: "nobody")
        #expect(throws: unknown) { try store.append([makeEvent(.note, 100)], to: "nobody") }
        #expect(throws: unknown) {
            try store.append([], of: Signal(name: "p", every: .seconds(1)), to: "nobody")
        }
        #expect(throws: unknown) { try store.finish("nobody", makeClosing()) }
    }

    @Test func aRunIsClosedOnce() throws {
        let scratch = Scratch()
        let store = try makeStore(scratch)
        _ = try store.begin(makeHeader())
        try store.finish(run, makeClosing())
        #expect(throws: OutcomeStoreError.self) { try store.finish(run, makeClosing(.pass)) }
        #expect(try store.outcome(1)?.closing?.judgement.verdict == .fail)
    }
}
