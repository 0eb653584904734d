internal import Glibc
internal import NIOCore

/// Flips bits.
///
/// Each byte is hit with the chance `rate`, independently; a byte that is hit has `bits` of its bits flipped. Which
/// bytes depends only on the seed and their place in the stream, not on how they come in chunks. The number of bits
/// flipped is reported when the connection closes.
public struct Corrupt: Toxic {
    public static let type = "corrupt"
    public static let summary = "Bits are flipped."
    public static let attributes = [
        Attribute("rate", .number, .number(0.001), "share of the bytes that are hit, 0 to 1"),
        Attribute("bits", .integer, .integer(1), "bits flipped in each byte that is hit, 1 to 8"),
        Attribute("seed", .integer, .integer(0), "the same bytes on every connection; 0: drawn for each"),
    ]

    public let rate: Double
    public let bits: Int64
    public let seed: Int64

    public init(_ values: AttributeValues) throws(AttributeProblem) {
        rate = try values.share("rate")
        bits = values.integer("bits")
        seed = values.integer("seed")
        guard (1...8).contains(bits) else { throw AttributeProblem("bits", expected: "1 to 8") }
    }

    public var values: AttributeValues {
        ["rate": .number(rate), "bits": .integer(bits), "seed": .integer(seed)]
    }

    public func stage(_ random: LinkRandom) -> (any ToxicStage)? {
        let random = seed == 0 ? random : LinkRandom(seed: UInt64(bitPattern: seed))
        return CorruptStage(rate: rate, bits: Int(bits), random: random)
    }
}

struct CorruptStage: ToxicStage {
    private let rate: Double
    private let bits: Int
    private var random: LinkRandom
    /// How many bytes pass unharmed before the next that is hit.
    private var gap: Int
    private var queue = ChunkQueue()
    private var isFinished = false
    private(set) var effects: UInt64 = 0

    init(rate: Double, bits: Int, random: LinkRandom) {
        self.rate = rate
        self.bits = bits
        self.random = random
        gap = 0
        gap = drawGap()
    }

    var held: Int { queue.bytes }
    var kept: Int { queue.cost }
    mutating func receive(_ chunk: Chunk) { queue.append(chunk) }
    mutating func finish() { isFinished = true }
    mutating func release() -> [Chunk] { queue.takeAll() }

    mutating func next(at now: NIODeadline) -> StageOutput {
        guard var chunk = queue.takeFirst() else { return isFinished ? .finished : .wait(until: nil) }
        let count = chunk.bytes.readableBytes
        var place = gap
        while place < count {
            let index = chunk.bytes.readerIndex + place
            if let byte = chunk.bytes.getInteger(at: index, as: UInt8.self) {
                chunk.bytes.setInteger(byte ^ drawMask(), at: index)
                effects += UInt64(bits)
            }
            place += 1 + drawGap()
        }
        gap = place - count
        return .chunk(chunk)
    }

    mutating func inherit(from old: any ToxicStage) { effects = old.effects }

    /// Geometrically distributed, which is what independent chances for each byte come to.
    private mutating func drawGap() -> Int {
        guard rate > 0 else { return Int.max / 4 }
        guard rate < 1 else { return 0 }
        return Int(min(log(1 - random.share()) / log1p(-rate), 1e15))
    }

    private mutating func drawMask() -> UInt8 {
        var mask: UInt8 = 0
        while mask.nonzeroBitCount < bits { mask |= 1 << UInt8(random.next() >> 61) }
        return mask
    }
}
