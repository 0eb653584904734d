public import NIOCore

/// A toxic that sees both directions of a connection at once, such as faults of HTTP: it can answer a request that
/// the server never sees. It is at its place in the chains of both directions.
public protocol FilterToxic: Toxic {
    /// - Parameters:
    ///   - random: seeded for this connection.
    ///   - watch: what has left the ends of both chains since the connection was opened.
    func filter(_ random: LinkRandom, after watch: HTTPWatch) -> any ConnectionFilter
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
    /// Memory that it takes for one direction, in bytes.
    func kept(_ stream: Stream) -> Int
    /// The toxic was changed, or it was removed or is not drawn any more (nil). The filter stays where it is, as it may
    /// be in the middle of something: it ends that, without delay when it was removed; then the new values hold, or
    /// everything passes.
    mutating func change(to toxic: (any FilterToxic)?)
    /// It holds nothing and is in the middle of nothing: if it lets everything pass, bytes may as well pass it by.
    var isAtRest: Bool { get }
    /// What it did since it was last asked; bounded.
    mutating func takeNotices() -> [FilterNotice]
    /// How often it did what it is for.
    var effects: UInt64 { get }
}

extension ConnectionFilter {
    public func kept(_ stream: Stream) -> Int { held(stream) }
}

/// Something that a filter or a transport toxic did or found on one connection.
public struct FilterNotice: Sendable, Equatable {
    public enum Kind: String, Sendable {
        /// It made something bad.
        case effective
        /// It will do nothing more on this connection, and lets everything pass.
        case passive
        /// It noticed something that it did not make, such as a client that speaks another protocol.
        case saw
    }

    public var kind: Kind
    /// What and to what, such as `status 503: GET /orders`, or why not.
    public var detail: String

    public init(_ kind: Kind, _ detail: String) {
        self.kind = kind
        self.detail = detail
    }
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
    var kept: Int { box.filter.kept(stream) }
    var effects: UInt64 { stream == .upstream ? box.filter.effects : 0 }

    mutating func receive(_ chunk: Chunk) {
        box.filter.receive(chunk, from: stream)
        box.isDirty.insert(stream.other)
    }

    mutating func finish() {
        box.filter.finish(stream)
        box.isDirty.insert(stream.other)
    }

    mutating func next(at now: NIODeadline) -> StageOutput {
        let answer = box.filter.next(stream, at: now)
        // What has left one way may let something leave the other.
        if case .wait = answer { return answer }
        box.isDirty.insert(stream.other)
        return answer
    }

    /// Nothing: a filter stays where it is.
    mutating func release() -> [Chunk] { [] }
}

extension Stream {
    var other: Stream { self == .upstream ? .downstream : .upstream }
}
