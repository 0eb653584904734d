import MusterCore
import MusterDrills
import MusterSystem
import Testing

@testable import MusterProbes

/// Registers, accounts and deletes on real servers, with damage done behind the workload's back.
@Suite(.serialized) struct StoreModeTests {
    @Test(arguments: TestStoreKind.allCases) func aForgottenASpoiltAndAnUnknownKeyAreFound(
        _ kind: TestStoreKind
    ) throws {
        let folder = try TemporaryFolder()
        let store = try kind.make()
        let written = try Written(400, to: store.workload, in: folder, writers: 8)
        #expect(written.entries.allSatisfy { $0.outcome == .ok })
        try store.remove(store.key("*-2-7"))
        let spoilt = try store.key("*-5-9")
        try store.overwrite(spoilt, store.value(spoilt) + "x")
        try store.overwrite(spoilt.replacing("-5-9", with: "-5-123456"), "x")
        let (findings, readBack) = try written.findings()
        #expect(readBack.isComplete, "\(readBack.problems)")
        #expect(keys(findings, .lostHole) == [EntryKey(stream: 2, sequence: 7)])
        #expect(keys(findings, .corrupt) == [EntryKey(stream: 5, sequence: 9)])
        #expect(keys(findings, .phantom) == [EntryKey(stream: 5, sequence: 123_456)])
        #expect(findings.anomalies.count == 3 && findings.violations.isEmpty)
    }

    @Test(arguments: TestStoreKind.allCases) func registersGoBackAndAreStale(_ kind: TestStoreKind) throws {
        let folder = try TemporaryFolder()
        let store = try kind.make()
        let written = try Written(100, to: store.workload, in: folder, writers: 2) {
            $0.mode = .register
            $0.keys = 2
        }
        let plan = written.engine.ledgers()[0].plan
        let versions = written.entries.map(\.key).filter {
            $0.stream == 0 && plan.operation($0) == .set(register: 1)
        }
        let older = versions[versions.count - 2]
        try store.overwrite(
            store.key("muster-*-0-r1"), EntryPayload.make(older, seed: plan.seed, bytes: 64))
        try store.remove(store.key("muster-*-1-r0"))
        let (findings, readBack) = try written.findings()
        #expect(readBack.isComplete, "\(readBack.problems)")
        #expect(keys(findings, .stale) == [versions[versions.count - 1]])
        let gone = written.entries.filter {
            $0.key.stream == 1 && plan.operation($0.key) == .set(register: 0)
        }
        #expect(findings.lost == 1 + gone.count && findings.counts[.survived] == 3)
        #expect(findings.violations.isEmpty, "\(findings.violations)")
    }

