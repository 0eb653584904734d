import MusterCore
import MusterDrills
import Testing

@testable import MusterCalibration

/// The books of the forgetful store, with a clock that the test moves.
@Suite struct ForgettingTests {
    private func name(_ stream: Int32, _ sequence: Int64) -> String { "muster-run-1-\(stream)-\(sequence)" }

    /// Books in which eight streams took turns, one write a millisecond.
    private func books(_ plan: ForgettingPlan = ForgettingPlan(), seed: UInt64 = 1) -> ForgetfulBooks {
        var books = ForgetfulBooks(plan, writers: 8, seed: seed)
        for index in 0..<Int64(books.wanted) {
            let (stream, sequence) = (Int32(index % 8), index / 8 + 1)
            _ = books.write(
                name(stream, sequence), "value-\(index)", at: Instant(nanoseconds: index * 1_000_000))
        }
        return books
    }

    @Test func forgetsExactlyWhatItIsToForget() throws {
        for seed in 1...20 as ClosedRange<UInt64> {
            var books = books(seed: seed)
            let hasForgotten = books.forget()
            #expect(hasForgotten)
            let truth = books.truth
            #expect([truth.tail, truth.holes, truth.corrupt, truth.duplicate].map(\.count) == [30, 7, 3, 2])
            #expect(truth.inDoubtKept.count == 5 && truth.inDoubtDropped.count == 5)
            #expect(truth.refused.count == 4 && truth.refusedKept.count == 1)
            let all = [truth.tail, truth.holes, truth.corrupt, truth.duplicate].map(\.count).reduce(0, +)
            #expect(truth.tail.union(truth.holes).union(truth.corrupt).union(truth.duplicate).count == all)
            for key in truth.tail.union(truth.holes) {
                #expect(books.read(name(key.stream, key.sequence)) == nil)
            }
            for key in truth.duplicate {
                #expect(books.read(name(key.stream, key.sequence))?.count == 2)
            }
            for key in truth.inDoubtDropped.union(truth.refused) {
                #expect(books.read(name(key.stream, key.sequence)) == nil)
            }
            for key in truth.inDoubtKept.union(truth.refusedKept).union(truth.corrupt) {
                #expect(books.read(name(key.stream, key.sequence))?.count == 1)
            }
            // Nothing of a stream's tail has a survivor behind it, every hole has one.
            for key in truth.holes {
                #expect(truth.tail.filter { $0.stream == key.stream }.allSatisfy { $0 > key })
            }
            let oldest = truth.tail.union(truth.holes).union(truth.corrupt).map {
                ($0.sequence - 1) * 8 + Int64($0.stream)
            }.min()
            #expect(truth.oldestLoss?.nanoseconds == oldest.map { $0 * 1_000_000 })
        }
    }

    @Test func aJudgeThatReadsItAgreesByKey() throws {
        var books = books()
        var ledger = Ledger(
            workload: "store", entries: [], readBack: nil, payloadBytes: 64,
            rate: Rate(perSecondThousandths: 1_000_000))
        let truth: StoreTruth
        do {
            let hasForgotten = books.forget()
            #expect(hasForgotten)
            books.note(forgot: Bracket(Instant(nanoseconds: 600_000_000), Instant(nanoseconds: 600_000_500)))
            truth = books.truth
        }
        var found: [ReadBack.Found] = []
        for index in 0..<Int64(books.wanted) {
            let key = EntryKey(stream: Int32(index % 8), sequence: index / 8 + 1)
            let at = Instant(nanoseconds: index * 1_000_000)
            let outcome: LedgerEntry.Outcome =
                truth.refused.union(truth.refusedKept).contains(key)
                ? .fail : truth.inDoubtKept.union(truth.inDoubtDropped).contains(key) ? .info : .ok
            ledger.entries.append(
                LedgerEntry(
                    key: key, sent: at - .microseconds(100), finished: at + .microseconds(100),
                    outcome: outcome))
            if let values = books.read(name(key.stream, key.sequence)) {
                found.append(
                    ReadBack.Found(
                        key: key, isIntact: values[0] == "value-\(index)", count: values.count))
            }
        }
        ledger.readBack = ReadBack(found: found, agreed: true, passes: 2)
        let forgot = try #require(truth.forgot)
        let claim = LedgerClaim(LedgerJudge.classify(ledger, fault: forgot))
        #expect(truth.differences(from: claim) == [])
        // Each way of being wrong by one is found.
        var less = claim
        _ = less.anomalies[.lostTail]?.removeFirst()
        #expect(truth.differences(from: less) == ["lost-tail: 29 of 30 found, 0 false"])
        var untrue = claim
        untrue.anomalies[.phantom] = [EntryKey(stream: 0, sequence: 9999)]
        #expect(truth.differences(from: untrue) == ["phantom: 0 of 0 found, 1 false"])
        var swapped = claim
        let hole = try #require(truth.holes.first)
        swapped.anomalies[.lostHole]?.remove(hole)
        swapped.anomalies[.lostTail]?.insert(hole)
        #expect(truth.differences(from: swapped).count == 2)
        var doubtful = claim
        doubtful.counts[.recovered] = 4
        #expect(truth.differences(from: doubtful) == ["recovered: 4, not 5"])
        var late = claim
        late.rpa = Interval(lower: .zero, upper: .milliseconds(1))
        #expect(truth.differences(from: late).count == 1)
    }

    @Test func refusesToForgetMoreThanThereIs() {
        var books = ForgetfulBooks(writers: 8, seed: 1)
        let ofNothing = books.forget()
        _ = books.write(name(0, 1), "x", at: Instant(nanoseconds: 0))
        let ofOne = books.forget()
        #expect(!ofNothing && !ofOne)
    }

    @Test func servesOthersWell() {
        var books = ForgetfulBooks(writers: 8, seed: 1)
        for sequence in 1...500 as ClosedRange<Int64> {
            let treatment = books.write(name(8, sequence), "fence", at: Instant(nanoseconds: 0))
            #expect(treatment == .acknowledge)
        }
        #expect(books.written == 0)
    }
}
