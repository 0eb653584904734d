import MusterCore
import MusterDrills
import Testing

@Suite struct SampleSeriesTests {
    private func order(_ samples: [Sample]) -> [Sample] {
        samples.sorted { ($0.started, $0.due) < ($1.started, $1.due) }
    }

    /// Due on a grid, sent a little late, over in any order.
    private func made(_ count: Int, seed: UInt64, timeout: Int64 = 0) -> [Sample] {
        var random = SplitMix64(seed: seed)
        let samples = (0..<count).map { index -> Sample in
            let due = 5_000_000_000_000 + Int64(index) * 10_000_000
            let started = due + Int64.random(in: 0...9_000_000, using: &random)
            let isLost = timeout > 0 && Int.random(in: 0...3, using: &random) == 0
            let took = isLost ? timeout : Int64.random(in: 100_000...2_000_000, using: &random)
            return Sample(
                due: Instant(nanoseconds: due), started: Instant(nanoseconds: started),
                finished: Instant(nanoseconds: started + took), outcome: isLost ? .timeout : .ok,
                code: isLost ? Int32.random(in: -5...600, using: &random) : 200,
                blind: .nanoseconds(index % 7 == 0 ? Int64.random(in: 0...2_000_000_000, using: &random) : 0))
        }
        return samples.sorted { $0.finished < $1.finished }
    }

    @Test(arguments: [0, 1, 255, 256, 511, 512, 513, 5000]) func keepsEverySampleInOrderOfSending(
        _ count: Int
    ) {
        let given = made(count, seed: UInt64(count))
        let series = SampleSeries(given)
        #expect(Array(series) == order(given))
        #expect(series.count == count && series.isEmpty == (count == 0))
        #expect(series.first == order(given).first && series.last == order(given).last)
        #expect(series.lastFinished == given.map(\.finished).max())
    }

    /// A timeout of 10 s at 100 a second comes in when 1,000 later ones, some four chunks, are there already.
    @Test func whatWasLongUnderWayFindsItsPlace() {
        let given = made(4000, seed: 7, timeout: 10_000_000_000)
        #expect(Array(SampleSeries(given)) == order(given))
        // The worst order of all.
        let backwards = Array(order(given).reversed())
        #expect(Array(SampleSeries(backwards)) == order(given))
    }

    @Test func everyInstantComesBackExactly() {
        let extremes: [Int64] = [.min, -1, 0, 1, 127, 128, .max]
        var given: [Sample] = []
        for due in extremes {
            for started in extremes {
                for outcome in Sample.Outcome.allCases {
                    given.append(
                        Sample(
                            due: Instant(nanoseconds: due), started: Instant(nanoseconds: started),
                            finished: Instant(nanoseconds: due ^ started), outcome: outcome,
                            code: outcome == .error ? .min : .max))
                }
            }
        }
        // Enough of them for chunks.
        let many = (0..<4).flatMap { _ in given }
        let series = SampleSeries(many)
        var left = Dictionary(grouping: many, by: \.self).mapValues(\.count)
        for sample in series { left[sample]? -= 1 }
        #expect(left.values.allSatisfy { $0 == 0 })
        #expect(Array(series).map(\.started) == many.map(\.started).sorted())
    }

    @Test func beginsInTheMiddle() {
        let given = order(made(3000, seed: 3))
        let series = SampleSeries(given)
        for index in [0, 1, 255, 256, 257, 1500, 2600, 2999] {
            let start = given[index].started
            #expect(Array(series.sent(from: start)) == given.filter { $0.started >= start })
        }
        #expect(Array(series.sent(from: Instant(nanoseconds: 0))) == given)
        #expect(Array(series.sent(from: Instant(nanoseconds: .max))).isEmpty)
    }

    @Test func aCopyStaysAsItWas() {
        var series = SampleSeries(made(600, seed: 1))
        let copy = series
        series.append(Sample(due: at(0), started: at(0), finished: at(1), outcome: .error))
        #expect(series.count == 601 && copy.count == 600)
        #expect(series.first?.outcome == .error && copy.first?.outcome == .ok)
        #expect(series != copy && copy == SampleSeries(Array(copy)))
    }

    /// Steady samples of a probe, 100 µs of jitter: well under ten bytes each.
    @Test func isCompact() {
        let series = SampleSeries(made(10_000, seed: 9))
        #expect(series.encodedBytes < 10_000 * 9)
    }
}
