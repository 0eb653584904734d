internal import NIOCore

/// One direction stands still: bytes, and their end, are kept and go on when the toxic is removed.
///
/// Beyond Toxiproxy, whose `timeout` loses the bytes and whose `bandwidth` of 0 is the nearest. When 64 KiB are
/// kept, the sender feels the pressure.
public struct Stall: Toxic {
    public static let type = "stall"
    public static let summary = "Bytes are kept until it is removed."
    public static let attributes: [Attribute] = []

    public init(_ values: AttributeValues) throws(AttributeProblem) {}

    public var values: AttributeValues { [:] }
    public func stage(_ random: LinkRandom) -> (any ToxicStage)? { StallStage() }
}

struct StallStage: ToxicStage {
    private var queue = ChunkQueue()

    init() {}

    var held: Int { queue.bytes }
    var kept: Int { queue.cost }
    mutating func receive(_ chunk: Chunk) { queue.append(chunk) }
    mutating func finish() {}
    mutating func release() -> [Chunk] { queue.takeAll() }
    mutating func next(at now: NIODeadline) -> StageOutput { .wait(until: nil) }
}
