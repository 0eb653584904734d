internal import NIOCore

/// Toxiproxy's `bandwidth`: a line that carries so many bytes a second, in slices of 100 ms.
///
/// A slice leaves when the line has carried it. Rate 0 lets nothing through until the rate is changed or the toxic
/// removed, and nothing is lost meanwhile. A negative rate, over which Toxiproxy panics, is refused.
public struct Bandwidth: Toxic {
    public static let type = "bandwidth"
    public static let summary = "Bytes arrive no faster than a rate."
    public static let attributes = [
        Attribute("rate", .integer, .integer(0), "kilobytes (of 1000) a second; 0 stalls")
    ]

    public let rate: Int64

    public init(_ values: AttributeValues) throws(AttributeProblem) {
        rate = values.integer("rate")
        guard rate >= 0 else { throw AttributeProblem("rate", expected: "0 or more") }
    }

    public var values: AttributeValues { ["rate": .integer(rate)] }
    public func stage(_ random: LinkRandom) -> (any ToxicStage)? { BandwidthStage(rate: rate) }
}

struct BandwidthStage: ToxicStage {
    /// Bytes a millisecond, which is the same number; at most a petabyte a second, so that products stay small.
    private let rate: Int64
    private var queue = ChunkQueue()
    private var isFinished = false
    /// From when on the line is free; nil before it was first asked.
    private var free: NIODeadline?

    init(rate: Int64) { self.rate = min(rate, 1_000_000_000_000) }

    var held: Int { queue.bytes }
    var kept: Int { queue.cost }
    mutating func receive(_ chunk: Chunk) { queue.append(chunk) }
    mutating func finish() { isFinished = true }
    mutating func release() -> [Chunk] { queue.takeAll() }

    mutating func next(at now: NIODeadline) -> StageOutput {
        guard let first = queue.first else { return isFinished ? .finished : .wait(until: nil) }
        guard rate > 0 else { return .wait(until: nil) }
        let size = Int(min(Int64(first.bytes.readableBytes), rate * 100))
        // What was handed over by another stage arrived long ago: the line starts with it when it is first asked.
        let begun = max(free ?? now, first.arrived)
        let due = begun + .nanoseconds(Int64(size) * 1_000_000 / rate)
        guard due <= now else {
            free = begun
            return .wait(until: due)
        }
        free = due
        guard var slice = queue.takeFirst(upTo: size) else { return .wait(until: nil) }
        slice.arrived = due
        return .chunk(slice)
    }
}
