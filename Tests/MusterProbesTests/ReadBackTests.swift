import MusterCore
import MusterDrills
import MusterSystem
import Synchronization
import Testing

@testable import MusterProbes

/// A store that acknowledges everything and keeps what it likes.
final class ForgetfulStore: Sendable {
    let kept = Mutex<[String: String]>([:])

    func answer(_ request: TestServer.Request) -> TestServer.Reply {
        let key = String(request.path.dropFirst("/kv/".count))
        if request.method == "PUT" {
            kept.withLock { $0[key] = request.body }
            return .status(201, "")
        }
        guard let value = kept.withLock({ $0[key] }) else { return .status(404, "") }
        return .status(200, value)
    }
}

/// What reading back tells of stores that lose, spoil, hide and refuse.
@Suite(.serialized) struct ReadBackTests {
    @Test func readingBackFindsExactlyWhatWasForgottenAndSpoilt() throws {
        let folder = try TemporaryFolder()
        let store = ForgetfulStore()
        let server = try TestServer { store.answer($0) }
        defer { server.stop() }
        var workload = httpWorkload(server)
        workload.get.find = .contains
        let engine = try wrote(120, to: workload, in: folder)
        let written = engine.ledgers()[0].entries
        #expect(written.allSatisfy { $0.outcome == .ok })

        var generator = SplitMix64(seed: 11)
        let chosen = written.map(\.key).shuffled(using: &generator)
        let (lost, corrupt, doubled) = (Set(chosen[0..<37]), Set(chosen[37..<40]), Set(chosen[40..<42]))
        let phantom = EntryKey(stream: 2, sequence: Int64(written.filter { $0.key.stream == 2 }.count) + 1)
        let prefix = try #require(store.kept.withLock { $0.keys.first }).split(separator: "-")[...1]
        let name = { (key: EntryKey) in
            prefix.joined(separator: "-") + "-\(key.stream)-\(key.sequence)"
        }
        store.kept.withLock { kept in
            for key in lost { kept[name(key)] = nil }
            for key in corrupt { kept[name(key)] = "spoilt " + name(key) }
            for key in doubled {
                let value = kept[name(key)] ?? ""
                kept[name(key)] = value + " " + value
            }
            kept[name(phantom)] = "never written " + name(phantom)
        }
        let ledger = engine.readBack(gap: .milliseconds(50), within: .seconds(120))[0]
        engine.stop()
        let readBack = try #require(ledger.readBack)
        #expect(readBack.isComplete && readBack.passes == 2 && readBack.late.isEmpty, "\(readBack.problems)")
        let found = Dictionary(uniqueKeysWithValues: readBack.found.map { ($0.key, $0) })
        #expect(Set(written.map(\.key)).subtracting(found.keys) == lost)
        #expect(Set(found.values.filter { !$0.isIntact }.map(\.key)) == corrupt.union([phantom]))
        #expect(Set(found.values.filter { $0.count == 2 }.map(\.key)) == doubled)
        let now = SystemTimekeeper().monotonic()
        let findings = LedgerJudge.classify(ledger, fault: Bracket(now, now))
        #expect(findings.acknowledged == written.count)
        #expect(findings.anomalies.filter { $0.entryClass.isLoss }.count == 40)
    }

    @Test func aStoreThatCannotBeWrittenAnyMoreMakesReadBackIncomplete() throws {
        let folder = try TemporaryFolder()
        let store = ForgetfulStore()
        let server = try TestServer { store.answer($0) }
        let engine = try wrote(10, to: httpWorkload(server), in: folder)
        server.stop()
        let ledger = engine.readBack(gap: .milliseconds(50), within: .seconds(1))[0]
        engine.stop()
        let readBack = try #require(ledger.readBack)
        #expect(!readBack.isComplete && readBack.problems.count >= 2, "\(readBack.problems)")
    }

