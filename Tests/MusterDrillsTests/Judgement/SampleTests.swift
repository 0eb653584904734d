import MusterCore
import MusterDrills
import Testing

/// Read-backs of a part, and what they prove about the rest.
@Suite struct SampleTests {
    private let fault = bracket(1050, 1050)

    @Test func vectorsOfMeasurement() {
        #expect(SampleBound.drawn(toSeeOneIn: 100) == 299)
        #expect(SampleBound.drawn(toSeeOneIn: 1000) == 2995)
        #expect(SampleBound.drawn(of: 10_000, toSee: 37) == 777)
        #expect(SampleBound.drawn(of: 10_000, toSee: 1) == 9501)
    }

    @Test func bounds() {
        #expect(SampleBound.mostLost(of: 10_000, drawn: 777) == 36)
        #expect(SampleBound.mostLost(of: 10_000, drawn: 776) == 37)
        #expect(SampleBound.mostLost(of: 10_000, drawn: 9501) == 0)
        #expect(SampleBound.mostLost(of: 10_000, drawn: 9500) == 1)
        #expect(SampleBound.mostLost(of: 10_000, drawn: 10_000) == 0)
        #expect(SampleBound.mostLost(of: 10_000, drawn: 0) == 10_000)
        #expect(SampleBound.mostLost(of: 0, drawn: 0) == 0)
        // Of very many, 2,995 without a loss leave 0.1 %.
        #expect(SampleBound.mostLost(of: 10_000_000, drawn: 2995) / 1000 == 9)
    }

    /// Without replacement, repeatable, and of acknowledged writes only; what is recent is asked for whole.
    @Test func theDraw() throws {
        var entries = ledger(1...1000).entries + ledger(1...1000, stream: 2).entries
        for index in stride(from: 0, to: 800, by: 2) { entries[index].outcome = .info }
        let sample = try #require(ReadSample.draw(200, from: entries, since: at(90_000), seed: 5))
        #expect(sample == ReadSample.draw(200, from: entries, since: at(90_000), seed: 5))
        #expect(sample.older == 899 - 400 + 899 && sample.drawn == 200)
        let recent = sample.runs.filter { $0.numbers.upperBound == 1000 }
        #expect(recent.map(\.numbers) == [900...1000, 900...1000])
        let drawn = sample.runs.filter { $0.numbers.upperBound < 900 }
        #expect(drawn.count == 200 && Set(drawn).count == 200)
        #expect(drawn.allSatisfy { $0.numbers.count == 1 })
        #expect(
            drawn.allSatisfy { run in
                run.stream == 2 || run.numbers.lowerBound % 2 == 0 || run.numbers.lowerBound > 800
            })
        let inOrder = sample.runs.sorted {
            ($0.stream, $0.numbers.lowerBound) < ($1.stream, $1.numbers.lowerBound)
        }
        #expect(sample.runs == inOrder)
        #expect(ReadSample.draw(200, from: entries, since: at(90_000), seed: 6) != sample)
        #expect(ReadSample.draw(1398, from: entries, since: at(90_000), seed: 5) == nil)
        #expect(ReadSample.draw(1397, from: entries, since: at(90_000), seed: 5)?.drawn == 1397)
        #expect(ReadSample.draw(0, from: entries, since: at(90_000), seed: 5)?.runs.count == 2)
    }

    /// Each of ten is drawn alike: 3 of 10, 4,000 times, is 1,200 each; 150 is more than five standard deviations.
    @Test func theDrawIsFair() {
        let entries = ledger(1...11).entries
        var times: [Int64: Int] = [:]
        for seed in 1...4000 {
            let sample = ReadSample.draw(3, from: entries, since: at(1110), seed: UInt64(seed))
            for run in sample?.runs ?? [] { times[run.numbers.lowerBound, default: 0] += 1 }
        }
        #expect(times[11] == 4000)
        for number in 1...10 { #expect(abs((times[Int64(number)] ?? 0) - 1200) < 150) }
    }

    /// Asked for: 8 to 10, which are recent, and of the older ones 2 and 5.
    private func sampled(missing: Set<Int64>) -> Ledger {
        var given = ledger(1...10, missing: missing.union([1, 3, 4, 6, 7]))
        let runs = [2...2, 5...5, 8...10].map { ReadSample.Run(stream: 1, numbers: $0) }
        given.readBack?.sample = ReadSample(runs: runs, since: at(800), older: 7, drawn: 2)
        return given
    }

    @Test func whatWasNotDrawnIsNotLost() {
        let findings = LedgerJudge.classify(sampled(missing: []), fault: fault)
        #expect(findings.counts == [.survived: 5, .unsampled: 5])
        #expect(findings.lost == 0 && findings.anomalies.isEmpty)
        #expect(findings.sample == SampleFindings(older: 7, drawn: 2, missing: 0))
        // What was left out may be lost, and the first of all has no predecessor.
        #expect(findings.rpa == interval(0, nil))
        #expect(
            findings.inconclusive
                == "2 of 7 older writes were read, drawn at random: "
                + "at 95 % confidence at most 4 of them are lost")
    }

    @Test func whatWasDrawnAndIsGoneIsLost() {
        let findings = LedgerJudge.classify(sampled(missing: [5, 10]), fault: fault)
        #expect(findings.counts == [.survived: 3, .unsampled: 5, .lostHole: 1, .lostTail: 1])
        #expect(findings.sample?.missing == 1 && findings.sample?.mostLost == nil)
        #expect(findings.rpa == interval(530, nil))
        #expect(
            findings.inconclusive == "2 of 7 older writes were read, drawn at random; 1 of them are lost")
    }

    @Test func boundsOfSeveralSamplesAreToldOneByOne() {
        var run = GivenRun(rpo: 0)
        run.signals = [boundsVector()]
        run.ledgers = [sampled(missing: []), sampled(missing: [])]
        #expect(
            run.result("rpo")?.measured == "0 lost; samples leave at most 4 and 4 more (95 % confidence each)"
        )
        run.ledgers = [sampled(missing: []), sampled(missing: [5])]
        #expect(run.result("rpo")?.measured.contains("a sample lacks some") == true)
    }

    @Test func aSampleIsInconclusiveUnlessItShowsALoss() {
        func result(_ rpo: Double, missing: Set<Int64>) -> ObjectiveResult? {
            var run = GivenRun(rpo: rpo)
            run.signals = [boundsVector()]
            run.ledgers = [sampled(missing: missing)]
            return run.result("rpo")
        }
        #expect(result(0, missing: [])?.result == .inconclusive)
        #expect(
            result(0, missing: [])?.measured == "0 lost; a sample leaves at most 4 more (95 % confidence)")
        #expect(result(0, missing: [9])?.result == .missed)
        // 5 was acknowledged 480 ms before F.
        #expect(result(479, missing: [5])?.result == .missed)
        #expect(result(481, missing: [5])?.result == .inconclusive)
        #expect(result(5000, missing: [])?.result == .inconclusive)
    }
}
