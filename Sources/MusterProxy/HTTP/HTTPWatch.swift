public import NIOCore

/// Follows both directions of a connection that is not edited, so that a filter that is put in later knows where
/// messages begin. It is shown whatever passes, in each direction in order, and keeps only the first part of a head.
public struct HTTPWatch: Sendable {
    private var requests = MessageReader(.request)
    private var answers = MessageReader(.answer)
    /// The beginning of a head of which more must come.
    private var requestRest = ByteBuffer()
    private var answerRest = ByteBuffer()
    /// What was asked and is not answered.
    private var waiting = CircularBuffer<MessageReader.Asked>(initialCapacity: 2)
    /// Why it no longer knows.
    private(set) var lost: Misunderstanding?

    /// For a connection on which nothing has passed.
    public init() {}

    /// Between two messages in both directions, with every request answered: a filter can begin here.
    public var isAtRest: Bool {
        lost == nil && waiting.isEmpty && requests.isBetween && answers.isBetween
            && requestRest.readableBytes == 0
    }

    /// Memory, in bytes.
    var kept: Int { requestRest.capacity + answerRest.capacity }

    /// Bytes that went to the server (`upstream`) or to the client.
    public mutating func saw(_ bytes: ByteBuffer, _ stream: Stream) {
        guard lost == nil else { return }
        let isRequest = stream == .upstream
        var rest = isRequest ? requestRest : answerRest
        if isRequest { requestRest = ByteBuffer() } else { answerRest = ByteBuffer() }
        rest.join(bytes)
        let used = rest.withUnsafeReadableBytes { all in
            var used = 0
            while let count = isRequest
                ? readRequest(all.part(used..<all.count)) : readAnswer(all.part(used..<all.count))
            {
                used += count
            }
            return used
        }
        guard lost == nil, used < rest.readableBytes else { return }
        rest.moveReaderIndex(forwardBy: used)
        if isRequest { requestRest = rest } else { answerRest = rest }
    }

    /// - Returns: how much was read; nil when more must come.
    private mutating func readRequest(_ bytes: UnsafeRawBufferPointer) -> Int? {
        switch requests.read(bytes) {
        case .more: return nil
        case .not(let why): lost = why
        case .framing(let count), .data(let count): return count
        case .end: return 0
        case .head(let count):
            let method = bytes.part(requests.head.method)
            guard !method.elementsEqual("CONNECT".utf8), !requests.head.fields.upgrades else {
                lost = .tunnel
                return nil
            }
            guard waiting.count < HTTPLimits.waiting else {
                lost = .unwatched
                return nil
            }
            waiting.append(method.elementsEqual("HEAD".utf8) ? .head : .other)
            return count
        }
        return nil
    }

    private mutating func readAnswer(_ bytes: UnsafeRawBufferPointer) -> Int? {
        guard let asked = waiting.first else {
            if !bytes.isEmpty { lost = .unasked }
            return nil
        }
        answers.asked = asked
        switch answers.read(bytes) {
        case .more: return nil
        case .not(let why): lost = why
        case .framing(let count), .data(let count), .head(let count): return count
        case .end:
            if answers.head.status >= 200 { waiting.removeFirst() }
            return 0
        }
        return nil
    }
}
