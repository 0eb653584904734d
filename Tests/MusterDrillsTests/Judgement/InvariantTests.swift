import MusterCore
import MusterDrills
import Testing

/// What the modes of a workload promise, on hand-made ledgers: times as in `ledger(_:)`, a write every 100 ms.
@Suite struct InvariantTests {
    private func keys(_ findings: LedgerFindings, _ kind: EntryClass) -> [Int64] {
        findings.anomalies.filter { $0.entryClass == kind }.map(\.key.sequence)
    }
    private func found(_ numbers: [Int64]) -> [ReadBack.Found] {
        numbers.map { ReadBack.Found(key: EntryKey(stream: 1, sequence: $0), isIntact: true) }
    }

    // MARK: Registers. Two of them: 1 3 5 7 9 12 and 2 4 6 8 11; 10 is a look.

    private let fault = bracket(1250, 1250)
    private func registers(_ shown: [Int64], _ change: (inout Ledger) -> Void = { _ in }) -> LedgerFindings {
        var given = ledger(1...12)
        given.plan = WorkloadPlan(mode: .register, keys: 2)
        given.readBack?.found = found(shown)
        change(&given)
        return LedgerJudge.classify(given, fault: fault)
    }

    @Test func versionsGoRoundTheRegistersAndSomeAreLooks() {
        let plan = WorkloadPlan(mode: .register, keys: 2)
        let operations = (1...12).map { plan.operation(EntryKey(stream: 1, sequence: $0)) }
        let numbers: [Int?] = operations.map { if case .set(let register) = $0 { register } else { nil } }
        #expect(numbers == [0, 1, 0, 1, 0, 1, 0, 1, 0, nil, 1, 0])
        #expect(operations[9] == .readRegister(0))
        // However the numbers fall, every register is written and looked at.
        for keys in 1...23 {
            let plan = WorkloadPlan(mode: .register, keys: keys)
            let all = (1...5000).map { plan.operation(EntryKey(stream: 3, sequence: $0)) }
            #expect(
                (0..<keys).allSatisfy { all.contains(.set(register: $0)) && all.contains(.readRegister($0)) })
        }
    }

    @Test func registersAtTheirNewestVersionsAreAsTheyShouldBe() {
        let findings = registers([11, 12])
        #expect(findings.counts == [.survived: 2, .superseded: 9])
        #expect(findings.anomalies.isEmpty && findings.inconclusive == nil)
        #expect([findings.sent, findings.acknowledged] == [11, 11])
        #expect(findings.rpa == interval(0, 0))
    }

    @Test func anOlderVersionIsStaleAndWhatCameAfterItIsLost() {
        let findings = registers([6, 12])
        #expect(keys(findings, .stale) == [11])
        #expect(keys(findings, .lostHole) == [8, 11] && findings.lost == 2)
        #expect(findings.counts[.survived] == 2 && findings.counts[.superseded] == 7)
        // From the acknowledgement of 8 at 820 to the sending of its predecessor, 6, at 600.
        #expect(findings.rpa == interval(430, 650))
    }

    @Test func aLaterVersionIsLegalWhenItWasAttempted() {
        let findings = registers([11, 12]) { $0.entries[11].outcome = .info }
        #expect(findings.counts == [.survived: 1, .recovered: 1, .superseded: 9])
        let absent = registers([9, 11]) { $0.entries[11].outcome = .info }
        #expect(absent.counts == [.survived: 2, .notApplied: 1, .superseded: 8])
        #expect(absent.anomalies.isEmpty)
    }

    @Test func versionsThatMustNotBeThere() {
        #expect(keys(registers([11, 12]) { $0.entries[11].outcome = .fail }, .abortedVisible) == [12])
        let phantom = registers([11, 14])
        #expect(keys(phantom, .phantom) == [14] && phantom.lost == 0)
        let corrupt = registers([11, 12]) { $0.readBack?.found[1].isIntact = false }
        #expect(keys(corrupt, .corrupt) == [12] && corrupt.lost == 0)
    }

    @Test func aRegisterThatIsGoneHasLostAllItEverHeld() {
        let findings = registers([12])
        #expect(keys(findings, .lostHole) == [2, 4, 6, 8, 11])
        #expect(findings.count(.stale) == 0)
    }

    @Test func aRegisterThatCouldNotBeReadIsNotLost() {
        let findings = registers([12]) { ledger in
            ledger.readBack?.unread = [2, 4, 6, 8, 11].map { EntryKey(stream: 1, sequence: $0) }
        }
        #expect(findings.lost == 0 && findings.unread == 5)
        #expect(findings.inconclusive == "the read-back is incomplete: 5 keys could not be read")
    }

    @Test func looksMustNotGoBack() {
        var watch = RegisterWatch()
        #expect(watch.saw(stream: 0, register: 1, version: nil) == nil)
        watch.acknowledged(stream: 0, register: 1, version: 5)
        #expect(watch.saw(stream: 0, register: 1, version: 5) == nil)
        // A version in doubt has landed: from then on it must not go away again.
        #expect(watch.saw(stream: 0, register: 1, version: 9) == nil)
        #expect(
            watch.saw(stream: 0, register: 1, version: 5)
                == "register 1 of writer 0 showed version 5 after version 9")
        #expect(
            watch.saw(stream: 0, register: 1, version: nil)
                == "register 1 of writer 0 showed nothing after version 9")
        #expect(watch.saw(stream: 1, register: 1, version: 1) == nil)
    }

    // MARK: Deletes

    private let plan = WorkloadPlan(deletes: Percentage(millionths: 200_000), seed: 5)
    /// Deleted entry to its delete.
    private var deletes: [Int64: Int64] {
        (Int64(1)...200).reduce(into: [:]) { all, number in
            if case .delete(let key) = plan.operation(EntryKey(stream: 1, sequence: number)) {
                all[key.sequence] = number
            }
        }
    }
    private func deleting(_ change: (inout Ledger) -> Void = { _ in }) -> LedgerFindings {
        var given = ledger(1...200, missing: Set(deletes.flatMap { [$0.key, $0.value] }))
        given.plan = plan
        change(&given)
        return LedgerJudge.classify(given, fault: bracket(20_050, 20_050))
    }

    /// All is counted, and only so much listed; with a replica, which holds what the store holds, the dead included.
    @Test func detailsOfWhatCameBackAreBounded() {
        var given = ledger(1...200, missing: Set(deletes.values))
        given.plan = plan
        let held = given.readBack?.found ?? []
        given.readBack?.replicas = [ReadBack.Replica(name: "r", found: held, agreed: true, passes: 2)]
        let findings = LedgerJudge.classify(given, fault: bracket(20_050, 20_050), details: 3)
        #expect(findings.count(.resurrected) == deletes.count && findings.count(.divergent) == 0)
        #expect(findings.anomalies.count == 3 && findings.unlisted == deletes.count - 3)
    }

    @Test func deletesAreDrawnAndFindAnEntryOfTheirOwn() {
        #expect(deletes.count > 20 && Set(deletes.values).isDisjoint(with: deletes.keys))
        for share in [10_000, 50_000, 250_000] {
            let plan = WorkloadPlan(deletes: Percentage(millionths: Int64(share)), seed: 1)
            let drawn = (1...20_000).count { number in
                if case .delete = plan.operation(EntryKey(stream: 2, sequence: Int64(number))) {
                    true
                } else {
                    false
                }
            }
            // Five standard deviations of a binomial draw around it.
            let expected = Double(share) / 50
            #expect(abs(Double(drawn) - expected) < 5 * expected.squareRoot(), "\(share): \(drawn)")
        }
    }

    @Test func whatIsDeletedAndGoneIsAsItShouldBe() {
        let findings = deleting()
        #expect(findings.counts == [.deleted: deletes.count, .survived: 200 - 2 * deletes.count])
        #expect(findings.acknowledged == 200 && findings.anomalies.isEmpty && findings.inconclusive == nil)
    }

    @Test func whatIsDeletedAndThereIsResurrected() throws {
        let (key, delete) = try #require(deletes.min { $0.key < $1.key })
        let back = deleting { $0.readBack?.found += found([key]) }
        #expect(keys(back, .resurrected) == [key] && back.counts[.deleted] == deletes.count - 1)
        #expect(back.anomalies[0].sent == at(Double(delete) * 100))
        // Acknowledged although its put was refused: it was not there, and must not come.
        let refused = deleting {
            $0.readBack?.found += found([key])
            $0.entries[Int(key) - 1].outcome = .fail
        }
        #expect(keys(refused, .resurrected) == [key])
        // A put in doubt may land after the delete.
        let doubtful = deleting {
            $0.readBack?.found += found([key])
            $0.entries[Int(key) - 1].outcome = .info
        }
        #expect(doubtful.anomalies.isEmpty && doubtful.counts[.recovered] == 1)
    }

    @Test func aDeleteInDoubtMayGoEitherWayAndARefusedOneNot() throws {
        let (key, delete) = try #require(deletes.min { $0.key < $1.key })
        for isThere in [false, true] {
            let doubtful = deleting {
                if isThere { $0.readBack?.found += found([key]) }
                $0.entries[Int(delete) - 1].outcome = .info
            }
            #expect(doubtful.anomalies.isEmpty)
            #expect(doubtful.counts[.deleted] == deletes.count - (isThere ? 1 : 0))
            let refused = deleting {
                if isThere { $0.readBack?.found += found([key]) }
                $0.entries[Int(delete) - 1].outcome = .fail
            }
            #expect(refused.lost == (isThere ? 0 : 1))
        }
    }

    // MARK: Bank

    @Test func moneyIsNeitherMadeNorLost() {
        var setting = BankSetting()
        setting.accounts = 4
        func violation(_ balances: [InvariantBank.Balance]) -> String? {
            InvariantBank.violation(of: setting, balances)
        }
        #expect(violation([.amount(100), .amount(50), .amount(150), .amount(100)]) == nil)
        #expect(
            violation([.amount(100), .amount(50), .amount(150), .amount(90)]) == "the total is 390, not 400")
        #expect(
            violation([.amount(.max), .amount(.max), .amount(0), .amount(0)])
                == "the total is 18446744073709551614, not 400")
        #expect(violation([.amount(400), .amount(0), .missing, .amount(0)]) == "account 2 is missing")
        let overdrawn: [InvariantBank.Balance] = [.amount(401), .amount(-1), .amount(0), .amount(0)]
        #expect(violation(overdrawn) == "account 1 is at -1")
        setting.negative = true
        #expect(violation(overdrawn) == nil)
        #expect(
            violation([.unreadable("x y"), .amount(1), .amount(1), .amount(1)]) == "account 0 holds 'x y'")
        #expect(
            violation([.missing, .missing, .missing, .missing])
                == "account 0 is missing, account 1 is missing, account 2 is missing, and 1 more")
    }

    @Test func transfersGoBetweenTwoAccounts() {
        var setting = BankSetting()
        setting.accounts = 2
        for accounts in [2, 3, 8] {
            setting.accounts = accounts
            let plan = WorkloadPlan(mode: .bank, bank: setting, seed: 9)
            var seen: Set<Int> = []
            for number in 1...500 {
                let operation = plan.operation(EntryKey(stream: 0, sequence: Int64(number)))
                guard case .transfer(let from, let to, let amount) = operation else {
                    #expect(number % 10 == 0 && operation == .readAccounts)
                    continue
                }
                #expect(from != to && (0..<accounts).contains(from) && (0..<accounts).contains(to))
                #expect((1...5).contains(amount))
                seen.formUnion([from, to])
            }
            #expect(seen.count == accounts)
        }
    }

    // MARK: As a whole

    @Test func misplacedEntriesAreReorderedAndNotLost() {
        var given = ledger(1...10)
        given.readBack?.found[4].isMisplaced = true
        let findings = LedgerJudge.classify(given, fault: bracket(1050, 1050))
        #expect(keys(findings, .reordered) == [5] && findings.counts[.survived] == 10)
    }

    @Test func brokenInvariantsBreakTheIntegrityAndAreToldWithoutIt() {
        var given = GivenRun(rpo: 0, workloads: ["writes"])
        given.signals.append(boundsVector("writes", writer: 0))
        // 10, 20 and 30 are looks.
        var damaged = ledger(1...30, missing: [10, 20, 30])
        damaged.plan = WorkloadPlan(mode: .bank)
        damaged.violations = ["the total is 790, not 800", "the total is 780, not 800"]
        given.ledgers = [damaged]
        let warning = "damage in 'writes': the total is 790, not 800, and 1 more like it"
        #expect(given.judgement.warnings.contains(warning))
        given.drill.objectives.strictIntegrity = true
        #expect(given.result("integrity")?.result == .missed)
        #expect(given.result("integrity")?.reason == "the total is 790, not 800, and 1 more like it")
        #expect(!given.judgement.warnings.contains(warning))
        given.ledgers[0].violations = []
        #expect(given.result("integrity")?.result == .met)
        #expect(
            given.result("integrity")?.reason
                == "no duplicate, phantom, aborted or stale entry, and no money made or lost")
        given.ledgers[0].readBack?.violations = ["SQLite's integrity_check says: wrong # of entries"]
        #expect(given.result("integrity")?.result == .missed)
    }
}
