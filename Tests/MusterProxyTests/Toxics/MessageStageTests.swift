import NIOCore
import Testing

@testable import MusterProxy

@Suite struct MessageStageTests {
    /// Feeds a stage in parts of a size.
    private func passed(
        _ type: any Toxic.Type, _ values: AttributeValues, _ sent: [UInt8], by size: Int,
        finished: Bool = true
    ) throws -> [UInt8] {
        let toxic = try type.init(type.initialValues.merging(values) { $1 })
        var stage = try #require(toxic.stage(LinkRandom(seed: 9)))
        var left: [UInt8] = []
        for start in stride(from: 0, to: sent.count, by: size) {
            stage.receive(Chunk(ByteBuffer(bytes: sent[start..<min(start + size, sent.count)]), at: .now()))
            while case .chunk(let chunk) = stage.next(at: .now()) { left += chunk.bytes.readableBytesView }
            #expect(stage.held < stage.capacity)
        }
        if finished {
            stage.finish()
            while case .chunk(let chunk) = stage.next(at: .now()) { left += chunk.bytes.readableBytesView }
            #expect(stage.next(at: .now()) == .finished)
        }
        return left
    }

    /// A message of a framing with that content.
    private func message(_ framing: String, _ content: [UInt8]) -> [UInt8] {
        let count = UInt32(content.count)
        return switch framing {
        case "length8": [UInt8(count)] + content
        case "length16": [UInt8(count >> 8), UInt8(count & 255)] + content
        case "length32":
            [UInt8(count >> 24), UInt8(count >> 16 & 255), UInt8(count >> 8 & 255), UInt8(count & 255)]
                + content
        default: content + [0x0A]
        }
    }

    @Test(arguments: ["line", "length8", "length16", "length32"], [1, 2, 5, 1000])
    func everyMessageOrNone(framing: String, size: Int) throws {
        let contents: [[UInt8]] = [[1, 2, 3], [], [9], Array(repeating: 7, count: 200)]
        let sent = contents.flatMap { message(framing, $0) }
        let twice = contents.flatMap { message(framing, $0) + message(framing, $0) }
        let values: AttributeValues = ["framing": .text(framing)]
        #expect(try passed(Drop.self, values, sent, by: size) == [])
        #expect(try passed(Duplicate.self, values, sent, by: size) == twice)
        let never = values.merging(["rate": .number(0)]) { $1 }
        #expect(try passed(Drop.self, never, sent, by: size) == sent)
        #expect(try passed(Duplicate.self, never, sent, by: size) == sent)
    }

    /// Which messages go depends on the seed only, and each that is left is whole.
    @Test func aShareOfTheMessages() throws {
        let lines = (0..<2000).map { "line \($0)" }
        let sent = Array(lines.map { $0 + "\n" }.joined().utf8)
        let values: AttributeValues = ["rate": .number(0.25)]
        let left = try passed(Drop.self, values, sent, by: 11)
        #expect(try passed(Drop.self, values, sent, by: 4096) == left)
        let kept = String(decoding: left, as: UTF8.self).split(separator: "\n").map(String.init)
        #expect(Set(kept).isSubset(of: lines))
        #expect(kept == lines.filter(Set(kept).contains))
        // 1,500 are expected; the standard deviation is 19.
        #expect((1400...1600).contains(kept.count))
    }

    /// What the end of the stream cuts off passes; so does what is too long to be held.
    @Test func partsOfMessagesPass() throws {
        let cut = Array("whole\npart".utf8)
        #expect(try passed(Drop.self, [:], cut, by: 3) == Array("part".utf8))
        #expect(try passed(Duplicate.self, [:], cut, by: 3) == Array("whole\nwhole\npart".utf8))
        #expect(try passed(Drop.self, ["framing": .text("length32")], [0, 0, 0], by: 3) == [0, 0, 0])
        let long = [UInt8](repeating: 0x61, count: MessageQueue.longest + 100) + [0x0A]
        let sent = long + Array("next\n".utf8)
        #expect(try passed(Drop.self, [:], sent, by: 60_000) == long)
        let prefixed: [UInt8] =
            [0x00, 0x20, 0, 0] + [UInt8](repeating: 1, count: 0x20_0000) + [0, 0, 0, 1, 5]
        #expect(
            try passed(Drop.self, ["framing": .text("length32")], prefixed, by: 60_000)
                == prefixed.dropLast(5))
    }

    /// Taking the toxic away in the middle of a message harms none.
    @Test func heldPartsAreReleased() throws {
        var stage = try #require(try Drop(Drop.initialValues).stage(LinkRandom(seed: 1)))
        stage.receive(Chunk(ByteBuffer(string: "one\ntw"), at: .now()))
        #expect(stage.next(at: .now()) == .wait(until: nil))
        #expect(stage.effects == 1)
        #expect(stage.release().map { String(buffer: $0.bytes) } == ["tw"])
    }

    /// What has been passed on takes no memory, though no chunk ever ends where a message does.
    @Test(arguments: [0.0, 1.0]) func keepsNothingThatHasPassed(rate: Double) throws {
        var stage = try #require(
            try Duplicate(["framing": .text("line"), "rate": .number(rate)]).stage(LinkRandom(seed: 1)))
        let chunk = ByteBuffer(string: "half\n" + String(repeating: "x", count: 16_000) + "\nhalf")
        var most = 0
        var left = 0
        for _ in 0..<500 {
            stage.receive(Chunk(chunk, at: .now()))
            while case .chunk(let passed) = stage.next(at: .now()) { left += passed.bytes.readableBytes }
            most = max(most, stage.kept)
        }
        #expect(left == (rate == 0 ? 1 : 2) * (500 * chunk.readableBytes - 4))
        #expect(most < 262_144)
    }

    /// Changed within a message that is too long to be held: the rest of it is no message of its own.
    @Test func aChangeWithinALongMessageHarmsNone() throws {
        var bench = try Bench(Drop.self)
        bench.receive(String(repeating: "a", count: MessageQueue.longest + 10))
        #expect(bench.text.utf8.count == MessageQueue.longest + 10)
        try bench.replace(Drop.self, ["rate": .number(0.999_999)])
        bench.receive("end\nnext\n")
        #expect(bench.text.hasSuffix("aend\n"))
        var prefixed = try Bench(Drop.self, ["framing": .text("length32")])
        prefixed.receive("\0\u{20}\0\0" + String(repeating: "a", count: 100))
        try prefixed.replace(Drop.self, ["framing": .text("length32"), "rate": .number(0.999_999)])
        prefixed.receive(String(repeating: "b", count: 0x20_0000 - 100) + "\0\0\0\u{1}x")
        #expect(prefixed.text.utf8.count == 4 + 0x20_0000)
        #expect(prefixed.text.hasSuffix("b"))
    }

    @Test func badValuesAreRefused() {
        #expect(throws: AttributeProblem("framing", expected: "one of line, length8, length16, length32")) {
            try Drop(["framing": .text("xml"), "rate": .number(1)])
        }
        #expect(throws: AttributeProblem("rate", expected: "0 to 1")) {
            try Duplicate(["framing": .text("line"), "rate": .number(2)])
        }
    }
}
