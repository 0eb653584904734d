internal import NIOCore

@testable internal import MusterProxy

/// Two peers that talk through a filter, and what must be so meanwhile.
struct FilterTalk {
    private var harness: FilterHarness
    private var given: [Stream: [UInt8]] = [.upstream: [], .downstream: []]
    private var finished: Set<Stream> = []

    init(_ values: AttributeValues) throws { harness = try FilterHarness(values) }

    mutating func feed(_ bytes: [UInt8], _ stream: Stream) {
        guard !bytes.isEmpty, !finished.contains(stream), harness.ends[stream] == nil else { return }
        given[stream, default: []] += bytes
        harness.feed(bytes, stream)
        let count = given.values.reduce(0) { $0 + $1.count }
        for stream in Stream.allCases {
            let held = harness.filter.held(stream)
            require(held <= count + 65_536, "it holds \(held) of \(count) bytes")
        }
        require(harness.filter.takeNotices().count <= HTTPLimits.notices, "it tells no more than it may")
    }

    mutating func finish(_ stream: Stream) {
        if finished.insert(stream).inserted { harness.finish(stream) }
    }

    /// Time passes until the next moment that the filter named.
    mutating func wait() {
        if let wake = harness.wake { harness.pass(max(.nanoseconds(0), wake - harness.now)) }
    }

    mutating func runOut() { harness.runOut() }

    func requireUntouched() {
        for stream in Stream.allCases {
            require(harness.left[stream] == given[stream], "\(stream): every byte passes as it came")
            let end = harness.ends[stream]
            require(end == .finished, "\(stream): the end passes, not \(String(describing: end))")
        }
    }
}
