import Testing

@testable import MusterProxy

struct MemoryReturnTests {
    private func after(_ seconds: Double) -> Duration { .milliseconds(Int(seconds * 1000)) }

    @Test func waitsForAQuietSecond() {
        var memory = MemoryReturn(at: .zero)
        let gone = MemoryReturn.Counts(connections: 1000)
        #expect(!memory.isDue(gone, held: 0, at: after(0.2)))
        #expect(!memory.isDue(gone, held: 0, at: after(1.1)))
        #expect(memory.isDue(gone, held: 0, at: after(1.2)))
        // Once.
        #expect(!memory.isDue(gone, held: 0, at: after(9)))
    }

    @Test func isNotWorthWhileForLittle() {
        var memory = MemoryReturn(at: .zero)
        #expect(!memory.isDue(.init(connections: 100), held: 0, at: after(40)))
        #expect(!memory.isDue(.init(connections: 100, bytes: 1 << 20), held: 0, at: after(80)))
        #expect(memory.isDue(.init(connections: 100, bytes: 4 << 20), held: 0, at: after(80.2)))
    }

    /// Where it is never quiet, twice a minute.
    @Test func doesNotWaitForEver() {
        var memory = MemoryReturn(at: .zero)
        var times: [Int] = []
        for tick in 1...500
        where memory.isDue(.init(connections: tick * 100), held: 0, at: after(Double(tick) / 5)) {
            times.append(tick / 5)
        }
        #expect(times == [30, 60, 90])
    }

    /// What connections held at their highest and no longer hold is free, though none of them has ended.
    @Test func countsWhatIsNoLongerHeld() {
        var memory = MemoryReturn(at: .zero)
        let high = MemoryReturn.Counts(peak: 50 << 20)
        #expect(!memory.isDue(high, held: 50 << 20, at: after(5)))
        #expect(memory.isDue(high, held: 1 << 20, at: after(6.1)))
        #expect(!memory.isDue(.init(peak: 1 << 20), held: 1 << 20, at: after(50)))
    }
}
