internal import NIOCore

/// Toxiproxy's `slicer`: chunks are cut into small pieces, each written on its own, with a pause after each.
///
/// A chunk is halved, more or less `size_variation`, until the pieces are near the average. Unlike in Toxiproxy an
/// average of 0 or less cuts nothing (there it recurses for ever), and a variation of 0 works (there it panics).
public struct Slicer: Toxic {
    public static let type = "slicer"
    public static let summary = "Chunks are cut into small pieces."
    public static let attributes = [
        Attribute("average_size", .integer, .integer(0), "bytes; 0 cuts nothing"),
        Attribute("size_variation", .integer, .integer(0), "bytes more or less, below the average"),
        Attribute("delay", .integer, .integer(0), "microseconds after each piece"),
    ]

    public let averageSize: Int64
    public let sizeVariation: Int64
    public let delay: Int64

    public init(_ values: AttributeValues) throws(AttributeProblem) {
        averageSize = values.integer("average_size")
        sizeVariation = values.integer("size_variation")
        delay = values.integer("delay")
    }

    public var values: AttributeValues {
        [
            "average_size": .integer(averageSize), "size_variation": .integer(sizeVariation),
            "delay": .integer(delay),
        ]
    }

    public func stage(_ random: LinkRandom) -> (any ToxicStage)? {
        let microseconds = min(max(0, delay), 1_000_000_000_000)
        return SlicerStage(
            average: Int(averageSize), variation: Int(max(0, sizeVariation)),
            delay: .microseconds(microseconds), random: random)
    }
}

struct SlicerStage: ToxicStage {
    private let average: Int
    private let variation: Int
    private let delay: TimeAmount
    private var random: LinkRandom
    private var queue = ChunkQueue()
    /// The sizes of the parts of the queue's first chunk that have not left, the next one last. A part is cut when it
    /// is the next: cut all at once, a chunk of 64 KiB in single bytes would take half a megabyte.
    private var parts: [Int] = []
    private var isFinished = false
    /// When the pause after the last piece is over.
    private var free = NIODeadline.uptimeNanoseconds(0)

    init(average: Int, variation: Int, delay: TimeAmount, random: LinkRandom) {
        self.average = average
        self.variation = variation
        self.delay = delay
        self.random = random
    }

    var held: Int { queue.bytes }
    var kept: Int { queue.cost }
    mutating func receive(_ chunk: Chunk) { queue.append(chunk) }
    mutating func finish() { isFinished = true }

    mutating func release() -> [Chunk] {
        parts = []
        return queue.takeAll()
    }

    mutating func next(at now: NIODeadline) -> StageOutput {
        guard let first = queue.first else {
            // The pause after the last piece delays the end too.
            guard isFinished else { return .wait(until: nil) }
            return free <= now ? .finished : .wait(until: free)
        }
        let due = max(first.arrived, free)
        guard due <= now else { return .wait(until: due) }
        guard var piece = queue.takeFirst(upTo: nextSize(of: first.bytes.readableBytes)) else {
            return .wait(until: nil)
        }
        free = now + delay
        piece.arrived = due
        return .chunk(piece)
    }

    mutating func inherit(from old: any ToxicStage) {
        if let old = old as? SlicerStage { free = old.free }
    }

    /// Halves until the next piece is small enough. A list of what is still to be cut instead of recursion, so that no
    /// numbers can exhaust the stack.
    /// - Parameter left: of the first chunk, in bytes.
    private mutating func nextSize(of left: Int) -> Int {
        guard average > 0 else { return left }
        var piece = parts.popLast() ?? left
        while piece > 1, piece - average > variation {
            let spread = min(variation, piece)
            let drawn = spread > 0 ? Int.random(in: -spread..<spread, using: &random) : 0
            let middle = min(max(1, piece / 2 + drawn), piece - 1)
            parts.append(piece - middle)
            piece = middle
        }
        return piece
    }
}
