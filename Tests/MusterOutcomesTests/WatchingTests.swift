import GRDB
import MusterCore
import MusterDrills
import Testing

@testable import MusterOutcomes

/// Reading a run while it is written, and answering it.
@Suite struct WatchingTests {
    private let run = "01JD8Q6Z5W4R8T2M1N0P9XCVBA"

    private func sample(_ at: Int64) -> Sample {
        Sample(
            due: Instant(nanoseconds: at), started: Instant(nanoseconds: at),
            finished: Instant(nanoseconds: at + 1), outcome: .ok)
    }

    @Test func onlyWhatIsNewIsRead() throws {
        let scratch = Scratch()
        let store = try makeStore(scratch)
        _ = try store.begin(makeHeader())
        let reader = try OutcomeStore(path: scratch.store, access: .readOnly, hash: toyHash)
        var cursor = RunCursor(run: run, samplesFrom: Instant(nanoseconds: 0))
        #expect(try reader.news(&cursor).isEmpty)
        let signal = Signal(name: "ping", every: .milliseconds(1))
        try store.append([makeEvent(.steady, 100)], to: run)
        try store.append((1...12).map { sample($0 * 10) }, of: signal, to: run)
        var news = try reader.news(&cursor, most: 5)
        #expect(news.events.map(\.kind) == [.steady] && news.isMore)
        #expect(news.samples.first?.samples.map(\.due.nanoseconds) == [10, 20, 30, 40, 50])
        news = try reader.news(&cursor, most: 5)
        #expect(news.events.isEmpty && news.samples.first?.samples.first?.due.nanoseconds == 60)
        news = try reader.news(&cursor, most: 5)
        #expect(news.samples.first?.samples.count == 2 && !news.isMore)
        #expect(try reader.news(&cursor).isEmpty)
        try store.append([makeEvent(.stable, 200)], to: run)
        try store.append([sample(500)], of: Signal(name: "ping", writer: 1, every: .seconds(1)), to: run)
        news = try reader.news(&cursor)
        #expect(news.events.map(\.kind) == [.stable] && news.samples.map(\.writer) == [1])
    }

    /// Of a long run only the end.
    @Test(arguments: [0, 1, 15, 505, 1000, 1001, 5000] as [Int64]) func samplesBeforeAreNotRead(_ from: Int64)
        throws
    {
        let scratch = Scratch()
        let store = try makeStore(scratch)
        _ = try store.begin(makeHeader())
        try store.append(
            (1...100).map { sample($0 * 10) }, of: Signal(name: "ping", every: .seconds(1)), to: run)
        var cursor = RunCursor(run: run, samplesFrom: Instant(nanoseconds: from))
        let read = try store.news(&cursor).samples.first?.samples.map(\.due.nanoseconds) ?? []
        #expect(read == (1...100).map { $0 * 10 }.filter { $0 >= from })
    }

    /// A reader who stands in the middle of a read holds no writer up.
    @Test func aReaderHoldsNobodyUp() throws {
        let scratch = Scratch()
        let store = try makeStore(scratch)
        _ = try store.begin(makeHeader())
        let reader = try OutcomeStore(path: scratch.store, access: .readOnly, hash: toyHash)
        try reader.read { database in
            _ = try Int.fetchOne(database, sql: "SELECT count(*) FROM runs")
            try store.append([makeEvent(.steady, 100)], to: run)
        }
        var cursor = RunCursor(run: run, samplesFrom: Instant(nanoseconds: 0))
        #expect(try reader.news(&cursor).events.count == 1)
    }

    @Test func thePulseIsTheLatest() throws {
        let store = try makeStore(Scratch())
        _ = try store.begin(makeHeader())
        #expect(try store.pulse(ofRun: run) == nil)
        for phase in ["steady", "steps"] {
            var batch = StoreBatch()
            batch.pulse = RunPulse(at: Instant(nanoseconds: 7), phase: phase)
            #expect(!batch.isEmpty)
            try store.append(batch, to: run)
        }
        #expect(try store.pulse(ofRun: run) == RunPulse(at: Instant(nanoseconds: 7), phase: "steps"))
    }

