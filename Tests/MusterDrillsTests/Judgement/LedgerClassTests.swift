import MusterCore
import MusterDrills
import Testing

/// MEASUREMENT's table of classes, row by row: what the client saw, what reading found, what it is called.
@Suite struct LedgerClassTests {
    private let fault = bracket(1050, 1050)
    private func key(_ sequence: Int64, stream: Int32 = 1) -> EntryKey {
        EntryKey(stream: stream, sequence: sequence)
    }

    /// Of 9 writes all there, only the 5th differs: it was answered so, and found so.
    @Test(
        arguments: [
            (.ok, 1, true, .survived), (.okWithWarning, 1, true, .survived), (.ok, 0, true, .lostHole),
            (.okWithWarning, 0, true, .lostHole), (.ok, 1, false, .corrupt), (.info, 1, true, .recovered),
            (.pending, 1, true, .recovered), (.info, 0, true, .notApplied), (.pending, 0, true, .notApplied),
            (.info, 1, false, .abortedVisible), (.fail, 0, true, .failed), (.fail, 1, true, .abortedVisible),
            (.fail, 1, false, .abortedVisible),
        ] as [(LedgerEntry.Outcome, Int, Bool, EntryClass)])
    func oneEntry(_ outcome: LedgerEntry.Outcome, _ copies: Int, _ isIntact: Bool, _ expected: EntryClass) {
        var given = ledger(1...9, missing: [5])
        given.entries[4].outcome = outcome
        given.readBack?.found.append(ReadBack.Found(key: key(5), isIntact: isIntact, count: copies))
        var counts: [EntryClass: Int] = [.survived: 8]
        counts[expected, default: 0] += 1
        let findings = LedgerJudge.classify(given, fault: fault)
        #expect(findings.counts == counts)
        #expect(findings.anomalies.map(\.key) == (expected.isAnomaly ? [key(5)] : []))
    }

    @Test(arguments: [.ok, .info, .pending, .fail] as [LedgerEntry.Outcome])
    func anythingThatIsThereTwiceIsADuplicateBesides(_ outcome: LedgerEntry.Outcome) {
        var given = ledger(1...9)
        given.entries[4].outcome = outcome
        given.readBack?.found[4].count = 3
        let findings = LedgerJudge.classify(given, fault: fault)
        #expect(findings.count(.duplicate) == 1)
        #expect(findings.counts.values.reduce(0, +) == 10)
    }