    @Test(arguments: TestStoreKind.allCases) func aLookThatGoesBackWhileItRunsIsNoticed(
        _ kind: TestStoreKind
    ) throws {
        let folder = try TemporaryFolder()
        let store = try kind.make()
        var drill = drillWorkload(store.workload, writers: 1)
        drill.setting.mode = .register
        drill.setting.keys = 1
        let engine = try MeasuringEngine([], [drill], in: folder)
        try engine.start()
        engine.startWorkloads()
        #expect(eventually { engine.snapshot().workloads[0].acknowledged >= 20 })
        let seed = engine.ledgers()[0].plan.seed
        let name = try store.key("muster-*-0-r0")
        let old = EntryPayload.make(EntryKey(stream: 0, sequence: 1), seed: seed, bytes: 64)
        // Until a look falls between this and the next write.
        #expect(
            try eventually {
                try store.overwrite(name, old)
                return !engine.ledgers()[0].violations.isEmpty
            })
        engine.stopWorkloads()
        let violation = engine.ledgers()[0].violations.first
        engine.stop()
        #expect(
            violation?.hasPrefix("register 0 of writer 0 showed version 1 after version ") == true,
            "\(violation ?? "")")
    }

    @Test(arguments: TestStoreKind.allCases) func moneyThatIsMadeAndAnAccountThatIsGoneAreNoticed(
        _ kind: TestStoreKind
    ) throws {
        let folder = try TemporaryFolder()
        let store = try kind.make()
        let written = try Written(200, to: store.workload, in: folder) {
            $0.mode = .bank
            $0.bank.accounts = 5
        }
        #expect(written.engine.ledgers()[0].violations.isEmpty)
        #expect(written.entries.allSatisfy { $0.outcome == .ok })
        try store.remove(store.key("bank-muster-*-3"))
        try store.remove(store.key("muster-*-0-1"))
        let (findings, readBack) = try written.findings()
        #expect(readBack.isComplete, "\(readBack.problems)")
        #expect(findings.violations == ["account 3 is missing"])
        #expect(findings.lost == 1 && findings.anomalies.count == 1, "\(findings.counts)")

        let other = try TemporaryFolder()
        let sound = try Written(200, to: store.workload, in: other) { $0.mode = .bank }
        let account = try store.key("bank-muster-*-7")
        let balance = try #require(Int(try store.value(account)))
        try store.overwrite(account, "\(balance + 11)")
        #expect(try sound.findings().0.violations == ["the total is 811, not 800"])
    }

    /// Eight writers on two accounts: each transfer meets another one on the same rows, in both directions.
    @Test(arguments: TestStoreKind.allCases) func transfersThatMeetAreAllMade(_ kind: TestStoreKind) throws {
        let folder = try TemporaryFolder()
        let store = try kind.make()
        let written = try Written(400, to: store.workload, in: folder, writers: 8) {
            $0.mode = .bank
            $0.bank.accounts = 2
            $0.bank.balance = 3
            $0.rate = rate(1000)
        }
        let moved = written.entries.filter { !written.engine.ledgers()[0].plan.isRead($0.key) }
        #expect(written.entries.allSatisfy { $0.outcome == .ok } && moved.count >= 300)
        let balances = try (0..<2).map { try Int(store.value(store.key("bank-muster-*-\($0)"))) }
        #expect(balances.allSatisfy { $0.map { $0 >= 0 } ?? false }, "\(balances)")
        let (findings, readBack) = try written.findings()
        #expect(readBack.isComplete && findings.violations.isEmpty, "\(findings.violations)")
        #expect(findings.anomalies.isEmpty && findings.count(.survived) == moved.count)
    }

    @Test(arguments: TestStoreKind.allCases) func aTransferWithoutItsAccountIsRefusedAndLeavesNothing(
        _ kind: TestStoreKind
    ) throws {
        let server = try kind.make()
        let loop = try EventLoop()
        let workload = try #require(server.workload as? any RunnableWorkload)
        let store = try workload.client(on: loop, names: KeyNames(run: "r"))
        let deadline = monotonicNow() + .seconds(60)
        func wait(_ write: (@escaping (WriteAnswer) -> Void) -> Void) -> LedgerEntry.Outcome? {
            var answer: WriteAnswer?
            write { answer = $0 }
            loop.run { answer != nil }
            return answer?.outcome
        }
        func move(_ negative: Bool = false) -> LedgerEntry.Outcome? {
            let transfer = BankTransfer(from: "a", to: "b", amount: 5, negative: negative)
            let key = negative ? "second" : "first"
            return wait { store.transfer(transfer, key, "it's \\ text", until: deadline, done: $0) }
        }
        func held() -> [String?] {
            var answers: [ValueAnswer] = []
            store.values(["a", "b", "first"], until: deadline) { answers = $0 }
            loop.run { !answers.isEmpty }
            return answers.map { if case .present(let texts) = $0 { texts.joined() } else { nil } }
        }
        #expect(move() == .fail && held() == [nil, nil, nil])
        #expect(wait { store.set("b", "100", until: deadline, done: $0) } == .ok)
        #expect(move() == .fail && held() == [nil, "100", nil])
        // Only where the first one is not there.
        for balance in [3, 7] as [Int64] {
            let accounts = ["a", "c"]
            #expect(
                wait { store.openAccounts(accounts, balance: balance, until: deadline, done: $0) } == .ok)
        }
        // No more is moved than is there.
        #expect(move() == .ok && held() == ["0", "103", "it's \\ text"])
        #expect(move(true) == .ok && held() == ["-5", "108", "it's \\ text"])
        store.close()
    }

    @Test(arguments: TestStoreKind.allCases) func deletedEntriesThatComeBackAreResurrected(
        _ kind: TestStoreKind
    ) throws {
        let folder = try TemporaryFolder()
        let store = try kind.make()
        let written = try Written(200, to: store.workload, in: folder) {
            $0.deletes = Percentage(millionths: 200_000)
        }
        let plan = written.engine.ledgers()[0].plan
        let deleted = written.entries.compactMap { entry -> EntryKey? in
            if case .delete(let key) = plan.operation(entry.key) { key } else { nil }
        }
        let back = try #require(deleted.last)
        let prefix = try store.key("muster-*").split(separator: "-")[...1].joined(separator: "-")
        try store.overwrite("\(prefix)-\(back.stream)-\(back.sequence)", "from an old snapshot")
        let (findings, readBack) = try written.findings()
        #expect(readBack.isComplete, "\(readBack.problems)")
        #expect(keys(findings, .resurrected) == [back] && findings.anomalies.count == 1)
        #expect(findings.counts[.deleted] == deleted.count - 1)
    }
}