    private func asked(_ store: OutcomeStore) throws -> Int {
        _ = try store.begin(makeHeader())
        return try store.ask(
            Question(
                number: 0, run: run, runbook: "x.md", step: "look", text: "Look.", role: "ic", ask: "ticket",
                expected: .seconds(5), limit: .seconds(60), shown: Instant(nanoseconds: 1_000_000_000),
                shownUTC: 5))
    }

    private func after(_ seconds: Int64) -> Instant { Instant(nanoseconds: (1 + seconds) * 1_000_000_000) }

    @Test func theFirstAnswerWins() throws {
        let store = try makeStore(Scratch())
        let number = try asked(store)
        #expect(try store.openQuestions(ofRun: run).map(\.step) == ["look"])
        guard case .taken(let begun) = try store.acknowledge(number, by: "kim", at: after(10)) else {
            Issue.record("not taken")
            return
        }
        #expect(begun.wait == .seconds(10) && begun.acknowledgedBy == "kim")
        // The second who begins does not begin it anew.
        _ = try store.acknowledge(number, by: "lea", at: after(12))
        let reply = try store.answer(number, .done, by: "kim", evidence: "C7", at: after(30))
        guard case .taken(let question) = reply else {
            Issue.record("\(reply)")
            return
        }
        #expect(question.wait == .seconds(10) && question.work == .seconds(20) && question.evidence == "C7")
        let late = try store.answer(number, .refused, by: "lea", reason: "no", at: after(31))
        #expect(late == .answeredBefore(question))
        #expect(try store.question(number)?.answer == .done)
        #expect(try store.openQuestions(ofRun: run).isEmpty)
    }

    @Test func whatComesTooLateIsNoYes() throws {
        let store = try makeStore(Scratch())
        let number = try asked(store)
        guard case .tooLate = try store.answer(number, .done, by: "kim", at: after(61)) else {
            Issue.record("it was taken")
            return
        }
        #expect(try store.question(number)?.answer == nil)
        _ = try store.answer(number, .timedOut, by: nil, at: after(62), isRun: true)
        #expect(try store.question(number)?.answer == .timedOut)
        #expect(try store.answer(99, .done, by: "kim", at: after(1)) == .unknown)
    }

    @Test func nobodyWaitsOnceTheRunIsGone() throws {
        let engine = ProcessIdentity(pid: 5, startTicks: 7, bootID: "boot")
        let store = try makeStore(Scratch(), engine: engine, isAlive: { _ in false })
        let number = try asked(store)
        guard case .nobodyWaits = try store.answer(number, .done, by: "kim", at: after(1)) else {
            Issue.record("it was taken")
            return
        }
        #expect(try store.watched(nil) == nil && store.watched("1")?.isRunning == false)
    }

    @Test func wishesForTheEndAreTakenOnce() throws {
        let store = try makeStore(Scratch())
        _ = try store.begin(makeHeader())
        let number = try store.requestAbort(ofRun: run, by: "kim", reason: "enough", atUTC: 1)
        #expect(try store.abortRequests(ofRun: run).map(\.actor) == ["kim"])
        #expect(try !store.isTaken(abortRequest: number))
        try store.takeAbortRequest(number)
        #expect(try store.abortRequests(ofRun: run).isEmpty && store.isTaken(abortRequest: number))
    }

    /// Notes of others stand in the run's chain, and none is added to what was judged.
    @Test func notesBelongToARunThatGoesOn() throws {
        let store = try makeStore(Scratch())
        _ = try store.begin(makeHeader())
        try store.append([makeEvent(.steady, 100)], to: run)
        #expect(try store.note(makeEvent(.note, 150), in: run))
        try store.append([makeEvent(.stable, 200)], to: run)
        try store.finish(run, makeClosing())
        #expect(try !store.note(makeEvent(.note, 250), in: run))
        #expect(try store.outcome(1)?.events.map(\.kind) == [.steady, .note, .stable])
    }
}
