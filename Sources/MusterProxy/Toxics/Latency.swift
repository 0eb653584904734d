internal import NIOCore

/// Toxiproxy's `latency`: each chunk leaves its latency after it arrived, so chunks pipeline, and in order: one that
/// drew less jitter waits for the one before it.
///
/// The delay counts from when the chunk left the toxic before, so several latencies add up. Toxiproxy counts from
/// the reading also after a `bandwidth`, which swallows the latency there; here it does not. Negative values are
/// taken as 0, as there.
public struct Latency: Toxic {
    public static let type = "latency"
    public static let summary = "Each chunk of bytes arrives later."
    public static let attributes = [
        Attribute("latency", .integer, .integer(0), "milliseconds"),
        Attribute("jitter", .integer, .integer(0), "milliseconds more or less, evenly distributed"),
    ]

    public let latency: Int64
    public let jitter: Int64

    public init(_ values: AttributeValues) throws(AttributeProblem) {
        latency = values.integer("latency")
        jitter = values.integer("jitter")
    }

    public var values: AttributeValues { ["latency": .integer(latency), "jitter": .integer(jitter)] }

    public func stage(_ random: LinkRandom) -> (any ToxicStage)? {
        LatencyStage(
            latency: .told(milliseconds: latency), jitter: .told(milliseconds: jitter), random: random)
    }
}

struct LatencyStage: ToxicStage {
    private let latency: TimeAmount
    private let jitter: TimeAmount
    private var random: LinkRandom
    private var queue = ChunkQueue()
    private var isFinished = false
    /// When the first chunk of the queue may leave.
    private var due: NIODeadline?
    private var lastDue = NIODeadline.uptimeNanoseconds(0)

    init(latency: TimeAmount, jitter: TimeAmount, random: LinkRandom) {
        self.latency = latency
        self.jitter = jitter
        self.random = random
    }

    var held: Int { queue.bytes }
    var kept: Int { queue.cost }
    /// What a connection of 1 Gbit/s has under way in 34 ms; Toxiproxy holds 1,024 chunks of at most 32 KiB.
    var capacity: Int { 4_194_304 }

    mutating func receive(_ chunk: Chunk) { queue.append(chunk) }
    mutating func finish() { isFinished = true }
    mutating func release() -> [Chunk] { queue.takeAll() }

    mutating func next(at now: NIODeadline) -> StageOutput {
        guard let first = queue.first else { return isFinished ? .finished : .wait(until: nil) }
        let due = due ?? max(first.arrived + delay(), lastDue)
        guard due <= now else {
            self.due = due
            return .wait(until: due)
        }
        self.due = nil
        lastDue = due
        guard var chunk = queue.takeFirst() else { return .wait(until: nil) }
        chunk.arrived = due
        return .chunk(chunk)
    }

    private mutating func delay() -> TimeAmount {
        guard jitter > .nanoseconds(0) else { return latency }
        let drawn = Int64.random(in: -jitter.nanoseconds..<jitter.nanoseconds, using: &random)
        return max(.nanoseconds(0), latency + .nanoseconds(drawn))
    }
}
