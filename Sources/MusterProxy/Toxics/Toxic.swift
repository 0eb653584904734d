public import NIOCore

/// A way of making one direction of a connection bad. One toxic, one file, one line in `ToxicCatalog.swift`.
///
/// A value: what people configured. What it does to one direction of one connection is its stage.
public protocol Toxic: Sendable {
    /// The word by which the API knows it, such as `latency`.
    static var type: String { get }
    /// What it can be told, in the order in which the API gives them back.
    static var attributes: [Attribute] { get }
    /// - Parameter values: complete: what was not given has its default.
    /// - Throws: `AttributeProblem` when a value is out of range.
    init(_ values: AttributeValues) throws(AttributeProblem)
    var values: AttributeValues { get }
    /// - Parameter random: seeded for this link, so that a run can be repeated.
    func stage(_ random: LinkRandom) -> any ToxicStage
}

/// A toxic at work in one direction of one connection: a state machine without input, output or clock, so that
/// its arithmetic is tested exactly.
///
/// The link that owns it feeds it in order, and asks it after each feeding and at each time that it named.
public protocol ToxicStage {
    /// Takes what the stage before let through.
    mutating func receive(_ chunk: Chunk)
    /// The stage before will let nothing more through.
    mutating func finish()
    /// What may leave now. Asked again until it answers `wait`.
    mutating func next(at now: NIODeadline) -> StageOutput
    /// Bytes that it holds back: with them the link decides when to stop reading.
    var held: Int { get }
    /// The toxic was changed or removed: hands over all that is held, in order, to whatever stands in its place.
    mutating func release() -> [Chunk]
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
    /// The connection is to be closed on both sides.
    case close
    /// The connection is to be closed on both sides with RST.
    case reset
}

/// Random numbers of one link: drawn from the proxy's seed, the proxy's name, the connection's number and the
/// direction, so that what one connection draws does not depend on others (SplitMix64, Steele et al. 2014).
public struct LinkRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
