internal import NIOCore

/// Toxiproxy's `slow_close`: bytes pass, their end arrives later.
public struct SlowClose: Toxic {
    public static let type = "slow_close"
    public static let summary = "The end of the stream arrives later."
    public static let attributes = [Attribute("delay", .integer, .integer(0), "milliseconds")]

    public let delay: Int64

    public init(_ values: AttributeValues) throws(AttributeProblem) { delay = values.integer("delay") }

    public var values: AttributeValues { ["delay": .integer(delay)] }

    public func stage(_ random: LinkRandom) -> (any ToxicStage)? {
        SlowCloseStage(delay: .told(milliseconds: delay))
    }
}

struct SlowCloseStage: ToxicStage {
    private let delay: TimeAmount
    private var queue = ChunkQueue()
    private var isFinished = false
    private var due: NIODeadline?

    init(delay: TimeAmount) { self.delay = delay }

    var held: Int { queue.bytes }
    var kept: Int { queue.cost }
    mutating func receive(_ chunk: Chunk) { queue.append(chunk) }
    mutating func finish() { isFinished = true }
    mutating func release() -> [Chunk] { queue.takeAll() }

    mutating func next(at now: NIODeadline) -> StageOutput {
        if let chunk = queue.takeFirst() { return .chunk(chunk) }
        guard isFinished else { return .wait(until: nil) }
        let due = due ?? now + delay
        self.due = due
        return due <= now ? .finished : .wait(until: due)
    }
}
