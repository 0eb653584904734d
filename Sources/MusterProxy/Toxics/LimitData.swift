internal import NIOCore

/// Toxiproxy's `limit_data`: so many bytes pass, then the connection is closed.
///
/// The count outlives changes of the limit. As in Toxiproxy it closes as soon as the last byte has passed, and 0
/// closes when the first byte comes; a negative limit is taken as 0.
public struct LimitData: Toxic {
    public static let type = "limit_data"
    public static let summary = "The connection is closed after so many bytes."
    public static let attributes = [
        Attribute("bytes", .integer, .integer(0), "bytes of each connection that pass")
    ]

    public let bytes: Int64

    public init(_ values: AttributeValues) throws(AttributeProblem) { bytes = values.integer("bytes") }

    public var values: AttributeValues { ["bytes": .integer(bytes)] }
    public func stage(_ random: LinkRandom) -> (any ToxicStage)? { LimitDataStage(limit: bytes) }
}

struct LimitDataStage: ToxicStage {
    private let limit: Int64
    private var passed: Int64 = 0
    private var queue = ChunkQueue()
    private var isFinished = false
    private var isClosed = false

    init(limit: Int64) { self.limit = max(0, limit) }

    var held: Int { queue.bytes }
    var kept: Int { queue.cost }
    mutating func receive(_ chunk: Chunk) { queue.append(chunk) }
    mutating func finish() { isFinished = true }
    mutating func release() -> [Chunk] { queue.takeAll() }

    mutating func next(at now: NIODeadline) -> StageOutput {
        if isClosed { return .close }
        guard !queue.isEmpty else { return isFinished ? .finished : .wait(until: nil) }
        let left = max(0, limit - passed)
        guard left > 0, let chunk = queue.takeFirst(upTo: Int(min(left, Int64(Int.max)))) else {
            _ = queue.takeAll()
            isClosed = true
            return .close
        }
        passed += Int64(chunk.bytes.readableBytes)
        if passed >= limit {
            _ = queue.takeAll()
            isClosed = true
        }
        return .chunk(chunk)
    }

    mutating func inherit(from old: any ToxicStage) {
        guard let old = old as? LimitDataStage else { return }
        passed = old.passed
        isClosed = old.isClosed
    }
}
