public import NIOCore

/// A way of making one direction of a connection bad. One toxic, one file, one line in `ToxicCatalog.swift`.
///
/// A value: what people configured. What it does to one direction of one connection is its stage.
public protocol Toxic: Sendable {
    /// The word by which the API knows it, such as `latency`.
    static var type: String { get }
    /// What it can be told, in the order in which the API gives them back.
    static var attributes: [Attribute] { get }
    /// What it does, in a sentence.
    static var summary: String { get }
    /// - Parameter values: complete: what was not given has its default.
    /// - Throws: `AttributeProblem` when a value is out of range.
    init(_ values: AttributeValues) throws(AttributeProblem)
    var values: AttributeValues { get }
    /// - Parameter random: seeded for this link, so that a run can be repeated.
    /// - Returns: nil when it leaves the bytes alone, as those do that work when a client connects.
    func stage(_ random: LinkRandom) -> (any ToxicStage)?
    /// Takes over what must outlive a change of its values on all connections together, such as requests counted so far.
    /// - Parameter old: of the same type.
    mutating func inherit(from old: any Toxic)
}

extension Toxic {
    public mutating func inherit(from old: any Toxic) {}
}

/// A toxic at work in one direction of one connection: a state machine without input, output or clock, so that
/// its arithmetic is tested exactly.
///
/// The link that owns it feeds it in order, and asks it after each feeding and at each time that it named.
public protocol ToxicStage {
    /// Takes what the stage before let through; never empty.
    mutating func receive(_ chunk: Chunk)
    /// The stage before will let nothing more through.
    mutating func finish()
    /// What may leave now. Asked again until it answers `wait`; once it has answered with an end (`finished`,
    /// `close`, `reset`), it answers the same for ever.
    mutating func next(at now: NIODeadline) -> StageOutput
    /// Bytes that it holds back.
    var held: Int { get }
    /// Memory that it takes, in bytes: what it holds, and what chunks cost besides their bytes.
    var kept: Int { get }
    /// It is given no more while it holds as many bytes: the pressure goes back to whoever sends.
    var capacity: Int { get }
    /// The toxic was changed or removed: hands over all that is held, in order, to whatever stands in its place.
    mutating func release() -> [Chunk]
    /// Takes over what must outlive a change of the toxic's values, such as the bytes counted so far.
    mutating func inherit(from old: any ToxicStage)
    /// Removing the toxic ends the link, as it does with Toxiproxy's `timeout`: what it swallowed cannot be had
    /// back, and a connection with a hole in it must not go on.
    var endsLinkWhenRemoved: Bool { get }
    /// How often it did what it is for, where it counts: bits flipped, messages dropped.
    var effects: UInt64 { get }
}

extension ToxicStage {
    public var capacity: Int { 65_536 }
    public var kept: Int { held }
    /// Chunks may be tiny: their memory is bounded, too.
    var hasRoom: Bool { held < capacity && kept < 2 * capacity }
    public mutating func inherit(from old: any ToxicStage) {}
    public var endsLinkWhenRemoved: Bool { false }
    public var effects: UInt64 { 0 }
}

/// Bytes on their way, with the moment from which delays count.
public struct Chunk: Sendable, Equatable {
    public var bytes: ByteBuffer
    /// When it was read from its source, or left the last toxic that held it back.
    public var arrived: NIODeadline

    public init(_ bytes: ByteBuffer, at arrived: NIODeadline) {
        self.bytes = bytes
        self.arrived = arrived
    }
}

/// What a stage answers when it is asked what may leave.
public enum StageOutput: Sendable, Equatable {
    case chunk(Chunk)
    /// Nothing before that time; nil: nothing before something is received.
    case wait(until: NIODeadline?)
    /// All has left and the source is finished: the other end is told (half-close).
    case finished
    /// The connection is to be closed on both sides, after what went before has been written.
    case close
    /// The connection is to be closed on both sides with RST.
    case reset
}
