import MusterCore
import MusterDrills
import Testing

@Suite struct LedgerJudgeTests {
    private let fault = bracket(1050, 1050)
    private func keys(_ findings: LedgerFindings, _ kind: EntryClass) -> [Int64] {
        findings.anomalies.filter { $0.entryClass == kind }.map(\.key.sequence)
    }

    @Test func vectorOfMeasurement() {
        let findings = LedgerJudge.classify(ledgerVector(), fault: fault)
        #expect(findings.counts[.survived] == 7)
        #expect(keys(findings, .lostHole) == [8])
        #expect(keys(findings, .lostTail) == [10])
        #expect(keys(findings, .corrupt) == [4])
        #expect(keys(findings, .duplicate) == [5])
        #expect(findings.counts[.recovered] == 1)
        #expect(keys(findings, .abortedVisible) == [12])
        #expect(keys(findings, .phantom) == [99])
        #expect(findings.count(.lostAfterFault, .notApplied, .failed, .stale) == 0)
        #expect(findings.holes.map(\.sequence) == [4, 8])
        #expect(findings.tail.map(\.sequence) == [10])
        #expect(findings.rpa == interval(630, 750))
        #expect(findings.tailRPA == interval(30, 150))
        #expect(findings.newestSurvivor == interval(130, 130))
        #expect(findings.lossSpan == ms(600))
        #expect(findings.lostBytes == 192)
        #expect(findings.lossRatio == 0.3)
        #expect(
            [findings.sent, findings.acknowledged, findings.refused, findings.inDoubt] == [12, 10, 1, 1])
        #expect(findings.inconclusive == nil)
    }

    @Test func nothingLostIsZeroWithAResolution() {
        let findings = LedgerJudge.classify(ledger(1...10), fault: fault)
        #expect(findings.rpa == interval(0, 0))
        #expect(findings.resolution == ms(50))
        #expect(findings.tailRPA == nil)
        #expect(findings.newestSurvivor == nil)
        #expect(findings.counts == [.survived: 10])
    }

    /// [run] in MEASUREMENT: writes after the recovery turned a pure tail loss into 3,907 "holes".
    @Test func laterWritesMakeNoHoles() {
        let findings = LedgerJudge.classify(ledger(1...30, missing: [9, 10]), fault: fault)
        #expect(keys(findings, .lostTail) == [9, 10])
        #expect(findings.count(.lostHole) == 0)
        #expect(findings.rpa == interval(130, 250))
    }

    @Test func lossAfterTheFaultHasNoAge() {
        let findings = LedgerJudge.classify(ledger(1...30, missing: [15]), fault: fault)
        #expect(keys(findings, .lostAfterFault) == [15])
        #expect(findings.lost == 1)
        #expect(findings.holes.isEmpty && findings.tail.isEmpty)
        #expect(findings.rpa == interval(0, 0))
        #expect(findings.lossSpan == .zero)
        #expect(findings.lostBytes == 64)
    }

    /// Ack of 10 at 1020, F = [1010, 1020]: lost, it counts as before; surviving, it makes no hole.
    @Test func acknowledgementsWithinTheBracket() {
        let lost = LedgerJudge.classify(ledger(1...12, missing: [10]), fault: bracket(1010, 1020))
        #expect(keys(lost, .lostTail) == [10])
        #expect(lost.rpa == interval(0, 120))
        // Acknowledged beyond it, but sent before: it may have been committed before, and its answer read late.
        let late = LedgerJudge.classify(ledger(1...12, missing: [10]), fault: bracket(1010, 1019.9))
        #expect(keys(late, .lostTail) == [10])
        #expect(late.rpa == interval(0, 119.9))
        let sent = LedgerJudge.classify(ledger(1...12, missing: [10]), fault: bracket(999, 1000))
        #expect(keys(sent, .lostTail) == [10])
        let after = LedgerJudge.classify(ledger(1...12, missing: [10]), fault: bracket(999, 999.9))
        #expect(keys(after, .lostAfterFault) == [10])
        let witness = LedgerJudge.classify(ledger(1...12, missing: [9]), fault: bracket(1010, 1020))
        #expect(keys(witness, .lostTail) == [9])
        let certain = LedgerJudge.classify(ledger(1...12, missing: [9]), fault: bracket(1020, 1030))
        #expect(keys(certain, .lostHole) == [9])
        #expect(certain.rpa == interval(100, 230))
    }

    @Test func withoutPredecessorNothingBoundsTheAge() {
        let findings = LedgerJudge.classify(ledger(1...10, missing: Set(1...10)), fault: fault)
        #expect(findings.rpa == interval(930, nil))
        #expect(findings.tailRPA == interval(930, nil))
        #expect(findings.newestSurvivor == nil)
    }

    @Test func worstStreamWins() {
        var both = ledger(1...10, missing: [10])
        let other = ledger(1...10, missing: [7, 8, 9, 10], stream: 2)
        both.entries += other.entries
        both.readBack?.found += other.readBack?.found ?? []
        let findings = LedgerJudge.classify(both, fault: fault)
        #expect(findings.rpa == interval(330, 450))
        #expect(findings.newestSurvivor == interval(430, 430))
        #expect(findings.count(.lostTail) == 5)
    }

    @Test func writesInDoubtMayGoEitherWay() {
        var given = ledger(1...10)
        for index in [3, 4] { given.entries[index].outcome = .info }
        given.entries[5].outcome = .pending
        given.readBack?.found.removeAll { [5, 6].contains($0.key.sequence) }
        let findings = LedgerJudge.classify(given, fault: fault)
        #expect(findings.counts == [.survived: 7, .recovered: 1, .notApplied: 2])
        #expect(findings.anomalies.isEmpty)
        #expect(findings.inDoubt == 3)
    }

    /// 4 and 8 could not be read, 6 was looked for and is not there; 11 was refused, and may be there all the same.
    @Test func unreadIsNotLost() {
        var given = ledger(1...11, missing: [4, 6, 8, 11])
        given.entries[10].outcome = .fail
        given.readBack?.unread = [4, 8, 11].map { EntryKey(stream: 1, sequence: $0) }
        let findings = LedgerJudge.classify(given, fault: fault)
        #expect(findings.counts == [.survived: 7, .lostHole: 1, .unread: 3])
        #expect(findings.lost == 1 && findings.unread == 3)
        #expect(findings.holes.map(\.sequence) == [6] && findings.tail.isEmpty)
        #expect(findings.anomalies.map(\.key.sequence) == [6] && findings.lostBytes == 64)
        // 6 is the oldest that is certainly lost, 4 the oldest that may be.
        #expect(findings.rpa == interval(430, 750))
        #expect(findings.inconclusive == "the read-back is incomplete: 3 keys could not be read")
        // What was found once is there, whatever another answer was.
        given.readBack?.unread = [EntryKey(stream: 1, sequence: 5)]
        #expect(LedgerJudge.classify(given, fault: fault).unread == 0)
    }

    @Test func acknowledgedWithWarningIsAPromise() {
        var given = ledger(1...10, missing: [10])
        given.entries[9].outcome = .okWithWarning
        #expect(LedgerJudge.classify(given, fault: fault).lost == 1)
    }

    @Test func lateIsStaleOnlyWherePromised() {
        var given = ledger(1...10)
        given.entries[9].outcome = .info
        given.readBack?.late = [EntryKey(stream: 1, sequence: 4), EntryKey(stream: 1, sequence: 10)]
        let findings = LedgerJudge.classify(given, fault: fault)
        #expect(keys(findings, .stale) == [4])
        #expect(findings.counts[.survived] == 9)
        #expect(findings.lost == 0)
    }

    @Test func copiesMayBeReportedApart() {
        var given = ledger(1...10)
        given.readBack?.found.append(ReadBack.Found(key: EntryKey(stream: 1, sequence: 2), isIntact: false))
        let findings = LedgerJudge.classify(given, fault: fault)
        #expect(keys(findings, .duplicate) == [2])
        #expect(findings.corrupt == 0)
    }

    @Test func inconclusiveConditions() {
        func why(_ change: (inout Ledger) -> Void, fault: Bracket = bracket(1050, 1050)) -> String? {
            var given = ledger(1...10)
            change(&given)
            return LedgerJudge.classify(given, fault: fault).inconclusive
        }
        #expect(why { _ in } == nil)
        #expect(why { $0.readBack = nil } == "nothing was read back")
        #expect(why { $0.readBack?.agreed = false } == "no two passes of the read-back agreed (2 were made)")
        #expect(why { $0.readBack?.problems = ["GET 7: 500"] } == "the read-back is incomplete: GET 7: 500")
        #expect(
            why { $0.blindWindow = ms(5) } == "acknowledgements of 5 ms may be missing from our own record")
        // The last acknowledgement is at 1020, the window max(10/rate, 1 s) = 1 s.
        let idle = "no write was acknowledged in the last 1 s before the fault"
        #expect(why({ _ in }, fault: bracket(2020, 2020)) == nil)
        #expect(why({ _ in }, fault: bracket(2020.001, 2030)) == idle)
        #expect(why { $0.entries = [] } == idle)
        // At 5 writes per second it is 2 s.
        #expect(
            why({ $0.rate = Rate(perSecondThousandths: 5000) }, fault: bracket(3020, 3030)) == nil)
        // An acknowledgement inside the bracket was not certainly before the fault.
        #expect(why({ $0.entries.removeFirst(9) }, fault: bracket(1010, 1030)) == idle)
    }
}
