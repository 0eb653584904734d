import NIOCore

@testable import MusterProxy

/// A stage on a bench: a clock that is moved by hand, chunks of text, and what left at which millisecond.
struct Bench {
    struct Left: Equatable, CustomStringConvertible {
        var text: String
        var millisecond: Double
        var description: String { "\(text)@\(millisecond)" }
    }

    var stage: any ToxicStage
    private(set) var now = NIODeadline.uptimeNanoseconds(1_000_000_000)
    private let began = NIODeadline.uptimeNanoseconds(1_000_000_000)
    private(set) var left: [Left] = []
    private(set) var end: StageOutput?
    private var due: NIODeadline?

    init(_ type: any Toxic.Type, _ values: AttributeValues = [:], seed: UInt64 = 1) throws {
        let toxic = try type.init(type.initialValues.merging(values) { $1 })
        guard let stage = toxic.stage(LinkRandom(seed: seed)) else { throw NoStage() }
        self.stage = stage
    }

    struct NoStage: Error {}

    mutating func receive(_ text: String) {
        stage.receive(Chunk(ByteBuffer(string: text), at: now))
        ask()
    }

    mutating func finish() {
        stage.finish()
        ask()
    }

    /// Moves the clock, stopping where the stage wants to be asked.
    mutating func pass(milliseconds: Double) {
        let target = now + .nanoseconds(Int64(milliseconds * 1e6))
        while let due, due <= target, end == nil {
            now = due
            ask()
        }
        now = target
    }

    /// Another stage in its place, as when a toxic is changed.
    mutating func replace(_ type: any Toxic.Type, _ values: AttributeValues, seed: UInt64 = 1) throws {
        let other = try Bench(type, values, seed: seed)
        let held = stage.release()
        let old = stage
        stage = other.stage
        stage.inherit(from: old)
        for chunk in held { stage.receive(chunk) }
        ask()
    }

    private mutating func ask() {
        while end == nil {
            switch stage.next(at: now) {
            case .chunk(let chunk):
                left.append(
                    Left(
                        text: String(buffer: chunk.bytes),
                        millisecond: Double((now - began).nanoseconds) / 1e6))
            case .wait(let until):
                due = until
                return
            case let answer: end = answer
            }
        }
    }

    var text: String { left.map(\.text).joined() }
    var times: [Double] { left.map(\.millisecond) }
}
