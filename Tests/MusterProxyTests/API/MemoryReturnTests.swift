import Testing

@testable import MusterProxy

struct MemoryReturnTests {
    /// A look at the memory: when, in seconds; what was let go of by then; what is held, in bytes.
    private struct Look {
        var time: Double
        var counts: MemoryReturn.Counts
        var held = 0
    }

    /// - Returns: when memory was returned, in seconds.
    private func times(_ looks: [Look]) -> [Double] {
        var memory = MemoryReturn(at: .zero)
        return looks.filter {
            memory.isDue($0.counts, held: $0.held, at: .milliseconds(Int($0.time * 1000)))
        }.map(\.time)
    }

    @Test func waitsForAQuietSecondAndDoesItOnce() {
        let gone = MemoryReturn.Counts(connections: 1000)
        #expect(times([0.2, 1.1, 1.2, 1.4, 9, 90].map { Look(time: $0, counts: gone) }) == [1.2])
    }

    @Test func isNotWorthWhileForLittle() {
        #expect(
            times([
                Look(time: 40, counts: .init(connections: 100)),
                Look(time: 80, counts: .init(connections: 100, bytes: 1 << 20)),
                Look(time: 82, counts: .init(connections: 100, bytes: 1 << 20)),
                Look(time: 83, counts: .init(connections: 100, bytes: 4 << 20)),
            ]) == [83])
    }

    /// Where it is never quiet, twice a minute.
    @Test func doesNotWaitForEver() {
        let looks = (1...500).map { Look(time: Double($0) / 5, counts: .init(connections: $0 * 100)) }
        #expect(times(looks) == [30, 60, 90])
    }

    /// What connections held at their highest and no longer hold is free, though none of them has ended.
    @Test func countsWhatIsNoLongerHeld() {
        let high = MemoryReturn.Counts(peak: 50 << 20)
        #expect(
            times([
                Look(time: 5, counts: high, held: 50 << 20),
                Look(time: 5.5, counts: high, held: 1 << 20),
                Look(time: 6.1, counts: high, held: 1 << 20),
                Look(time: 50, counts: .init(peak: 1 << 20), held: 1 << 20),
            ]) == [6.1])
    }
}
