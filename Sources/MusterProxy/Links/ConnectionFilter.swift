public import NIOCore

/// A toxic that sees both directions of a connection at once, such as faults of HTTP: it can answer a request that
/// the server never sees. It is at its place in the chains of both directions.
public protocol FilterToxic: Toxic {
    /// - Parameter random: seeded for this connection.
    func filter(_ random: LinkRandom) -> any ConnectionFilter
}

extension FilterToxic {
    public func stage(_ random: LinkRandom) -> (any ToxicStage)? { nil }
}

/// One connection as a filter sees it: a state machine without input, output or clock, with two inputs and two
/// outputs. Each direction keeps the rules of `ToxicStage`: fed in order, asked for what may leave after each feeding
/// and at each time that it named, and asked again until it answers `wait`. What one direction receives may make
/// something ready in the other: both are asked after each feeding.
public protocol ConnectionFilter {
    /// Takes bytes from the client (`upstream`) or from the server (`downstream`).
    mutating func receive(_ chunk: Chunk, from stream: Stream)
    /// The client (`upstream`) or the server (`downstream`) will send nothing more.
    mutating func finish(_ stream: Stream)
    /// What may leave towards the server (`upstream`) or the client (`downstream`). `finished` half-closes that
    /// side; `close` and `reset` end the connection on both.
    mutating func next(_ stream: Stream, at now: NIODeadline) -> StageOutput
    /// Bytes that it holds back in one direction.
    func held(_ stream: Stream) -> Int
    /// It was removed or changed: hands over all that is held in one direction, in order.
    mutating func release(_ stream: Stream) -> [Chunk]
    /// Takes over from the filter that it replaces, before it is given what that one held.
    mutating func inherit(from old: any ConnectionFilter)
    /// How often it did what it is for.
    var effects: UInt64 { get }
}

extension ConnectionFilter {
    public mutating func inherit(from old: any ConnectionFilter) {}
    public var effects: UInt64 { 0 }
}

/// One filter that two directions share.
final class FilterBox {
    var filter: any ConnectionFilter
    /// The directions that must be asked again, because the other one fed the filter.
    var isDirty: Set<Stream> = []

    init(_ filter: any ConnectionFilter) { self.filter = filter }
}

/// A filter as a stage of one direction.
struct FilterPort: ToxicStage {
    let box: FilterBox
    private let stream: Stream

    init(_ box: FilterBox, stream: Stream) {
        self.box = box
        self.stream = stream
    }

    var held: Int { box.filter.held(stream) }
    var effects: UInt64 { stream == .upstream ? box.filter.effects : 0 }

    mutating func receive(_ chunk: Chunk) {
        box.filter.receive(chunk, from: stream)
        box.isDirty.insert(stream.other)
    }

    mutating func finish() {
        box.filter.finish(stream)
        box.isDirty.insert(stream.other)
    }

    mutating func next(at now: NIODeadline) -> StageOutput { box.filter.next(stream, at: now) }
    mutating func release() -> [Chunk] { box.filter.release(stream) }

    mutating func inherit(from old: any ToxicStage) {
        guard stream == .upstream, let old = old as? FilterPort else { return }
        box.filter.inherit(from: old.box.filter)
    }
}

extension Stream {
    var other: Stream { self == .upstream ? .downstream : .upstream }
}
