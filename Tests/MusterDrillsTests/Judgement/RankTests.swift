import MusterCore
import Testing

@testable import MusterDrills

@Suite struct RankTests {
    @Test(arguments: [1, 2, 10, 1000, 65_537, 100_000]) func isTheSameAsSorting(_ count: Int) {
        var random = SplitMix64(seed: UInt64(count))
        let values = (0..<count).map { _ in random.next() >> UInt64.random(in: 0...63, using: &random) }
        let sorted = values.sorted()
        for rank in [1, 2, (count + 1) / 2, (count * 99 + 99) / 100, count - 1, count] where rank >= 1 {
            #expect(
                RankSelection.value(rank: rank) { values.forEach($0) }
                    == (rank <= count ? sorted[rank - 1] : nil))
        }
        #expect(RankSelection.value(rank: count + 1) { values.forEach($0) } == nil)
        #expect(RankSelection.value(rank: 0) { values.forEach($0) } == nil)
    }

    @Test func manyAlikeAndTheEndsOfTheRange() {
        let values = [UInt64](repeating: 1_234_567_891, count: 100_000) + [0, .max, .max - 1, 1_234_567_890]
        #expect(RankSelection.value(rank: 1) { values.forEach($0) } == 0)
        #expect(RankSelection.value(rank: 2) { values.forEach($0) } == 1_234_567_890)
        #expect(RankSelection.value(rank: 50_000) { values.forEach($0) } == 1_234_567_891)
        #expect(RankSelection.value(rank: 100_003) { values.forEach($0) } == UInt64.max - 1)
        #expect(RankSelection.value(rank: 100_004) { values.forEach($0) } == UInt64.max)
        let spread = (0..<200_000).map { UInt64.max - UInt64($0) << 40 }
        #expect(RankSelection.value(rank: 100_000) { spread.forEach($0) } == spread.sorted()[99_999])
    }

    /// No hit in 299 tries of 1 % is as rare as 4.95 %: the 99th percentile is known to be at most the greatest.
    @Test func chance() {
        #expect(RareHits(tries: 298, probability: 0.01).least == 0)
        #expect(RareHits(tries: 299, probability: 0.01).least == 1)
        // P(hits ≤ 1) of 473 is 0.0499.
        #expect(RareHits(tries: 472, probability: 0.01).least == 1)
        #expect(RareHits(tries: 473, probability: 0.01).least == 2)
        #expect(RareHits(tries: 10, probability: 0.01).most == 1)
        #expect(RareHits(tries: 0, probability: 0.01).most == 0)
        // By the normal approximation, 300 ± 28.3 of 30,000; exactly, near 20,000, 200 ± 23.
        #expect(RareHits(tries: 30_000, probability: 0.01).most == 329)
        #expect(RareHits(tries: 20_000, probability: 0.01).most == 223)
        #expect(RareHits(tries: 20_000, probability: 0.01).least == 177)
    }
}
