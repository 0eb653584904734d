import MusterCore
import MusterDrills
import Testing

@testable import MusterProbes

@Suite struct PartsTests {
    private func at(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

    @Test func timersComeByTimeAndThenByOrder() {
        var queue = TimerQueue()
        var order: [Int] = []
        var generator = SplitMix64(seed: 5)
        let dues = (0..<200).map { _ in Int64(generator.next() % 50) }
        let tickets = dues.enumerated().map { index, due in queue.add(at(due)) { order.append(index) } }
        for index in stride(from: 0, to: 200, by: 3) { queue.cancel(tickets[index]) }
        while let action = queue.popDue(at(24)) { action() }
        let expected = dues.indices.filter { $0 % 3 != 0 && dues[$0] <= 24 }.sorted {
            (dues[$0], $0) < (dues[$1], $1)
        }
        #expect(order == expected)
        while let action = queue.popDue(at(100)) { action() }
        #expect(order.count == dues.indices.filter { $0 % 3 != 0 }.count && queue.next == nil)
    }

    @Test func patienceDoesNotCountWhatItsLoopNeglects() throws {
        let loop = try EventLoop()
        let began = monotonicNow()
        var ended: Instant?
        let cancelled = Patience(.milliseconds(200), on: loop) { _ in Issue.record("it was cancelled") }
        // Nothing outside of this process was asked yet.
        let patience = Patience(.milliseconds(400), on: loop) { _ in ended = monotonicNow() }
        loop.at(began + .milliseconds(20)) { pass(.milliseconds(300)) }
        // Also one that became due while the loop stood still can be cancelled by what is found afterwards.
        loop.at(began + .milliseconds(30)) { cancelled.cancel() }
        loop.run { ended != nil }
        patience.cancel()
        #expect(try #require(ended) - began >= .milliseconds(680))
        #expect(cancelled.blind >= .milliseconds(280))
    }

    @Test func quantilesOfLatenessAreWithinTheirBuckets() {
        var histogram = LatenessHistogram()
        #expect(histogram.quantile(0.99) == 0)
        for value in 1...100_000 { histogram.add(Int64(value)) }
        for share in [0.01, 0.5, 0.99, 1] {
            let truth = share * 100_000
            let found = Double(histogram.quantile(share))
            #expect(found >= truth - 1 && found <= truth * 1.07 + 1, "\(share): \(found)")
        }
        #expect(histogram.maximum == 100_000)
    }

    @Test func timeoutsThatComeInAfterTheRecoveryDoNotUndoIt() {
        var status = SignalStatus(name: "s", writer: nil, every: .milliseconds(10))
        let sample = { (start: Int64, end: Int64, outcome: Sample.Outcome) in
            Sample(due: self.at(start), started: self.at(start), finished: self.at(end), outcome: outcome)
        }
        status.add(sample(10, 11, .ok), mark: at(15))
        // Up again at 40; what was sent at 20 and 30 times out at 120 and 130.
        status.add(sample(40, 41, .ok), mark: at(15))
        status.add(sample(20, 120, .timeout), mark: at(15))
        #expect(status.goodSince == nil && status.firstBadAfterMark?.started == at(20))
        status.add(sample(130, 131, .ok), mark: at(15))
        status.add(sample(30, 132, .timeout), mark: at(15))
        #expect(status.goodSince?.started == at(130) && status.badSince == nil)
        #expect(status.firstGoodAfterBad?.started == at(130))
        status.add(sample(140, 240, .timeout), mark: at(15))
        #expect(status.goodSince == nil && status.badSince?.started == at(140))
        #expect(status.ok == 3 && status.failed == 3)
    }

    @Test(arguments: [
        ("127.0.0.1:80", "127.0.0.1", 80 as UInt16?), ("[::1]:6379", "::1", 6379), ("db1:5432", "db1", 5432),
        ("db1", "db1", nil), ("::1:80", "", nil), ("h:0", "", nil), ("h:x", "", nil), (":80", "", nil),
    ])
    func endpoints(_ text: String, _ host: String, _ port: UInt16?) {
        let endpoint = Endpoint(text)
        #expect(endpoint?.port == port)
        if port != nil { #expect(endpoint?.host == host) }
    }
}
