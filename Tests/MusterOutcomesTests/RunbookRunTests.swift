import GRDB
import MusterCore
import MusterDrills
import Testing

@testable import MusterOutcomes

struct RunbookRunTests {
    private let engine = ProcessIdentity(pid: 9, startTicks: 9, bootID: "b")
    private let other = ProcessIdentity(pid: 10, startTicks: 10, bootID: "b")

    private func run(_ id: String = "r1", path: String = "runbooks/a.md", hash: String = "e1") -> RunbookRun {
        RunbookRun(
            id: id, path: path, title: "A", service: nil, owner: "team", fileHash: "f1", execHash: hash,
            text: "# A\n", variables: ["host": "db1", "empty": ""],
            secrets: [.init(name: "T", source: "env:X", salt: "s", hash: "h")], host: "laptop", bootID: "b",
            actor: "mika", toolVersion: "0.1.0", startedAtUTC: 5)
    }

    private func turn(
        _ number: Int, _ state: RunbookTurn.State, _ change: (inout RunbookTurn) -> Void = { _ in }
    )
        -> RunbookTurn
    {
        var turn = RunbookTurn(number: number, name: "s\(number)", kind: .command, heading: "H", begunUTC: 7)
        turn.state = state
        change(&turn)
        return turn
    }

    private func result(_ state: RunbookResult.State, _ turns: [RunbookTurn]) -> RunbookResult {
        RunbookResult(state: state, reason: "why", openRollbacks: ["undo"], turns: turns)
    }

    @Test func everythingIsReadAsItWasSaved() throws {
        let scratch = Scratch()
        let store = try makeStore(scratch, engine: engine)
        #expect(try store.begin(run()) == 1)
        let full = turn(1, .timedOut) {
            $0.attempts = 3
            $0.exitCode = 75
            $0.failedAttempts = [.init(number: 1, exitCode: 7, reason: "no \"way\"", endedUTC: 8)]
            $0.reason = "r"
            $0.output = "o"
            $0.endedUTC = 9
            $0.machine = .nanoseconds(1)
            $0.humanWait = .nanoseconds(2)
            $0.humanWork = .nanoseconds(3)
            $0.actor = "kim"
            $0.evidence = "CHG-1"
            $0.value = "v"
            $0.isAssumed = true
        }
        let bare = turn(2, .running) { $0.isRepeated = true }
        try store.save([turn(1, .running), bare], of: "r1")
        try store.note(other, ofTurn: 2, in: "r1")
        try store.save([full], of: "r1")
        try store.finish("r1", result(.failed, []), atUTC: 11)
        let reader = try OutcomeStore(path: scratch.store, access: .readOnly, hash: toyHash)
        let read = try #require(try reader.runbookRun("1"))
        #expect(read.run == run() && read.turns == [full, bare] && read.processes == [2: other])
        #expect(read.result == result(.failed, [full, bare]) && read.finishedAtUTC == 11)
        #expect(!read.isRunning && read.resumptions == 0 && !read.isChanged)
        #expect(try reader.runbookRun("r1")?.number == 1 && reader.runbookRun("2") == nil)
    }

    @Test func savingATurnAgainKeepsItsProcess() throws {
        let scratch = Scratch()
        let store = try makeStore(scratch, engine: engine)
        _ = try store.begin(run())
        try store.save([turn(1, .running)], of: "r1")
        try store.note(other, ofTurn: 1, in: "r1")
        try store.save([turn(1, .running) { $0.attempts = 2 }], of: "r1")
        #expect(try store.runbookRun("r1")?.processes == [1: other])
    }

    @Test func onlyOneProcessCarriesARunOut() throws {
        let scratch = Scratch()
        let first = try makeStore(scratch, engine: engine)
        _ = try first.begin(run())
        let second = try makeStore(scratch, engine: other, isAlive: { [engine] in $0 == engine })
        #expect(try second.runbookRun("r1")?.isRunning == true)
        #expect(try second.takeOver("r1", changedTo: nil) == false)
        let third = try makeStore(scratch, engine: other, isAlive: { _ in false })
        #expect(try third.takeOver("r1", changedTo: nil))
        let read = try #require(try first.runbookRun("r1"))
        #expect(read.resumptions == 1 && !read.isChanged && read.run.execHash == "e1")
        // Of two that want it at once, the second one finds the first.
        let late = try makeStore(scratch, engine: engine, isAlive: { [other] in $0 == other })
        #expect(try late.takeOver("r1", changedTo: nil) == false)
    }

    @Test func takingOverWithAChangedFileSaysSo() throws {
        let scratch = Scratch()
        let store = try makeStore(scratch, engine: engine)
        _ = try store.begin(run())
        try store.finish("r1", result(.cancelled, []), atUTC: 11)
        #expect(
            try store.takeOver(
                "r1", changedTo: Runbook(title: "B", source: "# B", fileHash: "f2", execHash: "e2")))
        let read = try #require(try store.runbookRun("r1"))
        #expect(
            read.isChanged && read.run.execHash == "e2" && read.run.fileHash == "f2" && read.run.text == "# B"
        )
        #expect(read.result == nil, "it is not over any more")
    }

    @Test func whatProvesSomething() throws {
        let scratch = Scratch()
        let store = try makeStore(scratch, engine: engine)
        func add(
            _ id: String, _ state: RunbookResult.State?, _ turns: [RunbookTurn] = [],
            path: String = "runbooks/a.md"
        )
            throws
        {
            let number = try store.begin(run(id, path: path, hash: id))
            try store.save(turns, of: id)
            if let state { try store.finish(id, result(state, turns), atUTC: Int64(number)) }
        }
        try add("passed", .succeeded, [turn(1, .succeeded)])
        try add("failed", .failed)
        try add("stopped", .cancelled)
        try add("died", nil)
        try add("assumed", .succeeded, [turn(1, .succeeded) { $0.isAssumed = true }])
        try add("another", .succeeded, path: "runbooks/b.md")
        for (number, verdict) in [Verdict.pass, .fail, .inconclusive].enumerated() {
            let id = "drill\(number)"
            _ = try store.begin(makeHeader(id))
            try store.record(
                RunbookRecord(path: number == 2 ? "b.md" : "a.md", fileHash: "f", execHash: id, text: ""),
                in: id)
            try store.finish(id, makeClosing(verdict))
        }
        let found = try store.evidence(ofRunbook: "runbooks/a.md") { $0 == "a.md" }
        #expect(Set(found.map(\.execHash)) == ["passed", "failed", "drill0", "drill1"])
        #expect(found.first { $0.execHash == "passed" }?.source == "run #1")
        #expect(
            found.first { $0.execHash == "drill1" }.map { !$0.isPass && $0.source == "outcome #2" } == true)
        #expect(
            try store.runbookRuns(of: "runbooks/a.md").map(\.run.id) == [
                "assumed", "died", "stopped", "failed", "passed",
            ])
        #expect(try store.runbookRuns(limit: 1).map(\.run.id) == ["another"])
    }

    /// A store of before, opened only to be read, has no such table.
    @Test func anOlderStoreHasNoRuns() throws {
        let scratch = Scratch()
        let store = try makeStore(scratch)
        try store.queue.write { database in
            for table in ["runbook_endings", "runbook_turns", "runbook_runs"] {
                try database.execute(sql: "DROP TABLE \(table)")
            }
        }
        #expect(try store.runbookRuns().isEmpty && store.runbookRun("1") == nil)
        #expect(try store.evidence(ofRunbook: "a") { _ in true }.isEmpty)
    }
}
