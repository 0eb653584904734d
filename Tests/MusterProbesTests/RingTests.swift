import Glibc
import MusterCore
import MusterDrills
import MusterSystem
import Testing

@testable import MusterProbes

@Suite struct RingTests {
    @Test func aFullRingTakesNothingUntilSomethingIsReleased() throws {
        let ring = try Ring<Int>(capacity: 5)
        for number in 0..<5 { #expect(ring.push(number)) }
        #expect(!ring.push(5) && ring.count == 5)
        #expect((ring.released..<ring.pushed).map { ring[$0] } == [0, 1, 2, 3, 4])
        ring.release(to: 2)
        #expect(ring.push(5) && ring.push(6) && !ring.push(7))
        #expect((ring.released..<ring.pushed).map { ring[$0] } == [2, 3, 4, 5, 6])
    }

    /// Every element comes once, whole and in order, however the threads run; a ring without its orderings
    /// hands out elements that are half written.
    @Test func nothingIsLostTornOrOvertakenBetweenTwoThreads() throws {
        struct Wide: BitwiseCopyable, Sendable {
            var a: Int
            var b: Int
            var c: Int
        }
        let ring = try Ring<Wide>(capacity: 7)
        let total = 300_000
        try startThread(name: "test-push") {
            for number in 0..<total {
                while !ring.push(Wide(a: number, b: ~number, c: number &* 31)) { sched_yield() }
            }
        }
        var taken = 0
        var wrong = 0
        let deadline = monotonicNow() + .seconds(60)
        while taken < total, monotonicNow() < deadline {
            let end = ring.pushed
            for position in taken..<end {
                let found = ring[position]
                if found.a != position || found.b != ~position || found.c != position &* 31 { wrong += 1 }
            }
            if taken == end { sched_yield() }
            taken = end
            ring.release(to: end)
        }
        #expect(taken == total && wrong == 0, "\(taken) taken, \(wrong) wrong")
    }

    @Test func whatALaneDropsIsCountedAndDated() throws {
        let lane = try SampleLane(capacity: 2)
        let sample = { (time: Int64) in
            let at = Instant(nanoseconds: time)
            return SampleRecord(
                Sample(
                    due: at, started: at, finished: Instant(nanoseconds: time + 5), outcome: .error, code: 7),
                of: 3)
        }
        for time: Int64 in [10, 20, 30, 40] { lane.add(sample(time)) }
        #expect(lane.drops.count == 2 && lane.drops.first == 30 && lane.drops.last == 45)
        lane.ring.release(to: 1)
        lane.add(sample(50))
        lane.add(sample(60))
        #expect(lane.drops.count == 3 && lane.drops.first == 60)
        let kept = (lane.ring.released..<lane.ring.pushed).map { lane.ring[$0].sample }
        #expect(kept.map(\.due.nanoseconds) == [20, 50])
        #expect(kept.allSatisfy { $0.outcome == .error && $0.code == 7 })
    }

    @Test func theElementOfARankIsFoundWithoutSorting() {
        var random = SplitMix64(seed: 8)
        for count in [1, 2, 3, 10, 1000] {
            let numbers = (0..<count).map { _ in Int64(random.next() % 50) }
            let sorted = numbers.sorted()
            for rank in [0, count / 2, count * 99 / 100, count - 1] {
                #expect(numbers.nth(rank) == sorted[rank])
            }
        }
    }
}