    @Test func whatNobodySentIsAPhantomWhereverItLies() {
        var given = ledger(3...6)
        for phantom in [key(1), key(7), key(4, stream: 0), key(1, stream: 9)] {
            given.readBack?.found.append(ReadBack.Found(key: phantom, isIntact: false))
        }
        let findings = LedgerJudge.classify(given, fault: fault)
        #expect(findings.counts == [.survived: 4, .phantom: 4])
        #expect(
            findings.anomalies.map(\.key) == [key(4, stream: 0), key(1), key(7), key(1, stream: 9)])
    }

    /// F = [1000, 1050]: 10 is acknowledged at 1020, 11 at 1120.
    @Test func onlyWhatIsCertainlyLaterIsASplitBrainsLoss() {
        let findings = LedgerJudge.classify(ledger(1...12, missing: [10, 11]), fault: bracket(1000, 1050))
        #expect(findings.counts == [.survived: 10, .lostTail: 1, .lostAfterFault: 1])
        #expect(findings.tail == [key(10)] && findings.holes.isEmpty)
    }

    @Test func whatStandsBehindLaterWritesIsReordered() {
        var given = ledger(1...6)
        for index in [2, 3] { given.readBack?.found[index].isMisplaced = true }
        let findings = LedgerJudge.classify(given, fault: fault)
        #expect(findings.counts == [.survived: 6, .reordered: 2])
        #expect(findings.anomalies.map(\.key) == [key(3), key(4)])
    }

    /// Found keeps all that it is told in 16 bytes.
    @Test func whatWasFoundIsSmallAndExact() {
        #expect(MemoryLayout<ReadBack.Found>.stride == 16 && MemoryLayout<LedgerEntry>.stride == 32)
        for (isIntact, isMisplaced, count) in [
            (true, false, 1), (false, true, 7), (true, true, 0), (false, false, 99),
        ] {
            var found = ReadBack.Found(key: key(9), isIntact: !isIntact, count: 3, isMisplaced: !isMisplaced)
            found.isIntact = isIntact
            found.isMisplaced = isMisplaced
            found.count = count
            #expect(
                found
                    == ReadBack.Found(key: key(9), isIntact: isIntact, count: count, isMisplaced: isMisplaced)
            )
            #expect(found.isIntact == isIntact && found.isMisplaced == isMisplaced && found.count == count)
        }
    }

    @Test func replicasAreHeldAgainstTheirPrimary() {
        var given = ledger(1...10, missing: [10])
        let held = given.readBack?.found ?? []
        var behind = held.filter { $0.key.sequence < 7 }
        behind[1].isIntact = false
        behind.append(ReadBack.Found(key: key(10), isIntact: true))
        given.readBack?.replicas = [
            ReadBack.Replica(name: "same", found: held.reversed(), agreed: true, passes: 2),
            ReadBack.Replica(name: "behind", found: behind, agreed: true, passes: 2, unread: [key(9)]),
        ]
        let findings = LedgerJudge.classify(given, fault: fault)
        var expected = [ReplicaFindings(name: "same"), ReplicaFindings(name: "behind")]
        expected[1].missing = 2
        expected[1].different = 1
        expected[1].extra = 1
        expected[1].unread = 1
        expected[1].inconclusive = "the replica behind: 1 key could not be read"
        #expect(findings.replicas == expected)
        #expect(findings.count(.divergent) == 4 && findings.lost == 1)
        #expect(
            findings.anomalies.filter { $0.entryClass == .divergent }.map(\.key)
                == [key(2), key(7), key(8), key(10)])
        #expect(findings.anomalies.last?.acknowledged == at(1020))
        #expect(findings.inconclusive == expected[1].inconclusive)
    }

    @Test func aReplicaThatCannotBeReadLeavesItOpen() {
        func why(_ replica: ReadBack.Replica) -> String? {
            var given = ledger(1...10)
            given.readBack?.replicas = [replica]
            return LedgerJudge.classify(given, fault: fault).inconclusive
        }
        let found = ledger(1...10).readBack?.found ?? []
        #expect(why(ReadBack.Replica(name: "r", found: found, agreed: true, passes: 2)) == nil)
        #expect(
            why(ReadBack.Replica(name: "r", found: [], agreed: false, passes: 0, problems: ["refused"]))
                == "the replica r could not be read: refused")
        #expect(
            why(ReadBack.Replica(name: "r", found: found, agreed: false, passes: 7))
                == "the replica r did not settle: no two passes agreed (7 were made)")
    }

    /// All is counted, and only so much listed.
    @Test func detailsAreBounded() {
        let findings = LedgerJudge.classify(
            ledger(1...10, missing: [2, 3, 4, 9, 10]), fault: bracket(750, 750), details: 2)
        #expect(findings.counts == [.survived: 5, .lostHole: 3, .lostAfterFault: 2])
        #expect(findings.anomalies.count == 4 && findings.unlisted == 1)
        #expect(findings.holes == [key(2), key(3)])
        #expect(findings.lostBytes == 320 && findings.lossSpan == ms(800))
    }

    @Test func orderOfWhatIsGivenDoesNotMatter() {
        var shuffled = ledgerVector()
        let other = ledger(1...10, missing: [3, 8], stream: 0)
        shuffled.entries += other.entries
        shuffled.readBack?.found += other.readBack?.found ?? []
        var random = SplitMix64(seed: 3)
        let expected = LedgerJudge.classify(shuffled, fault: fault)
        #expect(expected.lost == 4)
        for _ in 1...5 {
            shuffled.entries.shuffle(using: &random)
            shuffled.readBack?.found.shuffle(using: &random)
            #expect(LedgerJudge.classify(shuffled, fault: fault) == expected)
        }
    }
}
