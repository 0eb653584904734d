import GRDB
import MusterCore
import MusterDrills
import Testing

@testable import MusterOutcomes

struct ChainTests {
    private let run = makeHeader().id

    private func recorded(_ scratch: Scratch) throws -> OutcomeStore {
        let store = try makeStore(
            scratch, engine: ProcessIdentity(pid: 1, startTicks: .max, bootID: "boot"))
        _ = try store.begin(makeHeader())
        try store.append((1...4).map { makeEvent(.note, Int64($0) * 100) }, to: run)
        try store.record(RunbookRecord(path: "r.md", fileHash: "f", execHash: "e", text: "text"), in: run)
        try store.finish(run, makeClosing())
        return store
    }

    @Test func anUntouchedRunIsIntact() throws {
        let scratch = Scratch()
        let store = try recorded(scratch)
        guard case .intact(4, true, let root) = try store.verifyChain(run) else {
            Issue.record("\(try store.verifyChain(run))")
            return
        }
        #expect(!root.isEmpty)
    }

    @Test func whatComesAfterTheClosingFollowsIt() throws {
        let scratch = Scratch()
        let store = try recorded(scratch)
        try store.append([makeEvent(.undone, 900)], to: run)
        guard case .intact(5, true, _) = try store.verifyChain(run) else {
            Issue.record("\(try store.verifyChain(run))")
            return
        }
        try store.queue.write { try $0.execute(sql: "UPDATE closings SET verdict = 'pass'") }
        #expect(
            try store.verifyChain(run)
                == .broken(row: "closing", reason: "its columns do not give its hash"))
    }

    @Test(arguments: [
        ("UPDATE runs SET drill_text = 'other'", "header"),
        ("UPDATE runs SET engine_pid = 2", "header"),
        ("UPDATE events SET text = 'nothing happened' WHERE sequence = 2", "event 2"),
        ("UPDATE events SET detail = '{}' WHERE sequence = 3", "event 3"),
        ("UPDATE events SET kind = 'unheard-of' WHERE sequence = 3", "event 3"),
        ("UPDATE events SET hash = '0' WHERE sequence = 1", "event 1"),
        ("DELETE FROM events WHERE sequence = 2", "event 2"),
        ("DELETE FROM events WHERE sequence = 4", "event 4"),
        ("UPDATE closings SET verdict = 'pass'", "closing"),
        ("UPDATE objectives SET upper_ns = 1 WHERE name = 'rto'", "closing"),
        ("DELETE FROM anomalies", "closing"),
        ("UPDATE ledger_counts SET count = 0 WHERE class = 'lost-hole'", "closing"),
        ("UPDATE measurements SET upper_ns = 5, censored = 0 WHERE name = 'downtime'", "closing"),
        ("UPDATE runbooks SET text = 'other'", "closing"),
    ])
    func theFirstRowThatWasTouchedIsNamed(_ sql: String, _ row: String) throws {
        let scratch = Scratch()
        let store = try recorded(scratch)
        try store.queue.write { try $0.execute(sql: sql) }
        guard case .broken(row, _) = try store.verifyChain(run) else {
            Issue.record("expected \(row) to be broken, found \(try store.verifyChain(run))")
            return
        }
    }
}
