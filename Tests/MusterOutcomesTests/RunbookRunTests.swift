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
            try drill("drill\(number)", store, path: number == 2 ? "b.md" : "a.md", verdict)
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

    /// A drill in which a runbook had a part, if its steps were reached.
    private func drill(
        _ id: String, _ store: OutcomeStore, path: String = "a.md", _ verdict: Verdict,
        _ ending: Ending = .completed, ends: [RunbookResult.State?] = [.succeeded], isLate: Bool = false,
        hashes: [String]? = nil
    ) throws {
        _ = try store.begin(makeHeader(id))
        for hash in hashes ?? [id] {
            try store.record(RunbookRecord(path: path, fileHash: hash, execHash: hash, text: ""), in: id)
        }
        func event(_ kind: Event.Kind, _ detail: Value = [:]) -> Event {
            var event = makeEvent(kind, 100, "what became of it")
            event.subject = kind == .stable ? "" : path
            event.detail = detail
            return event
        }
        var events = isLate ? [event(.stable)] : []
        for end in ends {
            events.append(event(.runbookStarted))
            guard let end else { continue }
            events.append(
                event(
                    .runbookFinished, ["ok": .bool(end == .succeeded), "state": .text(end.rawValue)]))
        }
        try store.append(events, to: id)
        var closing = makeClosing(verdict)
        closing.ending = ending
        try store.finish(id, closing)
    }

    /// The runbook's own end decides, and not what the drill came to.
    @Test func aDrillProvesOnlyWhatBecameOfTheRunbookItself() throws {
        let scratch = Scratch()
        let store = try makeStore(scratch, engine: engine)
        try drill("passed", store, .pass)
        // It recovered by itself, and well in time; the runbook did not work.
        try drill("failed-itself", store, .pass, .aborted, ends: [.failed])
        try drill("failed-second", store, .pass, ends: [.succeeded, .failed])
        try drill("broken-off", store, .pass, .aborted, ends: [.cancelled])
        try drill("aborted-later", store, .pass, .aborted)
        try drill("never-reached", store, .pass, ends: [])
        try drill("never-ended", store, .pass, ends: [nil])
        try drill("too-slow", store, .fail)
        // It came after the recovery, and has no part in that being too slow.
        try drill("late", store, .fail, isLate: true)
        try drill("late-and-failed", store, .pass, .aborted, ends: [.failed], isLate: true)
        try drill("changed", store, .pass, hashes: ["one", "two"])
        let found = try store.evidence(ofRunbook: "runbooks/a.md") { $0 == "a.md" }
        #expect(found.filter(\.isPass).map(\.execHash) == ["passed"])
        #expect(
            Set(found.filter { !$0.isPass }.map(\.execHash)) == [
                "failed-itself", "failed-second", "too-slow", "late-and-failed",
            ])
        #expect(found.first { $0.execHash == "failed-itself" }?.reason == "what became of it")
    }

    @Test func onlyWhatRanThroughIsCompared() throws {
        let scratch = Scratch()
        let store = try makeStore(scratch, engine: engine)
        _ = try store.begin(run())
        try store.finish("r1", result(.succeeded, []), atUTC: 2_000_000_005)
        var read = try #require(try store.runbookRun("r1"))
        #expect(read.isComparable && read.elapsed == .seconds(2))
        read.resumptions = 1
        #expect(!read.isComparable)
        read.resumptions = 0
        read.turns = [turn(1, .succeeded) { $0.isAssumed = true }]
        #expect(!read.isComparable)
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
