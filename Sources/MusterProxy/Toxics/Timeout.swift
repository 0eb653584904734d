internal import NIOCore

/// Toxiproxy's `timeout`: bytes are swallowed, and the connection is closed when that long nothing has come.
///
/// As there, each chunk that comes starts the time anew, 0 never closes, and removing the toxic closes the link,
/// because bytes are missing from it. Unlike there, removing it leaves alone the links on which it was not drawn.
public struct Timeout: Toxic {
    public static let type = "timeout"
    public static let summary = "Bytes are swallowed, and the connection closed after a while."
    public static let attributes = [
        Attribute(
            "timeout", .integer, .integer(0), "milliseconds without bytes until it closes; 0 never closes")
    ]

    public let timeout: Int64

    public init(_ values: AttributeValues) throws(AttributeProblem) { timeout = values.integer("timeout") }

    public var values: AttributeValues { ["timeout": .integer(timeout)] }

    public func stage(_ random: LinkRandom) -> (any ToxicStage)? {
        TimeoutStage(timeout: timeout > 0 ? .told(milliseconds: timeout) : nil)
    }
}

struct TimeoutStage: ToxicStage {
    private let timeout: TimeAmount?
    private var isFinished = false
    private var due: NIODeadline?
    private var isClosed = false
    private(set) var effects: UInt64 = 0

    init(timeout: TimeAmount?) { self.timeout = timeout }

    var held: Int { 0 }
    var endsLinkWhenRemoved: Bool { true }

    mutating func receive(_ chunk: Chunk) {
        effects += UInt64(chunk.bytes.readableBytes)
        due = nil
    }

    mutating func finish() { isFinished = true }
    mutating func release() -> [Chunk] { [] }

    mutating func next(at now: NIODeadline) -> StageOutput {
        if isClosed { return .close }
        // The end of the stream passes, and both sides close: half of this connection is missing.
        guard !isFinished else { return close() }
        guard let timeout else { return .wait(until: nil) }
        let due = due ?? now + timeout
        self.due = due
        return due <= now ? close() : .wait(until: due)
    }

    mutating func inherit(from old: any ToxicStage) { effects = old.effects }

    private mutating func close() -> StageOutput {
        isClosed = true
        return .close
    }
}
