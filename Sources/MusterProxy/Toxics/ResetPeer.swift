internal import NIOCore

/// Toxiproxy's `reset_peer`: some time after the first bytes (or the end) came, both sides get RST.
///
/// Nothing passes from then on; what came is given on when the toxic is removed before. Unlike in Toxiproxy, which
/// decides about RST when a connection opens, it resets connections that were open before it was added, and leaves
/// alone those on which it was not drawn (Toxiproxy issue 603: with toxicity 0 it still resets).
public struct ResetPeer: Toxic {
    public static let type = "reset_peer"
    public static let summary = "Both sides are reset after the first bytes."
    public static let attributes = [
        Attribute("timeout", .integer, .integer(0), "milliseconds after the first bytes")
    ]

    public let timeout: Int64

    public init(_ values: AttributeValues) throws(AttributeProblem) { timeout = values.integer("timeout") }

    public var values: AttributeValues { ["timeout": .integer(timeout)] }

    public func stage(_ random: LinkRandom) -> (any ToxicStage)? {
        ResetPeerStage(timeout: .told(milliseconds: timeout))
    }
}

struct ResetPeerStage: ToxicStage {
    private let timeout: TimeAmount
    private var queue = ChunkQueue()
    private var isFinished = false
    private var due: NIODeadline?

    init(timeout: TimeAmount) { self.timeout = timeout }

    var held: Int { queue.bytes }
    var kept: Int { queue.cost }
    mutating func receive(_ chunk: Chunk) { queue.append(chunk) }
    mutating func finish() { isFinished = true }
    mutating func release() -> [Chunk] { queue.takeAll() }

    mutating func next(at now: NIODeadline) -> StageOutput {
        guard isFinished || !queue.isEmpty else { return .wait(until: nil) }
        let due = due ?? now + timeout
        self.due = due
        return due <= now ? .reset : .wait(until: due)
    }
}
