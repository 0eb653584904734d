internal import NIOCore

/// What `drop` and `duplicate` share: whole messages are chosen, each with the chance `rate`.
///
/// A message is held until it is whole, so that taking the toxic away in the middle of one harms none. Messages over
/// 1 MiB, and what is cut off by the end of the stream, pass as they are. On a connection that is open already the
/// first message begins where the stream is.
struct MessageStage: ToxicStage {
    enum Doing {
        case drop, duplicate
    }

    private let doing: Doing
    private let rate: Double
    private var random: LinkRandom
    private var queue: MessageQueue
    private var isFinished = false
    private var again: Chunk?
    private(set) var effects: UInt64 = 0

    init(_ doing: Doing, framing: Framing, rate: Double, random: LinkRandom) {
        self.doing = doing
        self.rate = rate
        self.random = random
        queue = MessageQueue(framing)
    }

    var held: Int { queue.held + (again?.bytes.readableBytes ?? 0) }
    var kept: Int { queue.kept + (again?.bytes.readableBytes ?? 0) }
    /// More than the longest message that is held, or one would wait for ever.
    var capacity: Int { MessageQueue.longest + 65_536 }

    mutating func receive(_ chunk: Chunk) { queue.append(chunk) }
    mutating func finish() { isFinished = true }

    mutating func release() -> [Chunk] {
        let all = (again.map { [$0] } ?? []) + queue.takeAll()
        again = nil
        return all
    }

    mutating func next(at now: NIODeadline) -> StageOutput {
        if let chunk = again {
            again = nil
            return .chunk(chunk)
        }
        while let piece = queue.next(isFinished: isFinished) {
            guard piece.isWhole, random.share() < rate else { return .chunk(piece.chunk) }
            effects += 1
            switch doing {
            case .drop: continue
            case .duplicate:
                again = piece.chunk
                return .chunk(piece.chunk)
            }
        }
        return isFinished ? .finished : .wait(until: nil)
    }

    mutating func inherit(from old: any ToxicStage) {
        effects = old.effects
        if let old = old as? MessageStage { queue.goOn(where: old.queue) }
    }
}

/// Which messages `drop` and `duplicate` strike.
private struct MessageChoice {
    private let framing: Framing
    private let rate: Double

    /// - Parameter fate: what becomes of them, such as `are lost`.
    static func attributes(_ fate: String) -> [Attribute] {
        [
            Framing.attribute,
            Attribute("rate", .number, .number(1), "share of the messages that \(fate), 0 to 1"),
        ]
    }

    init(_ values: AttributeValues) throws(AttributeProblem) {
        framing = try Framing(values)
        rate = try values.share("rate")
    }

    var values: AttributeValues { ["framing": .text(framing.rawValue), "rate": .number(rate)] }

    func stage(_ doing: MessageStage.Doing, _ random: LinkRandom) -> MessageStage {
        MessageStage(doing, framing: framing, rate: rate, random: random)
    }
}

/// Whole messages are lost.
public struct Drop: Toxic {
    public static let type = "drop"
    public static let summary = "Whole messages are lost."
    public static let attributes = MessageChoice.attributes("are lost")

    private let choice: MessageChoice

    public init(_ values: AttributeValues) throws(AttributeProblem) { choice = try MessageChoice(values) }

    public var values: AttributeValues { choice.values }

    public func stage(_ random: LinkRandom) -> (any ToxicStage)? { choice.stage(.drop, random) }
}

/// Whole messages come twice.
public struct Duplicate: Toxic {
    public static let type = "duplicate"
    public static let summary = "Whole messages come twice."
    public static let attributes = MessageChoice.attributes("come twice")

    private let choice: MessageChoice

    public init(_ values: AttributeValues) throws(AttributeProblem) { choice = try MessageChoice(values) }

    public var values: AttributeValues { choice.values }

    public func stage(_ random: LinkRandom) -> (any ToxicStage)? { choice.stage(.duplicate, random) }
}
