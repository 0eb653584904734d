import NIOCore
import Testing

@testable import MusterProxy

/// The toxics that change which bytes arrive: exactly what was asked.
@Suite struct ByteStageTests {
    private let text = String((0..<10_000).map { Character(UnicodeScalar(UInt8(33 + $0 % 90))) })

    @Test(arguments: [(0, 0), (-7, 3), (100, 0), (100, 99), (1, 1), (3, 1000), (.max, .max), (.min, .min)])
    func slicerKeepsEveryByte(average: Int64, variation: Int64) throws {
        var bench = try Bench(
            Slicer.self, ["average_size": .integer(average), "size_variation": .integer(variation)])
        bench.receive(text)
        bench.finish()
        #expect(bench.text == text)
        #expect(bench.end == .finished)
        if average == 100, variation == 0 { #expect(bench.left.allSatisfy { $0.text.count <= 100 }) }
        if average <= 0 || average > 10_000 { #expect(bench.left.count == 1) }
    }

    @Test func limitCountsOverChunksAndChanges() throws {
        var bench = try Bench(LimitData.self, ["bytes": .integer(10)])
        bench.receive("abcd")
        try bench.replace(LimitData.self, ["bytes": .integer(6)])
        bench.receive("efgh")
        #expect(bench.text == "abcdef" && bench.end == .close)
        // The exact number closes without another byte.
        var exact = try Bench(LimitData.self, ["bytes": .integer(4)])
        exact.receive("abcd")
        #expect(exact.text == "abcd" && exact.end == .close)
        // Lowered below what has passed.
        var lowered = try Bench(LimitData.self, ["bytes": .integer(10)])
        lowered.receive("abcd")
        try lowered.replace(LimitData.self, ["bytes": .integer(2)])
        #expect(lowered.end == nil)
        lowered.receive("e")
        #expect(lowered.text == "abcd" && lowered.end == .close)
    }

    @Test(arguments: [0, -1, .min] as [Int64]) func limitOfNothingClosesAtTheFirstByte(bytes: Int64) throws {
        var bench = try Bench(LimitData.self, ["bytes": .integer(bytes)])
        #expect(bench.end == nil)
        bench.receive("a")
        #expect(bench.left.isEmpty && bench.end == .close)
    }

    @Test func limitLetsAShorterStreamEnd() throws {
        var bench = try Bench(LimitData.self, ["bytes": .integer(10)])
        bench.receive("abcd")
        bench.finish()
        #expect(bench.text == "abcd" && bench.end == .finished)
    }

    /// The same bits whether the stream comes in one chunk or in many.
    @Test(arguments: [1, 3, 8] as [Int64]) func corruptFlipsWhatTheSeedSays(bits: Int64) throws {
        let values: AttributeValues = ["rate": .number(0.01), "bits": .integer(bits), "seed": .integer(42)]
        let sent = [UInt8](repeating: 0x55, count: 100_000)
        func corrupted(by size: Int, linkSeed: UInt64) throws -> (bytes: [UInt8], effects: UInt64) {
            let stage = try Corrupt(values).stage(LinkRandom(seed: linkSeed))
            var corrupt = try #require(stage)
            var left: [UInt8] = []
            for start in stride(from: 0, to: sent.count, by: size) {
                let part = sent[start..<min(start + size, sent.count)]
                corrupt.receive(Chunk(ByteBuffer(bytes: part), at: .now()))
                while case .chunk(let chunk) = corrupt.next(at: .now()) {
                    left += chunk.bytes.readableBytesView
                }
            }
            return (left, corrupt.effects)
        }
        let whole = try corrupted(by: sent.count, linkSeed: 1)
        let parts = try corrupted(by: 7, linkSeed: 2)
        #expect(whole.bytes == parts.bytes)
        let hit = zip(sent, whole.bytes).filter { $0 != $1 }
        #expect(hit.allSatisfy { ($0 ^ $1).nonzeroBitCount == bits })
        #expect(whole.effects == UInt64(hit.count) * UInt64(bits))
        // 1,000 are expected; the standard deviation is 31.
        #expect((840...1160).contains(hit.count))
    }

    @Test func corruptAtItsBounds() throws {
        var none = try Bench(Corrupt.self, ["rate": .number(0)])
        none.receive(text)
        #expect(none.text == text && none.stage.effects == 0)
        let all = try Corrupt(["rate": .integer(1), "bits": .integer(8), "seed": .integer(0)])
        var stage = try #require(all.stage(LinkRandom(seed: 3)))
        stage.receive(Chunk(ByteBuffer(bytes: [0, 0xFF, 0x0F]), at: .now()))
        let left = stage.next(at: .now())
        guard case .chunk(let chunk) = left else { return #expect(Bool(false), "\(left)") }
        #expect(Array(chunk.bytes.readableBytesView) == [0xFF, 0, 0xF0])
        #expect(stage.effects == 24)
        for rate in [-0.1, 1.1, .nan] {
            #expect(throws: AttributeProblem("rate", expected: "0 to 1")) {
                try Bench(Corrupt.self, ["rate": .number(rate)])
            }
        }
        #expect(throws: AttributeProblem("bits", expected: "1 to 8")) {
            try Bench(Corrupt.self, ["bits": .integer(9)])
        }
    }

    @Test func stallKeepsEverythingAndItsEnd() throws {
        var bench = try Bench(Stall.self)
        bench.receive("abc")
        bench.receive("def")
        bench.finish()
        bench.pass(milliseconds: 1e9)
        #expect(bench.left.isEmpty && bench.end == nil && bench.stage.held == 6)
        #expect(bench.stage.release().map { String(buffer: $0.bytes) } == ["abc", "def"])
    }
}