    @Test func aWriteThatShowsUpLaterIsLateAndNotLost() throws {
        let folder = try TemporaryFolder()
        let store = ForgetfulStore()
        let reads = Mutex(0)
        let server = try TestServer { request in
            if request.method == "GET", request.path.hasSuffix("-1-2") {
                let count = reads.withLock { count in
                    count += 1
                    return count
                }
                if count == 1 { return .status(404, "") }
            }
            return store.answer(request)
        }
        defer { server.stop() }
        let engine = try wrote(20, to: httpWorkload(server), in: folder)
        let readBack = try #require(
            engine.readBack(gap: .milliseconds(20), within: .seconds(120))[0].readBack)
        engine.stop()
        #expect(readBack.isComplete && readBack.passes == 3)
        #expect(readBack.late == [EntryKey(stream: 1, sequence: 2)])
    }

    /// Every tenth GET is answered with 500 for ever, though nothing is lost.
    @Test func whatCannotBeReadIsUnreadAndNotLost() throws {
        let folder = try TemporaryFolder()
        let store = ForgetfulStore()
        let server = try TestServer { request in
            if request.method == "GET", request.path.hasSuffix("3") { return .status(500, "") }
            return store.answer(request)
        }
        defer { server.stop() }
        let engine = try wrote(40, to: httpWorkload(server), in: folder)
        var notes: [String] = []
        let ledger = engine.readBack(gap: .milliseconds(20), within: .seconds(3), note: { notes.append($1) })[
            0]
        engine.stop()
        let readBack = try #require(ledger.readBack)
        let refused = ledger.entries.map(\.key).filter { $0.sequence % 10 == 3 }
        #expect(!refused.isEmpty && Set(readBack.unread).isSuperset(of: refused))
        #expect(readBack.unread.allSatisfy { $0.sequence % 10 == 3 } && readBack.cannotList)
        #expect(!readBack.isComplete && readBack.late.isEmpty)
        #expect(notes.count == 1 && notes[0].contains("could not be read"), "\(notes)")
        let now = SystemTimekeeper().monotonic()
        let findings = LedgerJudge.classify(ledger, fault: Bracket(now, now))
        #expect(findings.lost == 0 && findings.unread == refused.count, "\(findings.counts)")
        #expect(findings.inconclusive != nil)
    }

    /// The first pass cannot read an entry, the second can: it was never seen to be absent.
    @Test func whatCouldNotBeReadAtFirstIsNotLate() throws {
        let folder = try TemporaryFolder()
        let store = ForgetfulStore()
        let reads = Mutex(0)
        let server = try TestServer { request in
            if request.method == "GET", request.path.hasSuffix("-1-2") {
                let count = reads.withLock { count in
                    count += 1
                    return count
                }
                if count <= 3 { return .status(500, "") }
            }
            return store.answer(request)
        }
        defer { server.stop() }
        let engine = try wrote(20, to: httpWorkload(server), in: folder)
        let readBack = try #require(
            engine.readBack(gap: .milliseconds(20), within: .seconds(120))[0].readBack)
        engine.stop()
        #expect(readBack.isComplete && readBack.passes == 3, "\(readBack.problems)")
        #expect(readBack.late.isEmpty && readBack.unread.isEmpty)
    }

    /// A store whose answers to one key never agree would be asked for two minutes.
    @Test func aReadBackCanBeEndedEarly() throws {
        let folder = try TemporaryFolder()
        let store = ForgetfulStore()
        let reads = Mutex(0)
        let server = try TestServer { request in
            if request.method == "GET", request.path.hasSuffix("-1-2") {
                let count = reads.withLock { count in
                    count += 1
                    return count
                }
                if count % 2 == 1 { return .status(404, "") }
            }
            return store.answer(request)
        }
        defer { server.stop() }
        let engine = try wrote(20, to: httpWorkload(server), in: folder)
        let start = SystemTimekeeper().monotonic()
        let isOver = Mutex(false)
        let ledger = engine.readBack(
            gap: .milliseconds(20), within: .seconds(120), isCancelled: { isOver.withLock { $0 } },
            note: { workload, text in
                #expect(text.contains("do not agree on 1 key;"), "\(workload): \(text)")
                isOver.withLock { $0 = true }
            })[0]
        let none = engine.readBack(within: .seconds(120), isCancelled: { true })[0]
        engine.stop()
        #expect(SystemTimekeeper().monotonic() - start < .seconds(60))
        let readBack = try #require(ledger.readBack)
        #expect(!readBack.agreed && readBack.passes >= 2)
        #expect(readBack.problems.first == "it was ended on request before two passes agreed")
        #expect(readBack.found.count >= ledger.entries.count - 1 && readBack.unread.isEmpty)
        // Nothing was looked for, so nothing is missing.
        let now = SystemTimekeeper().monotonic()
        let findings = LedgerJudge.classify(none, fault: Bracket(now, now))
        #expect(findings.lost == 0 && findings.unread == none.entries.count && findings.unread > 0)
    }

    /// Each read costs its timeout; the one note comes in the middle of the first pass, and ends it there.
    @Test func aStoreThatHangsIsToldOfAndCanBeLeft() throws {
        let folder = try TemporaryFolder()
        let store = ForgetfulStore()
        let server = try TestServer { request in
            let isFence = request.path.hasSuffix("-4-1")
            return request.method == "GET" && !isFence ? .hang : store.answer(request)
        }
        defer { server.stop() }
        let engine = try wrote(40, to: httpWorkload(server), in: folder)
        let isOver = Mutex(false)
        var notes: [String] = []
        let ledger = engine.readBack(
            within: .seconds(120), isCancelled: { isOver.withLock { $0 } },
            note: { _, text in
                notes.append(text)
                isOver.withLock { $0 = true }
            })[0]
        engine.stop()
        #expect(notes.count == 1 && notes[0].contains("takes more than 5 s"), "\(notes)")
        let readBack = try #require(ledger.readBack)
        #expect(readBack.passes == 1 && readBack.found.isEmpty, "\(readBack.problems)")
        #expect(Set(readBack.unread).isSuperset(of: ledger.entries.map(\.key)))
    }

    /// It answers each read, and all of them would take most of a minute: what was read in time counts.
    @Test func ofASlowStoreIsKnownWhatWasReadInTime() throws {
        let folder = try TemporaryFolder()
        let store = ForgetfulStore()
        let server = try TestServer { request in
            let isFence = request.path.hasSuffix("-4-1")
            if request.method == "GET", !isFence { pass(.seconds(1)) }
            return store.answer(request)
        }
        defer { server.stop() }
        let engine = try wrote(200, to: httpWorkload(server), in: folder)
        let ledger = engine.readBack(within: .seconds(3))[0]
        engine.stop()
        let readBack = try #require(ledger.readBack)
        #expect(!readBack.agreed && !readBack.found.isEmpty && !readBack.unread.isEmpty)
        #expect(readBack.found.count + readBack.unread.count >= 200)
        let now = SystemTimekeeper().monotonic()
        let findings = LedgerJudge.classify(ledger, fault: Bracket(now, now))
        #expect(findings.lost == 0 && findings.inconclusive != nil)
    }

    /// An engine whose writers have stopped after so many acknowledgements.
    private func wrote(
        _ count: Int, to workload: HTTPWorkload, in folder: TemporaryFolder
    ) throws -> MeasuringEngine {
        let engine = try MeasuringEngine([], [drillWorkload(workload)], in: folder)
        try engine.start()
        engine.startWorkloads()
        #expect(eventually { engine.snapshot().workloads[0].acknowledged >= count })
        engine.stopWorkloads()
        return engine
    }
}
