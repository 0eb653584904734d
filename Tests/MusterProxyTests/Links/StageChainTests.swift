import NIOCore
import Testing

@testable import MusterProxy

@Suite struct StageChainTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000)

    private func stage(_ type: any Toxic.Type, _ values: AttributeValues = [:]) throws -> any ToxicStage {
        let toxic = try type.init(type.initialValues.merging(values) { $1 })
        return try #require(toxic.stage(LinkRandom(seed: 1)))
    }

    private func chunk(_ text: String) -> Chunk { Chunk(ByteBuffer(string: text), at: start) }

    private func drain(_ chain: inout StageChain, after milliseconds: Int64 = 0) -> (
        text: String, end: StageOutput
    ) {
        var text = ""
        while true {
            let answer = chain.next(at: start + .milliseconds(milliseconds))
            guard case .chunk(let chunk) = answer else { return (text, answer) }
            text += String(buffer: chunk.bytes)
        }
    }

    @Test func withoutStagesItIsTransparent() {
        var chain = StageChain()
        #expect(chain.isTransparent)
        chain.receive(chunk("early"))
        #expect(!chain.isTransparent && chain.waiting == 5)
        #expect(drain(&chain).text == "early")
        #expect(chain.isTransparent)
    }

    /// Two latencies add up.
    @Test func delaysAddUp() throws {
        var chain = StageChain()
        chain.add("a", try stage(Latency.self, ["latency": .integer(30)]), isActive: true)
        chain.add("b", try stage(Latency.self, ["latency": .integer(50)]), isActive: true)
        chain.receive(chunk("x"))
        #expect(chain.next(at: start) == .wait(until: start + .milliseconds(30)))
        #expect(chain.next(at: start + .milliseconds(30)) == .wait(until: start + .milliseconds(80)))
        #expect(drain(&chain, after: 80).text == "x")
    }

    /// As many toxics as a proxy may have: each chunk passes them in a time that grows with their number only. Were each
    /// asked anew for the one behind it, it would grow with the square of it, and this take minutes.
    @Test(.timeLimit(.minutes(2))) func aLongChainIsWalkedOnce() throws {
        var chain = StageChain()
        for number in 0..<1024 {
            chain.add(
                "\(number)", try stage(Latency.self, ["latency": .integer(1)]), isActive: number % 7 != 0)
        }
        for number in 0..<100 { chain.receive(chunk("\(number % 10)")) }
        var text = ""
        for time in stride(from: Int64(0), through: 1100, by: 100) { text += drain(&chain, after: time).text }
        #expect(text.count == 100)
        chain.finish(.finished)
        #expect(drain(&chain, after: 5000) == ("", .finished))
    }

    @Test func theEndGoesThroughEveryStage() throws {
        var chain = StageChain()
        chain.add("limit", try stage(LimitData.self, ["bytes": .integer(3)]), isActive: true)
        chain.add("late", try stage(Latency.self, ["latency": .integer(10)]), isActive: true)
        chain.receive(chunk("abcdef"))
        // The limit closes, after the latency has given on what it holds.
        #expect(drain(&chain).end == .wait(until: start + .milliseconds(10)))
        #expect(drain(&chain, after: 10) == ("abc", .close))
        #expect(chain.next(at: start) == .close)
    }

    @Test func aResetSourceArrivesInOrder() throws {
        var chain = StageChain()
        chain.add("late", try stage(Latency.self, ["latency": .integer(10)]), isActive: true)
        chain.receive(chunk("abc"))
        chain.finish(.reset)
        #expect(drain(&chain).text == "")
        #expect(drain(&chain, after: 10) == ("abc", .reset))
    }

    /// A stage that is full is given no more, and what waits is counted where the source can see it.
    @Test func pressureReachesTheSource() throws {
        var chain = StageChain()
        chain.add("late", try stage(Latency.self, ["latency": .integer(10)]), isActive: true)
        chain.add("stall", try stage(Stall.self), isActive: true)
        let piece = String(repeating: "x", count: 32_768)
        var given = 0
        while chain.waiting == 0, given < 1000 {
            chain.receive(chunk(piece))
            given += 1
            _ = drain(&chain, after: 10_000)
        }
        // 64 KiB in the stall, 4 MiB in the latency, and the one that does not fit.
        #expect(given == 2 + 128 + 1)
        #expect(chain.held == given * 32_768)
        chain.remove("stall")
        #expect(drain(&chain, after: 10_000).text.utf8.count == given * 32_768)
        #expect(chain.held == 0 && chain.waiting == 0)
    }

    @Test func removingKeepsOrderAndLosesNothing() throws {
        var chain = StageChain()
        chain.add("one", try stage(Stall.self), isActive: true)
        chain.add("two", try stage(Stall.self), isActive: true)
        chain.receive(chunk("ab"))
        #expect(drain(&chain).text == "")
        chain.replace("one", try stage(Stall.self), isActive: false)
        chain.receive(chunk("cd"))
        #expect(drain(&chain).text == "")
        chain.add("three", try stage(Latency.self, ["latency": .integer(5)]), isActive: true)
        chain.remove("two")
        chain.receive(chunk("ef"))
        chain.finish(.finished)
        #expect(drain(&chain).text == "")
        chain.remove("three")
        #expect(drain(&chain) == ("abcdef", .finished))
    }

    @Test func toxicsAreReplacedInTheirPlace() throws {
        var chain = StageChain()
        chain.add("limit", try stage(LimitData.self, ["bytes": .integer(3)]), isActive: true)
        chain.receive(chunk("ab"))
        #expect(drain(&chain).text == "ab")
        // Not drawn any more: bytes pass, and what had been counted stays.
        chain.replace("limit", try stage(LimitData.self, ["bytes": .integer(3)]), isActive: false)
        #expect(chain.isTransparent)
        chain.receive(chunk("cdef"))
        #expect(drain(&chain).text == "cdef")
        chain.replace("limit", try stage(LimitData.self, ["bytes": .integer(3)]), isActive: true)
        chain.receive(chunk("gh"))
        #expect(drain(&chain) == ("g", .close))
    }

    /// Only where it was drawn does removing a timeout end the link; what is behind it goes on first.
    @Test func removingATimeoutEndsTheLink() throws {
        var chain = StageChain()
        chain.add("late", try stage(Latency.self, ["latency": .integer(10)]), isActive: true)
        chain.receive(chunk("ab"))
        chain.add("timeout", try stage(Timeout.self), isActive: true)
        #expect(drain(&chain).text == "")
        chain.remove("timeout")
        #expect(drain(&chain).end == .close)
        var spared = StageChain()
        spared.add("timeout", try stage(Timeout.self), isActive: false)
        spared.remove("timeout")
        spared.receive(chunk("ab"))
        #expect(drain(&spared) == ("ab", .wait(until: nil)))
    }

    /// Taken away in the middle of a message a filter stays to its end, and no longer: then bytes pass as if it had
    /// never been there.
    @Test func aFilterLeavesWhenItIsAtRest() throws {
        func box() throws -> FilterBox {
            let values = HTTPFaultToxic.initialValues.merging(["status": .integer(503)]) { $1 }
            return FilterBox(try HTTPFaultToxic(values).filter(LinkRandom(seed: 1), after: HTTPWatch()))
        }
        let (request, answer) = ("GET /a HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        var (up, down) = (StageChain(), StageChain())
        func add(_ box: FilterBox) {
            up.add("http", FilterPort(box, stream: .upstream), isActive: true)
            down.add("http", FilterPort(box, stream: .downstream), isActive: true)
        }
        func remove(_ box: FilterBox) {
            box.filter.change(to: nil)
            up.remove("http")
            down.remove("http")
        }
        let first = try box()
        add(first)
        up.receive(chunk(request + "GET"))
        #expect(drain(&up).text == "")
        #expect(drain(&down).text.hasPrefix("HTTP/1.1 503"))
        remove(first)
        #expect(!up.isTransparent)
        // Another of the same name is not mistaken for it.
        let second = try box()
        add(second)
        #expect(up.filter("http") === second)
        remove(second)
        #expect(up.filter("http") == nil && !up.isTransparent)
        up.receive(chunk(request.dropFirst(3) + ""))
        #expect(drain(&up).text == request)
        down.receive(chunk(String(answer.dropLast())))
        #expect(drain(&down).text == String(answer.dropLast()))
        #expect(!down.isTransparent)
        down.receive(chunk("k"))
        #expect(drain(&down).text == "k")
        #expect(drain(&up).end == .wait(until: nil))
        #expect(up.isTransparent && down.isTransparent && up.filters.isEmpty && down.filters.isEmpty)
        #expect(up.effects == ["http": 1])
    }

    @Test func tellsWhoActedOnce() throws {
        var chain = StageChain()
        chain.add("late", try stage(Latency.self, ["latency": .integer(0)]), isActive: true)
        chain.add("spared", try stage(Stall.self), isActive: false)
        #expect(chain.acted == [])
        chain.receive(chunk("ab"))
        chain.receive(chunk("cd"))
        #expect(drain(&chain).text == "abcd")
        #expect(chain.acted == ["late"])
    }
}
