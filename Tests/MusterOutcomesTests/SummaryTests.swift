import MusterCore
import MusterDrills
import MusterOutcomes
import Testing

struct SummaryTests {
    private let engine = ProcessIdentity(pid: 4711, startTicks: 99, bootID: "boot")

    @Test func aRunWithoutClosingIsInterruptedWithWhatItHad() throws {
        let scratch = Scratch()
        let store = try makeStore(scratch, engine: engine, isAlive: { _ in false })
        _ = try store.begin(makeHeader())
        try store.append([makeEvent(.injected, 100, "redis was killed")], to: makeHeader().id)
        let summary = try #require(try store.summaries(limit: nil).first)
        #expect(summary.ending == .interrupted)
        #expect(summary.verdict == nil)
        #expect(!summary.isRunning)
        #expect(summary.reason.contains("redis was killed"))
        #expect(try store.outcome(1)?.events.count == 1)
        #expect(try store.outcome(1)?.closing == nil)
    }

    @Test func aRunWhoseProcessLivesIsRunning() throws {
        let scratch = Scratch()
        let store = try makeStore(scratch, engine: engine, isAlive: { [engine] in $0 == engine })
        _ = try store.begin(makeHeader())
        #expect(try store.summaries(limit: nil).map(\.isRunning) == [true])
        #expect(try store.newestPerCell().isEmpty)
        try store.finish(makeHeader().id, makeClosing(.pass))
        let summary = try #require(try store.summary(1))
        #expect(!summary.isRunning)
        #expect(summary.verdict == .pass)
        #expect(summary.ending == .completed)
        #expect(summary.objectives.count == 2)
        #expect(summary.exitCode == 1)
    }

    @Test func theNewestOfEachCellIsFound() throws {
        let scratch = Scratch()
        let store = try makeStore(scratch)
        let runs:
            [(id: String, service: String?, environment: Environment, mode: String?, verdict: Verdict?)] = [
                ("1", "a", .staging, "crash", .pass), ("2", "a", .staging, "crash", .fail),
                ("3", "a", .lab, "crash", .pass), ("4", "b", .staging, nil, .pass),
                ("5", nil, .staging, nil, .pass), ("6", "a", .staging, "crash", nil),
            ]
        for run in runs {
            _ = try store.begin(
                makeHeader(run.id, service: run.service, environment: run.environment, failureMode: run.mode))
            if let verdict = run.verdict { try store.finish(run.id, makeClosing(verdict)) }
        }
        #expect(try store.summaries(limit: 2).map(\.id) == ["6", "5"])
        #expect(try store.newestPerCell().map(\.id) == ["6", "4", "3"])
        #expect(try store.newestPerCell(judgedOnly: true).map(\.id) == ["4", "3", "2"])
        #expect(try store.newest(service: "a")?.id == "6")
        #expect(try store.newest(service: "a", judgedOnly: true)?.id == "3")
        #expect(try store.newest(service: "a", environment: .staging, judgedOnly: true)?.id == "2")
        #expect(try store.newest(service: "a", failureMode: "flood") == nil)
        #expect(try store.newest(service: "nobody") == nil)
    }

    /// Every store has a connection of its own, as two processes would.
    @Test func manyWritersAtOnceLoseNothing() async throws {
        let scratch = Scratch()
        let path = scratch.store
        let writers = 4
        let perWriter = 50
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<writers {
                group.addTask {
                    let store = try OutcomeStore(path: path, hash: toyHash)
                    _ = try store.begin(makeHeader("run\(writer)"))
                    for index in 0..<perWriter {
                        try store.append([makeEvent(.note, Int64(index + 1) * 100)], to: "run\(writer)")
                    }
                }
            }
            try await group.waitForAll()
        }
        let store = try makeStore(scratch)
        #expect(Set(try store.summaries(limit: nil).map(\.number)) == Set(1...writers))
        for writer in 0..<writers {
            guard case .intact(perWriter, false, _) = try store.verifyChain("run\(writer)") else {
                Issue.record("\(try store.verifyChain("run\(writer)"))")
                continue
            }
        }
    }
}
