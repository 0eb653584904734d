import MusterProxy
import Testing

@Suite struct LinkRandomTests {
    /// The first numbers of SplitMix64 for the seed 1234567, as its authors publish them.
    @Test func isSplitMix64() {
        var random = LinkRandom(seed: 1_234_567)
        let numbers = (0..<3).map { _ in random.next() }
        #expect(numbers == [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423])
    }
}
