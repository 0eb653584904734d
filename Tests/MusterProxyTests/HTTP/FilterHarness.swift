import NIOCore

@testable import MusterProxy

/// Feeds a filter, and keeps what leaves it.
struct FilterHarness {
    var filter: HTTPFilter
    var now = NIODeadline.uptimeNanoseconds(1_000_000_000)
    private(set) var toServer = ""
    private(set) var toClient = ""
    /// `finished` by direction; `close` and `reset` under both.
    private(set) var ends: [Stream: StageOutput] = [:]
    /// The earliest time that was named.
    private(set) var wake: NIODeadline?

    init(_ values: AttributeValues = [:], seed: UInt64 = 1, after watch: HTTPWatch = HTTPWatch()) throws {
        let all = HTTPFaultToxic.initialValues.merging(values) { $1 }
        let fault = values.isEmpty ? nil : try HTTPFault(all)
        filter = HTTPFilter(fault, random: LinkRandom(seed: seed), after: watch)
    }

    mutating func client(_ text: String) { feed(text, .upstream) }
    mutating func server(_ text: String) { feed(text, .downstream) }

    mutating func feed(_ text: String, _ stream: Stream) {
        filter.receive(Chunk(ByteBuffer(string: text), at: now), from: stream)
        pump(stream)
    }

    mutating func finish(_ stream: Stream) {
        filter.finish(stream)
        pump(stream)
    }

    mutating func pass(_ time: TimeAmount) {
        now = now + time
        pump()
    }

    /// Lets time pass until the filter waits for nothing.
    mutating func runOut() {
        for _ in 0..<10_000 {
            guard let wake else { return }
            now = max(now, wake)
            pump()
        }
    }

    /// Asks the direction that was fed and then the other, as a link does, until both wait.
    private mutating func pump(_ first: Stream = .upstream) {
        wake = nil
        var quiet = 0
        var stream = first.other
        while quiet < 2 {
            stream = stream.other
            guard ends[stream] == nil else {
                quiet += 1
                continue
            }
            switch filter.next(stream, at: now) {
            case .chunk(let chunk):
                quiet = 0
                let text = String(buffer: chunk.bytes)
                if stream == .upstream { toServer += text } else { toClient += text }
            case .wait(let until):
                quiet += 1
                if let until { wake = wake.map { min($0, until) } ?? until }
            case .finished:
                quiet = 0
                ends[stream] = .finished
            case let end:
                ends = [.upstream: end, .downstream: end]
                wake = nil
                return
            }
        }
    }
}
