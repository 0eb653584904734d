import NIOCore

@testable import MusterProxy

/// Feeds a filter as a link does, and keeps what leaves it. Also used under libFuzzer (Fuzz/).
struct FilterHarness {
    var filter: HTTPFilter
    var now = NIODeadline.uptimeNanoseconds(1_000_000_000)
    /// What has left, by direction.
    private(set) var left: [Stream: [UInt8]] = [.upstream: [], .downstream: []]
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

    var toServer: String { String(decoding: left[.upstream] ?? [], as: UTF8.self) }
    var toClient: String { String(decoding: left[.downstream] ?? [], as: UTF8.self) }

    mutating func feed(_ text: String, _ stream: Stream) { feed(Array(text.utf8), stream) }

    mutating func feed(_ bytes: [UInt8], _ stream: Stream) {
        filter.receive(Chunk(ByteBuffer(bytes: bytes), at: now), from: stream)
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
        var steps = 0
        var stream = first.other
        while quiet < 2 {
            stream = stream.other
            steps += 1
            precondition(steps < 1_000_000, "a filter that never waits")
            guard ends[stream] == nil else {
                quiet += 1
                continue
            }
            switch filter.next(stream, at: now) {
            case .chunk(let chunk):
                quiet = 0
                left[stream, default: []] += chunk.bytes.readableBytesView
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
