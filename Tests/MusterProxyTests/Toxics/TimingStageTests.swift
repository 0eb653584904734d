import NIOCore
import Testing

@testable import MusterProxy

/// The arithmetic of the toxics that delay, to the nanosecond.
@Suite struct TimingStageTests {
    @Test func latencyLetsChunksPipeline() throws {
        var bench = try Bench(Latency.self, ["latency": .integer(100)])
        bench.receive("a")
        bench.pass(milliseconds: 30)
        bench.receive("b")
        bench.pass(milliseconds: 69.999999)
        #expect(bench.left.isEmpty)
        bench.pass(milliseconds: 0.000001)
        #expect(bench.left == [.init(text: "a", millisecond: 100)])
        bench.finish()
        bench.pass(milliseconds: 1000)
        #expect(bench.times == [100, 130])
        #expect(bench.end == .finished)
    }

    @Test func jitterStaysInItsRangeAndInOrder() throws {
        var bench = try Bench(Latency.self, ["latency": .integer(20), "jitter": .integer(15)])
        for index in 0..<500 {
            bench.receive("\(index % 10)")
            bench.pass(milliseconds: 100)
        }
        let delays = bench.times.enumerated().map { $1 - Double($0) * 100 }
        #expect(delays.allSatisfy { (5..<35).contains($0) })
        #expect(delays.reduce(0, +) / 500 > 18 && delays.reduce(0, +) / 500 < 22)
        #expect(try #require(delays.min()) < 7 && (try #require(delays.max())) > 33)
        // Close together: the order is kept.
        var close = try Bench(Latency.self, ["latency": .integer(20), "jitter": .integer(15)])
        for letter in "abcdefghij" { close.receive(String(letter)) }
        close.pass(milliseconds: 50)
        #expect(close.text == "abcdefghij")
        #expect(close.times == close.times.sorted())
    }

    /// Less than nothing is nothing, and what no clock can count does not overflow.
    @Test(arguments: [Int64.min, -5, 0]) func latencyTakesNoHarm(latency: Int64) throws {
        var bench = try Bench(Latency.self, ["latency": .integer(latency), "jitter": .integer(.min)])
        bench.receive("a")
        #expect(bench.times == [0])
        var endless = try Bench(Latency.self, ["latency": .integer(.max), "jitter": .integer(.max)])
        endless.receive("b")
        #expect(endless.stage.release().count + endless.left.count == 1)
    }

    @Test func changedLatencyCountsFromArrival() throws {
        var bench = try Bench(Latency.self, ["latency": .integer(1000)])
        bench.receive("a")
        bench.pass(milliseconds: 50)
        try bench.replace(Latency.self, ["latency": .integer(80)])
        bench.pass(milliseconds: 100)
        #expect(bench.times == [80])
    }

    /// 10 KB/s carry 1000 bytes in each slice of 100 ms.
    @Test func bandwidthCutsIntoSlices() throws {
        var bench = try Bench(Bandwidth.self, ["rate": .integer(10)])
        bench.receive(String(repeating: "x", count: 2500))
        bench.receive(String(repeating: "y", count: 10))
        bench.pass(milliseconds: 1000)
        #expect(bench.left.map(\.text.count) == [1000, 1000, 500, 10])
        #expect(bench.times == [100, 200, 250, 251])
    }

    /// What the line did not carry while it was idle is not made up for.
    @Test func idleBandwidthGivesNoCredit() throws {
        var bench = try Bench(Bandwidth.self, ["rate": .integer(1)])
        bench.receive("0123456789")
        bench.pass(milliseconds: 500)
        bench.receive("0123456789")
        bench.pass(milliseconds: 500)
        #expect(bench.times == [10, 510])
    }

    @Test func bandwidthOfNothingStallsUntilItIsChanged() throws {
        var bench = try Bench(Bandwidth.self, ["rate": .integer(0)])
        bench.receive("0123456789")
        bench.finish()
        bench.pass(milliseconds: 5000)
        #expect(bench.left.isEmpty && bench.end == nil)
        try bench.replace(Bandwidth.self, ["rate": .integer(1)])
        bench.pass(milliseconds: 100)
        #expect(bench.times == [5010])
        #expect(throws: AttributeProblem("rate", expected: "0 or more")) {
            try Bench(Bandwidth.self, ["rate": .integer(-1)])
        }
    }

    @Test func slowCloseDelaysTheEndOnly() throws {
        var bench = try Bench(SlowClose.self, ["delay": .integer(40)])
        bench.receive("a")
        bench.pass(milliseconds: 10)
        bench.finish()
        bench.pass(milliseconds: 39.999999)
        #expect(bench.times == [0] && bench.end == nil)
        bench.pass(milliseconds: 0.000001)
        #expect(bench.end == .finished)
    }

    /// As with Toxiproxy, what comes starts the time anew.
    @Test func timeoutSwallowsThenCloses() throws {
        var bench = try Bench(Timeout.self, ["timeout": .integer(100)])
        bench.receive("a")
        bench.pass(milliseconds: 90)
        bench.receive("b")
        bench.pass(milliseconds: 90)
        #expect(bench.end == nil)
        bench.pass(milliseconds: 10)
        #expect(bench.end == .close && bench.left.isEmpty)
        #expect(bench.stage.endsLinkWhenRemoved && bench.stage.effects == 2)
        var endless = try Bench(Timeout.self, ["timeout": .integer(0)])
        endless.receive("a")
        endless.pass(milliseconds: 1e9)
        #expect(endless.end == nil)
        endless.finish()
        #expect(endless.end == .close)
    }

    @Test func resetPeerWaitsForTheFirstBytes() throws {
        var bench = try Bench(ResetPeer.self, ["timeout": .integer(30)])
        bench.pass(milliseconds: 1000)
        #expect(bench.end == nil)
        bench.receive("a")
        bench.pass(milliseconds: 29)
        #expect(bench.end == nil)
        #expect(bench.stage.release().map { String(buffer: $0.bytes) } == ["a"])
        bench.receive("b")
        bench.pass(milliseconds: 1)
        #expect(bench.end == .reset && bench.left.isEmpty)
    }

    @Test func slicerPausesAfterEachPiece() throws {
        var bench = try Bench(Slicer.self, ["average_size": .integer(2), "delay": .integer(1500)])
        bench.receive("abcd")
        bench.pass(milliseconds: 0.5)
        bench.receive("e")
        bench.finish()
        bench.pass(milliseconds: 100)
        #expect(
            bench.left == [
                .init(text: "ab", millisecond: 0), .init(text: "cd", millisecond: 1.5),
                .init(text: "e", millisecond: 3),
            ])
        #expect(bench.end == .finished)
    }
}
